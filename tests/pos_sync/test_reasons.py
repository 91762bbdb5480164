"""Each reason and flag of the contract's table: the money, the installment, what till and back office are told.

`told` asks the till's three ways (the push, GET /operations, the next pull), which must say the same.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from pos_sync.models import Operation, Snapshot
from pos_sync.services.changes import pull_changes
from pos_sync.services.inbox import list_results
from pos_sync.services.snapshot import build
from receivables.models import SYSTEM, CashMovement, CreditKind, CustomerCredit, Divergence, Receipt
from receivables.services.cash_day import close_day
from receivables.services.credit import refund_credit
from receivables.services.moves import move
from receivables.services.reissue import reissue_bank_collection
from receivables.services.reversal import reverse_title
from receivables.services.title import cancel_title
from tests.ledger import assert_books_are_clean
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, make_branch, make_title
from tests.pos_sync.test_ingestion import PAIRED, Till, line, make_device, parcel
from tests.services.test_settlement import settle, settle_part

pytestmark = pytest.mark.django_db


@pytest.fixture
def branch(db):
    return make_branch()


@pytest.fixture
def till(branch):
    device = make_device(branch)
    till = Till(device)
    till.push(till.operation("session_open", {"session_id": "s1", "operator": "01", "float_cents": 0}))
    return till


@pytest.fixture(autouse=True)
def books(till):
    """Whatever a till brings, the books are clean afterwards."""
    yield
    assert_books_are_clean()


def told(till, *operations):
    """Push, and give the last result, which the other two ways of the till say as well."""
    build(till.device.branch, page_size=1000, why="daily", now=NOW)
    cursor = Snapshot.objects.latest("pk").cursor
    result = till.push(*operations)[-1]
    said = {key: result[key] for key in ("op_id", "state", "reason", "flags", "outcome")}
    pulled = pull_changes(device=till.device, cursor=cursor, limit=500, now=NOW).document["results"]
    listed = list_results(device=till.device, epoch=None, after_seq=0, limit=500).results
    for results in (pulled, listed):
        (same,) = [each for each in results if each["op_id"] == result["op_id"]]
        assert {key: same[key] for key in said} == said
    return result


def judged(result):
    return result["state"], result["reason"], result["flags"]


def where(result):
    """Where each cent went: allocated, credit, suspense."""
    outcome = result["outcome"]
    return outcome["allocated_cents"], outcome["credit_cents"], outcome["suspense_cents"]


def asked():
    """What the back office is asked: reason, amount, whose."""
    row = Divergence.objects.get()
    return row.reason, row.amount, row.customer


def cash():
    return CashMovement.objects.balance()


def receipt(till, *lines, **values):
    return till.receipt(*lines, **{"session_id": "s1"} | values)


def balance(installment):
    installment.refresh_from_db()
    return installment.balance


# Review: the money is posted, not all of it where the till said


def test_already_settled(till, branch):
    paid = parcel(branch)
    settle(paid.title, "1000.00")
    result = told(till, receipt(till, line(paid, 100_000)))
    assert judged(result) == ("review", "already_settled", [])
    assert (where(result), cash(), balance(paid)) == ((0, 100_000, 0), 2000, 0)
    assert asked() == ("already_settled", 1000, paid.title.bill_to)
    assert CustomerCredit.objects.filter(customer=paid.title.bill_to).available() == 1000


def test_partly_settled(till, branch):
    part = parcel(branch)
    settle_part(part, "400.00")
    result = told(till, receipt(till, line(part, 100_000)))
    assert judged(result) == ("review", "partly_settled", [])
    assert (where(result), cash(), balance(part)) == ((60_000, 40_000, 0), 1400, 0)
    assert asked() == ("partly_settled", 400, part.title.bill_to)


def test_over_balance(till, branch):
    owed = parcel(branch)
    result = told(till, receipt(till, line(owed, 110_000)))
    assert judged(result) == ("review", "over_balance", [])
    assert (where(result), cash(), balance(owed)) == ((100_000, 10_000, 0), 1100, 0)
    assert asked() == ("over_balance", 100, owed.title.bill_to)


def test_cancelled(till, branch):
    gone = parcel(branch)
    cancel_title(title_id=gone.title_id, reason=REASON, by=CASHIER)
    result = told(till, receipt(till, line(gone, 100_000)))
    assert judged(result) == ("review", "cancelled", [])
    assert (where(result), cash(), balance(gone)) == ((0, 100_000, 0), 1000, 1000)
    assert asked() == ("cancelled", 1000, gone.title.bill_to)


def test_reissued(till, branch):
    title = make_title(branch=branch, amounts=("1000.00",), our_numbers=("12345678",))
    owed = title.installments.get()
    said = line(owed, 100_000)
    reissue_bank_collection(
        installment_id=owed.pk, new_due_date=TODAY + timedelta(10), reason=REASON, apply_charges=False,
        write_off_requested=True, by=CASHIER, on=TODAY, now=NOW,
    )  # fmt: skip
    result = told(till, receipt(till, said))
    assert judged(result) == ("review", "reissued", [])
    assert (where(result), cash(), balance(owed)) == ((100_000, 0, 0), 1000, 0)
    assert asked() == ("reissued", 0, title.bill_to)


def test_discount_above_limit(till, branch):
    owed = parcel(branch)
    result = told(till, receipt(till, line(owed, 80_000, discount=20_000)))
    assert judged(result) == ("review", "discount_above_limit", [])
    assert (where(result), cash(), balance(owed)) == ((80_000, 0, 0), 800, 150)
    assert asked() == ("discount_above_limit", 150, owed.title.bill_to)


def test_sum_mismatch(till, branch):
    owed = parcel(branch)
    result = told(till, receipt(till, line(owed, 100_000), paid=90_000))
    assert judged(result) == ("review", "sum_mismatch", [])
    assert (where(result), cash(), balance(owed)) == ((90_000, 0, 0), 900, 100)
    assert asked() == ("sum_mismatch", 100, owed.title.bill_to)


@pytest.fixture
def paid(till, branch):
    """A parcel of 1.000,00 whose receipt at the till left 100,00 of credit."""
    owed = parcel(branch)
    till.push(receipt(till, line(owed, 100_000), paid=110_000, op_id="paid"))
    return owed


def void(till, op_id="paid"):
    return till.operation("receipt_void", {"receipt_op_id": op_id, "reason": "Erro"})


def test_credit_used(till, branch, paid):
    customer = paid.title.bill_to
    refund_credit(customer_id=customer.pk, branch_id=branch.pk, amount=Decimal("100.00"), method_code="cash",
                  cash_date=TODAY, reason=REASON, by=CASHIER, now=NOW, on=TODAY)  # fmt: skip
    result = told(till, void(till))
    assert judged(result) == ("review", "credit_used", [])
    assert (where(result), cash(), balance(paid)) == ((0, 0, 0), -100, 1000)
    assert asked() == ("credit_used", 100, customer)


def test_already_reversed(till, paid):
    till.push(void(till))
    result = told(till, void(till))
    assert judged(result) == ("review", "already_reversed", [])
    assert (where(result), cash(), balance(paid)) == ((0, 0, 0), 0, 1000)
    assert asked() == ("already_reversed", 1100, paid.title.bill_to)


def test_void_late(till, paid):
    till.push(till.operation("session_close", {"session_id": "s1", "counted": []}))
    result = told(till, void(till))
    assert judged(result) == ("review", "void_late", [])
    assert (where(result), cash(), balance(paid)) == ((0, 0, 0), 0, 1000)
    assert asked() == ("void_late", 1100, paid.title.bill_to)
    assert set(CustomerCredit.objects.values_list("kind", flat=True)) == {CreditKind.GRANTED, CreditKind.REVOKED}


# Held: some money in suspense


def test_unknown_installment(till):
    unknown = {"installment_id": "999999", "version": 1, "principal_cents": 5_000, "interest_cents": 0,
               "fine_cents": 0, "discount_cents": 0}  # fmt: skip
    result = told(till, receipt(till, unknown))
    assert judged(result) == ("held", "unknown_installment", [])
    assert (where(result), cash()) == ((0, 0, 5_000), 50)
    assert asked() == ("unknown_installment", 50, None)
    assert CustomerCredit.objects.filter(customer=None).available() == 50


# Quarantined: not in the ledger


def in_quarantine(till, sent, reason, amount):
    """Nothing is posted, no outcome is told, and a person is asked about the amount."""
    before = Receipt.objects.count(), CashMovement.objects.count()
    result = told(till, sent)
    assert judged(result) == ("quarantined", reason, [])
    assert result["outcome"] is None
    assert (Receipt.objects.count(), CashMovement.objects.count()) == before
    assert (Divergence.objects.get().reason, Divergence.objects.get().amount) == (reason, amount)


def test_device_suspended(till, branch):
    move(till.device.suspend, reason=REASON, by=SYSTEM)
    owed = parcel(branch)
    in_quarantine(till, receipt(till, line(owed, 100_000)), "device_suspended", 1000)
    assert balance(owed) == 1000


def test_device_revoked(till, branch):
    move(till.device.revoke, reason=REASON, by=SYSTEM)
    owed = parcel(branch)
    in_quarantine(till, receipt(till, line(owed, 100_000)), "device_revoked", 1000)
    assert balance(owed) == 1000


def test_device_replaced(till, branch):
    move(till.device.replace, at=NOW - timedelta(hours=2), by=SYSTEM)
    owed = parcel(branch)
    in_quarantine(till, receipt(till, line(owed, 100_000)), "device_replaced", 1000)
    assert balance(owed) == 1000


def test_malformed(till):
    in_quarantine(till, till.operation("receipt", {"tenders": [{"method": "cash", "amount_cents": 1.5}]}), "malformed",
                  0)  # fmt: skip


def test_unknown_kind(till):
    in_quarantine(till, till.operation("sale", {"amount_cents": 100}), "unknown_kind", 0)


def test_unknown_version(till, branch):
    in_quarantine(till, receipt(till, line(parcel(branch), 100_000)) | {"v": 2}, "unknown_version", 0)


def test_op_id_reused(till, branch):
    first, other = parcel(branch), parcel(branch, "200.00")
    sent = receipt(till, line(first, 100_000))
    till.push(sent)
    (copy,) = till.push(receipt(till, line(other, 20_000), op_id=sent["op_id"]))
    assert (copy["custody"], *judged(copy), copy["outcome"]) == ("conflict", "quarantined", "op_id_reused", [], None)
    assert (cash(), balance(first), balance(other)) == (1000, 0, 200)
    assert asked() == ("op_id_reused", 200, other.title.bill_to)
    (listed,) = [each for each in list_results(device=till.device, epoch=None, after_seq=0, limit=9).results
                 if each["op_id"] == sent["op_id"]]  # fmt: skip
    assert listed["state"] == "applied"


# Flags: applied exactly as the till said, and a doubt about something else


def flagged(till, sent, *flags, owed):
    """Everything is where the till said, nobody is asked, the flag stands on the operation."""
    result = told(till, sent)
    assert judged(result) == ("applied", None, list(flags))
    assert (where(result), balance(owed)) == ((sum_of(sent), 0, 0), 0)
    assert not Divergence.objects.exists()
    assert Operation.objects.get(op_id=sent["op_id"]).flags == list(flags)
    return Receipt.objects.latest("pk")


def sum_of(sent):
    return sum(tender["amount_cents"] for tender in sent["body"]["tenders"])


def test_charges_differ(till, branch):
    owed = parcel(branch)
    found = flagged(till, receipt(till, line(owed, 100_000, interest=777)), "charges_differ", owed=owed)
    assert found.allocations.get().interest == Decimal("7.77")


def test_operator_unknown(till, branch):
    owed = parcel(branch)
    found = flagged(till, receipt(till, line(owed, 100_000), operator="99"), "operator_unknown", owed=owed)
    assert found.operator == "99"


def test_session_unknown(till, branch):
    owed = parcel(branch)
    found = flagged(till, receipt(till, line(owed, 100_000), session_id="s9"), "session_unknown", owed=owed)
    assert found.session is None


def test_unknown_method(till, branch):
    owed = parcel(branch)
    tenders = [{"method": "vale", "amount_cents": 100_000}]
    found = flagged(till, receipt(till, line(owed, 100_000), tenders=tenders), "unknown_method", owed=owed)
    assert (found.tenders.get().method.code, found.tenders.get().reference) == ("outros", "vale")


def test_clock_suspect(till, branch):
    owed = parcel(branch)
    sent = receipt(till, line(owed, 100_000), at=NOW + timedelta(days=3))
    assert flagged(till, sent, "clock_suspect", owed=owed).received_on == TODAY
    assert PAIRED <= Operation.objects.get(op_id=sent["op_id"]).effective_at <= NOW


def test_cash_day_closed(till, branch):
    owed = parcel(branch)
    close_day(account_id=cash_account(branch).pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    found = flagged(till, receipt(till, line(owed, 100_000)), "cash_day_closed", owed=owed)
    assert (found.received_on, found.cash_date) == (TODAY, TODAY + timedelta(days=1))


def test_sequence_fork(till, branch):
    first, owed = receipt(till, line(parcel(branch), 100_000)), parcel(branch)
    till.push(first)
    flagged(till, receipt(till, line(owed, 100_000), seq=first["seq"]), "sequence_fork", owed=owed)


def test_receipt_no_reused(till, branch):
    owed = parcel(branch)
    till.push(receipt(till, line(parcel(branch), 100_000), receipt_no="03-000001"))
    sent = receipt(till, line(owed, 100_000), receipt_no="03-000001")
    assert flagged(till, sent, "receipt_no_reused", owed=owed).number == "03-000001"


# What is neither decided nor refused


def test_waiting(till):
    result = told(till, void(till, "not here yet"))
    assert (*judged(result), result["outcome"]) == ("waiting", None, [], None)
    assert not Divergence.objects.exists()


def test_a_till_of_a_reversed_title_takes_its_balance_again(till, branch):
    """A reversal at the desk opens the parcel again: the till's receipt settles it, nobody is asked."""
    owed = parcel(branch)
    settle(owed.title, "1000.00")
    reverse_title(title_id=owed.title_id, reason=REASON, by=CASHIER, now=NOW, on=TODAY)
    assert judged(told(till, receipt(till, line(owed, 100_000)))) == ("applied", None, [])
    assert balance(owed) == 0
