"""Estorno: undoing a title's share of a receipt, or a whole receipt at a station (S58-S88, C1-C12, G.1-G.4).

The dialogue is the back office's; here everything that it staged is checked again under lock and posted at once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from receivables.domain import fold
from receivables.domain.allocation import Allocation
from receivables.domain.errors import (
    AmountNotPositive,
    CashDayNotClosed,
    ConfirmationRequired,
    DateInFuture,
    DebitRequired,
    MovementDateBeforeLiquidation,
    NewerReceiptFirst,
    NothingToReverse,
    OptionRequired,
    TitleNotSettled,
)
from receivables.domain.money import ZERO, to_cents
from receivables.domain.reversal import (
    ClosedCashOption,
    ReversalPath,
    checked_reason,
    debits_differ,
    decide_cash_side,
    known_difference,
)
from receivables.domain.standing import Past, standing_from
from receivables.models import (
    BranchPaymentMethod,
    CashMovement,
    ClosedCashReversal,
    CreditKind,
    CustomerCredit,
    Direction,
    DocumentType,
    HistoryCode,
    Installment,
    PaymentMethod,
    Receipt,
    ReceiptAllocation,
    Reversal,
    ReversalKind,
    ReversalLine,
    Title,
    TitleStatus,
)
from receivables.models.audited import Actor, signed_by
from receivables.services.cash_day import Landing, closes_cash, is_closed, land, land_later, lock_days
from receivables.services.cash_movement import post_movement
from receivables.services.cash_session import number_session_supplements
from receivables.services.locks import lock_customer, lock_installments_of, lock_titles
from receivables.services.moves import Step, create_audited, move, move_many
from receivables.services.posting import statuses_of_titles
from receivables.services.rows import insert_rows
from receivables.services.settlement import check_codes

DEBITS_DIFFER = "debits_differ"


@dataclass(frozen=True, slots=True)
class Debit:
    """A debit of the closed-cash dialogue (S67-S75); the account is the settlement's own (S72)."""

    movement_date: date
    amount: Decimal
    history_code_id: int
    document_type_id: int
    notes: str = ""


@dataclass(frozen=True, slots=True)
class ClosedCash:
    """What a person answered for one closed account: debits, the first obligatory, or none at all (S65)."""

    option: ClosedCashOption
    debits: Sequence[Debit] = ()

    def __post_init__(self) -> None:
        if self.option is ClosedCashOption.NO_DEBIT and self.debits:
            raise ValueError("a reversal without debit has no debits")


@transaction.atomic
def reverse_title(
    *,
    title_id: int,
    reason: str,
    by: Actor,
    now: datetime,
    on: date,
    closed_cash: Mapping[int, ClosedCash] | None = None,
    confirmed: frozenset[str] = frozenset(),
) -> Reversal:
    """Estornar on a settled title: undo the closing receipt's share in it (S58, S59, G.1).

    `closed_cash` answers the dialogue by account id. Raises TitleNotSettled, OptionRequired, CashDayNotClosed,
    ConfirmationRequired (the debits do not add up to what was settled), ReasonTooShort, …
    """
    newest = newest_live_receipt(title_id=title_id)
    title = Title.objects.get(pk=title_id)
    if newest is None or title.status != TitleStatus.SETTLED:
        raise TitleNotSettled(title=str(title), status=title.get_status_display())
    return reverse_share(
        title_id=title_id, receipt_id=newest.pk, must_be_settled=True, reason=reason, by=by, now=now, on=on,
        closed_cash=closed_cash, confirmed=confirmed,
    )  # fmt: skip


