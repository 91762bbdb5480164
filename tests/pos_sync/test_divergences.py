"""What people answer about operations: approved, rejected, copied, never completed; and what the till is told then."""

import json
from datetime import timedelta

import pytest

from pos_sync.models import Operation, OperationState, Snapshot, TillPolicy
from pos_sync.services.changes import pull_changes
from pos_sync.services.copies import CopyWithoutMoney, keep_first, record_copy
from pos_sync.services.ingestion import apply_pending
from pos_sync.services.late_voids import WaitsNoMore, close_late_void, close_session_now, void_after_all
from pos_sync.services.quarantine import OperationNotReadable, approve_operation, reject_operation, retry_readable
from pos_sync.services.snapshot import build
from receivables.domain.errors import DivergenceResolved, ReasonTooShort, SecondPersonRequired
from receivables.models import SYSTEM, Actor, CashMovement, CashSession, CustomerCredit, Divergence, Outcome, Receipt
from receivables.services.divergence import accept_difference, apply_credit, identify_customer, keep_as_credit
from receivables.services.moves import move
from tests.ledger import assert_books_are_clean, refused
from tests.make import NOW, REASON, TODAY, make_branch, make_customer, make_user
from tests.pos_sync.test_ingestion import Till, line, make_device, parcel
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=25)


@pytest.fixture
def branch(db):
    return make_branch()


@pytest.fixture
def till(branch):
    return Till(make_device(branch))


@pytest.fixture
def manager(branch):
    return Actor.person(make_user(branches=(branch,)))


@pytest.fixture
def second(branch):
    return Actor.person(make_user(branches=(branch,)))


@pytest.fixture
def suspended(till):
    move(till.device.suspend, reason=REASON, by=SYSTEM)
    return till


def question(**values):
    return Divergence.objects.get(**values)


def operation(op_id):
    return Operation.objects.get(op_id=op_id)


def cursor_of(till):
    """Give the cursor of a till that knows everything until now."""
    build(till.device.branch, page_size=1000, why="daily", now=NOW)
    return Snapshot.objects.latest("pk").cursor


def told_at_the_next_pull(till, cursor):
    """Give, by op_id, what the results of the next pull say; a suspended till pulls once it is active again."""
    document = pull_changes(device=till.device, cursor=cursor, limit=500, now=NOW).document
    return {result["op_id"]: (result["state"], result["reason"]) for result in document["results"]}


# Money that is posted


def test_the_till_is_told_at_its_next_pull_that_the_office_resolved_it(till, branch, manager):
    paid, other = parcel(branch), parcel(branch)
    settle(paid.title, "1000.00")
    (result,) = till.push(till.receipt(line(paid, 100_000)))
    cursor = cursor_of(till)
    keep_as_credit(divergence_id=question().pk, by=manager, now=NOW)
    assert operation(result["op_id"]).state == OperationState.RESOLVED
    assert told_at_the_next_pull(till, cursor) == {result["op_id"]: ("resolved", "already_settled")}
    (again,) = till.push(json.loads(operation(result["op_id"]).raw))
    assert (again["custody"], again["state"], again["outcome"]) == ("duplicate", "resolved", result["outcome"])
    other.refresh_from_db()
    assert other.balance == 1000
    assert_books_are_clean()


def test_the_credit_of_a_parcel_paid_twice_pays_another_one(till, branch, manager):
    customer = make_customer()
    paid, other = parcel(branch, bill_to=customer), parcel(branch, bill_to=customer)
    settle(paid.title, "1000.00")
    (result,) = till.push(till.receipt(line(paid, 100_000)))
    apply_credit(divergence_id=question().pk, installment_id=other.pk, amount=other.balance, cash_date=TODAY,
                 by=manager, now=NOW, on=TODAY)  # fmt: skip
    other.refresh_from_db()
    assert (other.status, operation(result["op_id"]).state) == ("settled", "resolved")
    assert_books_are_clean()


