"""From the inbox into the ledger: states, reasons, flags, voids, sessions, failures (protocol v1)."""

import json
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from pos_sync.models import Device, Operation, OperationState, TillOperator, TillPolicy
from pos_sync.protocol import Envelope
from pos_sync.services import effects, ingestion
from pos_sync.services.inbox import store_batch, tell_batch
from pos_sync.services.ingestion import apply_pending
from receivables.models import (
    SYSTEM,
    CashDay,
    CashMovement,
    CashSession,
    CustomerCredit,
    Divergence,
    Receipt,
    SessionStatus,
    TitleStatus,
)
from receivables.services.cash_day import close_day
from receivables.services.title import cancel_title
from tests.ledger import assert_books_are_clean
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, make_branch, make_customer, make_title
from tests.services.test_settlement import settle, settle_part

pytestmark = pytest.mark.django_db

PAIRED = NOW - timedelta(hours=6)
_ids = count(1)


def make_device(branch, *, till="03", **values):
    TillPolicy.objects.get_or_create(parameter_set=branch.parameter_set)
    TillOperator(branch=branch, code="01", name="Bia", pin_hash="x").save_as(SYSTEM)
    device = Device(**{"branch": branch, "till": till, "install_id": "i", "paired_at": PAIRED} | values)
    device.save_as(SYSTEM)
    return device


class Till:
    """A till that speaks straight to the inbox."""

    def __init__(self, device):
        self.device, self.seq, self.receipts = device, 0, 0

    def operation(self, kind, body, *, seq=None, at=None, op_id=None, **values):
        self.seq = seq or self.seq + 1
        return {"op_id": op_id or f"op-{next(_ids)}", "seq": self.seq, "kind": kind, "v": 1,
                "occurred_at": (at or NOW - timedelta(hours=1)).isoformat(), "body": body} | values  # fmt: skip

    def receipt(self, *lines, paid=None, at=None, op_id=None, seq=None, **values):
        self.receipts += 1
        total = sum(line[f"{part}_cents"] for line in lines for part in ("principal", "interest", "fine"))
        body = {"operator": "01", "session_id": None, "receipt_no": f"03-{self.receipts:06d}", "lines": list(lines),
                "tenders": [{"method": "cash", "amount_cents": total if paid is None else paid}]}  # fmt: skip
        return self.operation("receipt", body | values, at=at, op_id=op_id, seq=seq)

    def push(self, *operations, now=NOW, apply=True):
        raw = json.dumps({"operations": operations}).encode()
        envelope = Envelope(list(json.loads(raw)["operations"]), None, None, None, None, None, None)
        batch = store_batch(device=self.device, envelope=envelope, raw=raw, now=now)
        if apply:
            apply_pending(self.device.pk, now=now)
        return tell_batch(batch=batch).results


def line(installment, principal, interest=0, fine=0, discount=0):
    return {"installment_id": str(installment.pk), "version": installment.version, "principal_cents": principal,
            "interest_cents": interest, "fine_cents": fine, "discount_cents": discount}  # fmt: skip


@pytest.fixture
def branch(db):
    return make_branch()


@pytest.fixture
def till(branch):
    return Till(make_device(branch))


def parcel(branch, amount="1000.00", **values):
    return make_title(branch=branch, amounts=(amount,), **values).installments.get()


def test_a_receipt_settles_its_installment_and_enters_the_cash(till, branch):
    installment = parcel(branch)
    (result,) = till.push(till.receipt(line(installment, 100_000)))
    assert (result["state"], result["reason"], result["flags"]) == ("applied", None, ["session_unknown"])
    assert result["outcome"]["allocated_cents"] == 100_000
    installment.title.refresh_from_db()
    assert (installment.title.status, installment.title.received_on) == (TitleStatus.SETTLED, TODAY)
    movement = CashMovement.objects.get()
    assert (movement.amount, movement.account, movement.origin) == (1000, cash_account(branch), "till")
    receipt = Receipt.objects.get()
    assert (receipt.number, receipt.station, receipt.idempotency_key) == ("03-000001", "03", result["op_id"])


