"""The start page: each number equals the list behind its link, and a person sees the own branches only."""

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.urls import reverse

from pos_sync.models import Device
from receivables.models import SYSTEM, Divergence
from receivables.services.reversal import reverse_title
from receivables.services.settlement import settle_title
from tests.admin.conftest import at_the_desk
from tests.make import CASHIER, NOW, REASON, TODAY, deposit, make_branch, make_title, make_user

pytestmark = pytest.mark.django_db

START = "/admin/"


@pytest.fixture
def lively(branch):
    """Titles of every band, receipts by two methods, a reversal, a divergence and a silent till."""
    for days in (-100, -70, -40, -5, 0, 3, 20, 50):
        make_title(branch=branch, amounts=("10.00", "20.00"), due_dates=(TODAY + timedelta(days),) * 2)
    for method in ("cash", "pix", "pix"):
        settle(make_title(branch=branch, amounts=("30.00",)), method)
    undone = make_title(branch=branch, amounts=("5.00",))
    settle(undone, "cash")
    reverse_title(title_id=undone.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY, closed_cash={})
    Divergence(branch=branch, reason="over_balance", amount=Decimal("9.00")).save_as(SYSTEM)
    Device(branch=branch, till="03", install_id="x").save_as(SYSTEM)
    return branch


def settle(title, method):
    settle_title(
        title_id=title.pk, received=title.amount, received_on=TODAY, deposit=deposit(method=method), by=CASHIER,
        now=NOW, on=TODAY,
    )  # fmt: skip


def panel(client):
    return client.get(START).context["panel"]


def listed(client, address):
    response = client.get(address)
    assert response.status_code == 200, address
    return response.context["cl"]


def test_each_band_is_the_total_of_the_list_behind_it(tesouraria, lively):
    bars = panel(tesouraria)["aging"]["bars"]
    assert len([bar for bar in bars if bar.amount]) == len(bars) == 8
    for bar in bars:
        response = tesouraria.get(bar.address)
        ((_label, balance),) = response.context["totals"]
        assert (response.context["cl"].result_count, balance) == (bar.count, bar.amount), bar.label


def test_all_and_overdue_are_the_totals_of_their_lists(tesouraria, lively):
    aging = panel(tesouraria)["aging"]
    for address, amount in ((aging["all"], aging["total"]), (aging["all_overdue"], aging["overdue"])):
        ((_label, balance),) = tesouraria.get(address).context["totals"]
        assert balance == amount


def test_the_marks_of_the_aging_bar_fill_it_without_a_gap(tesouraria, lively):
    bars = panel(tesouraria)["aging"]["bars"]
    ends = [Decimal(bar.start) + Decimal(bar.length) for bar in bars]
    starts = [Decimal(bar.start) for bar in bars[1:]]
    assert all(abs(end - start) < Decimal("0.01") for end, start in zip(ends, starts, strict=False))
    assert abs(ends[-1] - 100) < Decimal("0.01")


def test_what_was_received_leads_to_its_receipts(tesouraria, lively):
    received = panel(tesouraria)["received"]
    assert received["total"] == Decimal("95.00")
    for bar, receipts in zip(received["by_method"], (2, 2), strict=True):
        assert listed(tesouraria, bar.address).result_count == receipts
    (branch,) = received["by_branch"]
    assert listed(tesouraria, branch.address).result_count == 4
    assert listed(tesouraria, received["all"]).result_count == 4
    assert [day["amount"] for day in received["days"]][-2:] == [Decimal("0.00"), Decimal("95.00")]


def test_each_thing_that_waits_is_as_long_as_its_list(tesouraria, lively):
    waiting = panel(tesouraria)["waiting"]
    assert [card["answer"].count for card in waiting] == [1, 0, 1, 1]
    for card in waiting:
        assert listed(tesouraria, card["address"]).result_count == card["answer"].count


def test_every_link_of_the_start_page_opens(tesouraria, lively):
    html = tesouraria.get(START).content.decode()
    addresses = {unescape(address) for address in re.findall(r'href="(/admin/[^"]*)"', html)}
    assert len(addresses) > 30
    for address in addresses - {reverse("admin:password_change")}:
        assert tesouraria.get(address).status_code == 200, address


def test_the_start_page_of_another_branch_tells_nothing_of_this_one(foreigner, lively):
    shown = panel(foreigner)
    assert shown["aging"]["total"] == shown["received"]["total"] == 0
    assert [card["answer"].count for card in shown["waiting"]] == [0, 0, 0, 0]


def test_who_may_see_nothing_is_told_so(branch):
    newcomer = at_the_desk(make_user(branches=(branch,)))
    assert panel(newcomer) == {"today": TODAY, "waiting": []}
    assert newcomer.get(START).status_code == 200


def test_the_number_of_queries_does_not_grow(tesouraria, lively, django_assert_num_queries):
    tesouraria.get(START)
    with django_assert_num_queries(20) as few:
        tesouraria.get(START)
    for _each in range(3):
        other = make_branch()
        other.members.add(tesouraria.user)
        settle(make_title(branch=other), "card")
        make_title(branch=other)
        Device(branch=other, till="01", install_id=str(other.pk)).save_as(SYSTEM)
    with django_assert_num_queries(len(few)):
        tesouraria.get(START)
