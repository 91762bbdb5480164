"""Liquidação total, parcial and múltipla in the back office: all or nothing, under lock (G.3, G.5, G.16, G.20)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import prefetch_related_objects

from receivables.domain.allocation import impute, standing_after
from receivables.domain.charges import Charges, discount_limit, is_late, late_charges
from receivables.domain.due_dates import check_cash_date
from receivables.domain.errors import (
    AmountAboveBalance,
    AmountNotClosing,
    AmountNotPositive,
    BatchChanged,
    ChangedMeanwhile,
    ChargesAboveDue,
    CreditIsSpentByItself,
    DateInFuture,
    DiscountAboveLimit,
    InactiveCode,
    InstallmentNotOpen,
    PartialNotAllowed,
    PaymentMethodNotSetUp,
    ReceiptBeforeIssue,
    TitleNotOpen,
    WrongDirection,
)
from receivables.domain.money import ZERO, to_cents
from receivables.domain.reversal import checked_reason
from receivables.models import (
    Branch,
    BranchPaymentMethod,
    Direction,
    DocumentType,
    HistoryCode,
    Installment,
    InstallmentStatus,
    LedgerAccount,
    PaymentMethod,
    Receipt,
    Title,
    TitleStatus,
)
from receivables.models.audited import Actor
from receivables.services.cash_day import Landing, land
from receivables.services.locks import local_holidays, lock_installments_of, lock_titles
from receivables.services.posting import CreditDraft, ReceiptDraft, ShareDraft, TenderDraft, post_receipts


@dataclass(frozen=True, slots=True)
class Deposit:
    """Where the money enters and under which codes: conta, histórico, tipo docto, Data Cxa/Banco (S27, S32, S36).

    What is left out comes from the means of payment of the collecting branch.
    """

    method_code: str
    cash_date: date
    account_id: int | None = None
    history_code_id: int | None = None
    document_type_id: int | None = None
    reference: str = ""
    spends_credit: bool = False


@dataclass(frozen=True, slots=True)
class Payment:
    """What is received for one installment, in reais; charges left out are those due, lower ones are waived."""

    installment_id: int
    received: Decimal
    discount: Decimal = ZERO
    interest: Decimal | None = None
    fine: Decimal | None = None

    def __post_init__(self) -> None:
        for amount in (self.received, self.discount, self.interest or ZERO, self.fine or ZERO):
            to_cents(amount)


@dataclass(frozen=True, slots=True)
class Quote:
    """What an installment owes on a day: shown before settling, computed again under lock."""

    installment: Installment
    charges: Charges
    discount_limit: Decimal
    """What may be granted without the permission, in reais (G.13)."""

    @property
    def total(self) -> Decimal:
        return self.installment.balance + self.charges.total


@dataclass(frozen=True, slots=True)
class BatchChange:
    """What became of a title that the person saw otherwise: what was due then, what is due now (None: nothing)."""

    title_id: int
    title: str
    status: str
    seen: Decimal
    due: Decimal | None


def quote(*, title_ids: Sequence[int], on: date) -> list[Quote]:
    """Give what each open installment of the titles owes on `on`, in order of due date."""
    rows = Installment.objects.open().filter(title__in=title_ids)
    rows = rows.select_related("terms", "title__collecting_branch__parameter_set__terms")
    extra = local_holidays()
    return [Quote(row, _charges(row, on, extra), _discount_limit(row)) for row in rows.order_by("due_date", "number")]


def _charges(installment: Installment, on: date, extra: frozenset[date]) -> Charges:
    return late_charges(standing=installment.standing, terms=installment.terms.as_domain, on=on, extra_holidays=extra)


@transaction.atomic
def settle_title(
    *,
    title_id: int,
    received: Decimal,
    received_on: date,
    deposit: Deposit,
    by: Actor,
    now: datetime,
    on: date,
    discount: Decimal = ZERO,
    interest: Decimal | None = None,
    fine: Decimal | None = None,
    may_exceed_limit: bool = False,
    reason: str = "",
    notes: str = "",
) -> Receipt:
    """Liquidação total: receive all that is open of a title; more than is due becomes the customer's credit (B.5).

    `discount`, `interest`, `fine` are for the whole title; `on` is today. Raises AmountNotClosing when the amount
    does not close it, DiscountAboveLimit, CashDayClosed, TitleNotOpen, …
    """
    desk = _Desk.open(title_ids=[title_id], received_on=received_on, deposit=deposit, on=on, by=by)
    title = desk.open_title(title_id)
    rows = desk.open_installments(title)
    payments = _close_all(desk, rows, received=received, discount=discount, interest=interest, fine=fine)
    return desk.post([(title, payments)], may_exceed_limit=may_exceed_limit, reason=reason, notes=notes, now=now)[0]


@transaction.atomic
def settle_installment(
    *,
    installment_id: int,
    received: Decimal,
    received_on: date,
    deposit: Deposit,
    by: Actor,
    now: datetime,
    on: date,
    discount: Decimal = ZERO,
    interest: Decimal | None = None,
    fine: Decimal | None = None,
    may_exceed_limit: bool = False,
    reason: str = "",
    notes: str = "",
) -> Receipt:
    """Liquidação parcial: receive a part of one installment, at most what it owes, charges first (art. 354, G.16)."""
    title_id = Installment.objects.values_list("title_id", flat=True).get(pk=installment_id)
    desk = _Desk.open(title_ids=[title_id], received_on=received_on, deposit=deposit, on=on, by=by)
    title = desk.open_title(title_id)
    payment = Payment(installment_id, received=received, discount=discount, interest=interest, fine=fine)
    desk.refuse_above_due(payment)
    return desk.post([(title, [payment])], may_exceed_limit=may_exceed_limit, reason=reason, notes=notes, now=now)[0]


@transaction.atomic
def settle_titles(
    *,
    expected: Mapping[int, Decimal],
    received_on: date,
    deposit: Deposit,
    by: Actor,
    now: datetime,
    on: date,
    notes: str = "",
    idempotency_key: str = "",
) -> list[Receipt]:
    """Liquidação múltipla: receive all that is open of several titles, one receipt each, all or none.

    `expected` gives what the person saw due, in reais, by title. The same batch again under the same key gives the
    receipts of the first. Raises BatchChanged naming each title whose amount due is another one now, with `changes`.
    """
    desk = _Desk.open(title_ids=list(expected), received_on=received_on, deposit=deposit, on=on, by=by)
    posted = _posted(idempotency_key, expected=expected, received_on=received_on)
    if posted:
        return posted
    changes = [desk.change(pk, seen=total) for pk, total in expected.items() if desk.due(pk) != total]
    if changes or not expected:
        raise BatchChanged(titles=[change.title for change in changes], changes=changes)
    batch = []
    for title_id, total in sorted(expected.items()):
        title = desk.open_title(title_id)
        batch.append((title, _close_all(desk, desk.open_installments(title), received=total)))
    return desk.post(batch, notes=notes, now=now, key=idempotency_key)


def _posted(key: str, *, expected: Mapping[int, Decimal], received_on: date) -> list[Receipt]:
    """Give the live receipts of this very batch, where it was posted under the key; else none."""
    keys = {_key_of(key, title_id): total for title_id, total in expected.items()} if key else {}
    rows = Receipt.objects.filter(idempotency_key__in=keys, received_on=received_on, reversals=None).order_by("pk")
    is_whole = {row.idempotency_key: row.amount for row in rows} == keys
    return list(rows) if is_whole else []


def _key_of(key: str, title_id: int) -> str:
    return f"{key}-{title_id}"


class _Desk:
    """The locked rows of one settlement, and the judgement of what is paid into them."""

    codes: "dict[int, _Codes]"
    landings: dict[tuple[int, date], Landing]
    titles: dict[int, Title]
    installments: dict[int, Installment]

    def __init__(self, *, received_on: date, deposit: Deposit, by: Actor) -> None:
        self.received_on, self.deposit, self.by = received_on, deposit, by
        self.extra = local_holidays()

    @classmethod
    def open(cls, *, title_ids: Sequence[int], received_on: date, deposit: Deposit, on: date, by: Actor) -> "_Desk":
        """Lock days, titles and installments, in that order."""
        if received_on > on:
            raise DateInFuture(field="Data do Recebimento", day=received_on)
        check_cash_date(deposit.cash_date, on=on)
        desk = cls(received_on=received_on, deposit=deposit, by=by)
        collecting = Branch.objects.filter(collected_titles__in=title_ids).distinct()
        desk.codes = {branch.pk: _codes(branch, deposit) for branch in collecting}
        wanted = {(codes.account, deposit.cash_date) for codes in desk.codes.values()}
        desk.landings = land(wanted=wanted, by=by)
        desk.titles = lock_titles(title_ids)
        prefetch_related_objects([*desk.titles.values()], "collecting_branch__parameter_set__terms")
        desk.installments = lock_installments_of(desk.titles)
        return desk

    def open_title(self, title_id: int) -> Title:
        title = self.titles[title_id]
        if title.collecting_branch_id not in self.codes:
            raise ChangedMeanwhile(what=str(title))  # before its row was locked
        if title.status not in (TitleStatus.PENDING, TitleStatus.PARTIALLY_SETTLED):
            raise TitleNotOpen(title=str(title), status=title.get_status_display())
        if self.received_on < title.issued_on:
            raise ReceiptBeforeIssue(received_on=self.received_on, issued_on=title.issued_on)
        return title

    def open_installments(self, title: Title) -> list[Installment]:
        rows = [row for row in self.installments.values() if row.title_id == title.pk and row.balance > 0]
        return sorted(rows, key=lambda row: (row.due_date, row.number))

    def charges(self, installment: Installment) -> Charges:
        return _charges(installment, self.received_on, self.extra)

    def due(self, title_id: int) -> Decimal | None:
        """Give what a title owes now, or None when it is not open any more."""
        title = self.titles.get(title_id)
        if title is None or title.status not in (TitleStatus.PENDING, TitleStatus.PARTIALLY_SETTLED):
            return None
        return sum((row.balance + self.charges(row).total for row in self.open_installments(title)), ZERO)

    def change(self, title_id: int, *, seen: Decimal) -> BatchChange:
        """Tell what a title is now, whose amount due is not the one that was seen."""
        title = self.titles.get(title_id)
        status = title.get_status_display() if title else ""
        return BatchChange(title_id, str(title or title_id), status, seen, self.due(title_id))

    def refuse_above_due(self, payment: Payment) -> None:
        installment = self._open(payment)
        owed = installment.balance + self._asked(installment, payment).total
        if payment.received + payment.discount > owed:
            raise AmountAboveBalance(
                installment=str(installment), amount=payment.received + payment.discount, balance=owed
            )

    def post(
        self,
        batch: Sequence[tuple[Title, Sequence[Payment]]],
        *,
        now: datetime,
        may_exceed_limit: bool = False,
        reason: str = "",
        notes: str = "",
        key: str = "",
    ) -> list[Receipt]:
        drafts = [
            self._draft(title, payments, may_exceed_limit=may_exceed_limit, reason=reason, notes=notes)
            for title, payments in batch
        ]
        for (title, _payments), draft in zip(batch, drafts, strict=True):
            draft.idempotency_key = _key_of(key, title.pk) if key else None
        keys = post_receipts(drafts, installments=self.installments, landings=self.landings, by=self.by, now=now)
        posted = Receipt.objects.in_bulk(keys)
        return [posted[key] for key in keys]

    def _draft(
        self, title: Title, payments: Sequence[Payment], *, may_exceed_limit: bool, reason: str, notes: str
    ) -> ReceiptDraft:
        received = sum((payment.received for payment in payments), ZERO)
        if received <= 0:
            raise AmountNotPositive(field="Valor recebido")
        shares, excess = [], ZERO
        for payment in payments:
            share, left = self._share(payment, may_exceed_limit=may_exceed_limit, reason=reason)
            shares.append(share)
            excess += left
        codes = self.codes[title.collecting_branch_id]
        tender = TenderDraft(
            method=codes.method, amount=received, account=codes.account, cash_date=self.deposit.cash_date,
            history_code_id=codes.history_code.pk, document_type_id=codes.document_type.pk,
            reference=self.deposit.reference,
        )  # fmt: skip
        return ReceiptDraft(
            branch=title.collecting_branch,
            customer_id=title.bill_to_id,
            received_on=self.received_on,
            tenders=[tender],
            shares=shares,
            credits=[CreditDraft(title.bill_to_id, excess)] if excess else [],
            notes=notes,
            because=reason.strip(),
        )

    def _share(self, payment: Payment, *, may_exceed_limit: bool, reason: str) -> tuple[ShareDraft, Decimal]:
        installment = self._open(payment)
        due, asked = self.charges(installment), self._asked(installment, payment)
        self._check_grant(installment, payment, due, asked, may_exceed_limit=may_exceed_limit, reason=reason)
        standing = installment.standing
        imputed = impute(received=payment.received, discount=payment.discount, standing=standing, charges=asked)
        late = is_late(standing=standing, on=self.received_on, extra_holidays=self.extra)
        after = standing_after(
            standing=standing, charges=asked, paid=imputed.allocation, on=self.received_on, late=late
        )
        if after.balance and not installment.terms.allow_partial:
            raise PartialNotAllowed(title=str(installment.title))
        return ShareDraft(installment, imputed.allocation, after, late), imputed.excess

    def _open(self, payment: Payment) -> Installment:
        installment = self.installments[payment.installment_id]
        if installment.status == InstallmentStatus.SETTLED:
            raise InstallmentNotOpen(installment=str(installment), status=installment.get_status_display())
        return installment

    def _asked(self, installment: Installment, payment: Payment) -> Charges:
        """Give the charges that the person asks for: those due, or lower ones."""
        due = self.charges(installment)
        if payment.interest is None and payment.fine is None:
            return due
        interest = due.interest_due if payment.interest is None else payment.interest
        fine = due.fine if payment.fine is None else payment.fine
        if not (ZERO <= interest <= due.interest_due and ZERO <= fine <= due.fine):
            raise ChargesAboveDue(interest=due.interest_due, fine=due.fine)
        return Charges(interest=interest, fine=fine, carried=ZERO)

    def _check_grant(
        self, installment: Installment, payment: Payment, due: Charges, asked: Charges,
        *, may_exceed_limit: bool, reason: str,
    ) -> None:  # fmt: skip
        """A discount above the limit, or charges waived, need the permission and a reason (G.13, G.18)."""
        if payment.discount < 0:
            raise AmountNotPositive(field="Desconto")
        limit = _discount_limit(installment)
        if payment.discount <= limit and asked.total == due.total:
            return
        if not may_exceed_limit:
            raise DiscountAboveLimit(discount=payment.discount + due.total - asked.total, limit=limit)
        checked_reason(reason)


def _close_all(
    desk: _Desk,
    rows: Sequence[Installment],
    *,
    received: Decimal,
    discount: Decimal = ZERO,
    interest: Decimal | None = None,
    fine: Decimal | None = None,
) -> list[Payment]:
    """Divide one amount over all open installments; what is beyond goes with the last one, as an excess."""
    dues = [desk.charges(row) for row in rows]
    interests = _divide(interest, [charges.interest_due for charges in dues], "Juros")
    fines = _divide(fine, [charges.fine for charges in dues], "Multa")
    discounts = _grant(discount, rows)
    owed = [
        row.balance + interests[i] + fines[i] - discounts[i]
        for i, row in enumerate(rows)
    ]  # fmt: skip
    if received < sum(owed):
        raise AmountNotClosing(received=received, due=sum(owed, ZERO))
    owed[-1] += received - sum(owed)
    return [
        Payment(row.pk, received=owed[i], discount=discounts[i],
                interest=None if interest is None else interests[i], fine=None if fine is None else fines[i])
        for i, row in enumerate(rows)
    ]  # fmt: skip


def _grant(discount: Decimal, rows: Sequence[Installment]) -> list[Decimal]:
    """Divide a title's discount: each installment up to its limit first, so that together they allow the title's."""
    limits = [_discount_limit(row) for row in rows]
    within = _divide(min(discount, sum(limits, ZERO)), limits, "Desconto")
    room = [row.balance - part for row, part in zip(rows, within, strict=True)]
    beyond = _divide(discount - sum(within, ZERO), room, "Desconto")
    return [part + more for part, more in zip(within, beyond, strict=True)]


def _discount_limit(installment: Installment) -> Decimal:
    """Give what may be granted without the permission, by the terms of the collecting branch's parameters (G.13)."""
    terms = installment.title.collecting_branch.parameter_set.terms.as_domain
    return discount_limit(balance=installment.balance, terms=terms)