def test_a_batch_applies_receipts_of_one_installment_in_order(till, branch):
    installment = parcel(branch)
    results = till.push(*(till.receipt(line(installment, 30_000)) for _ in range(4)))
    assert [result["state"] for result in results] == ["applied", "applied", "applied", "review"]
    assert results[3]["reason"] == "partly_settled"
    assert results[3]["outcome"]["allocated_cents"] == 10_000
    assert results[3]["outcome"]["credit_cents"] == 20_000
    installment.refresh_from_db()
    assert (installment.balance, installment.status) == (0, "settled")


def test_a_parcel_paid_centrally_meanwhile_becomes_credit_and_a_divergence(till, branch):
    installment = parcel(branch)
    settle(installment.title, "1000.00")
    (result,) = till.push(till.receipt(line(installment, 100_000)))
    assert (result["state"], result["reason"]) == ("review", "already_settled")
    assert result["outcome"]["credit_cents"] == 100_000
    assert CustomerCredit.objects.get().customer == installment.title.bill_to
    divergence = Divergence.objects.get()
    assert (divergence.reason, divergence.amount, divergence.source) == ("already_settled", 1000, result["op_id"])


def test_a_parcel_partly_paid_centrally_takes_what_is_left(till, branch):
    installment = parcel(branch)
    settle_part(installment, "400.00")
    (result,) = till.push(till.receipt(line(installment, 100_000)))
    assert (result["state"], result["reason"]) == ("review", "partly_settled")
    assert (result["outcome"]["allocated_cents"], result["outcome"]["credit_cents"]) == (60_000, 40_000)


def test_a_cancelled_title_takes_nothing(till, branch):
    installment = parcel(branch)
    cancel_title(title_id=installment.title_id, reason=REASON, by=CASHIER)
    (result,) = till.push(till.receipt(line(installment, 100_000)))
    assert (result["state"], result["reason"]) == ("review", "cancelled")


def test_an_unknown_installment_is_held_in_suspense(till):
    said = {"installment_id": "999999", "version": 1, "principal_cents": 5_000, "interest_cents": 0, "fine_cents": 0,
            "discount_cents": 0}  # fmt: skip
    (result,) = till.push(till.receipt(said))
    assert (result["state"], result["reason"]) == ("held", "unknown_installment")
    assert result["outcome"]["suspense_cents"] == 5_000
    assert CustomerCredit.objects.get().customer is None


def test_an_installment_of_another_branch_seems_unknown_and_is_named_only_in_the_queue(till):
    foreign = parcel(make_branch())
    (result,) = till.push(till.receipt(line(foreign, 100_000)))
    assert (result["state"], result["reason"]) == ("held", "unknown_installment")
    assert Divergence.objects.get().details["other_branch"] == [str(foreign.pk)]
    foreign.refresh_from_db()
    assert foreign.balance == 1000


def test_a_policy_of_the_whole_company_lets_a_till_receive_for_another_branch(till, branch):
    policy = TillPolicy.objects.get(parameter_set=branch.parameter_set)
    policy.scope = TillPolicy.Scope.COMPANY
    policy.save_as(SYSTEM)
    foreign = parcel(make_branch())
    (result,) = till.push(till.receipt(line(foreign, 100_000)))
    assert result["state"] == "applied"


def test_surplus_of_a_known_customer_is_credit_and_still_applied(till):
    customer = make_customer()
    (result,) = till.push(till.receipt(customer_id=str(customer.pk), paid=5_000))
    assert (result["state"], result["outcome"]["credit_cents"]) == ("applied", 5_000)
    assert CustomerCredit.objects.filter(customer=customer).available() == 50


def test_the_same_operation_again_is_a_duplicate_with_the_same_outcome(till, branch):
    operation = till.receipt(line(parcel(branch), 100_000))
    first, again = till.push(operation)[0], till.push(operation)[0]
    assert (first["custody"], again["custody"]) == ("stored", "duplicate")
    assert again["outcome"] == first["outcome"]
    assert Receipt.objects.count() == 1


