#!/usr/bin/env python
"""Benchsite's command line: `python manage.py help` lists the commands."""

import os
import signal
import sys
from typing import NoReturn

STOPPED = 128 + signal.SIGINT


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchsite.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here. Run `make ready`, then use .venv/bin/python manage.py …")
    except KeyboardInterrupt:
        _stop()
    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:  # before the command itself heard of it, or while it ended
        _stop()


def _stop() -> NoReturn:
    sys.stderr.write("Stopped.\n")
    sys.exit(STOPPED)


if __name__ == "__main__":
    main()
