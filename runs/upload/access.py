"""Where to upload, and with which token. A token is never an argument: others on the machine could read it."""

from __future__ import annotations

import ipaddress
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import httpx

from runs.upload.errors import UploadError

VARIABLE = "BENCHSITE_TOKEN"
_OWN_ENDINGS = re.compile(r"(/api(/v1(/runs)?)?)?/*\Z")
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Server:
    """`address` is written one way, however it was typed: what was confirmed is noted under it."""

    address: str
    is_loopback: bool = False

    @property
    def runs(self) -> str:
        return f"{self.address}/api/v1/runs/"


def server_at(text: str, *, insecure: bool = False) -> Server:
    """Raises UploadError for what is no address, and for plain http:// to another machine unless `insecure`."""
    parts, port = _split(text)
    if parts.username is not None or parts.password is not None:
        raise UploadError("The address must hold no user name and no password; the token is read from a file.")
    host = (parts.hostname or "").rstrip(".")
    is_loopback = _is_loopback(host)
    if is_in_the_open(text) and not insecure:
        raise UploadError(
            f"{text} is not encrypted: whoever listens on the way could take the token. Use https://, or --insecure "
            "in a network that you trust."
        )
    place = f"[{host}]" if ":" in host else host
    place += f":{port}" if port not in (None, _DEFAULT_PORTS[parts.scheme]) else ""
    address = f"{parts.scheme}://{place}{_OWN_ENDINGS.sub('', parts.path)}"
    if not _can_be_asked(address):
        raise _no_address(text)
    return Server(address, is_loopback)


def is_in_the_open(text: str) -> bool:
    """Whether others could listen on the way there: plain http:// to another machine. Raises UploadError as above."""
    parts, _ = _split(text)
    return parts.scheme == "http" and not _is_loopback((parts.hostname or "").rstrip("."))


def _split(text: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise _no_address(text) from None
    is_whole = parts.hostname and not (parts.query or parts.fragment or re.search(r"[\s\\]", text.strip()))
    if parts.scheme not in _DEFAULT_PORTS or not is_whole:
        raise _no_address(text)
    return parts, port


def _can_be_asked(address: str) -> bool:
    """Whether the HTTP library takes it, and a name server would take its host."""
    try:
        host = httpx.URL(address).raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError):
        return False
    return ":" in host or all(_LABEL.fullmatch(label) for label in host.split("."))


def _no_address(text: str) -> UploadError:
    return UploadError(f"{text!r} is not a server's address. One looks like this: https://bench.example.org")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# ---------------------------------------------------------------- the token


@dataclass(frozen=True)
class Token:
    """`source` says where it came from, for messages; the secret itself is in none."""

    secret: str = field(repr=False)
    source: str


def find_token(file: Path | None, environment: Mapping[str, str], var: Path, warn: Callable[[str], None]) -> Token:
    """From the file named, else from BENCHSITE_TOKEN, else from var/token. Raises UploadError if there is none."""
    if file is None and environment.get(VARIABLE, "").strip():
        return _checked(environment[VARIABLE], f"the variable {VARIABLE}")
    path = file or var / "token"
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UploadError(_missing(path, is_named=file is not None)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UploadError(f"The token file {path} cannot be read: {_reason(error)}.") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        warn(f"Others on this machine may read the token in {path}. Type: chmod 600 {path}")
    return _checked(text, str(path))


def _missing(path: Path, *, is_named: bool) -> str:
    if is_named:
        return f"There is no token file {path}."
    return (
        "There is no token. Make one that may upload, on that site's page of tokens or there by `python manage.py "
        f"createtoken USER --upload`; put it into {path} (mode 600), or into the variable {VARIABLE}, or name its file "
        "with --token-file."
    )


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not a text file"


def _checked(text: str, source: str) -> Token:
    """One word, since it becomes part of a header."""
    secret = text.strip()
    if not re.fullmatch(r"[\x21-\x7e]{8,500}", secret):
        raise UploadError(f"What is in {source} is no token: one is a single word that begins with benchsite_.")
    return Token(secret, source)