def test_identified_money_ends_the_hold(till, manager):
    said = {"installment_id": "999999", "version": 1, "principal_cents": 5_000}
    (result,) = till.push(till.receipt({"interest_cents": 0, "fine_cents": 0, "discount_cents": 0} | said))
    customer = make_customer()
    identify_customer(divergence_id=question().pk, customer_id=customer.pk, reason=REASON, by=manager, now=NOW,
                      on=TODAY)  # fmt: skip
    assert operation(result["op_id"]).state == OperationState.RESOLVED
    assert CustomerCredit.objects.filter(customer=customer).available() == 50
    assert_books_are_clean()


# Quarantine


def test_an_approved_operation_is_judged_as_if_its_till_were_active(suspended, branch, manager):
    installment = parcel(branch, "300.00")
    (result,) = suspended.push(suspended.receipt(line(installment, 30_000)))
    row = question()
    assert (row.amount, row.customer, row.installment, row.station) == (
        300,
        installment.title.bill_to,
        installment,
        "03",
    )
    cursor = cursor_of(suspended)
    approved = approve_operation(divergence_id=row.pk, reason=REASON, by=manager, now=NOW)
    assert (approved.outcome, operation(result["op_id"]).state) == (Outcome.APPROVED, OperationState.PENDING)
    apply_pending(now=NOW)
    installment.refresh_from_db()
    assert (installment.status, Receipt.objects.get().idempotency_key) == ("settled", result["op_id"])
    assert told_at_the_next_pull(suspended, cursor) == {result["op_id"]: ("applied", None)}
    assert_books_are_clean()


def test_an_approved_operation_may_raise_the_next_question(suspended, branch, manager):
    installment = parcel(branch, "300.00")
    (result,) = suspended.push(suspended.receipt(line(installment, 30_000)))
    settle(installment.title, "300.00")
    approve_operation(divergence_id=question().pk, reason=REASON, by=manager, now=NOW)
    apply_pending(now=NOW)
    assert operation(result["op_id"]).state == OperationState.REVIEW
    keep_as_credit(divergence_id=question(reason="already_settled").pk, by=manager, now=NOW)
    assert operation(result["op_id"]).state == OperationState.RESOLVED
    assert_books_are_clean()


def test_a_rejected_operation_posts_nothing_for_ever(suspended, branch, manager):
    (result,) = suspended.push(suspended.receipt(line(parcel(branch, "300.00"), 30_000)))
    cursor = cursor_of(suspended)
    reject_operation(divergence_id=question().pk, reason=REASON, by=manager, now=NOW)
    apply_pending(now=LATER)
    assert (Receipt.objects.count(), CashMovement.objects.count()) == (0, 0)
    assert told_at_the_next_pull(suspended, cursor) == {result["op_id"]: ("resolved", "device_suspended")}
    assert_books_are_clean()


def test_above_the_limit_two_persons_approve(suspended, branch, manager, second):
    (result,) = suspended.push(suspended.receipt(line(parcel(branch), 100_000)))
    row = approve_operation(divergence_id=question().pk, reason=REASON, by=manager, now=NOW)
    assert (row.status, row.proposed_by_id, operation(result["op_id"]).state) == (
        "open",
        manager.user_id,
        "quarantined",
    )
    with refused(SecondPersonRequired, "second_person_required"):
        approve_operation(divergence_id=row.pk, reason=REASON, by=manager, now=NOW)
    assert approve_operation(divergence_id=row.pk, reason=REASON, by=second, now=NOW).outcome == Outcome.APPROVED


def test_a_superuser_does_not_stand_for_two(suspended, branch):
    chief = Actor.person(make_user(is_superuser=True))
    suspended.push(suspended.receipt(line(parcel(branch), 100_000)))
    reject_operation(divergence_id=question().pk, reason=REASON, by=chief, now=NOW)
    with refused(SecondPersonRequired, "second_person_required"):
        reject_operation(divergence_id=question().pk, reason=REASON, by=chief, now=NOW)


def test_the_limit_is_that_of_the_till_policy(suspended, branch, manager):
    policy = TillPolicy.objects.get(parameter_set=branch.parameter_set)
    policy.second_person_above_cents = 100_000
    policy.save_as(SYSTEM)
    suspended.push(suspended.receipt(line(parcel(branch), 100_000)))
    assert approve_operation(divergence_id=question().pk, reason=REASON, by=manager, now=NOW).status == "resolved"


