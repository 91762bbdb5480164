"""Divergências: one owner, one answer, each cent where the answer says (G.15, G.19)."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from receivables.domain.divergence import Debt, needs_second_person, propose
from receivables.domain.errors import (
    CashDayClosed,
    CreditNotEnough,
    CreditOfAnother,
    DivergenceResolved,
    MoneyInSuspense,
    NothingInSuspense,
    NothingPosted,
    NothingToPlace,
    OwnerOutOfReach,
    PersonRequired,
    ReasonTooShort,
    SecondPersonRequired,
)
from receivables.models import (
    SYSTEM,
    Actor,
    CashMovement,
    CustomerCredit,
    Divergence,
    Outcome,
    Receipt,
)
from receivables.services.cash_day import close_day, land
from receivables.services.divergence import (
    accept_difference,
    agree,
    apply_credit,
    assign_divergence,
    debts_of,
    identify_customer,
    in_question,
    keep_as_credit,
    proposal_for,
    refund_divergence,
    resolve,
)
from receivables.services.moves import create_audited
from receivables.services.posting import CreditDraft, ReceiptDraft, TenderDraft, post_receipts
from receivables.services.reversal import void_receipt
from tests.ledger import assert_books_are_clean, refused, told
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, make_branch, make_customer, make_title, make_user

pytestmark = pytest.mark.django_db

DEPOSIT = {"cash_date": TODAY, "on": TODAY}


@pytest.fixture
def branch(db):
    return make_branch()


@pytest.fixture
def customer(db):
    return make_customer()


@pytest.fixture
def manager(branch):
    return Actor.person(make_user(branches=(branch,)))


def money_that_went_elsewhere(branch, customer, amount="150.00", **values):
    """A receipt whose money is credit, or in suspense without a customer, and the question about it."""
    usual = branch.payment_methods.get(method__code="cash")
    landings = land(wanted=[(usual.account, TODAY)], by=CASHIER)
    tender = TenderDraft(
        method=usual.method, amount=Decimal(amount), account=usual.account, cash_date=TODAY,
        history_code_id=usual.credit_history_id, document_type_id=usual.document_type_id,
    )  # fmt: skip
    pk = customer and customer.pk
    draft = ReceiptDraft(
        branch=branch, customer_id=pk, received_on=TODAY, tenders=[tender], shares=[],
        credits=[CreditDraft(pk, Decimal(amount))],
    )  # fmt: skip
    (key,) = post_receipts([draft], installments={}, landings=landings, by=CASHIER, now=NOW)
    row = Divergence(
        branch=branch, reason="already_settled" if customer else "unknown_installment", receipt_id=key,
        customer=customer, amount=Decimal(amount), opened_at=NOW, **values,
    )  # fmt: skip
    create_audited([row], by=CASHIER)
    return row


@pytest.fixture
def credited(branch, customer):
    return money_that_went_elsewhere(branch, customer)


@pytest.fixture
def suspended(branch):
    return money_that_went_elsewhere(branch, None)


def parcel(branch, customer, amount="100.00", **values):
    return make_title(branch=branch, bill_to=customer, amounts=(amount,), **values).installments.get()


def credit_of(customer):
    return CustomerCredit.objects.filter(customer=customer).available()


def suspense():
    return CustomerCredit.objects.filter(customer=None).available()


def read(row):
    return Divergence.objects.get(pk=row.pk)


# Outcomes


def test_the_credit_pays_another_installment_and_what_is_left_stays_credit(credited, branch, customer, manager):
    other = parcel(branch, customer)
    row = apply_credit(divergence_id=credited.pk, installment_id=other.pk, amount=Decimal("100.00"), by=manager,
                       now=NOW, **DEPOSIT)  # fmt: skip
    other.refresh_from_db()
    assert (other.status, credit_of(customer)) == ("settled", 50)
    assert (row.status, row.outcome, row.resolved_by_id) == ("resolved", Outcome.APPLIED, manager.user_id)
    assert Receipt.objects.latest("pk").label in row.resolution
    assert CashMovement.objects.balance() == 150
    assert told(row) == (manager.name, "back_office", row.resolution)
    assert_books_are_clean()


def test_no_more_is_applied_than_is_in_question(credited, branch, customer, manager):
    money_that_went_elsewhere(branch, customer, "500.00")
    other = parcel(branch, customer, "1000.00")
    with refused(CreditNotEnough, "credit_not_enough"):
        apply_credit(divergence_id=credited.pk, installment_id=other.pk, amount=Decimal("150.01"), by=manager, now=NOW,
                     **DEPOSIT)  # fmt: skip


def test_nobody_pays_another_customers_installment_with_it(credited, branch, manager):
    foreign = parcel(branch, make_customer())
    with refused(CreditOfAnother, "credit_of_another"):
        apply_credit(divergence_id=credited.pk, installment_id=foreign.pk, amount=Decimal("1.00"), by=manager, now=NOW,
                     **DEPOSIT)  # fmt: skip


def test_credit_that_was_spent_meanwhile_is_in_question_no_more(credited, branch, customer, manager):
    another = money_that_went_elsewhere(branch, customer, "10.00")
    refund_divergence(divergence_id=credited.pk, customer_id=customer.pk, amount=Decimal("150.00"), method_code="cash",
                      reason=REASON, by=manager, now=NOW, **DEPOSIT)  # fmt: skip
    keep_as_credit(divergence_id=another.pk, by=manager, now=NOW)
    assert in_question(read(credited)).credit == 10
    assert_books_are_clean()


def test_the_credit_is_kept_without_a_posting(credited, customer, manager):
    row = keep_as_credit(divergence_id=credited.pk, by=manager, now=NOW)
    assert (row.outcome, credit_of(customer), CashMovement.objects.count()) == (Outcome.KEPT, 150, 1)
    assert_books_are_clean()


def test_nothing_is_kept_where_there_is_no_credit(branch, manager):
    row = Divergence(branch=branch, reason="void_late", amount=Decimal("0.00"))
    row.save_as(SYSTEM)
    with refused(NothingToPlace, "nothing_to_place"):
        keep_as_credit(divergence_id=row.pk, by=manager, now=NOW)


def test_the_credit_is_given_back_in_money(credited, customer, manager):
    row = refund_divergence(
        divergence_id=credited.pk, customer_id=customer.pk, amount=Decimal("150.00"), method_code="cash",
        reason=REASON, by=manager, now=NOW, **DEPOSIT,
    )  # fmt: skip
    assert (row.outcome, credit_of(customer), CashMovement.objects.balance()) == (Outcome.REFUNDED, 0, 0)
    assert_books_are_clean()


def test_a_refund_into_a_closed_day_is_refused_whole(credited, branch, customer, manager):
    close_day(account_id=cash_account(branch).pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    with refused(CashDayClosed, "cash_day_closed"):
        refund_divergence(divergence_id=credited.pk, customer_id=customer.pk, amount=Decimal("150.00"),
                          method_code="cash", reason=REASON, by=manager, now=NOW, **DEPOSIT)  # fmt: skip


def test_a_refund_needs_its_reason(credited, customer, manager):
    with refused(ReasonTooShort, "reason_too_short"):
        refund_divergence(divergence_id=credited.pk, customer_id=customer.pk, amount=Decimal("150.00"),
                          method_code="cash", reason="curto", by=manager, now=NOW, **DEPOSIT)  # fmt: skip


def test_an_identified_customer_gets_what_was_in_suspense(suspended, customer, manager):
    row = identify_customer(divergence_id=suspended.pk, customer_id=customer.pk, reason=REASON, by=manager, now=NOW,
                            on=TODAY)  # fmt: skip
    assert (suspense(), credit_of(customer)) == (0, 150)
    assert (row.outcome, row.customer) == (Outcome.IDENTIFIED, customer)
    assert CashMovement.objects.balance() == 150
    assert_books_are_clean()


def test_identified_money_pays_an_installment_as_far_as_it_owes(suspended, branch, customer, manager):
    owed = parcel(branch, customer)
    identify_customer(divergence_id=suspended.pk, customer_id=customer.pk, installment_id=owed.pk, reason=REASON,
                      by=manager, now=NOW, on=TODAY)  # fmt: skip
    owed.refresh_from_db()
    assert (owed.balance, suspense(), credit_of(customer)) == (0, 0, 50)
    assert_books_are_clean()


def test_an_installment_of_another_customer_identifies_nobody(suspended, branch, customer, manager):
    foreign = parcel(branch, make_customer())
    with refused(CreditOfAnother, "credit_of_another"):
        identify_customer(divergence_id=suspended.pk, customer_id=customer.pk, installment_id=foreign.pk,
                          reason=REASON, by=manager, now=NOW, on=TODAY)  # fmt: skip


def test_only_money_in_suspense_is_identified(credited, customer, manager):
    with refused(NothingInSuspense, "nothing_in_suspense"):
        identify_customer(divergence_id=credited.pk, customer_id=customer.pk, reason=REASON, by=manager, now=NOW,
                          on=TODAY)  # fmt: skip


@pytest.mark.parametrize("outcome", [keep_as_credit, accept_difference])
def test_money_in_suspense_is_identified_before_anything_else(suspended, manager, outcome):
    with refused(MoneyInSuspense, "money_in_suspense"):
        outcome(divergence_id=suspended.pk, by=manager, now=NOW)


def test_a_void_takes_identified_money_back_from_its_owner(suspended, customer, manager):
    identify_customer(divergence_id=suspended.pk, customer_id=customer.pk, reason=REASON, by=manager, now=NOW, on=TODAY)
    voided = void_receipt(receipt_id=suspended.receipt_id, reason="", idempotency_key="v", by=CASHIER, now=NOW,
                          on=TODAY)  # fmt: skip
    assert (voided.shortfall, credit_of(customer), suspense()) == (0, 0, 0)


def test_a_difference_in_money_is_accepted_with_a_reason_only(credited, manager):
    with refused(ReasonTooShort, "reason_too_short"):
        accept_difference(divergence_id=credited.pk, by=manager, now=NOW)
    row = accept_difference(divergence_id=credited.pk, reason=REASON, by=manager, now=NOW)
    assert (row.outcome, row.resolution) == (Outcome.ACCEPTED, REASON)
    assert_books_are_clean()


def test_what_has_no_amount_is_accepted_as_it_is(credited, branch, manager):
    row = Divergence(branch=branch, reason="void_late", receipt=credited.receipt, amount=Decimal("0.00"))
    row.save_as(SYSTEM)
    assert accept_difference(divergence_id=row.pk, by=manager, now=NOW).outcome == Outcome.ACCEPTED


def test_what_is_not_posted_is_not_accepted(branch, manager):
    row = Divergence(branch=branch, reason="device_suspended", amount=Decimal("0.00"))
    row.save_as(SYSTEM)
    with refused(NothingPosted, "nothing_posted"):
        accept_difference(divergence_id=row.pk, by=manager, now=NOW)


# Once


def test_a_second_answer_is_told_who_gave_the_first_and_how(credited, customer, manager):
    keep_as_credit(divergence_id=credited.pk, by=manager, now=NOW)
    with refused(DivergenceResolved, "divergence_resolved") as refusal:
        refund_divergence(divergence_id=credited.pk, customer_id=customer.pk, amount=Decimal("150.00"),
                          method_code="cash", reason=REASON, by=CASHIER, now=NOW, **DEPOSIT)  # fmt: skip
    assert (refusal.value.facts["person"], refusal.value.facts["at"]) == (manager.name, NOW)
    assert "credit" in str(refusal.value.facts["outcome"]) or "rédito" in str(refusal.value.facts["outcome"])


def test_the_database_keeps_an_answer_and_its_status_together(credited):
    with pytest.raises(IntegrityError), transaction.atomic():
        QuerySet.update(Divergence.objects.filter(pk=credited.pk), outcome="kept")


# Who answers


def test_a_person_of_the_branch_takes_it(credited, branch, manager):
    owner = make_user(branches=(branch,))
    assert assign_divergence(divergence_id=credited.pk, owner_id=owner.pk, by=manager).owner == owner
    assert read(credited).history.latest("history_id").move == "assign"


def test_nobody_of_another_branch_answers_for_it(credited, manager):
    stranger = make_user(branches=(make_branch(),))
    with refused(OwnerOutOfReach, "owner_out_of_reach"):
        assign_divergence(divergence_id=credited.pk, owner_id=stranger.pk, by=manager)


# Two persons


def test_what_takes_two_persons_is_proposed_by_the_first_and_done_by_the_second(credited, branch, manager):
    second = Actor.person(make_user(branches=(branch,), is_superuser=True))
    assert agree(credited, Outcome.APPROVED, takes_two=True, because=REASON, by=manager) is False
    assert (credited.proposed, credited.proposed_by_id) == (Outcome.APPROVED, manager.user_id)
    assert agree(credited, Outcome.APPROVED, takes_two=True, because=REASON, by=second) is True


def test_nobody_confirms_what_he_proposed_not_even_a_superuser(credited):
    chief = Actor.person(make_user(is_superuser=True))
    agree(credited, Outcome.APPROVED, takes_two=True, because=REASON, by=chief)
    with refused(SecondPersonRequired, "second_person_required"):
        agree(credited, Outcome.APPROVED, takes_two=False, because=REASON, by=chief)


def test_who_sees_it_otherwise_proposes_anew(credited, manager):
    second = Actor.person(make_user())
    agree(credited, Outcome.APPROVED, takes_two=True, because=REASON, by=manager)
    assert agree(credited, Outcome.REJECTED, takes_two=True, because=REASON, by=second) is False
    assert (credited.proposed, credited.proposed_by_id) == (Outcome.REJECTED, second.user_id)


def test_no_program_is_one_of_the_two(credited):
    with refused(PersonRequired, "person_required"):
        agree(credited, Outcome.APPROVED, takes_two=True, because=REASON, by=SYSTEM)


def test_the_database_knows_that_it_takes_two(credited, manager):
    agree(credited, Outcome.APPROVED, takes_two=True, because=REASON, by=manager)
    with pytest.raises(IntegrityError), transaction.atomic():
        resolve(credited, Outcome.APPROVED, REASON, by=manager, now=NOW)


@pytest.mark.parametrize(("amount", "is_needed"), [("500.00", False), ("500.01", True), (None, True)])
def test_above_the_limit_and_where_nobody_knows_the_amount_it_takes_two(amount, is_needed):
    cents = None if amount is None else Decimal(amount)
    assert needs_second_person(amount=cents, limit=Decimal("500.00")) is is_needed


# What is proposed


def test_suspense_is_identified_credit_pays_the_oldest_debt_else_is_kept():
    zero, ten = Decimal("0.00"), Decimal("10.00")
    old, new = Debt(7, TODAY, Decimal("4.00")), Debt(3, TODAY.replace(day=30), ten)
    assert propose(suspense=ten, credit=ten, debts=[old]).outcome == "identified"
    assert propose(suspense=zero, credit=ten, debts=[new, old]).installment_id == 7
    assert propose(suspense=zero, credit=ten, debts=[new, old]).amount == 4
    assert propose(suspense=zero, credit=ten, debts=[]).outcome == "kept"
    assert propose(suspense=zero, credit=zero, debts=[old]).outcome == "accepted"


def test_the_proposal_is_the_customers_oldest_open_installment(credited, branch, customer):
    parcel(branch, customer, due_dates=(TODAY.replace(day=27),))
    oldest = parcel(branch, customer, due_dates=(TODAY.replace(day=2),))
    found = proposal_for(credited, on=TODAY)
    assert (found.outcome, found.installment_id) == ("applied", oldest.pk)
    assert found.amount == debts_of(customer.pk, on=TODAY)[0].owed


def test_what_a_void_took_back_is_in_question_no_more(credited, customer):
    void_receipt(receipt_id=credited.receipt_id, reason="", idempotency_key="v", by=CASHIER, now=NOW, on=TODAY)
    money = make_branch()
    money_that_went_elsewhere(money, customer, "80.00")
    assert in_question(read(credited)).credit == 0
    assert proposal_for(read(credited), on=TODAY).outcome == "accepted"