def _divide(given: Decimal | None, room: Sequence[Decimal], field: str) -> list[Decimal]:
    """Fill the rooms in order with what was given; all of them when nothing was."""
    if given is None:
        return list(room)
    if given < 0:
        raise AmountNotPositive(field=field)
    if given > sum(room):
        raise AmountAboveBalance(installment=field, amount=given, balance=sum(room, ZERO))
    parts = []
    for most in room:
        parts.append(min(given, most))
        given -= parts[-1]
    return parts


@dataclass(frozen=True, slots=True)
class _Codes:
    method: PaymentMethod
    account: LedgerAccount
    history_code: HistoryCode
    document_type: DocumentType


def _codes(branch: Branch, deposit: Deposit) -> _Codes:
    """Find account and codes: the deposit's own, else those of the branch's means of payment."""
    if deposit.method_code == PaymentMethod.CREDIT and not deposit.spends_credit:
        raise CreditIsSpentByItself
    usual = (
        BranchPaymentMethod.objects.filter(branch=branch, method__code=deposit.method_code)
        .select_related("method", "account__branch__parameter_set", "credit_history", "document_type")
        .first()
    )
    if usual is None:
        raise PaymentMethodNotSetUp(method=deposit.method_code, branch=str(branch))
    accounts = LedgerAccount.objects.select_related("branch__parameter_set")
    account = accounts.get(pk=deposit.account_id) if deposit.account_id else usual.account
    history = HistoryCode.objects.get(pk=deposit.history_code_id) if deposit.history_code_id else usual.credit_history
    kind = DocumentType.objects.get(pk=deposit.document_type_id) if deposit.document_type_id else usual.document_type
    check_codes(account=account, history_code=history, document_type=kind, direction=Direction.CREDIT)
    return _Codes(usual.method, account, history, kind)


def check_codes(
    *, account: LedgerAccount, history_code: HistoryCode, document_type: DocumentType, direction: str
) -> None:
    """Refuse inactive codes and a history whose direction contradicts the posting (domain.md B.9)."""
    for code in (account, history_code, document_type):
        if not code.is_active:
            raise InactiveCode(code=str(code))
    if history_code.direction != direction:
        raise WrongDirection(history_code=str(history_code), direction=Direction(history_code.direction).label)
