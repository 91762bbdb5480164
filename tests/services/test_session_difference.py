"""A session's count and its difference: by means of payment, with what came later, posted once an account (G.11)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from receivables.domain.errors import (
    CashDayClosed,
    DateInFuture,
    NoDifferenceToPost,
    SessionDifferencePosted,
    SessionStillOpen,
    WrongDirection,
)
from receivables.figures.cash_session import that_differ, with_counts
from receivables.models import Actor, CashMovement, CashSession, Direction, PaymentMethod, Receipt
from receivables.services.cash_day import close_day, land_later
from receivables.services.cash_movement import post_movement, reverse_cash_movement
from receivables.services.cash_session_count import session_figures
from receivables.services.posting import CreditDraft, ReceiptDraft, TenderDraft, post_receipts
from receivables.services.reversal import void_receipt
from receivables.services.session_difference import post_session_difference
from tests.ledger import assert_books_are_clean, refused
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
    make_title,
)
from tests.pos_sync.test_ingestion import Till, make_device
from tests.pos_sync.test_ingestion import line as paying
from tests.services.test_cash_session import begin, end

pytestmark = pytest.mark.django_db

STATION = Actor(name="PDV 01/03", channel="till")


@pytest.fixture
def branch():
    return make_branch(name="Loja")


def receive(session, amount, *, method=PaymentMethod.CASH, by=STATION):
    usual = session.branch.payment_methods.get(method__code=method)
    tender = TenderDraft(method=usual.method, amount=Decimal(amount), account=usual.account, cash_date=TODAY,
                         history_code_id=usual.credit_history_id, document_type_id=usual.document_type_id)  # fmt: skip
    draft = ReceiptDraft(branch=session.branch, customer_id=None, received_on=TODAY, tenders=[tender], shares=[],
                         credits=[CreditDraft(None, Decimal(amount))], session=session)  # fmt: skip
    (key,) = post_receipts(
        [draft], installments={}, landings=land_later(wanted=[(usual.account, TODAY)], by=by), by=by, now=NOW
    )
    return Receipt.objects.get(pk=key)


def move(session, amount, direction="credit", *, by=STATION):
    account = cash_account(session.branch)
    landing = land_later(wanted=[(account, TODAY)], by=by)[account.pk, TODAY]
    return post_movement(
        account=account, landing=landing, amount=Decimal(amount), session=session, by=by, now=NOW,
        history_code=make_history_code(direction=direction), document_type=make_document_type(),
    )  # fmt: skip


def counted(**amounts):
    return [(make_method(code), code, Decimal(amount)) for code, amount in amounts.items()]


def figures(session):
    return session_figures(CashSession.objects.get(pk=session.pk))


def of(session, code):
    (found,) = [each for each in figures(session).methods if each.method.code == code]
    return found


def ready(session, *, account=None, on=TODAY, direction=Direction.DEBIT, **values):
    """Give the posting of what a session leaves in the drawer's account, all that it needs being there."""
    usual = {"history_code_id": make_history_code(direction=direction).pk, "document_type_id": make_document_type().pk,
             "cash_date": on, "by": CASHIER, "now": NOW, "on": TODAY}  # fmt: skip
    account_id = (account or cash_account(session.branch)).pk
    return lambda: post_session_difference(session_id=session.pk, account_id=account_id, **usual | values)


def post(session, **values):
    return ready(session, **values)()


@pytest.fixture
def short(branch):
    """A session with 100 of float and 50 received, of which 145 were counted."""
    session = begin(branch)
    receive(session, "50.00")
    end(session, *counted(cash="145.00"))
    return session


# What is expected, by means of payment


def test_each_means_is_expected_by_what_moved_of_it(branch):
    session = begin(branch)
    receive(session, "50.00")
    void_receipt(
        receipt_id=receive(session, "8.00").pk, reason=REASON, idempotency_key="v", by=STATION, now=NOW, on=TODAY
    )
    move(session, "20.00")
    move(session, "30.00", direction="debit")
    receive(session, "70.00", method="pix")
    cash, pix = of(session, "cash"), of(session, "pix")
    assert (cash.float_amount, cash.of("receipts"), cash.of("voids"), cash.of("cash_in"), cash.of("cash_out")) == (
        100, 58, -8, 20, -30,
    )  # fmt: skip
    assert (cash.expected, pix.expected, pix.float_amount, cash.difference) == (140, 70, 0, None)
    assert figures(session).total("expected") == 210


