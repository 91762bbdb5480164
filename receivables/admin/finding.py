"""How typed words find rows: names by three letters or more, numbers by their beginning, each through an index.

Words that fit too many rows of one kind find none of that kind, and a note says so: a list is exact or says what it
left out.
"""

from functools import cached_property
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from receivables.domain.documents import bare_document
from receivables.models import BankSlip, CashMovement, Customer, Installment, Receipt, Title
from receivables.models.plain_text import LEAST_LETTERS

MOST = 10_000
"""How many rows of one kind a search looks at."""


class Words:
    """What a person typed, and the ids that it stands for; each kind is looked up once, when it is asked for."""

    def __init__(self, asked: str) -> None:
        self.asked = asked
        self.text = asked.replace("\x00", "").strip()
        self.bare = bare_document(self.text)
        self.notes: list[str] = []

    @property
    def is_long_enough(self) -> bool:
        """Say whether names, CPF/CNPJ and Nosso Número are looked for: three letters or digits at least."""
        return len(self.bare) >= LEAST_LETTERS

    @cached_property
    def customers(self) -> list[int]:
        """Give the customers with this name, and those whose CPF/CNPJ begins so."""
        too_many = _("More than %(most)s customers fit “%(text)s”: type more of the name or of the CPF/CNPJ.")
        rows = Customer.objects
        return [
            *self._ids(rows.named(self.text), "pk", too_many),
            *self._ids(rows.documented(self.text), "pk", too_many),
        ]

    @cached_property
    def titles_of_slips(self) -> list[int]:
        """Give the titles of slips, present and former, whose Nosso Número begins so (G.12)."""
        too_many = _("More than %(most)s bank slips have a Nosso Número that begins with “%(text)s”: type more of it.")
        slips = BankSlip.objects.filter(our_number__startswith=self.bare)
        return self._ids(slips, "installment__title", too_many)

    @cached_property
    def installments_by_document(self) -> list[int]:
        """Give the installments of titles whose document begins so."""
        too_many = _("More than %(most)s installments are of documents that begin with “%(text)s”: type more of it.")
        return self._ids(Installment.objects.filter(title__document_number__istartswith=self.text), "pk", too_many)

    @cached_property
    def titles_by_document(self) -> list[int]:
        """Give the titles whose document begins so."""
        too_many = _("More than %(most)s titles have a document that begins with “%(text)s”: type more of it.")
        return self._ids(Title.objects.filter(document_number__istartswith=self.text), "pk", too_many)

    @cached_property
    def receipts(self) -> list[int]:
        """Give the receipts whose number begins so, and that of the back office with this very number."""
        too_many = _("More than %(most)s receipts have a number that begins with “%(text)s”: type more of it.")
        ours = (
            Receipt.objects.filter(pk=int(self.text), number="").values_list("pk", flat=True) if self.is_number else ()
        )
        return [*ours, *self._ids(Receipt.objects.filter(number__istartswith=self.text), "pk", too_many)]

    @cached_property
    def movements_by_notes(self) -> list[int]:
        """Give the cash movements whose notes have every word."""
        too_many = _("More than %(most)s cash movements have “%(text)s” in their notes: type more of it.")
        return self._ids(CashMovement.objects.noted(self.text), "pk", too_many)

    @property
    def is_number(self) -> bool:
        """Say whether it may be the number of a receipt of the back office, which is its id."""
        return self.text.isascii() and self.text.isdigit() and len(self.text) < 19

    def _ids(self, rows: Any, column: str, too_many: str) -> list[int]:
        if not self.is_long_enough:
            return []
        ids = list(rows.order_by().values_list(column, flat=True)[: MOST + 1])
        if len(ids) <= MOST:
            return ids
        note = too_many % {"most": f"{MOST:,}".replace(",", "."), "text": self.text}
        self.notes += [] if note in self.notes else [note]
        return []


def find_titles(titles: Any, words: Words) -> Any:
    """Find titles by document, customer's name or CPF/CNPJ with or without the mask, and Nosso Número."""
    if not words.bare:
        return titles
    found = Q(document_number__istartswith=words.text)
    for column, ids in (("bill_to__in", words.customers), ("pk__in", words.titles_of_slips)):
        if ids:
            found |= Q(**{column: ids})
    return titles.filter(found)


def find_installments(installments: Any, words: Words) -> Any:
    """Find installments as their titles are found."""
    if not words.bare:
        return installments
    return installments.filter(title__in=find_titles(Title.objects.order_by(), words).values("pk"))


def find_customers(customers: Any, words: Words) -> Any:
    """Find customers by name or by CPF/CNPJ, with or without the mask."""
    if not words.bare:
        return customers
    if not words.is_long_enough:
        words.notes.append(_("Type at least three letters or digits."))
    return customers.filter(pk__in=words.customers)


def find_receipts(receipts: Any, words: Words) -> Any:
    """Find receipts by number, a station's or the back office's, and by customer."""
    if not words.bare:
        return receipts
    found = Q(number__istartswith=words.text)
    if words.is_number:
        found |= Q(pk=int(words.text), number="")
    if words.customers:
        found |= Q(customer__in=words.customers)
    return receipts.filter(found)


def find_by_our_number(rows: Any, words: Words) -> Any:
    """Find slips by Nosso Número, new bank collections by the one that they took away, and both by document."""
    if not words.bare:
        return rows
    found = Q(our_number__startswith=words.bare)
    if words.installments_by_document:
        found |= Q(installment__in=words.installments_by_document)
    return rows.filter(found)


def find_movements(movements: Any, words: Words) -> Any:
    """Find cash movements by their title's document, their receipt's number and the words of their notes."""
    return _among(movements, words, title=words.titles_by_document, receipt=words.receipts, pk=words.movements_by_notes)


def find_credits(credits: Any, words: Words) -> Any:
    """Find customers' credits by customer and by receipt number."""
    return _among(credits, words, customer=words.customers, receipt=words.receipts)


def find_reversals(reversals: Any, words: Words) -> Any:
    """Find reversals by their receipt's number and their title's document."""
    return _among(reversals, words, title=words.titles_by_document, receipt=words.receipts)


def find_differences(records: Any, words: Words) -> Any:
    """Find known cash differences as the reversals that left them are found."""
    return _among(records, words, reversal__title=words.titles_by_document, reversal__receipt=words.receipts)


def _among(rows: Any, words: Words, **ids: list[int]) -> Any:
    """Give the rows of which one of the columns holds one of its ids."""
    if not words.bare:
        return rows
    if not words.is_long_enough and not any(ids.values()):
        words.notes.append(_("Type at least three letters or digits."))
    found = Q(pk__in=[])
    for column, known in ids.items():
        found |= Q(**{f"{column}__in": known}) if known else Q(pk__in=[])
    return rows.filter(found)
