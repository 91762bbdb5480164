"""The branch switch narrows lists and the start page, and nothing else: what a person may see stays his branches."""

import pytest
from django.urls import reverse

from receivables.models import CashMovement, Installment, Receipt, Title
from tests.admin.conftest import at_the_desk
from tests.admin.pages import desk, page, settlement
from tests.make import make_branch, make_title

pytestmark = pytest.mark.django_db

SWITCH = "/admin/branch/"


@pytest.fixture
def other(gerencia):
    """A second branch of the manager."""
    branch = make_branch(name="Porto")
    branch.members.add(gerencia.user)
    return branch


def choose(client, branch, **values):
    return client.post(SWITCH, {"branch": branch.pk if branch else "", **values})


def listed(client, model):
    return list(client.get(desk(model, "changelist")).context["cl"].queryset)


def test_who_has_one_branch_is_offered_no_choice(gerencia):
    assert gerencia.get("/admin/").context["branch_switch"] is None


def test_all_of_ones_branches_are_shown_until_one_is_chosen(gerencia, branch, other):
    titles = {make_title(branch=branch), make_title(branch=other)}
    assert gerencia.get("/admin/").context["branch_switch"]["chosen"] is None
    assert set(listed(gerencia, Title)) == titles


def test_the_chosen_branch_narrows_the_lists(gerencia, branch, other):
    for each in (branch, other):
        title = make_title(branch=each)
        gerencia.post(page(title, "settle"), settlement(title, "1.000,00"))
    choose(gerencia, other)
    assert [title.collecting_branch for title in listed(gerencia, Title)] == [other]
    assert [row.title.collecting_branch for row in listed(gerencia, Installment)] == [other]
    assert [row.branch for row in listed(gerencia, Receipt)] == [other]
    assert [row.account.branch for row in listed(gerencia, CashMovement)] == [other]
    choose(gerencia, None)
    assert len(listed(gerencia, Title)) == 2


def test_a_title_is_listed_under_each_of_its_branches(gerencia, branch, other):
    title = make_title(branch=branch, collecting_branch=other)
    for each in (branch, other):
        choose(gerencia, each)
        assert listed(gerencia, Title) == [title]


def test_the_chosen_branch_narrows_the_start_page(gerencia, branch, other):
    make_title(branch=branch, amounts=("10.00",))
    make_title(branch=other, amounts=("3.00",))
    choose(gerencia, other)
    assert gerencia.get("/admin/").context["panel"]["aging"]["total"] == 3


def test_the_pages_of_ones_other_branches_stay_open(gerencia, branch, other):
    title = make_title(branch=branch)
    choose(gerencia, other)
    assert gerencia.get(page(title)).status_code == 200
    assert gerencia.get(page(title, "settle")).status_code == 200


def test_a_branch_of_others_is_not_chosen(gerencia, branch, other):
    make_title(branch=branch)
    foreign = make_branch()
    hidden = make_title(branch=foreign)
    choose(gerencia, foreign)
    assert gerencia.get("/admin/").context["branch_switch"]["chosen"] is None
    assert hidden not in listed(gerencia, Title)


def test_a_branch_that_was_taken_away_is_chosen_no_more(gerencia, branch, other):
    third = make_branch()
    third.members.add(gerencia.user)
    choose(gerencia, other)
    other.members.remove(gerencia.user)
    assert gerencia.get("/admin/").context["branch_switch"]["chosen"] is None


def test_an_administrator_looks_at_one_branch_too(chief, branch):
    make_branch()
    title, _hidden = make_title(branch=branch), make_title()
    choose(chief, branch)
    assert listed(chief, Title) == [title]


@pytest.mark.parametrize(
    ("back", "goes"), [("/admin/receivables/title/", "/admin/receivables/title/"), ("https://mau.example/", "/admin/")]
)
def test_the_switch_goes_back_to_the_page_and_to_no_other_host(gerencia, other, back, goes):
    assert choose(gerencia, other, next=back).url == goes


def test_the_switch_is_posted_by_those_who_are_logged_in(client, gerencia):
    assert gerencia.get(SWITCH).status_code == 405
    assert client.post(SWITCH, {}).url.startswith(reverse("admin:login"))


def test_each_window_keeps_its_own_choice(gerencia, other):
    choose(gerencia, other)
    assert at_the_desk(gerencia.user).get("/admin/").context["branch_switch"]["chosen"] is None