@transaction.atomic
def reverse_share(
    *,
    title_id: int,
    receipt_id: int,
    reason: str,
    by: Actor,
    now: datetime,
    on: date,
    closed_cash: Mapping[int, ClosedCash] | None = None,
    confirmed: frozenset[str] = frozenset(),
    must_be_settled: bool = False,
) -> Reversal:
    """Undo one receipt's share of a title; the newest live receipt goes first, by order of posting (S60, G.1).

    Raises NewerReceiptFirst naming the receipt to undo first, NothingToReverse, and as `reverse_title`.
    """
    reason = checked_reason(reason)
    movements = movements_of(receipt_id=receipt_id, title=title_id)
    plan = _CashPlan.under_lock(movements, answers=closed_cash or {}, by=by, on=on)
    titles = lock_titles([title_id])
    title = titles[title_id]
    if must_be_settled and title.status != TitleStatus.SETTLED:
        raise TitleNotSettled(title=str(title), status=title.get_status_display())
    installments = lock_installments_of(titles)
    receipt = Receipt.objects.get(pk=receipt_id)
    newest = newest_live_receipt(title_id=title_id)
    if newest is not None and newest.pk > receipt_id:
        raise NewerReceiptFirst(receipt=newest.label)
    plan.confirm(confirmed)
    allocations = list(receipt.allocations.live().filter(title=title_id))
    if not allocations:
        raise NothingToReverse(receipt=receipt.label, title=str(title))
    reversal = Reversal.objects.create(
        receipt=receipt,
        title=title,
        kind=plan.kind,
        reversed_on=on,
        amount=sum((row.money for row in allocations), ZERO),
        reason=reason,
        posted_at=now,
        **signed_by(by),
    )
    _undo_allocations(allocations, installments, reversal, by=by)
    plan.post(reversal, by=by, now=now)
    _give_credit_back(movements, reversal, by=by, now=now)
    if plan.kind == ReversalKind.CLOSED_NO_DEBIT:
        _note_reversal_without_debit(title, reversal, by=by)
    return reversal


def newest_live_receipt(*, title_id: int) -> Receipt | None:
    """Give the receipt posted last among those that still pay a title (G.1)."""
    live = ReceiptAllocation.objects.live().filter(title=title_id).order_by("-receipt_id").first()
    return live.receipt if live else None


def movements_of(*, receipt_id: int, **share: int) -> list[CashMovement]:
    """Give the movements that a receipt, or its share of a `title`, left in cash and banks and that were not undone."""
    rows = CashMovement.objects.posted().filter(receipt=receipt_id, reverses=None, reversal=None, **share)
    return list(
        rows.select_related(
            "account__branch__parameter_set", "tender__method", "receipt", "history_code", "document_type"
        ).order_by("pk")
    )


def _undo_allocations(
    allocations: Sequence[ReceiptAllocation], installments: Mapping[int, Installment], reversal: Reversal, *, by: Actor
) -> None:
    """Bring installments and titles back to what the receipts that stand make of them (G.1, G.23)."""
    common = {"reversal_id": reversal.pk, "posted_at": reversal.posted_at, **signed_by(by)}
    insert_rows(ReversalLine, [{"allocation_id": row.pk} for row in allocations], common=common)
    steps = []
    pasts = live_pasts({row.installment_id for row in allocations})
    for pk, live in sorted(pasts.items()):
        installment = installments[pk]
        standing = standing_from(amount=installment.amount, due_date=installment.due_date, live=live)
        if not standing.balance:
            continue  # the receipt had paid charges only: what others paid still settles it
        verb = installment.reopen_part if live else installment.reopen
        steps.append(Step(verb, {"standing": standing}, reversal.reason))
    move_many(steps, by=by)
    titles = {installments[row.installment_id].title_id: installments[row.installment_id].title for row in allocations}
    statuses = statuses_of_titles(installments.values())
    for title_id, title in titles.items():
        _reopen_title(title, statuses[title_id], because=reversal.reason, by=by)


def live_pasts(ids: Collection[int], *, without: int | None = None) -> dict[int, list[Past]]:
    """Give what still stands of each installment, in order of posting; `without` leaves a receipt out."""
    pasts: dict[int, list[Past]] = {pk: [] for pk in ids}
    live = ReceiptAllocation.objects.live().filter(installment__in=ids).exclude(receipt=without)
    for row in live.select_related("receipt").order_by("pk"):
        pasts[row.installment_id].append(
            Past(
                allocation=Allocation(row.principal, row.interest, row.fine, row.discount),
                received_on=row.receipt.received_on,
                late=row.is_late,
                carried_charges=row.carried_charges,
            )
        )
    return pasts


def _reopen_title(title: Title, statuses: Sequence[tuple[str, bool]], *, because: str, by: Actor) -> None:
    status = fold.title_status(statuses)
    if status == fold.PENDING:
        move(title.reopen, by=by, because=because)
        return
    live = ReceiptAllocation.objects.live().filter(title=title).select_related("receipt").order_by("-pk")
    received = sum((row.money for row in live), ZERO)
    if status == fold.SETTLED:
        title.received_amount = received
        title.save_as(by, because=because, fields=["received_amount"])
        return
    move(title.reopen_part, cash_date=live[0].receipt.cash_date, received_amount=received, by=by, because=because)


