"""`manage.py seed_demo`: what it promises, once and for ever."""

import io
import json
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from stdnum.br import cpf

from pos_sync import demo_till
from pos_sync.figures.monitor import monitor_of
from pos_sync.models import Device, TillOperator, TillPolicy
from receivables.demo import bulk, names
from receivables.demo.story import business_days_before
from receivables.domain.documents import parse_document
from receivables.models import (
    SYSTEM,
    BankSlip,
    Branch,
    CashDay,
    CashDayStatus,
    CashMovement,
    Customer,
    CustomerCredit,
    Divergence,
    DivergenceStatus,
    Installment,
    LedgerAccount,
    MovementStatus,
    Receipt,
    Title,
    TitleStatus,
)
from receivables.services import groups
from receivables.services.title import issue_titles
from tests.ledger import assert_books_are_clean
from tests.make import make_title, make_user

NOON = "2026-11-23 12:00:00-03:00"  # a Monday
TODAY = date(2026, 11, 23)
YESTERDAY = TODAY - timedelta(1)
CODES = ["001", "002", "003"]


def seed(*options, at=NOON):
    out = io.StringIO()
    with time_machine.travel(at):
        call_command("seed_demo", "--json", *options, stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker):
    """Seed once for all tests of this module, and leave nothing."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield seed()
        transaction.set_rollback(True)


def window(branch, on=TODAY):
    return Installment.objects.in_window(today=on).filter(title__collecting_branch__code=branch)


def test_it_prints_branches_and_one_login_of_each_group_at_least(made):
    assert [branch["code"] for branch in made["branches"]] == CODES
    assert {login["group"] for login in made["logins"]} == set(groups.GRANTS)
    assert all(branch.keys() == {"code", "name"} for branch in made["branches"])
    assert all(login.keys() == {"user", "password", "group"} for login in made["logins"])


def test_the_logins_enter_the_back_office_and_nobody_is_a_superuser(made, rf):
    for login in made["logins"]:
        user = authenticate(rf.post("/"), username=login["user"], password=login["password"])
        assert user.is_staff
        assert [group.name for group in user.groups.all()] == [login["group"]]
        assert user.branches.count() == len(CODES)
    assert not get_user_model().objects.filter(is_superuser=True).exists()


@pytest.mark.parametrize("branch", CODES)
def test_a_branch_has_enough_in_the_window_of_its_till(made, branch):
    assert window(branch).count() >= 30
    assert window(branch).filter(due_date__gte=TODAY, balance__gte=Decimal(10)).count() >= 12


@pytest.mark.parametrize("branch", CODES)
def test_a_branch_has_two_long_overdue_that_nobody_ever_paid(made, branch):
    overdue = window(branch).filter(due_date__lte=TODAY - timedelta(10), allocations__isnull=True)
    assert overdue.count() >= 2


@pytest.mark.parametrize("branch", CODES)
def test_a_branch_has_titles_in_every_state(made, branch):
    titles = Title.objects.filter(collecting_branch__code=branch)
    assert {title.status for title in titles} == set(TitleStatus.values)
    assert titles.filter(installment_count__gt=3).exists()
    assert titles.filter(installments__due_date__gt=TODAY + timedelta(30)).exists()
    assert titles.exclude(issuing_branch__code=branch).exists()


@pytest.mark.parametrize("branch", CODES)
def test_a_branch_has_slips_on_its_bank_account(made, branch):
    slips = BankSlip.objects.filter(account__branch__code=branch, account__kind=LedgerAccount.Kind.BANK)
    assert slips.count() >= 5


@pytest.mark.parametrize("branch", CODES)
def test_cash_is_closed_until_yesterday_and_open_today(made, branch):
    days = CashDay.objects.filter(account__branch__code=branch, account__branchpaymentmethod__method__code="cash")
    assert days.get(day=YESTERDAY).status == CashDayStatus.CLOSED
    assert days.get(day=TODAY).status == CashDayStatus.OPEN
    assert not days.filter(day__lt=TODAY, status=CashDayStatus.OPEN).exists()


def test_bank_accounts_have_open_days_behind_today(made):
    days = CashDay.objects.filter(account__kind=LedgerAccount.Kind.BANK, day__lt=TODAY)
    assert {day.status for day in days} == {CashDayStatus.OPEN, CashDayStatus.CLOSED}


@pytest.mark.parametrize("branch", CODES)
def test_each_means_of_payment_has_its_account_and_codes(made, branch):
    methods = Branch.objects.get(code=branch).payment_methods.all()
    assert {row.method.code for row in methods} == {each["code"] for each in made["payment_methods"]}
    assert {"cash", "card", "pix", "cheque", "outros", "customer_credit"} <= {row.method.code for row in methods}
    for row in methods:
        assert row.account.branch.code == branch
        assert (row.credit_history.direction, row.debit_history.direction) == ("credit", "debit")


def test_only_cash_gives_change_and_a_card_needs_its_reference(made):
    methods = {row.method.code: row.method for row in Branch.objects.get(code="001").payment_methods.all()}
    assert [code for code, method in methods.items() if method.gives_change] == ["cash"]
    assert [code for code, method in methods.items() if method.needs_reference] == ["card"]


def test_one_set_controls_the_cash_and_one_does_not(made):
    policies = {policy.parameter_set.is_default: policy for policy in TillPolicy.objects.all()}
    assert policies[True].parameter_set.cash_closing_control
    assert not policies[False].parameter_set.cash_closing_control
    for policy in policies.values():
        assert policy.scope == TillPolicy.Scope.BRANCH
        assert policy.offline_methods.filter(code="cash").exists()
        assert policy.parameter_set.branch_set.exists()
        assert 0 < policy.parameter_set.terms.max_discount_percent < 40
        assert policy.parameter_set.terms.allow_partial


def test_the_operators_know_their_pins(made):
    assert {operator["branch"] for operator in made["operators"]} == set(CODES)
    for operator in made["operators"]:
        row = TillOperator.objects.get(branch__code=operator["branch"], code=operator["code"])
        algorithm, iterations, _, _ = row.pin_hash.split("$")
        assert (algorithm, int(iterations)) == ("pbkdf2_sha256", 100_000)
        assert PBKDF2PasswordHasher().verify(operator["pin"], row.pin_hash)


def test_the_first_operator_of_each_branch_is_a_supervisor(made):
    supervisors = [operator["branch"] for operator in made["operators"] if operator["supervisor"]]
    assert sorted(supervisors) == sorted(CODES)
    assert TillOperator.objects.filter(is_supervisor=True).count() == len(CODES)


def test_no_till_that_is_offered_is_paired_yet(made):
    offered = {(till["branch"], till["till"]) for till in made["tills"]}
    assert len(offered) >= len(CODES)
    assert not offered & set(Device.objects.values_list("branch__code", "till"))


def test_the_monitor_has_something_to_tell(made):
    found = monitor_of(make_user(is_superuser=True), now=datetime.fromisoformat(NOON))
    assert (found.missing, found.pending.count, found.sessions) == (1, 4, 4)
    assert [bool(found.total(state).count) for state in ("review", "quarantined", "held")] == [True, True, False]
    (late,) = found.closings
    assert (late.closing.pending_count, late.still_pending) == (1, 1)
    assert sum(line.is_silent_on(TODAY) for line in found.tills) == 1


def test_someone_has_a_cnpj_with_letters_and_every_document_is_valid(made):
    documents = list(Customer.objects.values_list("document", flat=True))
    assert "12ABC34501DE35" in documents
    assert [parse_document(document) for document in documents] == documents


def test_an_overpayment_became_a_credit_and_part_of_it_was_used(made):
    kinds = set(CustomerCredit.objects.values_list("kind", flat=True))
    assert kinds == {"granted", "used"}
    assert CustomerCredit.objects.filter(branch__code="001").available() == Decimal("30.00")


def test_there_are_movements_that_no_receipt_made_and_one_that_was_reversed(made):
    assert CashMovement.objects.filter(receipt__isnull=True, amount__lt=0, reverses__isnull=True).exists()
    assert CashMovement.objects.filter(status=MovementStatus.REVERSED).exists()


def test_nothing_happened_in_the_future(made):
    assert not Receipt.objects.filter(received_on__gte=TODAY).exists()
    assert not CashMovement.objects.filter(cash_date__gt=TODAY).exists()


def test_the_books_are_clean(made):
    out = io.StringIO()
    call_command("check_books", "--json", stdout=out)
    assert json.loads(out.getvalue())["violations"] == []


@pytest.mark.parametrize("at", [NOON, "2027-03-05 09:00:00-03:00"])
def test_a_second_run_adds_nothing_and_prints_the_same_on_any_day(made, at):
    tables = (Title, Customer, Receipt, CashMovement, CashDay, TillOperator, Title.history, CashDay.history)
    before = [getattr(table, "objects", table).count() for table in tables]
    assert seed(at=at) == made
    assert [getattr(table, "objects", table).count() for table in tables] == before


def test_the_divergences_are_asked_for_add_one_of_each_kind_and_come_once(made):
    asked = Divergence.objects.filter(station=demo_till.TILL)
    assert not asked.exists()
    assert seed("--divergences") == made
    found = sorted(asked.values_list("reason", flat=True))
    assert found == [
        "already_settled", "device_suspended", "discount_above_limit", "op_id_reused", "partly_settled", "sum_mismatch",
        "unknown_installment",
    ]  # fmt: skip
    assert {row.status for row in asked} == {DivergenceStatus.OPEN}
    seed("--divergences", at="2026-11-25 12:00:00-03:00")
    assert sorted(asked.values_list("reason", flat=True)) == found
    assert_books_are_clean()


def test_titles_are_added_up_to_the_number_asked_and_no_further(made):
    wanted = made["titles"] + 25
    with transaction.atomic():
        assert seed("--titles", str(wanted))["titles"] == wanted
        assert Title.objects.count() == wanted
        assert seed("--titles", str(wanted))["titles"] == wanted
        assert Title.objects.count() == wanted
        assert seed("--titles", "10")["titles"] == wanted
        transaction.set_rollback(True)


def test_added_titles_are_the_same_in_one_step_or_two(made):
    def documents():
        titles = Title.objects.filter(document_number__startswith="DEMO-").order_by("document_number")
        return list(titles.values_list("document_number", "amount", "bill_to__document", "installments__due_date"))

    with transaction.atomic():
        seed("--titles", str(made["titles"] + 20))
        at_once = documents()
        transaction.set_rollback(True)
    with transaction.atomic():
        seed("--titles", str(made["titles"] + 7))
        seed("--titles", str(made["titles"] + 20))
        assert documents() == at_once
        transaction.set_rollback(True)


def _rows_of(titles):
    """All that was written of titles, but ids and instants."""
    left_out = {"id", "history_id", "history_date", "title_id", "bill_to_id"}
    of_them = {"title_id__in": titles}
    sources = (Title.objects.filter(pk__in=titles), Installment.objects.filter(**of_them),
               Title.history.filter(id__in=titles), Installment.history.filter(**of_them))  # fmt: skip
    return [
        [{name: value for name, value in row.items() if name not in left_out} for row in rows.order_by("pk").values()]
        for rows in sources
    ]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL copies")
def test_copied_titles_are_those_that_the_service_would_issue(made):
    def written(write):
        with transaction.atomic():
            writer = bulk._Writer(today=TODAY)
            write(writer.titles(range(40), by=SYSTEM), by=SYSTEM)
            found = Title.objects.filter(document_number__startswith=bulk.PREFIX)
            rows = _rows_of(list(found.values_list("pk", flat=True)))
            transaction.set_rollback(True)
        return rows

    copied = written(bulk.copy_titles)
    assert len(copied[0]) == 40
    assert copied == written(issue_titles)


@pytest.mark.django_db
def test_a_database_with_titles_of_its_own_is_left_alone():
    make_title()
    with pytest.raises(CommandError):
        seed()
    assert Title.objects.count() == 1
    assert not TillOperator.objects.exists()


@pytest.mark.parametrize("titles", ["-1", "many", "9999999"])
def test_an_absurd_number_of_titles_is_refused(titles):
    with pytest.raises(CommandError, match="--titles"):
        call_command("seed_demo", f"--titles={titles}")


def test_invented_documents_have_right_check_digits_and_are_never_the_same():
    documents = [names.customer(number)[0] for number in range(2_000)]
    assert len(set(documents)) == 2_000
    assert [parse_document(document) for document in documents] == documents
    assert any(cpf.is_valid(document) for document in documents)


def test_business_days_pass_over_weekends_and_holidays():
    assert business_days_before(TODAY, count=2) == [date(2026, 11, 18), date(2026, 11, 19)]
