"""How often the site's intervals and changes are right, by simulation: the tables of docs/measurement.md.

`make calibration`. The last line goes through the whole path: records, a database of its own, the command.
"""

from __future__ import annotations

import os
import tempfile

from tests.calibration import changes, simulation


def main() -> None:
    for table in simulation.tables():
        print(table, end="\n\n")
    print(changes.table(), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"BENCHSITE_VAR": folder, "DJANGO_SETTINGS_MODULE": "benchsite.settings"}
        os.environ.pop("DATABASE_URL", None)
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        print(changes.whole_path())


if __name__ == "__main__":
    main()
