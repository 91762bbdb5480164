"""Divergências: who answers for one, and the outcomes that close it, each once and for good (G.15, G.19).

What an outcome posts is done by the services of credits; here the question is locked, answered and signed. Whatever
channel opened it follows through `FOLLOWERS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from receivables.domain.divergence import Debt, Proposal, propose
from receivables.domain.errors import (
    CreditNotEnough,
    CreditOfAnother,
    DivergenceResolved,
    MoneyInSuspense,
    NothingInSuspense,
    NothingPosted,
    NothingToPlace,
    OwnerOutOfReach,
    PersonRequired,
    SecondPersonRequired,
)
from receivables.domain.money import ZERO, format_brl
from receivables.domain.reversal import checked_reason
from receivables.models import (
    CreditKind,
    CustomerCredit,
    Divergence,
    Installment,
    Outcome,
    Reversal,
    Title,
)
from receivables.models.audited import SYSTEM, Actor, signed_by
from receivables.services.credit import refund_credit, use_credit
from receivables.services.locks import lock_customer
from receivables.services.moves import move
from receivables.services.settlement import quote


@dataclass(frozen=True, slots=True)
class Follower:
    """What a channel does beside a divergence: takes its locks first, and follows when one is resolved."""

    lock: Callable[[str], None]
    follow: Callable[[Divergence, datetime], None]


FOLLOWERS: list[Follower] = []


# Opening and closing


def lock_divergence(divergence_id: int) -> Divergence:
    """Lock an open divergence, after what its channel locks and before everything else (G.20).

    Raises DivergenceResolved, which tells who answered it and how.
    """
    source = Divergence.objects.values_list("source", flat=True).get(pk=divergence_id)
    for follower in FOLLOWERS:
        follower.lock(source)
    row: Divergence = Divergence.objects.locked().get(pk=divergence_id)
    if not row.is_open:
        raise told(row)
    return row


def told(row: Divergence) -> DivergenceResolved:
    """Name who resolved a divergence, when and how."""
    person = row.resolved_by.get_username() if row.resolved_by else SYSTEM.name
    outcome = f"{row.get_outcome_display()}. {row.resolution}".removesuffix(" ").removesuffix(".")
    return DivergenceResolved(person=person, at=row.resolved_at, outcome=outcome)


def resolve(row: Divergence, outcome: str, resolution: str, *, by: Actor, now: datetime) -> Divergence:
    """Close a locked divergence with its outcome, and let its channel follow."""
    move(row.resolve, outcome=outcome, resolution=resolution[:500], person_id=by.user_id, at=now, by=by,
         because=resolution)  # fmt: skip
    for follower in FOLLOWERS:
        follower.follow(row, now)
    return row


def agree(row: Divergence, outcome: str, *, takes_two: bool, because: str, by: Actor) -> bool:
    """Say whether an outcome may be carried out now; where it takes two persons the first one only proposes it.

    Raises SecondPersonRequired where the one who proposed it would confirm it himself, a superuser too (G.19).
    """
    if by.user_id is None:
        raise PersonRequired
    if row.proposed == outcome and row.proposed_by_id == by.user_id:
        raise SecondPersonRequired
    if not takes_two or row.proposed == outcome:
        return True
    move(row.propose, outcome=outcome, person_id=by.user_id, by=by, because=because)
    return False


# Who answers for it


def possible_owners(row: Divergence) -> QuerySet:
    """Give the people who may answer for a divergence: active, at a desk, of its branch."""
    people = get_user_model().objects.filter(is_active=True, is_staff=True)
    return people.filter(Q(branches=row.branch_id) | Q(is_superuser=True)).distinct().order_by("username")


@transaction.atomic
def assign_divergence(*, divergence_id: int, owner_id: int, by: Actor) -> Divergence:
    """Make a person responsible; raises OwnerOutOfReach for who does not work in its branch, DivergenceResolved."""
    row = lock_divergence(divergence_id)
    if not possible_owners(row).filter(pk=owner_id).exists():
        owner = get_user_model().objects.get(pk=owner_id)
        raise OwnerOutOfReach(person=owner.get_username(), branch=str(row.branch))
    move(row.assign, owner_id=owner_id, by=by)
    return row


# What money is in question


@dataclass(frozen=True, slots=True)
class InQuestion:
    """What of a receipt's money is still nobody's payment, in reais: in suspense, and as credit by customer."""

    suspense: Decimal
    credits: dict[int, Decimal]

    @property
    def credit(self) -> Decimal:
        return sum(self.credits.values(), ZERO)


def in_question(row: Divergence) -> InQuestion:
    """Add up what the receipt left in suspense or as credit and what of it is there still; nothing once voided."""
    granted: dict[int | None, Decimal] = {}
    voided = Reversal.objects.filter(receipt=row.receipt_id, title=None)
    entries = CustomerCredit.objects.filter(receipt=row.receipt_id, kind__in=_COUNTED)
    for entry in entries if row.receipt_id and not voided.exists() else ():
        sign = 1 if entry.kind == CreditKind.GRANTED else -1
        granted[entry.customer_id] = granted.get(entry.customer_id, ZERO) + sign * entry.amount
    suspense = granted.pop(None, ZERO)
    left = {pk: min(amount, _available(pk)) for pk, amount in granted.items() if pk is not None}
    return InQuestion(suspense, {pk: amount for pk, amount in left.items() if amount > 0})


_COUNTED = (CreditKind.GRANTED, CreditKind.REVOKED, CreditKind.IDENTIFIED)


def _available(customer_id: int) -> Decimal:
    return CustomerCredit.objects.filter(customer=customer_id).available()


def proposal_for(row: Divergence, *, on: date, titles: QuerySet | None = None) -> Proposal:
    """Propose one outcome for posted money, as things stand on `on`; among the debts of some titles or of all."""
    found = in_question(row)
    credit = found.credits.get(row.customer_id or 0, ZERO) or max(found.credits.values(), default=ZERO)
    owner = next((pk for pk, amount in found.credits.items() if amount == credit), None)
    debts = debts_of(owner, on=on, titles=titles) if owner else []
    return propose(suspense=found.suspense, credit=credit, debts=debts)


def debts_of(customer_id: int, *, on: date, titles: QuerySet | None = None) -> list[Debt]:
    """Give what a customer owes, charges of `on` included, what fell due first at the head; of some titles or all."""
    rows = Title.objects.all() if titles is None else titles
    ids = rows.filter(bill_to=customer_id, installments__in=Installment.objects.open()).distinct()
    return [
        Debt(each.installment.pk, each.installment.due_date, each.total)
        for each in quote(title_ids=list(ids.values_list("pk", flat=True)), on=on)
    ]


# Outcomes


@transaction.atomic
def apply_credit(
    *, divergence_id: int, installment_id: int, amount: Decimal, cash_date: date, by: Actor, now: datetime, on: date
) -> Divergence:
    """Pay this or another installment of the customer with the credit in question; what is left stays credit.

    Raises DivergenceResolved, MoneyInSuspense, CreditOfAnother, CreditNotEnough, and as `use_credit`.
    """
    row = lock_divergence(divergence_id)
    installment = Installment.objects.select_related("title").get(pk=installment_id)
    available = _credit_in_question(row).get(installment.title.bill_to_id)
    if available is None:
        raise CreditOfAnother(installment=str(installment))
    if amount > available:
        raise CreditNotEnough(available=available, asked=amount)
    receipt = use_credit(
        installment_id=installment_id, amount=amount, cash_date=cash_date, by=by, now=now, on=on, reason=str(row)
    )
    resolution = _("R$ %(amount)s in installment %(installment)s, receipt %(receipt)s.") % {
        "amount": format_brl(amount), "installment": installment, "receipt": receipt.label,
    }  # fmt: skip
    return resolve(row, Outcome.APPLIED, resolution, by=by, now=now)


@transaction.atomic
def keep_as_credit(*, divergence_id: int, by: Actor, now: datetime) -> Divergence:
    """Leave the money as the customer's credit, to be used or refunded at any time; nothing is posted.

    Raises DivergenceResolved, MoneyInSuspense, NothingToPlace.
    """
    row = lock_divergence(divergence_id)
    amount = format_brl(sum(_credit_in_question(row).values(), ZERO))
    resolution = _("R$ %(amount)s stays as the customer’s credit.") % {"amount": amount}
    return resolve(row, Outcome.KEPT, resolution, by=by, now=now)


@transaction.atomic
def refund_divergence(
    *, divergence_id: int, customer_id: int, amount: Decimal, method_code: str, cash_date: date, reason: str,
    by: Actor, now: datetime, on: date,
) -> Divergence:  # fmt: skip
    """Give the credit in question back in money, in the divergence's branch; what is left stays credit.

    Raises DivergenceResolved, MoneyInSuspense, CreditNotEnough, and as `refund_credit` (CashDayClosed, …).
    """
    row = lock_divergence(divergence_id)
    available = _credit_in_question(row).get(customer_id, ZERO)
    if amount > available:
        raise CreditNotEnough(available=available, asked=amount)
    refund_credit(
        customer_id=customer_id, branch_id=row.branch_id, amount=amount, method_code=method_code, cash_date=cash_date,
        reason=reason, by=by, now=now, on=on,
    )  # fmt: skip
    resolution = _("R$ %(amount)s refunded: %(reason)s") % {"amount": format_brl(amount), "reason": reason.strip()}
    return resolve(row, Outcome.REFUNDED, resolution, by=by, now=now)


@transaction.atomic
def identify_customer(
    *, divergence_id: int, customer_id: int, reason: str, by: Actor, now: datetime, on: date,
    installment_id: int | None = None,
) -> Divergence:  # fmt: skip
    """Give what is in suspense to the customer whose it is, as credit; an installment takes of it what it owes.

    Raises DivergenceResolved, NothingInSuspense, CreditOfAnother, ReasonTooShort, and as `use_credit`.
    """
    reason = checked_reason(reason)
    row = lock_divergence(divergence_id)
    entry = _suspense_of(row)
    resolution = _("R$ %(amount)s is of customer %(customer)s: %(reason)s") % {
        "amount": format_brl(entry.amount), "customer": lock_customer(customer_id), "reason": reason,
    }  # fmt: skip
    stamp = {"branch": entry.branch, "amount": entry.amount, "receipt": entry.receipt, "source": entry,
             "reason": reason, "posted_at": now, **signed_by(by)}  # fmt: skip
    CustomerCredit.objects.create(kind=CreditKind.IDENTIFIED, **stamp)
    CustomerCredit.objects.create(kind=CreditKind.GRANTED, customer_id=customer_id, **stamp)
    if installment_id is not None:
        _pay(installment_id, customer_id, entry.amount, by=by, now=now, on=on, because=reason)
    row.customer_id = customer_id
    return resolve(row, Outcome.IDENTIFIED, resolution, by=by, now=now)


@transaction.atomic
def accept_difference(*, divergence_id: int, by: Actor, now: datetime, reason: str = "") -> Divergence:
    """Leave everything as it was posted; a difference in money needs a reason.

    Raises DivergenceResolved, NothingPosted, MoneyInSuspense, ReasonTooShort.
    """
    row = lock_divergence(divergence_id)
    if row.receipt_id is None:
        raise NothingPosted
    _refuse_suspense(in_question(row))
    if row.amount or reason.strip():
        reason = checked_reason(reason)
    return resolve(row, Outcome.ACCEPTED, reason, by=by, now=now)


def _credit_in_question(row: Divergence) -> dict[int, Decimal]:
    found = in_question(row)
    _refuse_suspense(found)
    if not found.credits:
        raise NothingToPlace
    return found.credits


def _refuse_suspense(found: InQuestion) -> None:
    if found.suspense:
        raise MoneyInSuspense(amount=found.suspense)


def _suspense_of(row: Divergence) -> CustomerCredit:
    if not in_question(row).suspense:
        raise NothingInSuspense
    return CustomerCredit.objects.get(receipt=row.receipt_id, customer=None, kind=CreditKind.GRANTED)


def _pay(
    installment_id: int, customer_id: int, amount: Decimal, *, by: Actor, now: datetime, on: date, because: str
) -> None:
    installment = Installment.objects.select_related("title").get(pk=installment_id)
    if installment.title.bill_to_id != customer_id:
        raise CreditOfAnother(installment=str(installment))
    quotes = quote(title_ids=[installment.title_id], on=on)
    owed = next((each.total for each in quotes if each.installment.pk == installment_id), ZERO)
    use_credit(installment_id=installment_id, amount=min(amount, owed) or amount, cash_date=on, by=by, now=now, on=on,
               reason=because)  # fmt: skip