def test_a_closed_cash_day_sends_the_money_to_the_next_open_one(till, branch):
    close_day(account_id=cash_account(branch).pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    (result,) = till.push(till.receipt(line(parcel(branch), 100_000)))
    assert "cash_day_closed" in result["flags"]
    receipt = Receipt.objects.get()
    assert (receipt.received_on, receipt.cash_date) == (TODAY, TODAY + timedelta(days=1))
    assert CashMovement.objects.get().cash_date == TODAY + timedelta(days=1)


def test_an_unknown_method_goes_to_the_others(till, branch):
    tenders = [{"method": "vale", "amount_cents": 100_000}]
    (result,) = till.push(till.receipt(line(parcel(branch), 100_000), tenders=tenders))
    assert "unknown_method" in result["flags"]
    assert Receipt.objects.get().tenders.get().method.code == "outros"


def test_a_clock_that_runs_ahead_is_clamped_to_the_arrival(till, branch):
    (result,) = till.push(till.receipt(line(parcel(branch), 100_000), at=NOW + timedelta(days=40)))
    assert "clock_suspect" in result["flags"]
    assert Receipt.objects.get().received_on == TODAY


def test_a_clock_before_the_pairing_is_clamped_to_it(till, branch):
    till.push(till.receipt(line(parcel(branch), 100_000), at=NOW - timedelta(days=40)))
    assert Operation.objects.get().effective_at == PAIRED


def test_a_repeated_receipt_number_is_flagged_never_refused(till, branch):
    first = till.receipt(line(parcel(branch), 100_000))
    second = till.receipt(line(parcel(branch), 100_000), receipt_no="03-000001")
    results = till.push(first, second)
    assert [("receipt_no_reused" in result["flags"]) for result in results] == [False, True]


def test_two_operations_of_one_sequence_are_both_applied_the_later_flagged(till, branch):
    first = till.receipt(line(parcel(branch), 100_000))
    till.push(first)
    (second,) = till.push(till.receipt(line(parcel(branch), 100_000), seq=first["seq"]))
    assert (second["state"], "sequence_fork" in second["flags"]) == ("applied", True)


@pytest.mark.parametrize("move", ["suspend", "revoke"])
def test_what_a_suspended_or_revoked_device_sends_is_quarantined(till, branch, move):
    from receivables.services.moves import move as run_move

    run_move(getattr(till.device, move), reason=REASON, by=SYSTEM)
    (result,) = till.push(till.receipt(line(parcel(branch), 100_000)))
    assert (result["custody"], result["state"]) == ("stored", "quarantined")
    assert result["reason"] == f"device_{till.device.state}"
    assert not Receipt.objects.exists()
    assert Divergence.objects.get().reason == result["reason"]


def test_a_void_undoes_its_receipt(till, branch):
    installment = parcel(branch)
    (receipt,) = till.push(till.receipt(line(installment, 100_000)))
    body = {"receipt_op_id": receipt["op_id"], "reason": "Erro"}
    (result,) = till.push(till.operation("receipt_void", body))
    assert (result["state"], result["reason"]) == ("applied", None)
    assert result["outcome"] == {"allocated_cents": 0, "credit_cents": 0, "suspense_cents": 0}
    installment.refresh_from_db()
    assert (installment.balance, installment.status) == (1000, "pending")
    assert CashMovement.objects.balance() == 0


def test_a_void_before_its_receipt_waits_and_is_applied_when_it_comes(till, branch):
    installment = parcel(branch)
    receipt = till.receipt(line(installment, 100_000), seq=1)
    void = till.operation("receipt_void", {"receipt_op_id": receipt["op_id"], "reason": ""}, seq=2)
    (result,) = till.push(void)
    assert (result["state"], result["outcome"]) == ("waiting", None)
    till.push(receipt)
    assert Operation.objects.get(op_id=void["op_id"]).state == OperationState.APPLIED
    installment.refresh_from_db()
    assert installment.balance == 1000


def test_a_second_void_posts_nothing(till, branch):
    (receipt,) = till.push(till.receipt(line(parcel(branch), 100_000)))
    voids = [till.operation("receipt_void", {"receipt_op_id": receipt["op_id"], "reason": ""}) for _ in range(2)]
    results = till.push(*voids)
    assert [result["reason"] for result in results] == [None, "already_reversed"]
    assert CashMovement.objects.count() == 2


def test_a_void_of_an_earlier_session_is_posted_and_reviewed(till, branch):
    till.push(till.operation("session_open", {"session_id": "s1", "operator": "01", "float_cents": 0}))
    (receipt,) = till.push(till.receipt(line(parcel(branch), 100_000), session_id="s1"))
    till.push(till.operation("session_close", {"session_id": "s1", "counted": []}))
    (result,) = till.push(till.operation("receipt_void", {"receipt_op_id": receipt["op_id"], "reason": ""}))
    assert (result["state"], result["reason"]) == ("review", "void_late")
    assert CashMovement.objects.balance() == 0


def test_a_session_opens_takes_cash_and_closes_with_what_was_counted(till, branch):
    till.push(
        till.operation("session_open", {"session_id": "s1", "operator": "01", "float_cents": 10_000}),
        till.operation("cash_in", {"amount_cents": 5_000, "reason": "troco", "session_id": "s1"}),
        till.operation("cash_out", {"amount_cents": 2_000, "reason": "sangria", "session_id": "s1"}),
        till.receipt(line(parcel(branch, "10.00"), 1_000), session_id="s1"),
        till.operation("session_close", {"session_id": "s1", "counted": [{"method": "cash", "amount_cents": 14_000}],
                                         "pending": {"count": 0, "sum_cents": 0}}),
    )  # fmt: skip
    session = CashSession.objects.get()
    assert session.status == SessionStatus.CLOSED
    assert session.closing.expected_amount == Decimal("140.00")
    assert session.closing.counts.get().amount == Decimal("140.00")
    assert set(Operation.objects.values_list("state", flat=True)) == {"applied"}


def test_a_close_waits_for_the_operations_before_it_for_a_day_at_most(till, branch):
    opening = till.operation("session_open", {"session_id": "s1", "operator": "01", "float_cents": 0}, seq=1)
    till.push(opening)
    (result,) = till.push(till.operation("session_close", {"session_id": "s1", "counted": []}, seq=3))
    assert result["state"] == "waiting"
    apply_pending(now=NOW + timedelta(hours=25))
    assert Operation.objects.get(seq=3).state == OperationState.APPLIED


def test_a_malformed_operation_stops_nobody(till, branch):
    results = till.push(
        till.receipt(line(parcel(branch), 100_000)),
        till.operation("receipt", {"tenders": [{"method": "cash", "amount_cents": 10.5}]}),
        till.receipt(line(parcel(branch), 100_000)),
    )
    assert [result["state"] for result in results] == ["applied", "quarantined", "applied"]
    assert results[1]["reason"] == "malformed"


def test_a_poisoned_operation_is_held_after_five_failures_and_stops_nobody(till, branch, monkeypatch):
    poison = till.receipt(line(parcel(branch), 100_000))
    healthy = till.receipt(line(parcel(branch), 100_000))
    real = effects.decide.decide_receipt

    def fail(said, **facts):
        if said.receipt_no == poison["body"]["receipt_no"]:
            raise ValueError("poison")
        return real(said, **facts)

    monkeypatch.setattr(effects.decide, "decide_receipt", fail)
    till.push(poison, healthy)
    for _ in range(6):
        apply_pending(till.device.pk, now=NOW)
    states = dict(Operation.objects.values_list("op_id", "state"))
    assert states == {poison["op_id"]: "held", healthy["op_id"]: "applied"}
    assert CustomerCredit.objects.get().amount == 1000
    assert CashMovement.objects.balance() == 2000


@pytest.fixture
def tries(monkeypatch):
    """Tell how many operations each try was for; one of the operation in `poison` fails, or dies, with that."""
    sizes, poison, real = [], {}, ingestion._apply

    def apply(device_id, ids, *, now):
        sizes.append(len(ids))
        for op_id in Operation.objects.filter(pk__in=ids).values_list("op_id", flat=True):
            if op_id in poison:
                raise poison[op_id]
        return real(device_id, ids, now=now)

    monkeypatch.setattr(ingestion, "_apply", apply)
    return sizes, poison


def cash_put_in(till, times):
    sent = [till.operation("cash_in", {"amount_cents": 100, "reason": "troco"}) for _ in range(times)]
    till.push(*sent, apply=False)
    return sent


def test_a_backlog_under_which_a_process_was_killed_is_through_in_a_few_tries(till, tries):
    sizes, poison = tries
    killed = cash_put_in(till, 60)
    poison[killed[-1]["op_id"]] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        apply_pending(till.device.pk, now=NOW)
    poison.clear()
    cash_put_in(till, 40)
    assert apply_pending(till.device.pk, now=NOW) == 100
    assert sizes == [60, 25, 25, 10, 40]


def test_a_poison_in_a_backlog_is_alone_after_a_few_tries(till, tries):
    sizes, poison = tries
    sent = cash_put_in(till, 60)
    poison[sent[30]["op_id"]] = ValueError("poison")
    assert apply_pending(till.device.pk, now=NOW) == 59
    assert sizes == [60, 25, 25, 3, 3, 1, 1, 1, *[3] * 6, 1, 10]
    row = Operation.objects.get(state=OperationState.PENDING)
    assert (row.op_id, row.failures) == (sent[30]["op_id"], 1)


def test_an_operation_under_which_processes_were_killed_is_never_held_for_it(till, branch):
    till.push(till.receipt(line(parcel(branch), 100_000)), apply=False)
    Operation.objects.update(attempts=100)
    apply_pending(till.device.pk, now=NOW)
    assert Operation.objects.get().state == OperationState.APPLIED


def test_an_operation_under_which_processes_die_again_and_again_goes_behind_the_others(till, branch):
    deadly, healthy = till.receipt(line(parcel(branch), 100_000)), till.receipt(line(parcel(branch), 100_000))
    till.push(deadly, healthy, apply=False)
    Operation.objects.filter(op_id=deadly["op_id"]).update(attempts=100)
    apply_pending(till.device.pk, now=NOW)
    first, last = Receipt.objects.order_by("pk").values_list("idempotency_key", flat=True)
    assert (first, last) == (healthy["op_id"], deadly["op_id"])


def test_a_deadlock_is_tried_again_at_once(till, branch, monkeypatch):
    till.push(till.receipt(line(parcel(branch), 100_000)), apply=False)
    tries = fail_with(monkeypatch, OperationalError(), of=psycopg.errors.DeadlockDetected(), times=2)
    apply_pending(till.device.pk, now=NOW)
    assert (Operation.objects.get().state, len(tries)) == (OperationState.APPLIED, 3)


def test_a_database_that_was_away_says_nothing_about_the_operation(till, branch, monkeypatch):
    till.push(till.receipt(line(parcel(branch), 100_000)), apply=False)
    fail_with(monkeypatch, OperationalError(), of=psycopg.errors.LockNotAvailable(), times=99)
    with pytest.raises(OperationalError):
        apply_pending(till.device.pk, now=NOW)
    row = Operation.objects.get()
    assert (row.state, row.attempts, row.failures) == (OperationState.PENDING, 0, 0)


def test_trouble_at_one_device_does_not_keep_the_others_waiting(till, branch, monkeypatch):
    other = Till(make_device(make_branch()))
    till.push(till.receipt(line(parcel(branch), 100_000)), apply=False)
    other.push(other.receipt(line(parcel(other.device.branch), 100_000)), apply=False)
    fail_with(monkeypatch, OperationalError(), of=psycopg.errors.LockNotAvailable(), times=1)
    with pytest.raises(OperationalError):
        apply_pending(now=NOW)
    assert set(Operation.objects.values_list("device", "state")) == {
        (till.device.pk, "pending"), (other.device.pk, "applied")
    }  # fmt: skip


def fail_with(monkeypatch, error, *, of, times):
    """Let deciding fail so often as the database would; gives the list of tries."""
    real, tries = effects.decide.decide_receipt, []
    error.__cause__ = of

    def decide(said, **facts):
        tries.append(said)
        if len(tries) <= times:
            raise error
        return real(said, **facts)

    monkeypatch.setattr(effects.decide, "decide_receipt", decide)
    return tries


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite does not send ahead")
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_stands_still_while_it_sends_ahead_idles_in_its_transaction(till, branch, monkeypatch):
    """So that idle_in_transaction_session_timeout ends it, and its locks with it."""
    monkeypatch.setattr(effects, "FIRST_LOT", 1)
    till.push(*(till.receipt(line(parcel(branch), 100_000)) for _ in range(2)), apply=False)
    real, seen = effects.decide.decide_receipt, []

    def decide(said, **facts):
        with another_process() as other, other.cursor() as cursor:
            for _ in range(1_000):
                cursor.execute(
                    "SELECT state FROM pg_stat_activity WHERE pid = %s", [connection.connection.info.backend_pid]
                )
                ((state,),) = cursor.fetchall()
                if state != "active":
                    break
            seen.append(state)
        return real(said, **facts)

    monkeypatch.setattr(effects.decide, "decide_receipt", decide)
    assert apply_pending(till.device.pk, now=NOW) == 2
    assert seen == ["idle in transaction"] * 2


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_a_device_that_another_process_has_is_left_to_it(till, branch):
    till.push(till.receipt(line(parcel(branch), 100_000)), apply=False)
    with another_process() as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"pos_sync.device:{till.device.pk}"])
        assert apply_pending(till.device.pk, now=NOW) == 0
        cursor.execute("COMMIT")
    assert (Operation.objects.get().state, Operation.objects.get().attempts) == (OperationState.PENDING, 0)


