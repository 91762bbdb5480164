"""The common A4 page: type, colours, tables with a head on each page, and a foot that says who printed and page x of y.

Helvetica in WinAnsi has every Portuguese letter, so no font is embedded.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from xml.sax.saxutils import escape

from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph, Table, TableStyle

Write = Callable[[Any], str]
"""How a value is written for people: the edge that asks for a paper says it."""

INK, MUTED, LINE, ACCENT = HexColor("#17212b"), HexColor("#54616e"), HexColor("#cfd7de"), HexColor("#0b5f63")
STRIPE, TROUBLE, TROUBLE_GROUND = HexColor("#f3f5f7"), HexColor("#9b1c1c"), HexColor("#f6dedd")
PLAIN, BOLD = "Helvetica", "Helvetica-Bold"
SIDE, TOP, FOOT = 15 * mm, 14 * mm, 18 * mm
RUNNING_HEAD = 8 * mm

TEXT = ParagraphStyle("text", fontName=PLAIN, fontSize=9, leading=12.5, textColor=INK)
SMALL = ParagraphStyle("small", parent=TEXT, fontSize=7.5, leading=10, textColor=MUTED)
TITLE = ParagraphStyle("title", parent=TEXT, fontName=BOLD, fontSize=15, leading=19)
HEADING = ParagraphStyle("heading", parent=TEXT, fontName=BOLD, fontSize=9.5, leading=13, spaceBefore=9, spaceAfter=3)
CELL = ParagraphStyle("cell", parent=TEXT, fontSize=7.5, leading=9.2)
RIGHT = ParagraphStyle("right", parent=TEXT, alignment=TA_RIGHT)
CENTRED = ParagraphStyle("centred", parent=TEXT, alignment=TA_CENTER)


@dataclass(frozen=True, slots=True)
class Printed:
    """Who prints a paper, and when."""

    by: str
    at: datetime


class _Counting(Canvas):
    """Draws the foot of each page once it is known how many there are."""

    foot: ClassVar[Callable[[Any, int, int], None]]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - reportlab's name
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for number, page in enumerate(self._pages, start=1):
            self.__dict__.update(page)
            self.foot(number, len(self._pages))
            super().showPage()
        super().save()


def paper(
    story: Sequence[Any],
    *,
    title: str,
    printed: Printed,
    write: Write,
    is_wide: bool = False,
    mark: str = "",
) -> bytes:
    """Lay a story out on A4 pages and give the PDF; `mark` is said across each page, under what is written."""
    size = landscape(A4) if is_wide else A4
    width, height = size

    def first(canvas: Any, _document: Any) -> None:
        _say_across(canvas, mark, size)

    def later(canvas: Any, _document: Any) -> None:
        _say_across(canvas, mark, size)
        canvas.setFont(PLAIN, 7.5)
        canvas.setFillColor(MUTED)
        canvas.drawString(SIDE, height - TOP - 3 * mm, title)
        _rule(canvas, height - TOP - 5 * mm, width)

    def frame(name: str, above: float) -> Frame:
        room = height - above - FOOT
        return Frame(SIDE, FOOT, width - 2 * SIDE, room, id=name, leftPadding=0, rightPadding=0, topPadding=0,
                     bottomPadding=0)  # fmt: skip

    file = io.BytesIO()
    document = BaseDocTemplate(file, pagesize=size, title=title, author="Quita", lang="pt-BR")
    document.addPageTemplates([
        PageTemplate("first", frame("first", TOP), onPage=first, autoNextPageTemplate="later"),
        PageTemplate("later", frame("later", TOP + RUNNING_HEAD), onPage=later),
    ])  # fmt: skip
    document.build(list(story), canvasmaker=_canvas_with_foot(printed, write, width))
    return file.getvalue()


def _canvas_with_foot(printed: Printed, write: Write, width: float) -> type[Canvas]:
    who = _("Printed by %(by)s on %(at)s") % {"by": printed.by, "at": write(printed.at)}

    def foot(canvas: Any, number: int, count: int) -> None:
        _rule(canvas, FOOT - 5 * mm, width)
        canvas.setFont(PLAIN, 7.5)
        canvas.setFillColor(MUTED)
        canvas.drawString(SIDE, FOOT - 9 * mm, who)
        page = _("Page %(number)s of %(count)s") % {"number": number, "count": count}
        canvas.drawRightString(width - SIDE, FOOT - 9 * mm, page)

    return type("CountingWithFoot", (_Counting,), {"foot": foot})


def _rule(canvas: Any, y: float, width: float) -> None:
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.5)
    canvas.line(SIDE, y, width - SIDE, y)


def _say_across(canvas: Any, mark: str, size: tuple[float, float]) -> None:
    if not mark:
        return
    points = min(96.0, 0.9 * size[0] / stringWidth(mark, BOLD, 1))
    canvas.saveState()
    canvas.translate(size[0] / 2, size[1] / 2)
    canvas.rotate(40)
    canvas.setFillColor(TROUBLE_GROUND)
    canvas.setFont(BOLD, points)
    canvas.drawCentredString(0, -points / 3, mark)
    canvas.restoreState()


def text(said: Any, style: ParagraphStyle = TEXT) -> Paragraph:
    """Give a paragraph of plain text: what looks like markup is said as it is."""
    return Paragraph(escape(str(said)).replace("\n", "<br/>"), style)


@dataclass(frozen=True, slots=True)
class Track:
    """A column of a table: its head, its width in points (0 takes what is left), and its side."""

    head: str
    width: float = 0
    is_right: bool = False


def table(
    tracks: Sequence[Track],
    rows: Sequence[Sequence[str]],
    *,
    width: float,
    total: Sequence[str] | None = None,
) -> Table:
    """Give a table whose head is repeated on each page; long texts wrap, numbers stand on the right."""
    widths = _widths(tracks, width)
    lines = [[track.head for track in tracks], *rows, *([total] if total else [])]
    cells = [
        [_fitted(cell, room, track) for cell, room, track in zip(line, widths, tracks, strict=True)]
        for line in lines[1:]
    ]  # fmt: skip
    heads = [_head(track) for track in tracks]
    return Table([heads, *cells], colWidths=widths, repeatRows=1, style=_look(tracks, len(lines), bool(total)))


def _widths(tracks: Sequence[Track], width: float) -> list[float]:
    """Give each column its width; those without share what is left, or all shrink where nothing is."""
    asked = sum(track.width for track in tracks)
    free = [track for track in tracks if not track.width]
    left = (width - asked) / len(free) if free else 0
    widths = [track.width or max(left, 28 * mm) for track in tracks]
    return [each * width / sum(widths) for each in widths]


_PAD = 3.0


def _fitted(said: str, room: float, track: Track) -> Any:
    """Leave a short text as it is: paragraphs cost ten times as much."""
    if track.is_right or (stringWidth(said, PLAIN, CELL.fontSize) <= room - 2 * _PAD and "\n" not in said):
        return said
    return text(said, CELL)


def _head(track: Track) -> Paragraph:
    style = ParagraphStyle("head", parent=CELL, fontName=BOLD, fontSize=7, leading=8.4, textColor=MUTED,
                           alignment=TA_RIGHT if track.is_right else 0)  # fmt: skip
    return text(track.head, style)


def _look(tracks: Sequence[Track], count: int, has_total: bool) -> TableStyle:  # noqa: FBT001 - one question
    rights = [("ALIGN", (place, 1), (place, -1), "RIGHT") for place, track in enumerate(tracks) if track.is_right]
    total = [
        ("FONT", (0, -1), (-1, -1), BOLD, CELL.fontSize), ("LINEABOVE", (0, -1), (-1, -1), 0.8, INK),
        ("LINEBELOW", (0, -1), (-1, -1), 0, STRIPE),
    ] if has_total else []  # fmt: skip
    return TableStyle([
        ("FONT", (0, 1), (-1, -1), PLAIN, CELL.fontSize, CELL.leading), ("TEXTCOLOR", (0, 0), (-1, -1), INK),
        ("VALIGN", (0, 0), (-1, 0), "BOTTOM"), ("VALIGN", (0, 1), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, MUTED), ("LINEBELOW", (0, 1), (-1, count - 1), 0.35, LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), _PAD), ("RIGHTPADDING", (0, 0), (-1, -1), _PAD),
        ("TOPPADDING", (0, 0), (-1, -1), 2.4), ("BOTTOMPADDING", (0, 0), (-1, -1), 2.8),
        *rights, *total,
    ])  # fmt: skip
