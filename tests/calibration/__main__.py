"""How often the site's intervals are right, by simulation: the tables of docs/measurement.md (`make calibration`)."""

from __future__ import annotations

from tests.calibration.simulation import tables

if __name__ == "__main__":
    for table in tables():
        print(table, end="\n\n")
