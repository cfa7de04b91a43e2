"""Tools that set-up fetches, by hash and into `.tools/NAME`, only where the machine has none of its own.

`python -m engines.environments.tools node` prints the folder that Node.js is in.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from engines.environments.system import Say

_ROOT = Path(__file__).resolve().parent.parent.parent
_DOWNLOAD_MB = {"node": 61, "uv": 25, "postgres": 30, "psycopg": 6}


def folder_of(name: str) -> Path:
    return _ROOT / ".tools" / name


def fetch(name: str, *, say: Say) -> Path | None:
    """The tool's folder, installed from `tools/NAME.txt` unless it stands; None, and said why, if that fails."""
    lock = Path(__file__).parent / "tools" / f"{name}.txt"
    folder, sha256 = folder_of(name), hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = folder / "benchsite-lock.sha256"
    if stamp.is_file() and stamp.read_text(encoding="ascii").strip() == sha256:
        return folder
    say(f"Fetching {name} (about {_DOWNLOAD_MB[name]} MB).")
    shutil.rmtree(folder, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-input"]
    result = subprocess.run(
        [*pip, "--require-hashes", "--target", str(folder), "-r", str(lock)], capture_output=True, text=True
    )
    if result.returncode != 0:
        say(f"It could not be fetched: {(result.stderr.strip().splitlines() or ['no reason given'])[-1]}")
        return None
    stamp.write_text(sha256 + "\n", encoding="ascii")
    return folder


def main(name: str) -> int:
    """Print the tool's folder, alone on standard output."""
    folder = fetch(name, say=lambda text: print(text, file=sys.stderr))  # noqa: T201
    sys.stdout.write(f"{folder or ''}\n")
    return 0 if folder else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