@contextmanager
def another_process():
    """A connection of its own, as another process would have."""
    other = connection.copy()
    try:
        yield other
    finally:
        other.close()


def test_what_comes_while_waiting_operations_are_looked_at_is_applied_in_the_same_turn(till, branch, monkeypatch):
    till.push(till.operation("session_close", {"session_id": "s1", "counted": []}, seq=2))
    late = till.receipt(line(parcel(branch), 100_000), seq=3)
    real = effects.decide.decide_close

    def decide(said, **facts):
        if not Operation.objects.filter(op_id=late["op_id"]).exists():
            till.push(late, apply=False)  # its own doorbell finds the device taken
        return real(said, **facts)

    monkeypatch.setattr(effects.decide, "decide_close", decide)
    apply_pending(till.device.pk, now=NOW)
    assert Operation.objects.get(op_id=late["op_id"]).state == OperationState.APPLIED


def statements_to_apply(till, *operations):
    till.push(*operations, apply=False)
    with CaptureQueriesContext(connection) as queries:
        apply_pending(till.device.pk, now=NOW)
    return len(queries)


def test_many_receipts_are_applied_in_as_many_statements_as_few(till, branch):
    till.push(till.receipt(line(parcel(branch), 100_000)))
    few, many = (statements_to_apply(till, *[till.receipt(line(parcel(branch), 100_000)) for _ in range(size)])
                 for size in (2, 30))  # fmt: skip
    assert many == few
    assert Receipt.objects.count() == 33