def test_what_a_closing_expected_is_what_its_means_add_up_to(branch):
    session = begin(branch)
    receive(session, "50.00")
    receive(session, "70.00", method="pix")
    closing = end(session, *counted(cash="150.00", pix="70.00"))
    assert closing.expected_amount == figures(session).total("expected")
    assert figures(session).differences() == []


def test_a_means_that_nobody_counted_was_counted_as_nothing(branch):
    session = begin(branch)
    receive(session, "70.00", method="pix")
    end(session, *counted(cash="100.00"))
    assert (of(session, "pix").counted, of(session, "pix").difference) == (0, -70)


def test_a_means_that_was_said_twice_adds_up(branch):
    session = begin(branch)
    end(session, *counted(cash="60.00"), *counted(cash="40.00"))
    assert of(session, "cash").difference == 0


def test_a_till_receipt_enters_the_count_of_its_session_whatever_the_age_of_the_debt(branch):
    till = Till(make_device(branch))
    old = make_title(branch=branch, amounts=("40.00",), due_dates=(TODAY - timedelta(days=900),))
    opening = till.operation("session_open", {"session_id": "s1", "operator": "01", "float_cents": 0})
    till.push(opening, till.receipt(paying(old.installments.get(), 4000), session_id="s1"))
    assert of(CashSession.objects.get(), "cash").of("receipts") == 40


# What comes later


def test_what_the_closing_said_stays_and_what_it_is_now_stands_beside_it(branch):
    session = begin(branch)
    receive(session, "50.00")
    end(session, *counted(cash="180.00"), pending_count=1, pending_amount=Decimal("30.00"))
    receive(session, "30.00")
    cash = of(session, "cash")
    assert (cash.expected, cash.late, cash.expected_now, cash.difference, cash.difference_now) == (150, 30, 180, 30, 0)
    assert figures(session).differences() == []
    assert_books_are_clean()


def test_what_the_back_office_undid_later_leaves_the_count_alone(branch):
    session = begin(branch)
    receipt = receive(session, "50.00")
    end(session, *counted(cash="150.00"))
    void_receipt(receipt_id=receipt.pk, reason=REASON, idempotency_key="v", by=CASHIER, now=NOW, on=TODAY)
    cash = of(session, "cash")
    assert (cash.undone, cash.late, cash.difference_now) == (-50, 0, 0)


# The difference


def test_a_difference_is_posted_whole_linked_and_outside_the_session(short):
    movement = post(short, notes="Quebra de caixa")
    assert (movement.amount, movement.session_difference_of, movement.session, movement.notes) == (
        -5, short.closing, None, "Quebra de caixa",
    )  # fmt: skip
    (told,) = figures(short).differences()
    assert (told.movement, told.still_to_post) == (movement, 0)
    assert of(short, "cash").difference_now == -5
    assert_books_are_clean()


def test_more_than_expected_is_posted_as_a_credit(branch):
    session = begin(branch)
    end(session, *counted(cash="107.50"))
    assert post(session, direction=Direction.CREDIT).amount == Decimal("7.50")


def test_a_difference_is_never_posted_twice(short):
    post(short)
    posting = ready(short)
    with refused(SessionDifferencePosted, "session_difference_posted"):
        posting()


def test_the_database_refuses_a_second_posting(short):
    first = post(short)
    copy = CashMovement(account=first.account, cash_date=TODAY, amount=-5, history_code=first.history_code,
                        document_type=first.document_type, session_difference_of=short.closing)  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        copy.save_as(CASHIER)


def test_the_database_keeps_a_difference_out_of_the_session_itself(short):
    movement = CashMovement(account=cash_account(short.branch), cash_date=TODAY, amount=-5, session=short,
                            history_code=make_history_code(direction=Direction.DEBIT),
                            document_type=make_document_type(), session_difference_of=short.closing)  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        movement.save_as(CASHIER)


def test_a_posting_that_was_reversed_can_be_made_again(short):
    first = post(short)
    reverse_cash_movement(movement_id=first.pk, history_code_id=make_history_code().pk, reason=REASON, by=CASHIER,
                          now=NOW)  # fmt: skip
    assert post(short).amount == -5
    assert_books_are_clean()


