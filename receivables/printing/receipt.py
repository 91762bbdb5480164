"""The receipt on A4: who received of whom, how much in figures and in words, for what, with what (G.22)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether, Spacer, Table, TableStyle

from receivables.domain.in_words import reais_in_words
from receivables.domain.money import ZERO
from receivables.figures.receipt import Means, ReceiptPaper
from receivables.printing.page import (
    BOLD,
    CENTRED,
    HEADING,
    INK,
    LINE,
    SIDE,
    SMALL,
    TEXT,
    TROUBLE,
    Printed,
    Track,
    Write,
    paper,
    table,
    text,
)

WIDTH = A4[0] - 2 * SIDE
_NAME = ParagraphStyle("name", parent=TEXT, fontName=BOLD, fontSize=12.5, leading=16)
_KIND = ParagraphStyle("kind", parent=TEXT, fontName=BOLD, fontSize=17, leading=21, alignment=TA_RIGHT)
_NUMBER = ParagraphStyle("number", parent=TEXT, fontSize=10.5, leading=14, alignment=TA_RIGHT)
_SENTENCE = ParagraphStyle("sentence", parent=TEXT, fontSize=10.5, leading=15.5)
_REMARK = ParagraphStyle("remark", parent=TEXT, fontName=BOLD, textColor=HexColor("#7c4303"))
_UNDONE = ParagraphStyle("undone", parent=TEXT, fontName=BOLD, textColor=TROUBLE)


def draw_receipt(receipt: ReceiptPaper, *, printed: Printed, write: Write) -> bytes:
    """Draw a receipt on A4; one that was reversed says so across the page."""
    return paper(
        list(_story(receipt, write)), title=number_of(receipt), printed=printed, write=write, mark=mark_of(receipt)
    )


def number_of(receipt: ReceiptPaper) -> str:
    return _("Receipt No. %(number)s") % {"number": receipt.number}


def mark_of(receipt: ReceiptPaper) -> str:
    """Say what is said across the paper: nothing while the receipt stands."""
    return {
        "live": "", "reversed": pgettext("paper", "REVERSED"), "partly_reversed": pgettext("paper", "REVERSED IN PART"),
    }[receipt.standing]  # fmt: skip


def undone_of(receipt: ReceiptPaper, write: Write) -> list[str]:
    """Tell each reversal: its number, its day, what it took back."""
    text = _("%(mark)s on %(day)s by reversal No. %(number)s: R$ %(amount)s")
    said = []
    for each in receipt.undone:
        facts = {"mark": mark_of(receipt), "day": write(each.on), "number": each.number, "amount": write(each.amount)}
        said.append(text % facts + (f" · {each.document}" if each.document else ""))
    return said


def sentence_of(receipt: ReceiptPaper, write: Write) -> str:
    """Say the receipt in one sentence, the amount in figures and in words."""
    facts = {"amount": f"R$ {write(receipt.amount)}", "words": reais_in_words(receipt.amount)}
    if receipt.customer is None:
        return _("We received the amount of %(amount)s (%(words)s), for what follows.") % facts
    facts |= {"name": receipt.customer.name, "document": receipt.customer.document}
    return _("We received of %(name)s, %(document)s, the amount of %(amount)s (%(words)s), for what follows.") % facts


def left_over_of(receipt: ReceiptPaper, write: Write) -> list[str]:
    """Tell what paid no installment: the customer's credit, and what is still to be identified."""
    said = []
    if receipt.credit:
        said.append(_("R$ %(amount)s became credit of the customer.") % {"amount": write(receipt.credit)})
    if receipt.suspense:
        said.append(_("R$ %(amount)s is still to be identified.") % {"amount": write(receipt.suspense)})
    return said


def facts_of(receipt: ReceiptPaper, write: Write) -> list[tuple[str, str]]:
    """Tell when, where and by whom it was received."""
    facts = [
        (_("Receipt date"), write(receipt.received_on)), (_("Taken at"), write(receipt.taken_at)),
        (_("Received by"), receipt.operator),
    ]  # fmt: skip
    return [*facts, (_("Till"), receipt.station)] if receipt.station else facts


def _story(receipt: ReceiptPaper, write: Write) -> Iterator[Any]:
    yield _head(receipt, write)
    yield from (_boxed(said, _UNDONE) for said in undone_of(receipt, write))
    yield Spacer(0, 5 * mm)
    yield text(sentence_of(receipt, write), _SENTENCE)
    if receipt.lines:
        yield Spacer(0, 3 * mm)
        yield _lines(receipt, write)
    yield from (text(said, TEXT) for said in left_over_of(receipt, write))
    yield text(_("Means of payment"), HEADING)
    yield _means(receipt.means, write)
    yield KeepTogether(list(_end(receipt, write)))


