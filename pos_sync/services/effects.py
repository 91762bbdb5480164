"""What decided operations write into the ledger: receipts set-based, the rest one by one (G.11, G.15)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, Self

from django.db.models import F

from pos_sync import decide
from pos_sync.decide import Circumstances, Decision, PlainDecision, ReceiptNow
from pos_sync.models import UNDECIDED, Device, Operation, OperationArrival, OperationState, TillOperator
from pos_sync.protocol import (
    CashInSaid,
    CashOutSaid,
    ReceiptSaid,
    SessionCloseSaid,
    SessionOpenSaid,
    TenderSaid,
    Unfit,
    VoidSaid,
    WellFormed,
    judge_form,
)
from pos_sync.services.devices import policy_of
from pos_sync.services.disputes import disputed_facts, not_as_said
from pos_sync.services.scene import parsed_ids, read_scene
from pos_sync.services.sequence import first_seq
from receivables.domain.money import from_cents, to_cents
from receivables.models import (
    BranchPaymentMethod,
    CashMovement,
    CashSession,
    Divergence,
    Installment,
    LedgerAccount,
    Origin,
    PaymentMethod,
    Receipt,
    ReceiptAllocation,
    SessionStatus,
)
from receivables.models.audited import Actor
from receivables.services.cash_day import Landing, land_later
from receivables.services.cash_movement import post_movement
from receivables.services.cash_session import close_session, open_session
from receivables.services.locks import lock_installments_of, lock_titles
from receivables.services.moves import create_audited
from receivables.services.posting import CreditDraft, ReceiptDraft, ShareDraft, TenderDraft, post_receipts
from receivables.services.reversal import void_receipt

MOST_FAILURES = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of an operation, as its row will tell it."""

    state: str
    effective_at: datetime | None
    reason: str | None = None
    flags: tuple[str, ...] = ()
    outcome: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Timed:
    """A well-formed operation, the time that counts for it, and what surrounds it."""

    row: Operation
    said: Any
    seq: int
    effective_at: datetime
    around: Circumstances

    @property
    def day(self) -> date:
        return self.around.received_on