def test_a_lot_is_decided_on_what_the_one_before_left(till, branch, monkeypatch):
    monkeypatch.setattr(effects, "FIRST_LOT", 1)
    one, other = parcel(branch), parcel(branch)
    told = till.push(*(till.receipt(line(row, cents)) for row, cents in
                       ((one, 60_000), (other, 50_000), (one, 30_000), (one, 20_000), (other, 50_000))))  # fmt: skip
    assert [(it["state"], it["reason"]) for it in told] == [
        ("applied", None), ("applied", None), ("applied", None), ("review", "partly_settled"), ("applied", None)
    ]  # fmt: skip
    assert told[3]["outcome"]["credit_cents"] == 10_000
    assert {row.title.installments.get().status for row in (one, other)} == {"settled"}
    assert_books_are_clean()


def test_many_quarantined_operations_are_written_in_as_many_statements_as_few(till):
    few, many = (statements_to_apply(till, *[till.operation("sale", {}) for _ in range(size)]) for size in (2, 30))
    assert many == few
    assert Divergence.objects.filter(reason="unknown_kind").count() == 32


def test_voids_that_wait_for_ever_cost_no_statement(till):
    till.push(till.operation("receipt_void", {"receipt_op_id": "never-1"}))
    few = statements_to_apply(till)
    till.push(*(till.operation("receipt_void", {"receipt_op_id": f"never-{number}"}) for number in range(2, 12)))
    assert statements_to_apply(till) == few
    assert set(Operation.objects.values_list("state", flat=True)) == {"waiting"}


