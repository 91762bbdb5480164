"""What decided operations write into the ledger: receipts set-based, the rest one by one (G.11, G.15)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple, Self

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
from receivables.services.locks import lock_installments_of, lock_titles, lock_titles_of
from receivables.services.moves import create_audited, run
from receivables.services.posting import CreditDraft, ReceiptDraft, ReceiptPosting, ShareDraft, TenderDraft
from receivables.services.reversal import void_receipt
from receivables.services.rows import sent_ahead, update_rows

MOST_FAILURES = 5
VERDICT = ("reason", "flags", "outcome", "effective_at", "changed_at")  # what is written of it beside the state
FIRST_LOT = 70  # of 200: PostgreSQL is through with it when the rest is decided


class Judged(NamedTuple):
    """What became of an operation, as its row will tell it."""

    state: str
    effective_at: datetime | None
    reason: str | None = None
    flags: tuple[str, ...] = ()
    outcome: dict[str, Any] | None = None


class Timed(NamedTuple):
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

    def __init__(self, *, device_id: int, now: datetime) -> None:
        of_this_till = Device.objects.filter(branch__devices=device_id, till=F("branch__devices__till"))
        # Whoever is judged for it, an operation was brought by a device of this till.
        self.devices = of_this_till.select_related("branch__parameter_set__till_policy").in_bulk()
        self.device, self.now = self.devices[device_id], now
        self.by = Actor(name=f"PDV {self.device.branch.code}/{self.device.till}", channel="till")
        self.judged: dict[int, Judged] = {}
        self.sessions: dict[str, CashSession] = {}
        self.timed: dict[int, Timed] = {}
        self.are_stale = False

    @classmethod
    def open(cls, *, device_id: int, operations: Sequence[Operation], now: datetime) -> Self:
        """Judge forms, times and devices, then lock days, titles and installments in the house's order.

        `is_fork` of each operation says whether another one brought its seq before.
        """
        desk = cls(device_id=device_id, now=now)
        desk._time(operations)
        desk._lock()
        return desk

    def is_receipt(self, row: Operation) -> bool:
        timed = self.timed.get(row.pk)
        return timed is not None and isinstance(timed.said, ReceiptSaid)

    # Form, time and device

    def _time(self, operations: Sequence[Operation]) -> None:
        running = self._times_before(operations)
        first_paired_at = min(device.paired_at for device in self.devices.values())
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
            self._time_one(row, form, effective_at, suspect=suspect)
        self._report_quarantined(operations)

    def _time_one(self, row: Operation, form: WellFormed, effective_at: datetime, *, suspect: bool) -> None:
        device = self.devices[row.judged_as_id]
        quarantined = decide.quarantine_reason(
            device_state=device.state, taken_at=effective_at, replaced_at=device.replaced_at
        )
        if quarantined and row.approved_at is None:
            self._quarantine(row, quarantined, effective_at)
            return
        around = Circumstances(
            received_on=decide.till_day(effective_at), clock_suspect=suspect, sequence_fork=row.is_fork,  # type: ignore[attr-defined]
            known_methods=self.known_methods,
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
        branch = self.device.branch
        rows = BranchPaymentMethod.objects.filter(branch=branch.pk, method__is_active=True)
        rows = rows.exclude(method__code=PaymentMethod.CREDIT).select_related("method", "account")
        for row in rows:
            if row.account.branch_id == branch.pk:
                row.account.branch = branch
        return {row.method.code: row for row in rows}

    @cached_property
    def known_methods(self) -> frozenset[str]:
        return frozenset(self.methods)

    def _method(self, code: str | None) -> BranchPaymentMethod:
        return self.methods.get(code or "") or self.methods[PaymentMethod.OTHER]

    def _receipts(self) -> list[Timed]:
        return [timed for timed in self.timed.values() if isinstance(timed.said, ReceiptSaid)]

    def _lock(self) -> None:
        self.landings: dict[tuple[int, date], Landing] = land_later(wanted=self._wanted_days(), by=self.by)
        self.installments = self._locked_installments()

    def _locked_installments(self) -> dict[int, Installment]:
        """Read what the batch names, under lock; postings keep these rows up to date, a void writes past them."""
        named = parsed_ids({line.installment_id for timed in self._receipts() for line in timed.said.lines})
        voided = self._voided()
        if not voided:
            return lock_installments_of(lock_titles_of(named))
        paid = Installment.objects.filter(pk__among=named).values_list("title_id", flat=True)
        taken_back = ReceiptAllocation.objects.filter(
            receipt__idempotency_key__in=voided, receipt__branch=self.device.branch_id
        )
        return lock_installments_of(lock_titles({*paid, *taken_back.values_list("title_id", flat=True)}))

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

    # Receipts

    def apply_receipts(self, rows: Sequence[Operation]) -> None:
        """Decide receipts in order, each on what the one before left; a lot is written while the next is decided."""
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
        posting = self._posting(batch)
        with sent_ahead():
            self._apply_in_lots(batch, scene, surroundings, posting)

    def _apply_in_lots(
        self,
        batch: Sequence[Timed],
        scene: decide.Scene,
        surroundings: Mapping[int, Circumstances],
        posting: ReceiptPosting,
    ) -> None:
        lots = (batch[:FIRST_LOT], batch[FIRST_LOT:]) if len(batch) >= 2 * FIRST_LOT else (batch,)
        for lot in lots:
            decisions = []
            for timed in lot:
                decision = decide.decide_receipt(timed.said, scene=scene, around=surroundings[timed.row.pk])
                decide.follow(scene, decision)
                decisions.append((timed, decision))
            self._post(posting, decisions)
            self.write([timed.row for timed in lot])

    def hold(self, rows: Sequence[Operation]) -> None:
        """Put receipts that could not be applied into suspense, whole."""
        batch = [self.timed[row.pk] for row in rows]
        if not batch:
            return
        surroundings = self._surroundings(batch)
        held = [(timed, decide.hold_everything(timed.said, around=surroundings[timed.row.pk])) for timed in batch]
        self._post(self._posting(batch), held)

    def write(self, operations: Sequence[Operation]) -> None:
        """Move operations through their own table of transitions and write what was decided, where it is not yet."""
        changed = []
        for row in operations:
            verdict = self.judged[row.pk]
            if row.state == verdict.state:
                continue
            run(_VERBS[verdict.state](row))
            row.reason, row.flags, row.outcome = verdict.reason or "", list(verdict.flags), verdict.outcome
            row.effective_at, row.changed_at = verdict.effective_at, self.now
            changed.append(row)
        if changed:
            update_rows(
                Operation,
                [field for field in Operation._meta.concrete_fields if field.name in ("state", *VERDICT)],
                changed,
            )

    def _posting(self, batch: Sequence[Timed]) -> ReceiptPosting:
        return ReceiptPosting(
            installments=self.installments,
            landings=self.landings,
            sessions={session.pk for session in self.sessions.values()},
            receipts=len(batch),
            tenders=sum(len(timed.said.tenders) for timed in batch),
            shares=sum(len(timed.said.lines) for timed in batch),
            by=self.by,
            now=self.now,
        )

    def _post(self, posting: ReceiptPosting, decisions: Sequence[tuple[Timed, Decision]]) -> None:
        drafts = [self._draft(timed, decision) for timed, decision in decisions]
        posting.post(drafts)
        divergences = []
        for draft, (timed, decision) in zip(drafts, decisions, strict=True):
            self.judged[timed.row.pk] = Judged(
                state=decision.state,
                reason=decision.reason,
                flags=decision.flags,
                outcome=decision.outcome_json(receipt=draft.label),
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
        later = {wanted for wanted, landing in self.landings.items() if landing.day != wanted[1]}
        found = {}
        for timed in batch:
            said = timed.said
            found[timed.row.pk] = timed.around._replace(
                operator_known=said.operator in operators,
                session_known=said.session_id in self.sessions,
                receipt_no_seen=said.receipt_no in seen,
                cash_day_closed=bool(later)
                and any((self._method(tender.method).account_id, timed.day) in later for tender in said.tenders),
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
            history_code_id=usual.credit_history_id,
            document_type_id=usual.document_type_id,
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
            receipt_id=draft.key,
            installment_id=line.installment if line else None,
            customer_id=draft.customer_id,
            amount=from_cents(decision.credit + decision.suspense or not_as_said(timed.said, decision)),
            details={
                "outcome": decision.outcome_json(receipt=draft.label),
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
        around = timed.around._replace(cash_day_closed=voided.later_day)
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
        return decide.decide_cash(said, around=timed.around._replace(operator_known=known))

    def _close_session(self, timed: Timed) -> PlainDecision:
        said: SessionCloseSaid = timed.said
        session = self._find_sessions({said.session_id}).get(said.session_id or "")
        is_open = session is not None and session.status == SessionStatus.OPEN
        decision = decide.decide_close(
            said,
            sequence_complete=self._is_complete_before(timed),
            waited=decide.CLOSE_PATIENCE if timed.row.approved_at else self.now - timed.row.received_at,
            around=timed.around._replace(session_known=is_open),
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
        around = timed.around._replace(session_known=session is not None, cash_day_closed=landing.day != timed.day)
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


_VERBS: dict[str, Callable[[Operation], Callable[[], None]]] = {
    OperationState.WAITING: lambda row: row.wait,
    OperationState.APPLIED: lambda row: row.apply,
    OperationState.REVIEW: lambda row: row.review,
    OperationState.HELD: lambda row: row.hold,
    OperationState.QUARANTINED: lambda row: row.quarantine,
}


def voided_receipt(raw: str) -> str | None:
    """Give the op_id of the receipt that a well-formed void names; None for every other operation."""
    form = judge_form(raw)
    said = form.said if isinstance(form, WellFormed) else None
    return said.receipt_op_id if isinstance(said, VoidSaid) else None


def _shares(decision: Decision, installments: Mapping[int, Installment]) -> list[ShareDraft]:
    """Give one share for each installment: the lines of one add up (G.5)."""
    late = {line.installment_id: line.late for line in decision.lines if line.is_allocation}
    return [
        ShareDraft(installments[after.id], decision.paid[key], after.standing, late[key])
        for key, after in decision.touched.items()
    ]


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
