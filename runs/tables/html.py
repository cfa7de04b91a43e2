"""A table's rows as HTML. In Python, since a template takes ten times as long over a thousand cells."""

from __future__ import annotations

from html import escape

from django.utils.safestring import SafeString, mark_safe

from runs.charts.html import swatch
from runs.tables.table import Column, Line, Table, TableCell


def body(table: Table) -> SafeString:
    """What stands between <tbody> and </tbody>."""
    labelled = table.stacks
    return mark_safe("\n".join([_line(line, labelled) for line in table.lines]))  # noqa: S308 - every text is escaped below


def _line(line: Line, labelled: bool) -> str:
    group = ' class="group-start"' if line.starts_group else ""
    nowrap = ' class="nowrap"' if line.header.style else ""
    header = f'<th scope="row"{nowrap}{_title(line.header.title)}>{_content(line.header)}</th>'
    return f"<tr{group}>{header}{''.join([_cell(column, cell, labelled) for column, cell in line.cells])}</tr>"


def _cell(column: Column, cell: TableCell, labelled: bool) -> str:
    """`labelled` cells say what column they stand in, for where the table's head is not in sight."""
    classes = ("number" if column.is_number else "") + (" wraps" if column.wraps else "")
    heat = f" heat heat-{cell.heat}" if cell.heat else ""
    label = f' data-label="{escape(column.title)}"' if labelled else ""
    return f'<td class="{classes}{heat}"{label}{_title(cell.title)}>{_content(cell)}</td>'


def _title(words: str) -> str:
    return f' title="{escape(words)}"' if words else ""


def _content(cell: TableCell) -> str:
    text = f"<s>{escape(cell.text)}</s>" if cell.is_struck else escape(cell.text)
    parts = [swatch(cell.style) if cell.style else "", f'<a href="{escape(cell.url)}">{text}</a>' if cell.url else text]
    if cell.chip:
        tone = escape(cell.chip.tone)
        parts.append(f'<span class="chip chip-{tone}"{_title(cell.title)}>{escape(cell.chip.text)}</span>')
    if cell.small:
        parts.append(f" <small{_title(cell.small_title)}>{escape(cell.small)}</small>")
    return "".join(parts)
