"""A session at a station: opened once, closed once, with what was counted (G.11)."""

from decimal import Decimal

import pytest

from receivables.domain.errors import MoveRefused
from receivables.models import CashSession, CashSessionClosing, PaymentMethod, Receipt, SessionStatus
from receivables.services.cash_day import land_later
from receivables.services.cash_movement import post_movement
from receivables.services.cash_session import close_session, open_session
from receivables.services.posting import CreditDraft, ReceiptDraft, TenderDraft, post_receipts
from receivables.services.reversal import void_receipt
from tests.ledger import assert_books_are_clean, refused, told
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    cash_account,
    make_branch,
    make_document_type,
    make_history_code,
    make_method,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def branch():
    return make_branch()


def begin(branch, key="01/03/s1", **values):
    usual = {"station": "03", "operator": "01", "opened_at": NOW, "float_amount": Decimal("100.00"), "by": CASHIER}
    return open_session(idempotency_key=key, branch=branch, **usual | values)


def end(session, *counted, **values):
    usual = {"pending_count": 0, "pending_amount": Decimal(0), "by": CASHIER, "at": NOW, "now": NOW}
    return close_session(session_id=session.pk, counted=counted, **usual | values)


def move_cash(session, amount, direction="credit"):
    account = cash_account(session.branch)
    landing = land_later(wanted=[(account, TODAY)], by=CASHIER)[account.pk, TODAY]
    return post_movement(account=account, landing=landing, amount=Decimal(amount), session=session, by=CASHIER, now=NOW,
                  history_code=make_history_code(direction=direction), document_type=make_document_type())  # fmt: skip


def receive(session, amount="50.00"):
    """Post a receipt of a customer who owed nothing, as a till would."""
    usual = session.branch.payment_methods.get(method__code=PaymentMethod.CASH)
    tender = TenderDraft(method=usual.method, amount=Decimal(amount), account=usual.account, cash_date=TODAY,
                         history_code_id=usual.credit_history_id, document_type_id=usual.document_type_id)  # fmt: skip
    draft = ReceiptDraft(branch=session.branch, customer_id=None, received_on=TODAY, tenders=[tender], shares=[],
                         credits=[CreditDraft(None, Decimal(amount))], session=session)  # fmt: skip
    landings = land_later(wanted=[(usual.account, TODAY)], by=CASHIER)
    (key,) = post_receipts([draft], installments={}, landings=landings, by=CASHIER, now=NOW)
    return Receipt.objects.get(pk=key)


def test_a_session_opens_with_its_float_and_is_told(branch):
    session = begin(branch)
    assert (session.status, session.float_amount, session.closed_at) == (SessionStatus.OPEN, 100, None)
    assert told(session) == ("ana", "back_office", None)


def test_the_same_key_is_the_same_session_as_it_was_first_said(branch):
    first, again = begin(branch), begin(branch, operator="02", float_amount=Decimal("5.00"))
    assert (again, again.operator, again.float_amount) == (first, "01", 100)
    assert CashSession.objects.count() == 1


def test_a_session_expects_its_float_and_all_that_it_moved(branch):
    session = begin(branch)
    move_cash(session, "50.00")
    move_cash(session, "20.00", direction="debit")
    closing = end(session)
    assert closing.expected_amount == 130
    session.refresh_from_db()
    assert (session.status, session.closed_at) == (SessionStatus.CLOSED, NOW)
    assert told(session) == ("ana", "back_office", None)
    assert_books_are_clean()


def test_what_moves_in_another_session_is_not_expected(branch):
    session, other = begin(branch), begin(branch, key="01/04/s1", station="04")
    move_cash(other, "50.00")
    assert end(session).expected_amount == 100


def test_each_means_is_counted_as_it_was_said(branch):
    cash, other = make_method(PaymentMethod.CASH), make_method(PaymentMethod.OTHER)
    closing = end(begin(branch), (cash, "cash", Decimal("99.00")), (other, "vale", Decimal("1.00")),
                  pending_count=2, pending_amount=Decimal("30.00"))  # fmt: skip
    counts = closing.counts.order_by("pk").values_list("method__code", "method_name", "amount", "actor")
    assert list(counts) == [("cash", "cash", 99, "ana"), ("outros", "vale", 1, "ana")]
    assert (closing.pending_count, closing.pending_amount) == (2, 30)


def test_what_comes_after_the_closing_is_a_numbered_supplement_of_it(branch):
    session = begin(branch)
    move_cash(session, "50.00")
    closing = end(session)
    late = [move_cash(session, "20.00"), move_cash(session, "5.00", direction="debit")]
    assert [(each.session_supplement_of, each.session_supplement_number) for each in late] == [
        (closing, 1), (closing, 2)
    ]  # fmt: skip
    closing.refresh_from_db()
    assert closing.expected_amount == 150
    assert_books_are_clean()


def test_late_receipts_are_supplements_one_number_a_movement(branch):
    session = begin(branch)
    closing = end(session)
    receipts = [receive(session) for _each in range(2)]
    assert [list(each.movements.values_list("session_supplement_number", flat=True)) for each in receipts] == [[1], [2]]
    assert closing.supplements.count() == 2
    assert_books_are_clean()


def test_the_reversal_of_a_closed_sessions_receipt_is_a_supplement(branch):
    session = begin(branch)
    receipt = receive(session)
    closing = end(session)
    void_receipt(receipt_id=receipt.pk, reason=REASON, idempotency_key="void", by=CASHIER, now=NOW, on=TODAY)
    assert [(each.amount, each.session_supplement_number) for each in closing.supplements.all()] == [(-50, 1)]


def test_what_moves_in_an_open_session_or_in_none_is_no_supplement(branch):
    end(begin(branch, key="01/04/s1", station="04"))
    assert move_cash(begin(branch), "1.00").session_supplement_of is None


def test_a_session_is_closed_once(branch):
    session = begin(branch)
    end(session)
    with refused(MoveRefused, "move_refused"):
        end(session)
    assert CashSessionClosing.objects.count() == 1