class Desk:
    """The locked rows and the lookups of one batch of one device; collects what became of each operation."""

    def __init__(self, *, device: Device, now: datetime) -> None:
        self.device, self.now = device, now
        self.by = Actor(name=f"PDV {device.branch.code}/{device.till}", channel="till")
        self.judged: dict[int, Judged] = {}
        self.sessions: dict[str, CashSession] = {}
        self.timed: dict[int, Timed] = {}
        self.judged_as: dict[int, Device] = {}
        self.are_stale = False

    @classmethod
    def open(cls, *, device: Device, operations: Sequence[Operation], now: datetime) -> Self:
        """Judge forms, times and devices, then lock days, titles and installments in the house's order."""
        desk = cls(device=device, now=now)
        desk._time(operations)
        desk._lock()
        return desk

    def is_receipt(self, row: Operation) -> bool:
        timed = self.timed.get(row.pk)
        return timed is not None and isinstance(timed.said, ReceiptSaid)

    # Form, time and device

    def _time(self, operations: Sequence[Operation]) -> None:
        self.judged_as = Device.objects.in_bulk({row.judged_as_id for row in operations})
        running = self._times_before(operations)
        forked = self._forked(operations)
        first_paired_at = min(
            Device.objects.filter(branch=self.device.branch_id, till=self.device.till).values_list(
                "paired_at", flat=True
            )
        )
        for row in operations:
            form = judge_form(row.raw)
            if isinstance(form, Unfit):
                self._quarantine(row, form.reason, None)
                continue
            effective_at, suspect = decide.effective_time(
                occurred_at=form.occurred_at,
                arrived_at=row.received_at,
                first_paired_at=first_paired_at,
                previous=running.get(row.epoch),
            )
            running[row.epoch] = effective_at
            self._time_one(row, form, effective_at, suspect=suspect, forked=row.pk in forked)
        self._report_quarantined(operations)

    def _time_one(
        self, row: Operation, form: WellFormed, effective_at: datetime, *, suspect: bool, forked: bool
    ) -> None:
        device = self.judged_as[row.judged_as_id]
        quarantined = decide.quarantine_reason(
            device_state=device.state, taken_at=effective_at, replaced_at=device.replaced_at
        )
        if quarantined and row.approved_at is None:
            self._quarantine(row, quarantined, effective_at)
            return
        around = Circumstances(
            received_on=decide.till_day(effective_at), clock_suspect=suspect, sequence_fork=forked,
            known_methods=frozenset(self.methods),
        )  # fmt: skip
        self.timed[row.pk] = Timed(row, form.said, form.seq, effective_at, around)

    def _times_before(self, operations: Sequence[Operation]) -> dict[int, datetime]:
        """Give, by epoch, the time that counted for the operation before the batch's first one."""
        first: dict[int, int] = {}
        for row in operations:
            if row.seq is not None:
                first.setdefault(row.epoch, row.seq)
        times = {}
        for epoch, seq in first.items():
            decided = Operation.objects.filter(device=self.device, epoch=epoch, seq__lt=seq, effective_at__isnull=False)
            before = decided.order_by("-seq").values_list("effective_at", flat=True).first()
            if before is not None:
                times[epoch] = before
        return times

    def _forked(self, operations: Sequence[Operation]) -> set[int]:
        """Give the operations whose seq another one brought before them."""
        seqs = {row.seq for row in operations if row.seq is not None}
        earlier: dict[tuple[int, int | None], int] = {}
        same = Operation.objects.filter(device=self.device, seq__among=seqs).values_list("epoch", "seq", "pk")
        for epoch, seq, pk in same:
            earlier[epoch, seq] = min(pk, earlier.get((epoch, seq), pk))
        return {row.pk for row in operations if row.seq and earlier[row.epoch, row.seq] < row.pk}

    def _quarantine(self, row: Operation, reason: str, effective_at: datetime | None) -> None:
        self.judged[row.pk] = Judged(state=OperationState.QUARANTINED, reason=reason, effective_at=effective_at)

    def _report_quarantined(self, operations: Sequence[Operation]) -> None:
        """Put what was quarantined into the queue, once for each reason, in as many statements as for one."""
        told = {(row.op_id, self.judged[row.pk].reason or ""): row for row in operations if row.pk in self.judged}
        rows = Divergence.objects.filter(source__in={source for source, _ in told})
        known = set(rows.values_list("source", "reason")) if told else set()
        new = {pair: row for pair, row in told.items() if pair not in known}
        facts = zip(new, disputed_facts(list(new.values())), strict=True)
        create_audited([self._divergence(*pair, **about) for pair, about in facts], by=self.by)

    def _divergence(self, source: str, reason: str, **values: Any) -> Divergence:
        return Divergence(
            branch=self.device.branch, station=self.device.till, reason=reason, source=source, opened_at=self.now,
            **values,
        )  # fmt: skip

    # Lookups and locks

    @cached_property
    def methods(self) -> dict[str, BranchPaymentMethod]:
        """The means of payment of the branch, but the customers' credit: a till cannot spend it."""
        rows = BranchPaymentMethod.objects.filter(branch=self.device.branch_id, method__is_active=True)
        rows = rows.exclude(method__code=PaymentMethod.CREDIT)
        related = ("method", "account__branch__parameter_set", "credit_history", "debit_history", "document_type")
        return {row.method.code: row for row in rows.select_related(*related)}

    def _method(self, code: str | None) -> BranchPaymentMethod:
        return self.methods.get(code or "") or self.methods[PaymentMethod.OTHER]

    def _receipts(self) -> list[Timed]:
        return [timed for timed in self.timed.values() if isinstance(timed.said, ReceiptSaid)]

    def _lock(self) -> None:
        self.landings: dict[tuple[int, date], Landing] = land_later(wanted=self._wanted_days(), by=self.by)
        self.installments = self._locked_installments()

    def _locked_installments(self) -> dict[int, Installment]:
        """Read what the batch names, under lock; postings keep these rows up to date, a void writes past them."""
        return lock_installments_of(lock_titles(self._title_ids()))

    def _wanted_days(self) -> set[tuple[LedgerAccount, date]]:
        wanted = set()
        voided = self._accounts_of_voided()
        for timed in self.timed.values():
            if isinstance(timed.said, ReceiptSaid):
                wanted |= {(self._method(tender.method).account, timed.day) for tender in timed.said.tenders}
            elif isinstance(timed.said, VoidSaid):
                wanted |= {(account, timed.day) for account in voided.get(timed.said.receipt_op_id, ())}
            elif isinstance(timed.said, CashInSaid | CashOutSaid):
                wanted.add((self._method(PaymentMethod.CASH).account, timed.day))
        return wanted

    def _voided(self) -> set[str]:
        return {timed.said.receipt_op_id for timed in self.timed.values() if isinstance(timed.said, VoidSaid)}

    def _accounts_of_voided(self) -> dict[str, set[LedgerAccount]]:
        """Find where the branch's receipts that will be voided went: their accounts are locked before any title."""
        accounts: dict[str, set[LedgerAccount]] = {}
        if voided := self._voided():
            rows = CashMovement.objects.filter(
                receipt__idempotency_key__in=voided, receipt__branch=self.device.branch_id
            )
            rows = rows.annotate(op_id=F("receipt__idempotency_key")).select_related("account__branch__parameter_set")
            for row in rows:
                accounts.setdefault(row.op_id, set()).add(row.account)
        return accounts

    def _title_ids(self) -> set[int]:
        named = parsed_ids({line.installment_id for timed in self._receipts() for line in timed.said.lines})
        voided = self._voided()
        ids = set(Installment.objects.filter(pk__among=named).values_list("title_id", flat=True)) if named else set()
        if voided:
            allocations = ReceiptAllocation.objects.filter(
                receipt__idempotency_key__in=voided, receipt__branch=self.device.branch_id
            )
            ids |= set(allocations.values_list("title_id", flat=True))
        return ids

    # Receipts

    def apply_receipts(self, rows: Sequence[Operation]) -> None:
        """Decide receipts in order, each on what the one before left, and write them together."""
        batch = [self.timed[row.pk] for row in rows]
        if not batch:
            return
        if self.are_stale:
            self.installments, self.are_stale = self._locked_installments(), False
        scene = read_scene(
            [timed.said for timed in batch],
            installments=self.installments,
            device=self.device,
            whole_company=policy_of(self.device.branch).sees_company,
        )
        surroundings = self._surroundings(batch)
        decisions, drafts = [], []
        for timed in batch:
            around = surroundings[timed.row.pk]
            decision = decide.decide_receipt(timed.said, scene=scene, around=around)
            scene = decide.after(scene, decision)
            decisions.append((timed, decision))
            drafts.append(self._draft(timed, decision))
        self._post(drafts, decisions)

    def hold(self, rows: Sequence[Operation]) -> None:
        """Put receipts that could not be applied into suspense, whole."""
        batch = [self.timed[row.pk] for row in rows]
        surroundings = self._surroundings(batch) if batch else {}
        for timed in batch:
            decision = decide.hold_everything(timed.said, around=surroundings[timed.row.pk])
            self._post([self._draft(timed, decision)], [(timed, decision)])

    def _post(self, drafts: Sequence[ReceiptDraft], decisions: Sequence[tuple[Timed, Decision]]) -> None:
        post_receipts(drafts, landings=self.landings, by=self.by, now=self.now)
        divergences = []
        for draft, (timed, decision) in zip(drafts, decisions, strict=True):
            self.judged[timed.row.pk] = Judged(
                state=decision.state,
                reason=decision.reason,
                flags=decision.flags,
                outcome=decision.outcome_json(receipt=draft.receipt.label),
                effective_at=timed.effective_at,
            )
            if decision.reason:
                divergences.append(self._divergence_of(timed, decision, draft))
        create_audited(divergences, by=self.by)

    def _surroundings(self, batch: Sequence[Timed]) -> dict[int, Circumstances]:
        """Complete what surrounds each receipt, with one query for each kind of knowledge."""
        operators = self._known_operators({timed.said.operator for timed in batch})
        self.sessions = self._find_sessions({timed.said.session_id for timed in batch})
        numbers = {timed.said.receipt_no for timed in batch if timed.said.receipt_no}
        seen = set(
            Receipt.objects.filter(branch=self.device.branch_id, number__among=numbers).values_list("number", flat=True)
        )
        found = {}
        for timed in batch:
            said = timed.said
            found[timed.row.pk] = replace(
                timed.around,
                operator_known=said.operator in operators,
                session_known=said.session_id in self.sessions,
                receipt_no_seen=said.receipt_no in seen,
                cash_day_closed=any(
                    self._landing(self._method(tender.method), timed.day).day != timed.day for tender in said.tenders
                ),
            )
            seen.add(said.receipt_no)
        return found

    def _landing(self, method: BranchPaymentMethod, day: date) -> Landing:
        return self.landings[method.account_id, day]

    def _known_operators(self, codes: set[str | None]) -> set[str]:
        rows = TillOperator.objects.filter(branch=self.device.branch_id, code__in=codes - {None})
        return set(rows.values_list("code", flat=True))

    def _find_sessions(self, ids: set[str | None]) -> dict[str, CashSession]:
        keys = {self.device.session_key(text): text for text in ids if text}
        rows = CashSession.objects.filter(idempotency_key__in=keys)
        return {keys[row.idempotency_key]: row for row in rows}

    def _draft(self, timed: Timed, decision: Decision) -> ReceiptDraft:
        said: ReceiptSaid = timed.said
        named = next((line.customer for line in decision.lines if line.customer is not None), None)
        return ReceiptDraft(
            branch=self.device.branch,
            customer_id=named if named is not None else decision.surplus_customer,
            received_on=timed.day,
            tenders=[self._tender(tender, timed.day) for tender in said.tenders if tender.amount],
            shares=_shares(decision, self.installments),
            credits=_credits(decision),
            origin=Origin.TILL,
            number=said.receipt_no or "",
            station=self.device.till,
            operator=said.operator or "",
            session=self.sessions.get(said.session_id or ""),
            idempotency_key=timed.row.op_id,
        )

    def _tender(self, tender: TenderSaid, day: date) -> TenderDraft:
        usual = self._method(tender.method)
        unknown = "" if tender.method in self.methods else f"{tender.method or '?'} "
        return TenderDraft(
            method=usual.method,
            amount=from_cents(tender.amount),
            account=usual.account,
            cash_date=day,
            history_code=usual.credit_history,
            document_type=usual.document_type,
            tendered_amount=from_cents(tender.tendered),
            change_amount=from_cents(tender.change),
            reference=f"{unknown}{tender.reference or ''}".strip()[:60],
        )

    # Divergences

    def _divergence_of(self, timed: Timed, decision: Decision, draft: ReceiptDraft) -> Divergence:
        line = next((line for line in decision.lines if line.reason == decision.reason), None)
        return self._divergence(
            timed.row.op_id,
            decision.reason or "",
            receipt=draft.receipt,
            installment_id=line.installment if line else None,
            customer_id=draft.customer_id,
            amount=from_cents(decision.credit + decision.suspense or not_as_said(timed.said, decision)),
            details={
                "outcome": decision.outcome_json(receipt=draft.receipt.label),
                "flags": list(decision.flags),
                "other_branch": [line.installment_id for line in decision.lines if line.other_branch],
            },
        )

    def _diverge(self, row: Operation, *, reason: str, **values: Any) -> None:
        """Put an operation into the queue once for each reason."""
        if not Divergence.objects.filter(source=row.op_id, reason=reason).exists():
            self._divergence(row.op_id, reason, **values).save_as(self.by)

    # Everything else

    def apply_other(self, row: Operation) -> None:
        """Apply a void, a session's opening or closing, cash in or out; what has no form was judged before."""
        timed = self.timed.get(row.pk)
        if timed is None:
            return
        if row.failures >= MOST_FAILURES:
            self._quarantine(row, "malformed", timed.effective_at)
            self._report_quarantined([row])
            return
        effect = {
            VoidSaid: self._void,
            SessionOpenSaid: self._open_session,
            SessionCloseSaid: self._close_session,
            CashInSaid: self._move_cash,
            CashOutSaid: self._move_cash,
        }[type(timed.said)]
        decision = effect(timed)
        waits = decision.state == OperationState.WAITING
        self.judged[row.pk] = Judged(
            state=decision.state,
            reason=decision.reason,
            flags=decision.flags,
            outcome=None if waits else decide.no_money_json(),
            effective_at=timed.effective_at,
        )

    def _void(self, timed: Timed) -> PlainDecision:
        said: VoidSaid = timed.said
        receipt = Receipt.objects.select_related("session").filter(idempotency_key=said.receipt_op_id).first()
        here = receipt is not None and receipt.branch_id == self.device.branch_id
        if receipt is None or not here:
            return decide.decide_void(said, receipt=None, around=timed.around)
        late = self._is_of_earlier_session(receipt, timed)
        voided = void_receipt(
            receipt_id=receipt.pk, reason=said.reason or "", idempotency_key=timed.row.op_id, by=self.by,
            now=self.now, on=timed.day,
        )  # fmt: skip
        self.are_stale = voided.reversal is not None or self.are_stale
        shortfall = to_cents(voided.shortfall)
        now = ReceiptNow(
            posted=True, same_branch=True, reversed=voided.reversal is None, earlier_session=late, shortfall=shortfall
        )
        around = replace(timed.around, cash_day_closed=voided.later_day)
        decision = decide.decide_void(said, receipt=now, around=around)
        if decision.reason:
            self._diverge(
                timed.row, reason=decision.reason, receipt=receipt, customer_id=receipt.customer_id,
                amount=voided.shortfall or receipt.amount, details={"reasons": list(decision.reasons)},
            )  # fmt: skip
        return decision

    def _is_of_earlier_session(self, receipt: Receipt, timed: Timed) -> bool:
        """Say whether the receipt's session was over: closed, or followed by another at that station."""
        session = receipt.session
        if session is None:
            return False
        later = CashSession.objects.filter(
            branch=session.branch_id, station=session.station, opened_at__gt=session.opened_at,
            opened_at__lte=timed.effective_at,
        )  # fmt: skip
        return session.status == SessionStatus.CLOSED or later.exists()

    def _open_session(self, timed: Timed) -> PlainDecision:
        said: SessionOpenSaid = timed.said
        known = bool(self._known_operators({said.operator}))
        if said.session_id:
            open_session(
                idempotency_key=self.device.session_key(said.session_id),
                branch=self.device.branch,
                station=self.device.till,
                operator=said.operator or "",
                opened_at=timed.effective_at,
                float_amount=from_cents(said.float_amount),
                by=self.by,
            )
        return decide.decide_cash(said, around=replace(timed.around, operator_known=known))

    def _close_session(self, timed: Timed) -> PlainDecision:
        said: SessionCloseSaid = timed.said
        session = self._find_sessions({said.session_id}).get(said.session_id or "")
        is_open = session is not None and session.status == SessionStatus.OPEN
        decision = decide.decide_close(
            said,
            sequence_complete=self._is_complete_before(timed),
            waited=decide.CLOSE_PATIENCE if timed.row.approved_at else self.now - timed.row.received_at,
            around=replace(timed.around, session_known=is_open),
        )
        if session is not None and is_open and decision.posts:
            close_session(
                session_id=session.pk,
                counted=[
                    (self._method(count.method).method, count.method or "", from_cents(count.amount))
                    for count in said.counted
                ],
                pending_count=said.pending_count or 0,
                pending_amount=from_cents(said.pending_sum),
                at=timed.effective_at,
                by=self.by,
                now=self.now,
            )
        return decision

    def _is_complete_before(self, timed: Timed) -> bool:
        """Say whether every operation before this one has come and is decided."""
        row = timed.row
        first = first_seq(device_id=self.device.pk, epoch=row.epoch)
        before = OperationArrival.objects.filter(device=self.device, epoch=row.epoch, seq__lt=timed.seq, seq__gte=first)
        arrived = before.values("seq").distinct().count()
        others = before.exclude(operation__in=self.judged).filter(operation__state__in=UNDECIDED)
        waiting = [pk for pk, verdict in self.judged.items() if verdict.state == OperationState.WAITING]
        return (
            arrived >= timed.seq - first and not others.exists() and not before.filter(operation__in=waiting).exists()
        )

    def _move_cash(self, timed: Timed) -> PlainDecision:
        said: CashInSaid | CashOutSaid = timed.said
        usual = self._method(PaymentMethod.CASH)
        landing = self._landing(usual, timed.day)
        session = self._find_sessions({said.session_id}).get(said.session_id or "")
        around = replace(timed.around, session_known=session is not None, cash_day_closed=landing.day != timed.day)
        decision = decide.decide_cash(said, around=around)
        if decision.posts:
            post_movement(
                account=usual.account,
                landing=landing,
                amount=from_cents(said.amount),
                history_code=usual.credit_history if isinstance(said, CashInSaid) else usual.debit_history,
                document_type=usual.document_type,
                notes=said.reason or "",
                session=session,
                origin=Origin.TILL,
                idempotency_key=timed.row.op_id,
                by=self.by,
                now=self.now,
            )
        return decision