def _note_reversal_without_debit(title: Title, reversal: Reversal, *, by: Actor) -> None:
    """Append the fact to Observação (S88): a courtesy, the truth is the event row (G.18)."""
    line = _("Reversed on %(day)s without debit information, cash closed, by %(who)s: %(reason)s") % {
        "day": f"{reversal.reversed_on:%d/%m/%Y}",
        "who": by.name,
        "reason": reversal.reason,
    }
    title.notes = f"{title.notes}\n{line}".strip()
    title.save_as(by, because=reversal.reason, fields=["notes"])


def lies_in_closed_cash(movement: CashMovement) -> bool:
    """Say whether the control is on for a movement's account and its day is closed (S61, S62)."""
    return closes_cash(movement.account) and is_closed(account_id=movement.account_id, day=movement.cash_date)


def check_debit(debit: Debit, *, rows: Sequence[CashMovement], on: date) -> None:
    """Check a debit for the closed movements of one account: positive, between the settlement and today, debit codes.

    Raises AmountNotPositive, MovementDateBeforeLiquidation, DateInFuture, WrongDirection, InactiveCode (S67-S73).
    """
    to_cents(debit.amount)
    if debit.amount <= 0:
        raise AmountNotPositive(field="Valor")
    liquidation = max(row.cash_date for row in rows)
    if debit.movement_date < liquidation:
        raise MovementDateBeforeLiquidation(day=debit.movement_date, liquidation=liquidation)
    if debit.movement_date > on:
        raise DateInFuture(field="Data Movto", day=debit.movement_date)
    check_codes(
        account=rows[0].account,
        history_code=HistoryCode.objects.get(pk=debit.history_code_id),
        document_type=DocumentType.objects.get(pk=debit.document_type_id),
        direction=Direction.DEBIT,
    )


class _CashPlan:
    """What the reversal does in cash and banks, account by account, on locked days (C4-C10, G.3, G.4)."""

    def __init__(self, *, by: Actor) -> None:
        self.by = by
        self.opposite: list[CashMovement] = []
        self.closed: dict[int, list[CashMovement]] = {}
        self.answers: Mapping[int, ClosedCash] = {}
        self.landings: dict[tuple[int, date], Landing] = {}

    @classmethod
    def under_lock(
        cls, movements: Sequence[CashMovement], *, answers: Mapping[int, ClosedCash], by: Actor, on: date
    ) -> "_CashPlan":
        """Lock the days of the original movements and of the debits, then choose the path of each account."""
        plan = cls(by=by)
        plan.answers = answers
        if movements and answers.keys() - {row.account_id for row in movements}:
            raise CashDayNotClosed
        lock_days({(row.account_id, row.cash_date) for row in movements} | _debit_days(answers), by=by)
        for account_id in sorted({row.account_id for row in movements}):
            plan._decide([row for row in movements if row.account_id == account_id])
        wanted = {(row.account, row.cash_date) for row in plan.opposite}
        for account_id, rows in plan.closed.items():
            plan._check_debits(account_id, rows, on=on)
            wanted |= {(rows[0].account, debit.movement_date) for debit in answers[account_id].debits}
        plan.landings = land(wanted=wanted, by=by)
        return plan

    def _decide(self, rows: Sequence[CashMovement]) -> None:
        account = rows[0].account
        closed = [row for row in rows if lies_in_closed_cash(row)]
        answer = self.answers.get(account.pk)
        path = decide_cash_side(
            control_on=closes_cash(account), day_closed=bool(closed), option=answer.option if answer else None
        )
        if path is ReversalPath.ASK:
            raise OptionRequired(account=str(account), day=closed[0].cash_date)
        self.opposite += [row for row in rows if row not in closed]
        if closed:
            self.closed[account.pk] = closed

    def _check_debits(self, account_id: int, rows: Sequence[CashMovement], *, on: date) -> None:
        answer = self.answers[account_id]
        if answer.option is ClosedCashOption.NO_DEBIT:
            return
        if not answer.debits:
            raise DebitRequired
        for debit in answer.debits:
            check_debit(debit, rows=rows, on=on)

    @property
    def kind(self) -> str:
        options = {self.answers[account_id].option for account_id in self.closed}
        if ClosedCashOption.NO_DEBIT in options:
            return ReversalKind.CLOSED_NO_DEBIT
        return ReversalKind.CLOSED_DEBIT if options else ReversalKind.OPPOSITE

    def confirm(self, confirmed: frozenset[str]) -> None:
        """Ask for a tick when the debits of an account differ from what was settled in it (C7)."""
        for account_id, rows in self.closed.items():
            answer = self.answers[account_id]
            differ = debits_differ(
                settled_amount=sum((row.amount for row in rows), ZERO),
                debits=[debit.amount for debit in answer.debits],
            )
            if answer.option is ClosedCashOption.ACCOUNT_DEBIT and differ and DEBITS_DIFFER not in confirmed:
                raise ConfirmationRequired(codes=[DEBITS_DIFFER])

    def post(self, reversal: Reversal, *, by: Actor, now: datetime) -> None:
        post_opposites(self.opposite, reversal=reversal, landings=self.landings, by=by, now=now)
        for account_id, rows in self.closed.items():
            self._post_closed(rows, self.answers[account_id], reversal, by=by, now=now)

    def _post_closed(
        self, rows: Sequence[CashMovement], answer: ClosedCash, reversal: Reversal, *, by: Actor, now: datetime
    ) -> None:
        settled = sum((row.amount for row in rows), ZERO)
        first = answer.debits[0].amount if answer.debits else None
        record = ClosedCashReversal.objects.create(
            reversal=reversal,
            account=rows[0].account,
            liquidation_date=max(row.cash_date for row in rows),
            settled_amount=settled,
            first_debit_amount=first or ZERO,
            known_difference=known_difference(settled_amount=settled, first_debit=first),
            reason=reversal.reason,
            posted_at=now,
            **signed_by(by),
        )
        debits = [
            self._debit(rows[0], debit, reversal, record if position == 0 else None, now=now)
            for position, debit in enumerate(answer.debits)
        ]
        create_audited(debits, by=by, because=reversal.reason)

    def _debit(
        self, original: CashMovement, debit: Debit, reversal: Reversal, record: ClosedCashReversal | None,
        *, now: datetime,
    ) -> CashMovement:  # fmt: skip
        landing = self.landings[original.account_id, debit.movement_date]
        return CashMovement(
            account=original.account,
            cash_date=landing.day,
            amount=-debit.amount,
            history_code_id=debit.history_code_id,
            document_type_id=debit.document_type_id,
            notes=debit.notes,
            title=original.title,
            reversal=reversal,
            first_debit_of=record,
            posted_at=now,
            **landing.supplement(),
            **signed_by(self.by),
        )