def test_a_void_of_another_branchs_receipt_waits_and_touches_nothing_there(branch):
    till, other = Till(make_device(branch, paired_at=NOW - timedelta(9))), Till(make_device(make_branch()))
    (receipt,) = other.push(other.receipt(line(parcel(other.device.branch), 100_000)))
    days = CashDay.objects.count()
    (result,) = till.push(till.operation("receipt_void", {"receipt_op_id": receipt["op_id"]}, at=NOW - timedelta(3)))
    assert result["state"] == "waiting"
    assert CashDay.objects.count() == days


def test_charges_as_the_till_computed_them_are_honoured(till, branch):
    installment = parcel(branch, due_dates=(TODAY - timedelta(days=30),))
    (result,) = till.push(till.receipt(line(installment, 100_000, 1_000, 2_000)))
    assert (result["state"], result["flags"]) == ("applied", ["session_unknown"])


def test_other_charges_are_accepted_and_flagged(till, branch):
    installment = parcel(branch, due_dates=(TODAY - timedelta(days=30),))
    (result,) = till.push(till.receipt(line(installment, 100_000)))
    assert (result["state"], result["flags"]) == ("applied", ["charges_differ", "session_unknown"])


def test_tenders_spread_over_titles_without_losing_a_cent(till, branch):
    first, second = parcel(branch, "33.33"), parcel(branch, "66.67")
    tenders = [{"method": "cash", "amount_cents": 5_000}, {"method": "pix", "amount_cents": 5_000}]
    till.push(till.receipt(line(first, 3_333), line(second, 6_667), tenders=tenders))
    amounts = sorted(CashMovement.objects.values_list("title", "amount"))
    assert amounts == [(first.title_id, Decimal("33.33")), (second.title_id, Decimal("16.67")),
                       (second.title_id, Decimal("50.00"))]  # fmt: skip


def test_the_time_of_an_operation_is_read_with_its_offset(till, branch):
    at = datetime.fromisoformat("2026-11-23T09:30:00-03:00")
    till.push(till.receipt(line(parcel(branch), 100_000), at=at))
    assert Operation.objects.get().effective_at == at


def test_a_receipt_after_a_void_in_one_batch_finds_what_the_void_left(till, branch):
    installment = parcel(branch)
    first = till.receipt(line(installment, 100_000))
    void = till.operation("receipt_void", {"receipt_op_id": first["op_id"], "reason": ""})
    results = till.push(first, void, till.receipt(line(installment, 100_000)))
    assert [result["state"] for result in results] == ["applied", "applied", "applied"]
    installment.refresh_from_db()
    assert (installment.balance, installment.status) == (0, "settled")
    assert CashMovement.objects.balance() == 1000