def _head(receipt: ReceiptPaper, write: Write) -> Table:
    issuer = receipt.issuer
    left = [text(issuer.name, _NAME)]
    if issuer.document:
        left.append(text(f"{_('CNPJ')} {issuer.document}", SMALL))
    if issuer.place:
        left.append(text(issuer.place, SMALL))
    right = [text(pgettext("paper", "RECEIPT"), _KIND), text(_("No. %(number)s") % {"number": receipt.number}, _NUMBER)]
    look = TableStyle([
        ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 6), ("LINEBELOW", (0, 0), (-1, -1), 1, INK),
    ])  # fmt: skip
    return Table([[left, right]], colWidths=[WIDTH * 0.66, WIDTH * 0.34], style=look)


def _lines(receipt: ReceiptPaper, write: Write) -> Table:
    tracks = [
        Track(_("Title")), Track(_("Installment"), 17 * mm), Track(_("Due date"), 19 * mm),
        *(Track(head, 21 * mm, is_right=True) for head in (_("Principal"), _("Interest"), _("Fine"), _("Discount"))),
        Track(_("Total"), 24 * mm, is_right=True),
    ]  # fmt: skip
    columns = ("principal", "interest", "fine", "discount", "total")
    rows = [
        [_document(line, write), line.installment, write(line.due_date), *(write(getattr(line, c)) for c in columns)]
        for line in receipt.lines
    ]
    total = [_("Total"), "", "", *(write(receipt.total(column)) for column in columns)]
    return table(tracks, rows, width=WIDTH, total=total)


def _document(line: Any, write: Write) -> str:
    undone = _("reversed on %(day)s") % {"day": write(line.reversed_on)} if line.reversed_on else ""
    return " · ".join(filter(None, (line.document, undone)))


def _means(means: Sequence[Means], write: Write) -> Table:
    """What nobody noted (a reference, what was handed over, the change) has no column."""
    noted = [
        (Track(_("Reference"), 45 * mm), [each.reference for each in means]),
        (Track(_("Handed over"), 28 * mm, is_right=True), [_noted(each.tendered, write) for each in means]),
        (Track(pgettext("money", "Change"), 28 * mm, is_right=True), [_noted(each.change, write) for each in means]),
    ]  # fmt: skip
    noted = [(track, said) for track, said in noted if any(said)]
    tracks = [Track(_("Means")), *(track for track, _said in noted), Track(_("Amount"), 30 * mm, is_right=True)]
    rows = [
        [each.name, *(said[place] for _track, said in noted), write(each.amount)] for place, each in enumerate(means)
    ]  # fmt: skip
    total = [_("Total"), *[""] * len(noted), write(sum((each.amount for each in means), ZERO))]
    return table(tracks, rows, width=WIDTH, total=total)


def _noted(amount: Decimal | None, write: Write) -> str:
    return "" if amount is None else write(amount)


def _end(receipt: ReceiptPaper, write: Write) -> Iterator[Any]:
    yield Spacer(0, 6 * mm)
    facts = facts_of(receipt, write)
    cells = [[text(label, SMALL) for label, _said in facts], [text(said, TEXT) for _label, said in facts]]
    look = TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("TOPPADDING", (0, 0), (-1, -1), 0),
                       ("BOTTOMPADDING", (0, 0), (-1, -1), 1)])  # fmt: skip
    yield Table(cells, colWidths=[WIDTH / len(facts)] * len(facts), style=look)
    if receipt.remark:
        yield _boxed(str(receipt.remark), _REMARK)
    yield Spacer(0, 20 * mm)
    signed = Table([[text(receipt.issuer.name, CENTRED)]], colWidths=[90 * mm], hAlign="CENTER")
    signed.setStyle(TableStyle([("LINEABOVE", (0, 0), (-1, 0), 0.6, INK)]))
    yield signed


def _boxed(said: str, style: ParagraphStyle) -> Table:
    look = TableStyle([("BOX", (0, 0), (-1, -1), 0.6, LINE), ("LINEBEFORE", (0, 0), (0, -1), 3, style.textColor),
                       ("LEFTPADDING", (0, 0), (-1, -1), 8), ("TOPPADDING", (0, 0), (-1, -1), 4),
                       ("BOTTOMPADDING", (0, 0), (-1, -1), 5)])  # fmt: skip
    return Table([[text(said, style)]], colWidths=[WIDTH], style=look, spaceBefore=6)
