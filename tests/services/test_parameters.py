"""New rates are new terms, and the open installments that they govern follow them (G.13)."""

from decimal import Decimal

import pytest

from receivables.models import SYSTEM, InterestPeriod, ParameterSet, Terms
from receivables.services.parameters import add_parameter_set, change_terms, save_branch
from receivables.services.title import cancel_title
from tests.ledger import assert_books_are_clean, told
from tests.make import CASHIER, REASON, make_branch, make_parameter_set, make_title
from tests.services.test_settlement import settle, settle_part

pytestmark = pytest.mark.django_db

RATES = {"interest_percent": Decimal("0.0334"), "interest_per": InterestPeriod.DAY, "fine_percent": Decimal("1.00"),
         "max_discount_percent": Decimal("10.00"), "allow_partial": False}  # fmt: skip


def change(parameter_set):
    return change_terms(parameter_set_id=parameter_set.pk, rates=RATES, by=CASHIER, because="tabela 2027")


def test_a_parameter_set_begins_with_rates_of_its_own():
    made = add_parameter_set(parameter_set=ParameterSet(name="Filiais do sul"), rates=RATES, by=CASHIER)
    assert made.terms.fine_percent == 1
    assert (told(made), made.terms.actor) == (("ana", "back_office", None), "ana")


def test_new_rates_are_a_new_row_and_the_old_one_stays():
    parameter_set = make_parameter_set()
    old = parameter_set.terms
    new = change(parameter_set)
    parameter_set.refresh_from_db()
    assert (parameter_set.terms, new.fine_percent, new.actor) == (new, 1, "ana")
    assert told(parameter_set) == ("ana", "back_office", "tabela 2027")
    assert Terms.objects.get(pk=old.pk).fine_percent == 2


def test_open_installments_follow_and_their_versions_tell_the_tills():
    branch = make_branch()
    pending, partly = make_title(branch=branch), make_title(branch=branch)
    settle_part(partly.installments.get(), "10.00")
    new = change(branch.parameter_set)
    for title, version in ((pending, 2), (partly, 3)):
        row = title.installments.get()
        assert (row.terms, row.version, told(row)) == (new, version, ("ana", "back_office", "tabela 2027"))
    assert_books_are_clean()


def test_what_is_settled_or_cancelled_or_of_another_set_keeps_its_terms():
    branch = make_branch()
    settled, cancelled, foreign = make_title(branch=branch), make_title(branch=branch), make_title()
    settle(settled, "1000.00")
    cancel_title(title_id=cancelled.pk, reason=REASON, by=SYSTEM)
    before = {row.pk: row.terms_id for title in (settled, cancelled, foreign) for row in title.installments.all()}
    change(branch.parameter_set)
    after = {row.pk: row.terms_id for title in (settled, cancelled, foreign) for row in title.installments.all()}
    assert after == before


def test_an_older_version_of_an_installment_still_names_the_terms_it_had():
    title = make_title()
    row = title.installments.get()
    change(title.collecting_branch.parameter_set)
    assert row.history.get(version=1).terms_id == row.terms_id


def test_another_parameter_set_of_a_branch_brings_its_rates_to_what_the_branch_collects():
    title = make_title()
    branch = title.collecting_branch
    branch.parameter_set = make_parameter_set()
    save_branch(branch=branch, by=CASHIER)
    installment = title.installments.get()
    assert (installment.terms, installment.version) == (branch.parameter_set.terms, 2)
    assert_books_are_clean()


def test_a_branch_saved_with_the_same_set_leaves_its_installments_alone():
    title = make_title()
    save_branch(branch=title.collecting_branch, by=CASHIER)
    assert title.installments.get().version == 1