def voided_receipt(raw: str) -> str | None:
    """Give the op_id of the receipt that a well-formed void names; None for every other operation."""
    form = judge_form(raw)
    said = form.said if isinstance(form, WellFormed) else None
    return said.receipt_op_id if isinstance(said, VoidSaid) else None


def _shares(decision: Decision, installments: Mapping[int, Installment]) -> list[ShareDraft]:
    """Give one share for each installment: the lines of one add up (G.5)."""
    by_key: dict[str, list[decide.LineOutcome]] = {}
    for line in decision.lines:
        if line.is_allocation and line.installment_id is not None:
            by_key.setdefault(line.installment_id, []).append(line)
    return [_share(lines, decision.touched[key], installments) for key, lines in by_key.items()]


def _share(
    lines: Sequence[decide.LineOutcome], after: decide.InstallmentNow, installments: Mapping[int, Installment]
) -> ShareDraft:
    return ShareDraft(installments[after.id], decide.paid_by(lines), after.standing, lines[0].late)


def _credits(decision: Decision) -> list[CreditDraft]:
    """Give one credit for each customer, and what is in suspense."""
    by_customer: dict[int | None, int] = {}
    for line in decision.lines:
        if line.credit:
            by_customer[line.customer] = by_customer.get(line.customer, 0) + line.credit
    if decision.surplus_credit:
        owner = decision.surplus_customer
        by_customer[owner] = by_customer.get(owner, 0) + decision.surplus_credit
    if decision.suspense:
        by_customer[None] = decision.suspense
    return [CreditDraft(customer_id, from_cents(cents)) for customer_id, cents in by_customer.items()]
