"""Issue, change and cancel a title (S3, S4, G.7, G.14, G.21). Its settlement and reversal are services of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from receivables.domain.due_dates import check_presentation
from receivables.domain.errors import (
    AmountNotPositive,
    ChangedMeanwhile,
    DuplicateTitle,
    PartsNotPositive,
    SeveralInstallments,
    TitleHasReceipts,
    TitleNotPending,
)
from receivables.domain.money import ZERO, to_cents
from receivables.domain.reversal import checked_reason
from receivables.models import BankSlip, Branch, Installment, Title, TitleStatus
from receivables.models.audited import Actor
from receivables.services.locks import lock_installments_of, lock_titles
from receivables.services.moves import create_audited, move, write_many


@dataclass(frozen=True, slots=True)
class Part:
    """One installment to issue; `our_number` names a bank slip that already exists at the bank."""

    due_date: date
    amount: Decimal
    our_number: str = ""


@transaction.atomic
def issue_title(*, fields: Mapping[str, Any], parts: Sequence[Part], by: Actor, because: str = "") -> Title:
    """Issue a title with its installments and, where a Nosso Número is given, their slips.

    `fields` are columns of Title but the amount, which is the sum of the parts (G.6).
    Raises DuplicateTitle, PartsNotPositive, AmountNotPositive, InexactAmount, DueAfterPresentation,
    PresentationInParts.
    """
    return issue_titles([(fields, parts)], by=by, because=because)[0]


@transaction.atomic
def issue_titles(
    titles: Sequence[tuple[Mapping[str, Any], Sequence[Part]]], *, by: Actor, because: str = ""
) -> list[Title]:
    """Issue many titles in a fixed number of statements; all or none."""
    rows = [_title(fields, parts) for fields, parts in titles]
    _refuse_duplicates([_identity(row) for row in rows])
    create_audited(rows, by=by, because=because)
    pairs = [
        (_installment(title, number, part), part)
        for title, (_, parts) in zip(rows, titles, strict=True)
        for number, part in enumerate(parts, start=1)
    ]
    create_audited([row for row, _ in pairs], by=by, because=because)
    create_audited([_slip(row, part) for row, part in pairs if part.our_number], by=by, because=because)
    return rows


def _identity(title: Title) -> tuple[Branch, str]:
    return title.issuing_branch, title.document_number


def _refuse_duplicates(identities: Sequence[tuple[Branch, str]]) -> None:
    keys = [(branch.pk, document) for branch, document in identities]
    seen: set[tuple[int, str]] = set()
    known = set(
        Title.objects.filter(document_number__in={document for _, document in keys}).values_list(
            "issuing_branch_id", "document_number"
        )
    )
    for (branch, document), key in zip(identities, keys, strict=True):
        if key in known or key in seen:
            raise DuplicateTitle(branch=str(branch), document=document)
        seen.add(key)


def _title(fields: Mapping[str, Any], parts: Sequence[Part]) -> Title:
    if not parts:
        raise PartsNotPositive(parts=0)
    for part in parts:
        _check_amount(part.amount)
    title = Title(**fields, amount=sum((part.amount for part in parts), ZERO), installment_count=len(parts))
    if title.payable_on_presentation:
        check_presentation(issued_on=title.issued_on, due_dates=[part.due_date for part in parts])
    return title


def _installment(title: Title, number: int, part: Part) -> Installment:
    return Installment(
        title=title,
        number=number,
        due_date=part.due_date,
        amount=part.amount,
        original_amount=part.amount,
        balance=part.amount,
        terms_id=title.collecting_branch.parameter_set.terms_id,
        interest_from=part.due_date,
    )


def _slip(installment: Installment, part: Part) -> BankSlip:
    return BankSlip(
        installment=installment,
        account=installment.title.account,
        our_number=part.our_number,
        due_date=part.due_date,
        amount=part.amount,
    )


_OF_THE_INSTALLMENT = {"due_date": "Data Vencto", "amount": "Vlr da Fatura"}
_OF_THE_PRESENTATION = {"payable_on_presentation", "issued_on", "due_date"}


@transaction.atomic
def change_title(*, title_id: int, changes: Mapping[str, Any], version: int, by: Actor, because: str = "") -> Title:
    """Change the data of a pending title; `due_date` and `amount` only where it has one installment (S3, S4, G.21).

    `version` is the one that the person saw. Raises ChangedMeanwhile, TitleNotPending, SeveralInstallments,
    DuplicateTitle, AmountNotPositive, DueAfterPresentation, PresentationInParts.
    """
    titles = lock_titles([title_id])
    title = titles[title_id]
    if title.version != version:
        raise ChangedMeanwhile(what=str(title))
    if title.status != TitleStatus.PENDING:
        raise TitleNotPending(title=str(title), status=title.get_status_display())
    installments = list(lock_installments_of(titles).values())
    _refuse_several(title, installments, changes)
    before = _identity(title)
    for name, value in changes.items():
        if name not in _OF_THE_INSTALLMENT:
            setattr(title, name, value)
    if _identity(title) != before:
        _refuse_duplicates([_identity(title)])
    for installment in installments:
        _restate(installment, title, changes)
    if title.payable_on_presentation and _OF_THE_PRESENTATION & changes.keys():
        check_presentation(issued_on=title.issued_on, due_dates=[row.due_date for row in installments])
    title.amount = sum((row.amount for row in installments), ZERO)
    title.save_as(by, because=because)
    write_many(installments, reasons=dict.fromkeys((row.pk for row in installments), because), by=by)
    return title


def _refuse_several(title: Title, installments: Sequence[Installment], changes: Mapping[str, Any]) -> None:
    """What belongs to each of several installments is not changed on the title (G.21)."""
    asked = [word for name, word in _OF_THE_INSTALLMENT.items() if name in changes]
    if asked and len(installments) > 1:
        raise SeveralInstallments(title=str(title), count=len(installments), field=asked[0])


def _restate(installment: Installment, title: Title, changes: Mapping[str, Any]) -> None:
    """Carry a title's change into its installment: tills copy both as one, terms follow the collecting branch."""
    installment.terms_id = title.collecting_branch.parameter_set.terms_id
    if "due_date" in changes:
        installment.due_date = installment.interest_from = changes["due_date"]
    if "amount" in changes:
        _check_amount(changes["amount"])
        installment.amount = installment.original_amount = installment.balance = changes["amount"]