def test_a_difference_enters_only_an_open_day(short):
    close_day(account_id=cash_account(short.branch).pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    posting = ready(short)
    with refused(CashDayClosed, "cash_day_closed"):
        posting()


def test_a_difference_is_posted_on_no_later_day_than_today(short):
    posting = ready(short, on=TODAY + timedelta(days=1))
    with refused(DateInFuture, "date_in_future"):
        posting()


def test_a_history_code_of_the_other_direction_is_refused(short):
    posting = ready(short, direction=Direction.CREDIT)
    with refused(WrongDirection, "wrong_direction"):
        posting()


def test_an_open_session_has_no_difference_to_post(branch):
    session = begin(branch)
    posting = ready(session)
    with refused(SessionStillOpen, "session_still_open"):
        posting()


def test_a_session_that_agrees_has_nothing_to_post(branch):
    session = begin(branch)
    end(session, *counted(cash="100.00"))
    posting = ready(session)
    with refused(NoDifferenceToPost, "no_difference_to_post"):
        posting()


def test_an_account_of_another_branch_has_nothing_to_post(short):
    posting = ready(short, account=cash_account(make_branch()))
    with refused(NoDifferenceToPost, "no_difference_to_post"):
        posting()


def test_means_of_one_account_make_one_difference(branch):
    session = begin(branch)
    receive(session, "70.00", method="pix")
    receive(session, "30.00", method="card")
    end(session, *counted(cash="100.00", pix="65.00", card="35.00"))
    assert figures(session).differences() == []


# The list


def test_the_list_tells_counted_supplements_and_what_is_not_posted_yet(short, branch):
    receive(short, "2.00")
    begin(branch, key="01/04/s9", station="04")
    row = with_counts(CashSession.objects.filter(pk=short.pk)).get()
    assert (row.counted, row.late_count, row.difference_now) == (145, 1, -7)
    post(short)
    assert with_counts(CashSession.objects.filter(pk=short.pk)).get().difference_now == 0
    still_open = with_counts(CashSession.objects.filter(station="04")).get()
    assert (still_open.counted, still_open.difference_now) == (None, None)


def differing():
    return set(that_differ(with_counts(CashSession.objects.all())))


def test_means_that_cancel_each_other_out_differ_all_the_same(branch):
    swapped, even = begin(branch), begin(branch, key="01/04/s1", station="04")
    receive(swapped, "70.00", method="pix")
    receive(swapped, "30.00", method="card")
    receive(even, "70.00", method="pix")
    assert differing() == set()
    end(swapped, *counted(cash="100.00", pix="65.00", card="35.00"))
    end(even, *counted(cash="100.00", pix="70.00"))
    assert with_counts(CashSession.objects.filter(pk=swapped.pk)).get().difference_now == 0
    assert differing() == {swapped}


def test_what_was_not_counted_and_what_comes_later_differ(branch):
    unnamed, late = begin(branch), begin(branch, key="01/04/s1", station="04")
    end(unnamed)
    end(late, *counted(cash="100.00"))
    assert differing() == {unnamed}
    move(late, "2.00")
    assert differing() == {unnamed, late}


def test_a_difference_that_was_posted_is_left_only_by_what_comes_later(short):
    assert differing() == {short}
    post(short)
    assert differing() == set()
    receive(short, "2.00")
    assert differing() == {short}


def test_a_close_that_waited_a_day_is_written_with_what_is_still_pending(branch):
    till = Till(make_device(branch))
    till.push(till.operation("session_open", {"session_id": "s1", "operator": "01", "float_cents": 0}))
    till.seq += 1  # an operation that does not come
    body = {"session_id": "s1", "counted": [{"method": "cash", "amount_cents": 3000}],
            "pending": {"count": 1, "sum_cents": 3000}}  # fmt: skip
    (result,) = till.push(till.operation("session_close", body))
    assert result["state"] == "waiting"
    till.push(now=NOW + timedelta(hours=24, minutes=1))
    closing = CashSession.objects.get().closing
    assert (closing.pending_count, closing.pending_amount, closing.expected_amount) == (1, 30, 0)
