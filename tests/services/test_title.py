"""Issue, change and cancel a title (S3, S4, G.7, G.14, G.21)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from receivables.domain.errors import (
    AmountNotPositive,
    ChangedMeanwhile,
    DueAfterPresentation,
    DuplicateTitle,
    InexactAmount,
    MoveRefused,
    PartsNotPositive,
    PresentationInParts,
    ReasonTooLong,
    ReasonTooShort,
    SeveralInstallments,
    TitleHasReceipts,
    TitleNotPending,
)
from receivables.models import BankSlip, Installment, InstallmentStatus, SlipStatus, Title, TitleStatus
from receivables.services.reissue import reissue_bank_collection
from receivables.services.settlement import quote
from receivables.services.title import (
    Part,
    cancel_title,
    change_due_dates,
    change_title,
    issue_title,
    issue_titles,
)
from tests.ledger import refused, told
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    make_branch,
    make_customer,
    make_parameter_set,
    make_terms,
    make_title,
)
from tests.services.test_settlement import settle, settle_part

pytestmark = pytest.mark.django_db

TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture
def branch():
    return make_branch()


def fields(branch, document="FAT-9", **values):
    account = branch.ledgeraccount_set.get(kind="bank")
    return {"document_number": document, "entry_branch": branch, "issuing_branch": branch, "collecting_branch": branch,
            "issued_on": TODAY, "bill_to": make_customer(), "account": account} | values  # fmt: skip


def part(amount="100.00", due=TOMORROW, our_number=""):
    return Part(due_date=due, amount=Decimal(amount), our_number=our_number)


def issue(branch, *parts, **values):
    return issue_title(fields=fields(branch, **values), parts=parts, by=CASHIER, because="pedido 7")


def change(title, version=None, **changes):
    return change_title(
        title_id=title.pk, changes=changes, version=version or title.version, by=CASHIER, because="corrigido a pedido"
    )


# Issue


def test_a_title_is_the_sum_of_its_installments(branch):
    title = issue(branch, part("33.34"), part("33.33", due=TOMORROW), part("33.33"))
    assert (title.amount, title.installment_count, title.status) == (Decimal("100.00"), 3, TitleStatus.PENDING)
    assert [row.label for row in title.installments.all()] == ["1/3", "2/3", "3/3"]


def test_an_installment_begins_whole_and_under_the_terms_of_the_collecting_branch(branch):
    other = make_branch(parameter_set=make_parameter_set(terms=make_terms(fine_percent=Decimal("1.00"))))
    row = issue(branch, part(), collecting_branch=other).installments.get()
    assert (row.balance, row.original_amount, row.status) == (100, 100, InstallmentStatus.PENDING)
    assert (row.interest_from, row.fine_charged, row.carried_charges) == (TOMORROW, False, 0)
    assert row.terms == other.parameter_set.terms


def test_a_nosso_numero_becomes_a_slip(branch):
    title = issue(branch, part(our_number="10900012345"), part())
    slip = BankSlip.objects.get()
    assert (slip.our_number, slip.installment.number, slip.account) == ("10900012345", 1, title.account)
    assert (slip.amount, slip.due_date, slip.status) == (100, TOMORROW, SlipStatus.ISSUED)


def test_all_that_is_issued_is_told_in_the_history(branch):
    title = issue(branch, part(our_number="1"))
    for row in (title, title.installments.get(), BankSlip.objects.get()):
        assert told(row) == ("ana", "back_office", "pedido 7")
        assert [entry.history_type for entry in row.history.all()] == ["+"]


def test_the_same_document_of_the_same_branch_is_refused(branch):
    issue(branch, part())
    again = fields(branch)
    with refused(DuplicateTitle, "duplicate_title") as refusal:
        issue_title(fields=again, parts=[part()], by=CASHIER)
    assert refusal.value.facts == {"branch": str(branch), "document": "FAT-9"}


def test_another_branch_may_issue_the_same_document(branch):
    issue(branch, part())
    issue(make_branch(), part())
    assert Title.objects.filter(document_number="FAT-9").count() == 2


@pytest.mark.parametrize(
    ("amount", "rule", "code"),
    [
        ("0.00", AmountNotPositive, "amount_not_positive"),
        ("-1.00", AmountNotPositive, "amount_not_positive"),
        ("10.005", InexactAmount, "inexact_amount"),
    ],
)
def test_a_part_is_a_positive_number_of_cents(branch, amount, rule, code):
    values = fields(branch)
    with refused(rule, code):
        issue_title(fields=values, parts=[part(), part(amount)], by=CASHIER)


def test_a_title_has_at_least_one_part(branch):
    values = fields(branch)
    with refused(PartsNotPositive, "parts_not_positive"):
        issue_title(fields=values, parts=[], by=CASHIER)


def test_many_titles_are_issued_together_or_not_at_all(branch):
    batch = [(fields(branch, "A"), [part()]), (fields(branch, "B"), [part()]), (fields(branch, "A"), [part()])]
    with refused(DuplicateTitle, "duplicate_title"):
        issue_titles(batch, by=CASHIER)
    titles = issue_titles(batch[:2], by=CASHIER)
    assert [title.document_number for title in titles] == ["A", "B"]
    assert Installment.objects.filter(title__in=titles).count() == 2


# Change


def test_a_pending_title_is_changed_and_its_version_and_history_grow():
    title = make_title()
    changed = change(title, notes="Entregar na doca 3", pre_invoice_number="77")
    title.refresh_from_db()
    assert (title.notes, title.pre_invoice_number, title.version) == ("Entregar na doca 3", "77", changed.version)
    assert title.version == 2
    assert told(title) == ("ana", "back_office", "corrigido a pedido")


def test_a_change_reaches_the_tills_through_the_installments():
    title = make_title(amounts=("60.00", "40.00"))
    change(title, notes="x")
    assert set(title.installments.values_list("version", flat=True)) == {2}
    assert told(title.installments.first()) == ("ana", "back_office", "corrigido a pedido")


def test_amount_and_due_date_of_a_single_installment_are_changed_in_place():
    title = make_title()
    change(title, amount=Decimal("900.00"), due_date=TOMORROW)
    title.refresh_from_db()
    row = title.installments.get()
    assert (title.amount, row.amount, row.original_amount, row.balance) == (900, 900, 900, 900)
    assert (row.due_date, row.interest_from) == (TOMORROW, TOMORROW)


@pytest.mark.parametrize("changes", [{"amount": Decimal("900.00")}, {"due_date": TOMORROW}])
def test_amount_and_due_date_of_several_installments_are_refused_by_name(changes):
    title = make_title(amounts=("60.00", "40.00"))
    with refused(SeveralInstallments, "several_installments"):
        change(title, notes="x", **changes)


# Payable on presentation (S21, S22)

ISSUED, LAST = TODAY, TODAY + timedelta(days=15)


def on_presentation(branch, due=LAST, **values):
    return issue(branch, part(due=due), payable_on_presentation=True, issued_on=ISSUED, **values)


def test_a_title_payable_on_presentation_falls_due_at_most_15_days_after_its_issue(branch):
    assert on_presentation(branch).installments.get().due_date == LAST
    values = fields(branch, "FAT-10", payable_on_presentation=True)
    with refused(DueAfterPresentation, "due_after_presentation") as refusal:
        issue_title(fields=values, parts=[part(due=LAST + timedelta(days=1))], by=CASHIER)
    assert refusal.value.facts["last"] == LAST


def test_a_title_payable_on_presentation_has_one_installment(branch):
    values = fields(branch, payable_on_presentation=True)
    with refused(PresentationInParts, "presentation_in_parts"):
        issue_title(fields=values, parts=[part(), part()], by=CASHIER)


@pytest.mark.parametrize("changes", [{"due_date": LAST + timedelta(days=1)}, {"issued_on": ISSUED - timedelta(days=1)}])
def test_no_change_leaves_more_than_15_days_to_a_title_payable_on_presentation(branch, changes):
    title = on_presentation(branch)
    with refused(DueAfterPresentation, "due_after_presentation"):
        change(title, **changes)


def test_the_due_dates_of_a_title_payable_on_presentation_are_within_15_days_too(branch):
    row = on_presentation(branch).installments.get()
    with refused(DueAfterPresentation, "due_after_presentation"):
        change_due_dates(title_id=row.title_id, due_dates={row.pk: LAST + timedelta(days=1)}, by=CASHIER)


def test_a_title_becomes_payable_on_presentation_where_its_due_date_allows_it():
    title = make_title(issued_on=ISSUED, due_dates=(LAST + timedelta(days=1),))
    with refused(DueAfterPresentation, "due_after_presentation"):
        change(title, payable_on_presentation=True)
    change(title, payable_on_presentation=True, due_date=LAST)
    title.refresh_from_db()
    assert title.payable_on_presentation


def test_other_data_of_a_title_collected_anew_beyond_the_15_days_are_still_changed(branch):
    title = issue(branch, part(due=LAST, our_number="7"), payable_on_presentation=True)
    reissue_bank_collection(
        installment_id=title.installments.get().pk, new_due_date=LAST + timedelta(days=30), reason=REASON,
        apply_charges=False, write_off_requested=True, by=CASHIER, on=TODAY, now=NOW,
    )  # fmt: skip
    title.refresh_from_db()
    change(title, notes="Nova cobrança a pedido")
    title.refresh_from_db()
    assert title.notes == "Nova cobrança a pedido"


def test_another_collecting_branch_brings_its_terms():
    title = make_title()
    other = make_branch()
    change(title, collecting_branch=other)
    assert title.installments.get().terms == other.parameter_set.terms


def test_a_change_of_what_someone_changed_meanwhile_is_refused():
    title = make_title()
    change(title, notes="primeira")
    with refused(ChangedMeanwhile, "changed_meanwhile"):
        change(title, version=1, notes="segunda")


@pytest.mark.parametrize("received", ["10.00", "1000.00"])
def test_a_title_that_received_money_is_read_only(received):
    title = make_title()
    settle_part(title.installments.get(), received)
    title.refresh_from_db()
    with refused(TitleNotPending, "title_not_pending"):
        change(title, notes="tarde")
    with refused(TitleNotPending, "title_not_pending"):
        change_due_dates(title_id=title.pk, due_dates={title.installments.get().pk: TOMORROW}, by=CASHIER)


@pytest.mark.parametrize(
    ("amount", "rule", "code"),
    [("0.00", AmountNotPositive, "amount_not_positive"), ("0.001", InexactAmount, "inexact_amount")],
)
def test_a_changed_amount_is_a_positive_number_of_cents(amount, rule, code):
    title = make_title()
    with refused(rule, code):
        change(title, amount=Decimal(amount))


def test_a_changed_document_number_may_not_be_taken():
    title = make_title()
    other = make_title(branch=title.issuing_branch)
    with refused(DuplicateTitle, "duplicate_title"):
        change(other, document_number=title.document_number)


def test_a_title_keeps_its_own_document_number():
    title = make_title()
    change(title, document_number=title.document_number, notes="mesmo número")
    title.refresh_from_db()
    assert title.notes == "mesmo número"


def test_due_dates_of_several_installments_are_changed_by_id():
    title = make_title(amounts=("60.00", "40.00"))
    first, second = title.installments.all()
    change_due_dates(title_id=title.pk, due_dates={second.pk: TOMORROW}, by=CASHIER, because="a pedido")
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.due_date, second.due_date, second.interest_from) == (TODAY, TOMORROW, TOMORROW)
    assert (first.version, second.version) == (1, 2)
    assert told(second) == ("ana", "back_office", "a pedido")


# Cancel


def test_a_title_is_cancelled_with_a_reason_and_its_installments_owe_nothing_more_to_anyone():
    title = make_title()
    cancel_title(title_id=title.pk, reason=f"  {REASON} ", by=CASHIER)
    title.refresh_from_db()
    assert (title.status, title.cancel_reason) == (TitleStatus.CANCELLED, REASON)
    assert told(title) == ("ana", "back_office", REASON)
    assert title.installments.get().version == 2
    assert not Installment.objects.open().exists()
    assert quote(title_ids=[title.pk], on=TODAY) == []


@pytest.mark.parametrize("received", ["10.00", "1000.00"])
def test_a_title_with_receipts_is_not_cancelled(received):
    title = make_title()
    settle_part(title.installments.get(), received)
    with refused(TitleHasReceipts, "title_has_receipts"):
        cancel_title(title_id=title.pk, reason=REASON, by=CASHIER)


def test_a_cancelled_title_is_not_cancelled_again():
    title = make_title()
    cancel_title(title_id=title.pk, reason=REASON, by=CASHIER)
    with refused(MoveRefused, "move_refused"):
        cancel_title(title_id=title.pk, reason=REASON, by=CASHIER)


@pytest.mark.parametrize(
    ("reason", "rule", "code"),
    [("  engano  ", ReasonTooShort, "reason_too_short"), ("x" * 501, ReasonTooLong, "reason_too_long")],
)
def test_a_cancellation_needs_a_reason(reason, rule, code):
    title = make_title()
    with refused(rule, code):
        cancel_title(title_id=title.pk, reason=reason, by=CASHIER)


# Settlement: what its own file does not say


def test_a_discount_for_the_whole_title_is_within_the_limit_of_its_installments_together():
    title = make_title(amounts=("500.00", "500.00"))
    receipt = settle(title, "950.00", discount=Decimal("50.00"))
    assert sorted(receipt.allocations.values_list("discount", flat=True)) == [25, 25]


def test_a_negative_or_inexact_amount_is_refused_by_name():
    installment = make_title().installments.get()
    with refused(AmountNotPositive, "amount_not_positive"):
        settle_part(installment, "-5.00")
    with refused(InexactAmount, "inexact_amount"):
        settle_part(installment, "10.005")