def _debit_days(answers: Mapping[int, ClosedCash]) -> set[tuple[int, date]]:
    return {(account_id, debit.movement_date) for account_id, answer in answers.items() for debit in answer.debits}


def post_opposites(
    originals: Sequence[CashMovement],
    *,
    reversal: Reversal,
    landings: Mapping[tuple[int, date], Landing],
    by: Actor,
    now: datetime,
) -> None:
    """Post the opposite of each movement in its own day, or where that day lands, and mark it reversed (G.4)."""
    debit_codes = _debit_codes(originals, branch_id=reversal.receipt.branch_id)
    opposites = []
    for row in originals:
        landing = landings[row.account_id, row.cash_date]
        opposites.append(
            CashMovement(
                account=row.account,
                cash_date=landing.day,
                amount=-row.amount,
                history_code_id=debit_codes[row.pk],
                document_type_id=row.document_type_id,
                notes=reversal.reason[:500],
                origin=row.origin,
                receipt_id=row.receipt_id,
                tender_id=row.tender_id,
                title_id=row.title_id,
                session_id=row.session_id,
                reverses=row,
                reversal=reversal,
                posted_at=now,
                **landing.supplement(),
                **signed_by(by),
            )
        )
    number_session_supplements(opposites)
    create_audited(opposites, by=by, because=reversal.reason)
    for row in originals:
        move(row.reverse, by=by, because=reversal.reason)


def _give_credit_back(originals: Sequence[CashMovement], reversal: Reversal, *, by: Actor, now: datetime) -> None:
    """Where the share was paid with the customer's credit, grant it again and put its debit back (G.5)."""
    paid = [row for row in originals if row.tender and row.tender.method.code == PaymentMethod.CREDIT]
    if not paid:
        return
    amount, account = sum((row.amount for row in paid), ZERO), paid[0].account
    used = reversal.receipt.credits.get(kind=CreditKind.USED)
    landing = land(wanted=[(account, reversal.reversed_on)], by=by)[account.pk, reversal.reversed_on]
    movement = post_movement(
        account=account, landing=landing, amount=amount, history_code=paid[0].history_code,
        document_type=paid[0].document_type, notes=reversal.reason, by=by, now=now,
    )  # fmt: skip
    CustomerCredit.objects.create(
        customer=used.customer, branch=used.branch, kind=CreditKind.GRANTED, amount=amount, source=used,
        reversal=reversal, movement=movement, reason=reversal.reason, posted_at=now, **signed_by(by),
    )  # fmt: skip