def test_what_cannot_be_read_is_not_approved_and_takes_two_to_reject(till, manager, second):
    till.push(till.operation("receipt", {"tenders": [{"method": "cash", "amount_cents": 10.5}]}))
    row = question(reason="malformed")
    assert row.details["amount_unknown"] is True
    with refused(OperationNotReadable, "operation_not_readable"):
        approve_operation(divergence_id=row.pk, reason=REASON, by=manager, now=NOW)
    assert reject_operation(divergence_id=row.pk, reason=REASON, by=manager, now=NOW).status == "open"
    assert reject_operation(divergence_id=row.pk, reason=REASON, by=second, now=NOW).status == "resolved"
    assert_books_are_clean()


def test_the_second_manager_is_told_who_answered_first(suspended, branch, manager, second):
    suspended.push(suspended.receipt(line(parcel(branch, "300.00"), 30_000)))
    approve_operation(divergence_id=question().pk, reason=REASON, by=manager, now=NOW)
    with refused(DivergenceResolved, "divergence_resolved") as refusal:
        reject_operation(divergence_id=question().pk, reason=REASON, by=second, now=NOW)
    assert refusal.value.facts["person"] == manager.name


def test_nobody_approves_without_a_reason(suspended, branch, manager):
    suspended.push(suspended.receipt(line(parcel(branch, "300.00"), 30_000)))
    with refused(ReasonTooShort, "reason_too_short"):
        approve_operation(divergence_id=question().pk, reason="ok", by=manager, now=NOW)


def test_what_an_upgrade_can_read_leaves_quarantine_by_itself(till, branch):
    (result,) = till.push(till.receipt(line(parcel(branch), 100_000)) | {"v": 2})
    assert result["reason"] == "unknown_version"
    assert retry_readable(now=NOW) == 0
    row = operation(result["op_id"])
    Operation.objects.filter(pk=row.pk).update(raw=row.raw.replace('"v":2', '"v":1').replace('"v": 2', '"v": 1'))
    assert retry_readable(now=NOW) == 1
    apply_pending(now=NOW)
    assert (operation(result["op_id"]).state, question().status) == (OperationState.APPLIED, "resolved")


# Copies


@pytest.fixture
def copied(till, branch):
    """A receipt, and another one under its number."""
    first = till.receipt(line(parcel(branch, "300.00"), 30_000))
    other = till.receipt(line(parcel(branch, "200.00"), 20_000), op_id=first["op_id"])
    (_, copy) = till.push(first, other)
    assert (copy["custody"], copy["reason"]) == ("conflict", "op_id_reused")
    return first


def test_a_copy_is_asked_about_once(till, copied):
    apply_pending(now=LATER)
    row = question()
    assert (row.reason, row.amount, row.station) == ("op_id_reused", 200, "03")
    assert_books_are_clean()


def test_the_first_is_kept_alone(copied, manager):
    keep_first(divergence_id=question().pk, reason=REASON, by=manager, now=NOW)
    assert (Receipt.objects.count(), operation(copied["op_id"]).state) == (1, OperationState.APPLIED)
    assert_books_are_clean()


def test_a_copys_money_is_recorded_beside_the_first_by_two_persons_only(copied, manager, second):
    row = record_copy(divergence_id=question().pk, reason=REASON, by=manager, now=NOW)
    assert (row.status, Operation.objects.count()) == ("open", 1)
    record_copy(divergence_id=row.pk, reason=REASON, by=second, now=NOW)
    apply_pending(now=NOW)
    copy = Operation.objects.latest("pk")
    assert (copy.state, copy.seq, Receipt.objects.get(idempotency_key=copy.op_id).amount) == ("applied", None, 200)
    assert operation(copied["op_id"]).state == OperationState.APPLIED
    assert_books_are_clean()


