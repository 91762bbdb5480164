"""A report on A4: what it is about, its main numbers in a strip, its tables, its notes."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.text import capfirst
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Paragraph, Spacer, Table, TableStyle

from receivables.figures.sheet import Part, Sheet
from receivables.printing.page import (
    BOLD,
    HEADING,
    LINE,
    SIDE,
    SMALL,
    TEXT,
    TITLE,
    Printed,
    Track,
    Write,
    paper,
    table,
    text,
)

_NUMBER = ParagraphStyle("number", parent=TEXT, fontName=BOLD, fontSize=12, leading=15)


def draw_sheet(sheet: Sheet, *, printed: Printed, write: Write) -> bytes:
    """Draw a report; `write` says how amounts, days and moments are written."""
    width = (A4[1] if sheet.is_wide else A4[0]) - 2 * SIDE
    story = list(_story(sheet, width, write))
    title = " · ".join([sheet.title, *(str(value) for _label, value in sheet.about)])
    return paper(story, title=title, printed=printed, write=write, is_wide=sheet.is_wide)


def _story(sheet: Sheet, width: float, write: Write) -> Iterator[Any]:
    yield text(sheet.title, TITLE)
    yield Spacer(0, 1.5 * mm)
    yield _strip(sheet.about, width, TEXT, write)
    if sheet.numbers:
        yield Spacer(0, 2.5 * mm)
        yield _strip([(label, f"R$ {write(amount)}") for label, amount in sheet.numbers], width, _NUMBER, write)
    for part in sheet.parts:
        yield from _part(part, width, write)
    if sheet.notes:
        yield Spacer(0, 3 * mm)
        yield from (text(note, SMALL) for note in sheet.notes)


def _strip(pairs: Sequence[tuple[Any, Any]], width: float, style: ParagraphStyle, write: Write) -> Table:
    """Set labels above their values, side by side."""
    cells = [[text(capfirst(str(label)), SMALL) for label, _value in pairs],
             [text(value if isinstance(value, str) else write(value), style) for _label, value in pairs]]  # fmt: skip
    look = TableStyle([
        ("LEFTPADDING", (0, 0), (0, -1), 0), ("LEFTPADDING", (1, 0), (-1, -1), 8),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4), ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 0), ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
        ("LINEBEFORE", (1, 0), (-1, -1), 0.5, LINE),
    ])  # fmt: skip
    return Table(cells, colWidths=[min(width / len(pairs), 66 * mm)] * len(pairs), style=look, hAlign="LEFT")


def _part(part: Part, width: float, write: Write) -> Iterator[Any]:
    yield CondPageBreak(24 * mm)
    yield Paragraph(part.title, HEADING)
    if not part.rows:
        yield text(part.empty, SMALL)
        return
    tracks = [Track(capfirst(str(each.label)), each.width * mm, each.is_number) for each in part.columns]
    rows = [_written(row, write) for row in part.rows]
    yield table(tracks, rows, width=width, total=_written(part.total, write) if part.total else None)


def _written(row: Sequence[Any], write: Write) -> list[str]:
    return [write(value) for value in row]