def _debit_codes(originals: Sequence[CashMovement], *, branch_id: int) -> dict[int, int]:
    """Give the debit history code of each movement's means of payment in the receipt's branch."""
    usual = BranchPaymentMethod.objects.filter(branch=branch_id).values_list("method_id", "debit_history_id")
    codes = dict(usual)
    return {row.pk: codes[row.tender.method_id] for row in originals if row.tender}


@dataclass(frozen=True, slots=True)
class Voided:
    """What a void did, in reais: the credit that could not be taken back because it was used already."""

    reversal: Reversal | None
    shortfall: Decimal = ZERO
    later_day: bool = False


@transaction.atomic
def void_receipt(*, receipt_id: int, reason: str, idempotency_key: str, by: Actor, now: datetime, on: date) -> Voided:
    """Undo a whole receipt at its station: a fact, posted on the first open day, whatever came later.

    A receipt whose every share was undone before gives no reversal. Granted credit is taken back as far as it was
    not used, from whoever was identified as its owner. The order of receipts does not bind here: newest first binds
    people.
    """
    wanted = {(row.account, max(row.cash_date, on)) for row in movements_of(receipt_id=receipt_id)}
    landed = land_later(wanted=wanted, by=by)
    receipt = Receipt.objects.get(pk=receipt_id)
    titles = lock_titles(receipt.allocations.values_list("title_id", flat=True))
    installments = lock_installments_of(titles)
    allocations = list(receipt.allocations.live())
    movements = [row for row in movements_of(receipt_id=receipt_id) if not _explained_by_closed_cash(row)]
    granted = receipt.credits.filter(kind=CreditKind.GRANTED).exclude(spendings__kind=CreditKind.IDENTIFIED)
    credits = list(granted.order_by("pk"))
    if receipt.reversals.filter(title=None).exists() or not (allocations or movements):
        return Voided(reversal=None)
    for customer_id in sorted({credit.customer_id for credit in credits if credit.customer_id}):
        lock_customer(customer_id)
    reversal = Reversal.objects.create(
        receipt=receipt,
        kind=ReversalKind.VOID,
        reversed_on=on,
        amount=sum((row.amount for row in movements), ZERO),
        reason=reason[:500],
        idempotency_key=idempotency_key,
        posted_at=now,
        **signed_by(by),
    )
    if allocations:
        _undo_allocations(allocations, installments, reversal, by=by)
    landings = {(row.account_id, row.cash_date): landed[row.account_id, max(row.cash_date, on)] for row in movements}
    post_opposites(movements, reversal=reversal, landings=landings, by=by, now=now)
    _give_credit_back(movements, reversal, by=by, now=now)
    shortfall = _revoke(credits, reversal, by=by, now=now)
    later = any(landing.day != day for (_, day), landing in landed.items())
    return Voided(reversal=reversal, shortfall=shortfall, later_day=later)


def _explained_by_closed_cash(row: CashMovement) -> bool:
    """Say whether a movement stays because its share was undone with the cash closed (G.4)."""
    return (
        row.title_id is not None
        and Reversal.objects.filter(
            receipt=row.receipt_id, title=row.title_id, closed_cash__account=row.account_id
        ).exists()
    )


def _revoke(credits: Sequence[CustomerCredit], reversal: Reversal, *, by: Actor, now: datetime) -> Decimal:
    """Take granted credit back, as far as there is some, and give what is missing."""
    missing = ZERO
    for credit in credits:
        same = CustomerCredit.objects.filter(customer=credit.customer_id)
        if credit.customer_id is None:
            same = same.filter(receipt=credit.receipt_id)
        taken = min(credit.amount, max(same.available(), ZERO))
        missing += credit.amount - taken
        if taken:
            CustomerCredit.objects.create(
                customer=credit.customer,
                branch=credit.branch,
                kind=CreditKind.REVOKED,
                amount=taken,
                receipt=credit.receipt,
                source=credit,
                reversal=reversal,
                reason=reversal.reason,
                posted_at=now,
                **signed_by(by),
            )
    return missing