def test_a_copy_without_money_is_not_recorded(till, branch, manager):
    (receipt,) = till.push(till.receipt(line(parcel(branch), 100_000)))
    till.push(till.operation("receipt_void", {"receipt_op_id": "x", "reason": ""}, op_id=receipt["op_id"]))
    with refused(CopyWithoutMoney, "copy_without_money"):
        record_copy(divergence_id=question().pk, reason=REASON, by=manager, now=NOW)


def test_a_copy_is_asked_about_in_the_branch_that_sent_it(till, branch):
    (first,) = till.push(till.receipt(line(parcel(branch), 100_000)))
    elsewhere = Till(make_device(make_branch()))
    elsewhere.push(elsewhere.receipt(op_id=first["op_id"], paid=700))
    assert question().branch == elsewhere.device.branch


# What waits


@pytest.fixture
def orphan(till):
    """A void whose receipt has not come in a day."""
    (void,) = till.push(till.operation("receipt_void", {"receipt_op_id": "lost", "reason": ""}, seq=2))
    assert void["state"] == "waiting"
    apply_pending(now=NOW)
    assert not Divergence.objects.exists()
    apply_pending(now=LATER)
    return void


def test_a_void_whose_receipt_never_comes_is_closed_by_a_manager_after_a_day(till, orphan, manager):
    cursor = cursor_of(till)
    close_late_void(divergence_id=question(reason="void_without_receipt").pk, reason=REASON, by=manager, now=LATER)
    assert told_at_the_next_pull(till, cursor) == {orphan["op_id"]: ("resolved", None)}
    assert CashMovement.objects.count() == 0
    assert_books_are_clean()


def test_a_receipt_that_comes_in_time_answers_the_question_itself(till, branch, orphan, manager):
    till.push(till.receipt(line(parcel(branch), 100_000), op_id="lost", seq=1), now=LATER)
    assert operation(orphan["op_id"]).state == OperationState.APPLIED
    with refused(WaitsNoMore, "waits_no_more"):
        close_late_void(divergence_id=question().pk, reason=REASON, by=manager, now=LATER)
    apply_pending(now=LATER)
    assert question().status == "resolved"
    assert_books_are_clean()


def test_a_receipt_that_comes_after_its_void_was_closed_is_asked_about_and_voided(till, branch, orphan, manager):
    close_late_void(divergence_id=question().pk, reason=REASON, by=manager, now=LATER)
    installment = parcel(branch)
    till.push(till.receipt(line(installment, 100_000), op_id="lost", seq=1), now=LATER)
    apply_pending(now=LATER)
    row = question(reason="receipt_after_void")
    assert row.amount == 1000
    void_after_all(divergence_id=row.pk, reason=REASON, by=manager, now=LATER, on=TODAY)
    installment.refresh_from_db()
    assert (installment.balance, CashMovement.objects.balance()) == (1000, 0)
    apply_pending(now=LATER)
    assert Divergence.objects.filter(status="open").count() == 0
    assert_books_are_clean()


def test_a_receipt_that_came_after_its_void_may_stay(till, branch, orphan, manager):
    close_late_void(divergence_id=question().pk, reason=REASON, by=manager, now=LATER)
    till.push(till.receipt(line(parcel(branch), 100_000), op_id="lost", seq=1), now=LATER)
    apply_pending(now=LATER)
    accept_difference(divergence_id=question(reason="receipt_after_void").pk, reason=REASON, by=manager, now=LATER)
    assert CashMovement.objects.balance() == 1000
    assert_books_are_clean()


def test_a_manager_closes_a_session_that_waits(till, manager):
    till.push(till.operation("session_open", {"session_id": "s1", "operator": "01", "float_cents": 0}, seq=1))
    (close,) = till.push(till.operation("session_close", {"session_id": "s1", "counted": []}, seq=3))
    assert close["state"] == "waiting"
    close_session_now(operation_id=operation(close["op_id"]).pk, by=manager, now=NOW)
    apply_pending(now=NOW)
    assert (operation(close["op_id"]).state, CashSession.objects.get().status) == ("applied", "closed")
    with refused(WaitsNoMore, "waits_no_more"):
        close_session_now(operation_id=operation(close["op_id"]).pk, by=manager, now=NOW)
    assert_books_are_clean()
