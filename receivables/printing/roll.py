"""The receipt on an 80 mm roll: 72 mm of black print, a page for each copy, as long as it needs to be (G.22).

The words and sentences are those of the A4 receipt.
"""

import io
from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from reportlab.lib.colors import black, white
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Spacer, Table, TableStyle

from receivables.domain.in_words import reais_in_words
from receivables.figures.receipt import Paid, ReceiptPaper
from receivables.printing.page import BOLD, PLAIN, Printed, Write, text
from receivables.printing.receipt import facts_of, left_over_of, mark_of, number_of, undone_of

ROLL, PRINT = 80 * mm, 72 * mm
SIDE, MARGIN = (ROLL - PRINT) / 2, 4 * mm
LONGEST = 14_400.0
"""In points: readers of PDF know no longer page, so that a longer copy goes on in another."""

_TEXT = ParagraphStyle("roll", fontName=PLAIN, fontSize=8.5, leading=10.8, textColor=black)
_BOLD = ParagraphStyle("roll-bold", parent=_TEXT, fontName=BOLD)
_CENTRED = ParagraphStyle("roll-centred", parent=_TEXT, alignment=TA_CENTER)
_NAME = ParagraphStyle("roll-name", parent=_CENTRED, fontName=BOLD, fontSize=10.5, leading=13)
_RIGHT = ParagraphStyle("roll-right", parent=_TEXT, alignment=TA_RIGHT)
_RIGHT_BOLD = ParagraphStyle("roll-right-bold", parent=_RIGHT, fontName=BOLD)
_SUM = ParagraphStyle("roll-sum", parent=_TEXT, fontName=BOLD, fontSize=11, leading=14.5)
_SUM_RIGHT = ParagraphStyle("roll-sum-right", parent=_SUM, alignment=TA_RIGHT)
_MARK = ParagraphStyle("roll-mark", parent=_NAME, fontSize=15, leading=19, textColor=white)


def draw_roll(receipt: ReceiptPaper, *, printed: Printed, write: Write) -> bytes:
    """Draw the customer's and the till's copy of a receipt, one below the other to be cut."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(ROLL, MARGIN), lang="pt-BR")
    canvas.setTitle(number_of(receipt))
    canvas.setAuthor("Quita")
    for copy in (_("CUSTOMER’S COPY"), _("TILL’S COPY")):
        for strip in _strips(list(_story(receipt, copy, printed, write))):
            _draw(canvas, strip)
    canvas.save()
    return file.getvalue()


def _strips(story: Sequence[Any]) -> Iterator[list[tuple[Any, float]]]:
    """Measure what is to be drawn, and cut it where a page would be too long."""
    strip: list[tuple[Any, float]] = []
    for each in story:
        height = each.wrap(PRINT, LONGEST)[1] + getattr(each, "spaceBefore", 0)
        if strip and height + sum(tall for _each, tall in strip) + 2 * MARGIN > LONGEST:
            yield strip
            strip = []
        strip.append((each, height))
    yield strip


def _draw(canvas: Any, strip: Sequence[tuple[Any, float]]) -> None:
    height = sum(tall for _each, tall in strip) + 2 * MARGIN
    canvas.setPageSize((ROLL, height))
    y = height - MARGIN
    for each, tall in strip:
        y -= tall
        each.drawOn(canvas, SIDE, y)
    canvas.showPage()


def _story(receipt: ReceiptPaper, copy: str, printed: Printed, write: Write) -> Iterator[Any]:
    yield from _head(receipt, copy)
    if receipt.customer is not None:
        yield _rule()
        yield text(receipt.customer.name, _BOLD)
        yield text(receipt.customer.document, _TEXT)
    for line in receipt.lines:
        yield _rule()
        yield from _line(line, write)
    yield _rule()
    yield _pair(_("TOTAL RECEIVED"), f"R$ {write(receipt.amount)}", _SUM, _SUM_RIGHT)
    yield text(f"({reais_in_words(receipt.amount)})", _TEXT)
    yield from (text(said, _BOLD) for said in left_over_of(receipt, write))
    yield _rule()
    yield from _means(receipt, write)
    yield _rule()
    yield from (_pair(label, said) for label, said in facts_of(receipt, write))
    if receipt.remark:
        yield Spacer(PRINT, 1.5 * mm)
        yield text(receipt.remark, _BOLD)
    yield from (text(said, _BOLD) for said in undone_of(receipt, write))
    yield _rule()
    yield text(_("Printed by %(by)s on %(at)s") % {"by": printed.by, "at": write(printed.at)}, _CENTRED)


def _head(receipt: ReceiptPaper, copy: str) -> Iterator[Any]:
    yield text(receipt.issuer.name, _NAME)
    if receipt.issuer.document:
        yield text(f"{_('CNPJ')} {receipt.issuer.document}", _CENTRED)
    if receipt.issuer.place:
        yield text(receipt.issuer.place, _CENTRED)
    yield _rule()
    yield text(f"{pgettext('paper', 'RECEIPT')} {_('No. %(number)s') % {'number': receipt.number}}", _NAME)
    yield text(copy, _CENTRED)
    mark = mark_of(receipt)
    if mark:
        yield Spacer(PRINT, 1.5 * mm)
        look = TableStyle([("BACKGROUND", (0, 0), (-1, -1), black), ("TOPPADDING", (0, 0), (-1, -1), 1),
                           ("BOTTOMPADDING", (0, 0), (-1, -1), 4)])  # fmt: skip
        yield Table([[text(mark, _MARK)]], colWidths=[PRINT], style=look)


def _line(line: Paid, write: Write) -> Iterator[Any]:
    yield _pair(line.document, _("installment %(label)s") % {"label": line.installment}, _BOLD, _RIGHT)
    yield _pair(_("Due date"), write(line.due_date))
    yield _pair(_("Principal"), write(line.principal))
    for label, amount in ((_("Interest"), line.interest), (_("Fine"), line.fine), (_("Discount"), line.discount)):
        if amount:
            yield _pair(label, write(amount))
    yield _pair(_("Total"), write(line.total), _BOLD, _RIGHT_BOLD)
    if line.reversed_on:
        yield text(_("reversed on %(day)s") % {"day": write(line.reversed_on)}, _BOLD)


def _means(receipt: ReceiptPaper, write: Write) -> Iterator[Any]:
    for each in receipt.means:
        yield _pair(each.name, write(each.amount), _BOLD, _RIGHT_BOLD)
        if each.tendered is not None:
            yield _pair(_("Handed over"), write(each.tendered))
        if each.change is not None:
            yield _pair(pgettext("money", "Change"), write(each.change))
        if each.reference:
            yield text(each.reference, _TEXT)


def _pair(label: str, said: str, left: ParagraphStyle = _TEXT, right: ParagraphStyle = _RIGHT) -> Table:
    look = TableStyle([(f"{side}PADDING", (0, 0), (-1, -1), 0) for side in ("LEFT", "RIGHT", "TOP")]
                      + [("BOTTOMPADDING", (0, 0), (-1, -1), 1), ("VALIGN", (0, 0), (-1, -1), "TOP")])  # fmt: skip
    return Table([[text(label, left), text(said, right)]], colWidths=[PRINT * 0.53, PRINT * 0.47], style=look)


def _rule() -> Table:
    look = TableStyle([("LINEABOVE", (0, 0), (-1, 0), 0.7, black, 1, (2, 2))])
    return Table([[""]], colWidths=[PRINT], rowHeights=[1.6 * mm], style=look, spaceBefore=4)
