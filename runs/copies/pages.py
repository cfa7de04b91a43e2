"""A page as a file: where it lies in a copy, and how its links then read. Pure.

Our templates put every attribute in double quotes and never nest forms, which is all that is relied on.
"""

from __future__ import annotations

import html
import json
import posixpath
import re
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

FileOf = Callable[[str], str | None]
"""An address of the site to the file that has it in the copy; None for what is not copied."""

_LINKS = re.compile(r'\s(href|src|data-chart|data-svg-library)="([^"]*)"')
_LEFT_OUT = re.compile(
    r'<form\b.*?</form>|<button\b[^>]*\bdata-(?:embeds|badge)=.*?</button>|\sdata-live="[^"]*"',
    re.DOTALL | re.IGNORECASE,
)
"""What only a site can do: choose, sign in, embed, look for new runs."""
_HEADING = re.compile(r"<h1\b.*?</h1>", re.DOTALL)
"""Explore's stands among its filters."""
_OF_STYLES = re.compile(r"""url\(["']?([^"')]+)["']?\)""")


def file_name(address: str, experiment: str) -> str:
    """Of a page, chart or table, without what says which experiment: a copy has one."""
    parts = urlsplit(address)
    query = sorted(pair for pair in parse_qsl(parts.query) if pair != ("experiment", experiment))
    path = parts.path.lstrip("/")
    stem, ending = posixpath.splitext(f"{path}index.html" if path.endswith("/") or not path else path)
    mark = f"-{sha256(urlencode(query).encode()).hexdigest()[:10]}" if query else ""
    return f"{stem}{mark}{ending}"


def page_for_copy(text: str, address: str, own_file: str, file_of: FileOf) -> str:
    """Its links lead to other files of the copy, or nowhere; what only a site can do is left out."""
    kept = _LEFT_OUT.sub(lambda found: "".join(_HEADING.findall(found[0])), text)
    return _LINKS.sub(lambda found: _link(found, address, own_file, file_of), kept)


def _link(found: re.Match[str], address: str, own_file: str, file_of: FileOf) -> str:
    name, target = found[1], html.unescape(found[2])
    if target.startswith("#") or urlsplit(target).scheme:
        return found[0]
    whole = urljoin(address, target)
    file = file_of(whole.partition("#")[0])
    if file is None:
        return ""
    mark, fragment = whole.partition("#")[1:]
    return f' {name}="{html.escape(relative(file, own_file) + mark + fragment)}"'


def chart_for_copy(text: str, own_file: str, file_of: FileOf) -> str:
    """Where a point leads to its runs, the address becomes the file's, seen from the chart's."""
    document = json.loads(text)
    for each in document["data"]["datasets"]:
        for point in each["data"]:
            if isinstance(point, dict) and point.get("url"):
                file = file_of(point["url"])
                point["url"] = relative(file, own_file) if file else None
    return json.dumps(document, ensure_ascii=False)


def files_of_style(text: str, name: str) -> list[str]:
    """What a style sheet of this name takes from beside it."""
    targets = (found.partition("#")[0].partition("?")[0] for found in _OF_STYLES.findall(text))
    return [posixpath.normpath(posixpath.join(posixpath.dirname(name), each)) for each in targets if ":" not in each]


def relative(file: str, own_file: str) -> str:
    return posixpath.relpath(file, posixpath.dirname(own_file) or ".")
