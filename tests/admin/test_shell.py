"""What surrounds every page: the menu in the owner's words, the search over everything, no framework names."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.urls import reverse

from receivables.admin.menu import MENU
from receivables.models import Customer, Receipt, Title
from receivables.services.settlement import settle_title
from tests.admin.conftest import at_the_desk
from tests.admin.pages import desk, page
from tests.make import CASHIER, NOW, TODAY, deposit, make_branch, make_customer, make_title, make_user

pytestmark = pytest.mark.django_db

SEARCH = "/admin/search/"


def menu(client, address="/admin/"):
    return client.get(address).context["menu"]


def here(client, address):
    """The entries that the menu marks as the present place."""
    return [
        str(entry["label"]) for section in menu(client, address) for entry in section["entries"] if entry["is_here"]
    ]


def found(client, asked):
    response = client.get(SEARCH, {"q": asked})
    return {str(hit.name) for each in response.context["found"] for hit in each.hits}


# The menu


def test_every_noun_has_its_place_in_the_menu():
    nouns = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}
    assert nouns - {entry.noun for section in MENU for entry in section.entries} == set()


def test_every_entry_of_the_menu_opens(chief):
    for section in menu(chief):
        for entry in section["entries"]:
            assert chief.get(entry["address"]).status_code == 200, entry["address"]


def test_who_may_see_nothing_has_an_empty_menu(branch):
    assert menu(at_the_desk(make_user(branches=(branch,)))) == []


def test_users_and_groups_are_offered_to_those_who_manage_them(gerencia, chief):
    def offers(client):
        addresses = {entry["address"] for section in menu(client) for entry in section["entries"]}
        return {desk(noun, "changelist") for noun in (User, Group)} <= addresses

    assert (offers(chief), offers(gerencia)) == (True, False)  # groups are an administrator's
    assert desk(User, "changelist") in {entry["address"] for section in menu(gerencia) for entry in section["entries"]}


def test_the_menu_marks_the_place_of_a_row_and_of_a_filtered_list(gerencia, branch):
    title = make_title(branch=branch)
    (of_row,), (of_list,) = here(gerencia, page(title)), here(gerencia, desk(Title, "changelist"))
    (of_open,) = here(gerencia, desk(Title, "changelist") + "?status__in=pending,partially_settled")
    assert of_row == of_list != of_open


def test_the_page_of_an_app_leads_to_the_start(gerencia):
    response = gerencia.get(reverse("admin:app_list", args=["receivables"]))
    assert (response.status_code, response.url) == (302, "/admin/")


# The search over everything


def test_search_finds_titles_customers_receipts_and_nosso_numero(gerencia, branch):
    customer = make_customer(name="Maria Aparecida", document="52998224725")
    title = make_title(branch=branch, document_number="ABC-1", bill_to=customer, our_numbers=("109000123",))
    other = make_title(branch=branch, document_number="ABC-2", bill_to=customer)
    settle_title(
        title_id=other.pk, received=other.amount, received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW, on=TODAY
    )
    receipt = Receipt.objects.get()
    assert found(gerencia, "aparecida") == {str(title), str(other), str(customer), str(receipt)}
    assert found(gerencia, "529.982.247-25") == {str(title), str(other), str(customer), str(receipt)}
    assert found(gerencia, "109000123") == {str(title), "109000123"}


def test_what_is_found_alone_is_opened_at_once(gerencia, branch):
    title = make_title(branch=branch, document_number="ABC-1")
    make_title(branch=branch, document_number="XYZ-1")
    response = gerencia.get(SEARCH, {"q": "abc-1"})
    assert (response.status_code, response.url) == (302, page(title))


def test_search_tells_nothing_of_another_branch(foreigner, branch):
    make_title(branch=branch, document_number="ABC-1", our_numbers=("109000123",))
    assert found(foreigner, "abc-1") == found(foreigner, "109000123") == set()


def test_search_asks_for_permission_noun_by_noun(branch):
    make_title(branch=branch, document_number="ABC-1")
    assert found(at_the_desk(make_user(branches=(branch,))), "abc-1") == set()


def test_search_is_for_those_who_logged_in(client):
    assert client.get(SEARCH, {"q": "x"}).status_code == 302


def test_an_empty_search_says_what_can_be_typed(gerencia):
    response = gerencia.get(SEARCH)
    assert (response.status_code, response.context["found"]) == (200, [])


def test_a_long_answer_leads_to_the_whole_list(gerencia, branch):
    customer = make_customer(name="Maria Aparecida")
    for _each in range(9):
        make_title(branch=branch, bill_to=customer)
    titles = gerencia.get(SEARCH, {"q": "aparecida"}).context["found"][0]
    assert len(titles.hits) == 8
    assert gerencia.get(titles.more).context["cl"].result_count == 9


# Pages


def test_no_page_of_the_shell_carries_script_or_style_of_its_own(gerencia, branch):
    make_title(branch=branch)
    for address in ("/admin/", SEARCH, desk(Title, "changelist"), desk(Customer, "add")):
        html = gerencia.get(address).content.decode()
        assert "<style" not in html
        assert " style=" not in html
        assert "<script>" not in html


def test_the_head_of_a_title_tells_its_four_numbers(gerencia, branch):
    title = make_title(branch=branch, amounts=("600.00", "400.00"))
    head = gerencia.get(page(title)).context["head"]
    assert [value for _label, value in head["numbers"]] == ["1.000,00", "0,00", "1.000,00", "23/11/2026"]


def test_an_overdue_title_says_for_how_long(gerencia):
    branch = make_branch()
    branch.members.add(gerencia.user)
    title = make_title(branch=branch, due_dates=(TODAY.replace(day=11),))
    assert "12" in gerencia.get(page(title)).context["head"]["chip"]


def test_the_list_of_titles_tells_its_totals(gerencia, branch):
    make_title(branch=branch, amounts=("600.00",), due_dates=(TODAY.replace(day=11),))
    make_title(branch=branch, amounts=("400.00",))
    totals = gerencia.get(desk(Title, "changelist")).context["totals"]
    assert [str(amount) for _label, amount in totals] == ["1000.00", "1000.00", "600.00"]


def test_open_titles_are_a_filter_of_the_list(gerencia, branch):
    make_title(branch=branch)
    settled = make_title(branch=branch)
    settle_title(
        title_id=settled.pk, received=settled.amount, received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW,
        on=TODAY,
    )  # fmt: skip
    query = {"status__in": "pending,partially_settled"}
    assert gerencia.get(desk(Title, "changelist"), query).context["cl"].result_count == 1