def _check_amount(amount: Decimal) -> None:
    to_cents(amount)
    if amount <= 0:
        raise AmountNotPositive(field="Valor")


@transaction.atomic
def change_due_dates(*, title_id: int, due_dates: Mapping[int, date], by: Actor, because: str = "") -> Title:
    """Change due dates of a pending title's installments, by installment id (S3, G.7); raises TitleNotPending, …"""
    titles = lock_titles([title_id])
    title = titles[title_id]
    if title.status != TitleStatus.PENDING:
        raise TitleNotPending(title=str(title), status=title.get_status_display())
    rows = [row for row in lock_installments_of(titles).values() if row.pk in due_dates]
    for row in rows:
        row.due_date = row.interest_from = due_dates[row.pk]
    if title.payable_on_presentation:
        check_presentation(issued_on=title.issued_on, due_dates=[row.due_date for row in rows])
    title.save_as(by, because=because, fields=())  # its version tells that pages which show its dates are old
    write_many(rows, reasons=dict.fromkeys((row.pk for row in rows), because), by=by)
    return title


@transaction.atomic
def cancel_title(*, title_id: int, reason: str, by: Actor) -> Title:
    """Cancel a whole title before any receipt (G.14); raises ReasonTooShort, TitleHasReceipts, MoveRefused."""
    reason = checked_reason(reason)
    titles = lock_titles([title_id])
    title = titles[title_id]
    if title.status in (TitleStatus.PARTIALLY_SETTLED, TitleStatus.SETTLED):
        raise TitleHasReceipts(title=str(title))
    installments = list(lock_installments_of(titles).values())
    move(title.cancel, reason=reason, by=by, because=reason)
    write_many(installments, reasons=dict.fromkeys((row.pk for row in installments), reason), by=by)
    return title
