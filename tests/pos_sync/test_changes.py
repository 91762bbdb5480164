"""GET /changes: what a till is told of the books after its snapshot, row by row, and what its cursor is worth."""

import json
from datetime import timedelta
from time import sleep

import pytest
import time_machine
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pos_sync.models import Change, DeviceContact, Operation, TillOperator, TillPolicy
from pos_sync.services import feed
from receivables.models import SYSTEM, Holiday, PaymentMethod
from receivables.services.parameters import change_terms
from receivables.services.title import cancel_title, change_due_dates, change_title
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    make_branch,
    make_city,
    make_customer,
    make_parameter_set,
    make_title,
)
from tests.pos_sync.door import Till, body_of, operation
from tests.pos_sync.shadow import Shadow
from tests.services.test_reversal import reverse
from tests.services.test_settlement import settle_part

pytestmark = pytest.mark.django_db
FEED = Change._meta.db_table
# On PostgreSQL a change is settled when no older transaction goes on, and a test's own does until its end. What is
# ahead of the settled part comes with every change that follows; where that would show, a test has to commit.
committed = pytest.mark.django_db(transaction=connection.vendor == "postgresql")
LONGEST_WAIT = 1800  # tenths of a second


def wait_for_neighbours():
    """Wait until all changes so far are settled: tests beside this one share the cluster and its transactions."""
    for _tenth in range(LONGEST_WAIT):
        if connection.vendor == "sqlite" or is_all_settled():
            return
        sleep(0.1)
    pytest.fail("a transaction beside this test does not end")


def is_all_settled():
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COALESCE(MAX(txid), 0) < pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM {FEED}"
        )
        return cursor.fetchone()[0]


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def till(clock):
    return Till()


@pytest.fixture
def title(till):
    return make_title(branch=till.branch)


@pytest.fixture
def shadow(till, title):
    return Shadow(till)


def only(shadow):
    """The one installment that a pull brings."""
    (page,) = shadow.pull()
    (row,) = page["installments"]
    return row


def due(days):
    return TODAY + timedelta(days=days)


def redate(title, days):
    change_due_dates(title_id=title.pk, due_dates={row.pk: due(days) for row in title.installments.all()}, by=CASHIER)


def change(title, **changes):
    title.refresh_from_db()
    change_title(title_id=title.pk, changes=changes, version=title.version, by=CASHIER)


def settle(title, amount):
    return settle_part(title.installments.get(), amount)


# What is told


def test_nothing_new_is_empty_lists(shadow):
    (page,) = shadow.pull()
    assert list(page) == [
        "server_time", "installments", "customers", "terms", "cursor", "more", "through_seq", "applied_above",
        "horizon", "results", "limits",
    ]  # fmt: skip
    assert [page[name] for name in ("installments", "customers", "terms", "results")] == [[]] * 4
    assert (page["more"], page["horizon"]) == (False, "2026-12-23")
    assert page["limits"]["max_page"] == 1000


@committed
def test_a_new_title_brings_its_installments_customer_and_terms(shadow, till):
    make_title(branch=till.branch, amounts=("10.00", "20.00"))
    (page,) = shadow.pull()
    assert [row["balance_cents"] for row in page["installments"]] == [1000, 2000]
    assert len(page["customers"]) == len(page["terms"]) == 1
    assert shadow.disagreements() == []


def test_a_part_payment_brings_the_row_as_it_is_now(shadow, title):
    settle(title, "400.00")
    row = only(shadow)
    assert (row["balance_cents"], row["status"], row["version"]) == (60000, "partially_settled", 2)
    assert shadow.disagreements() == []


def test_several_changes_of_a_row_are_told_once(shadow, title):
    settle(title, "400.00")
    settle(title, "100.00")
    assert only(shadow)["balance_cents"] == 50000


def test_a_change_is_told_once(shadow, title):
    settle(title, "400.00")
    shadow.pull()
    assert shadow.pull()[0]["installments"] == []


def test_settled_is_gone(shadow, title):
    settle(title, "1000.00")
    assert only(shadow) == {"id": str(title.installments.get().pk), "version": 2, "gone": "settled"}
    assert shadow.disagreements() == []


def test_what_is_reversed_comes_back(shadow, title):
    settle(title, "1000.00")
    shadow.pull()
    reverse(title)
    assert only(shadow)["balance_cents"] == 100000


def test_cancelled_is_gone(shadow, title):
    cancel_title(title_id=title.pk, reason=REASON, by=CASHIER)
    assert only(shadow)["gone"] == "cancelled"
    assert shadow.disagreements() == []


def test_redated_beyond_the_horizon_is_moved_out_and_comes_back(shadow, title):
    redate(title, 31)
    assert only(shadow)["gone"] == "moved_out"
    redate(title, 30)
    assert only(shadow)["due_date"] == due(30).isoformat()
    assert shadow.disagreements() == []


def test_another_branch_that_collects_it_takes_it_over(shadow, title, till):
    other = Till(branch=make_branch(), till="01", install_id="another")
    there = Shadow(other)
    change(title, collecting_branch=other.branch)
    assert only(shadow)["gone"] == "other_branch"
    assert only(there)["balance_cents"] == 100000
    assert shadow.disagreements() == there.disagreements() == []


def test_what_became_of_it_at_another_branch_is_not_told(shadow, title):
    change(title, collecting_branch=make_branch())
    settle(title, "1000.00")
    assert only(shadow)["gone"] == "other_branch"


@committed
def test_a_till_of_the_whole_company_keeps_what_moves_between_branches(till, title):
    TillPolicy(parameter_set=till.branch.parameter_set, scope=TillPolicy.Scope.COMPANY).save_as(SYSTEM)
    shadow = Shadow(till)
    change(title, collecting_branch=make_branch())
    assert only(shadow)["version"] == 2
    make_title(branch=make_branch())
    assert only(shadow)["version"] == 1
    assert shadow.disagreements() == []


def test_another_scope_resets_the_cursor(shadow, till):
    TillPolicy(parameter_set=till.branch.parameter_set, scope=TillPolicy.Scope.COMPANY).save_as(SYSTEM)
    assert problem(till, shadow.cursor) == (410, "cursor_reset")


def test_another_branchs_changes_are_none_of_ours(shadow):
    settle(make_title(branch=make_branch()), "10.00")
    assert shadow.pull()[0]["installments"] == []


@committed
def test_what_never_was_in_the_window_is_not_told_as_gone(shadow, till):
    far = make_title(branch=till.branch, due_dates=(due(60),))
    redate(far, 70)
    settle(make_title(branch=till.branch, due_dates=(due(50),)), "1000.00")
    assert shadow.pull()[0]["installments"] == []


def test_what_the_title_says_of_its_installments_is_a_change_of_theirs(shadow, title):
    customer = make_customer(name="Bia")
    change(title, document_number="NOVA-1", bill_to=customer)
    (page,) = shadow.pull()
    assert [(row["document"], row["customer_id"]) for row in page["installments"]] == [("NOVA-1", str(customer.pk))]
    assert [row["name"] for row in page["customers"]] == ["Bia"]
    assert shadow.disagreements() == []


def test_a_renamed_customer_is_told_where_he_owes(shadow, title):
    for customer in (title.bill_to, make_customer()):
        customer.name = "Outro nome"
        customer.save_as(SYSTEM)
    (page,) = shadow.pull()
    assert [(row["id"], row["name"]) for row in page["customers"]] == [(str(title.bill_to_id), "Outro nome")]
    assert shadow.disagreements() == []


def test_new_terms_come_with_the_rows_that_they_govern(shadow, till):
    rates = {"interest_percent": "2.00", "interest_per": "day", "fine_percent": "1.00", "max_discount_percent": "0"}
    change_terms(parameter_set_id=till.branch.parameter_set_id, rates=rates, by=CASHIER)
    row = only(shadow)
    assert shadow.terms[row["terms_id"]]["interest_percent"] == "2.00"
    assert shadow.disagreements() == []


def test_another_parameter_set_brings_the_branchs_own_terms(till):
    shadow = Shadow(till)
    branch = till.branch
    branch.parameter_set = make_parameter_set()
    branch.save_as(SYSTEM)
    (page,) = shadow.pull()
    assert [row["id"] for row in page["terms"]] == [str(branch.parameter_set.terms_id)]


def test_lists_that_changed_come_whole(shadow, till):
    TillOperator(branch=till.branch, code="7", name="Bia", pin_hash="x").save_as(SYSTEM)
    Holiday(day=TODAY + timedelta(days=3), name="Padroeira").save_as(SYSTEM)
    method = PaymentMethod.objects.get(code="pix")
    method.name = "Pix da loja"
    method.save_as(SYSTEM)
    (page,) = shadow.pull()
    assert page["operators"] == [{"code": "7", "name": "Bia", "pin_hash": "x", "supervisor": False}]
    assert "2026-11-26" in page["holidays"]
    assert "Pix da loja" in {row["name"] for row in page["payment_methods"]}


def test_what_receipts_say_of_a_branch_is_told_when_it_or_its_city_changes(shadow, till):
    branch = till.branch
    branch.document, branch.city = "27865757000102", make_city(name="Londrina", state="PR")
    branch.save_as(SYSTEM)
    (page,) = shadow.pull()
    said = {"code": branch.code, "name": "Matriz", "document": "27.865.757/0001-02", "city": "Londrina/PR"}
    assert page["branch"] == said
    branch.city.name = "Nova Londrina"
    branch.city.save_as(SYSTEM)
    (page,) = shadow.pull()
    assert page["branch"] == said | {"city": "Nova Londrina/PR"}


def test_an_operator_made_supervisor_is_told(shadow, till):
    operator = TillOperator(branch=till.branch, code="7", name="Bia", pin_hash="x")
    operator.save_as(SYSTEM)
    shadow.pull()
    operator.is_supervisor = True
    operator.save_as(SYSTEM)
    (page,) = shadow.pull()
    assert [row["supervisor"] for row in page["operators"]] == [True]


def test_what_is_allowed_offline_is_told_when_the_policy_changes(shadow, till):
    policy = TillPolicy(parameter_set=till.branch.parameter_set, max_receipt_cents=7)
    policy.save_as(SYSTEM)
    policy.offline_methods.set(PaymentMethod.objects.filter(code="pix"))
    (page,) = shadow.pull()
    assert [row["code"] for row in page["payment_methods"] if row["offline"]] == ["pix"]
    assert page["limits"]["offline"]["max_receipt_cents"] == 7


def test_raw_sql_is_in_the_feed_and_grows_the_version(shadow, title):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE receivables_installment SET due_date = %s WHERE title_id = %s", [due(5), title.pk])
        cursor.execute("UPDATE receivables_customer SET name = 'Cru' WHERE id = %s", [title.bill_to_id])
    (page,) = shadow.pull()
    assert [(row["due_date"], row["version"]) for row in page["installments"]] == [(due(5).isoformat(), 2)]
    assert {row["name"] for row in page["customers"]} == {"Cru"}
    assert shadow.disagreements() == []


def test_raw_sql_that_moves_a_row_out_is_told_as_gone(shadow, title):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE receivables_installment SET due_date = %s", [due(99)])
    assert only(shadow)["gone"] == "moved_out"


# The horizon


def test_a_day_later_what_falls_into_the_window_comes_without_any_change(till, clock):
    for days in (30, 31, 32, 33):
        make_title(branch=till.branch, due_dates=(due(days),))
    shadow = Shadow(till)
    clock.shift(timedelta(days=2))
    (page,) = shadow.pull()
    assert [row["due_date"] for row in page["installments"]] == [due(31).isoformat(), due(32).isoformat()]
    assert len(page["customers"]) == 2
    assert page["horizon"] == due(32).isoformat()
    assert shadow.disagreements() == []
    assert shadow.pull()[0]["installments"] == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_what_falls_in_comes_in_pages_and_changes_meanwhile_are_not_lost(till, clock, limit):
    titles = [make_title(branch=till.branch, due_dates=(due(days),)) for days in (31, 31, 31, 32, 32, 33)]
    shadow = Shadow(till, limit=limit)
    clock.shift(timedelta(days=3))
    first = body_of(till.get("changes", cursor=shadow.cursor, limit=limit))
    shadow.apply(first)
    assert len(first["installments"]) <= limit
    settle(titles[0], "1000.00")
    redate(titles[-1], 31)
    redate(titles[3], 60)
    shadow.pull()
    assert shadow.disagreements() == []


# Pages


@committed
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_bring_every_change_once(till, limit):
    titles = [make_title(branch=till.branch) for _ in range(5)]
    shadow = Shadow(till)
    shadow.limit = limit
    for title in titles:
        settle(title, "10.00")
    wait_for_neighbours()
    pages = shadow.pull()
    told = [row["id"] for page in pages for row in page["installments"]]
    assert [page["more"] for page in pages] == [*[True] * (len(pages) - 1), False]
    assert max(len(page["installments"]) for page in pages) <= limit
    assert sorted(told) == sorted(set(told))
    assert shadow.disagreements() == []


@pytest.mark.parametrize(("wish", "status"), [("", 200), ("0", 200), ("99999", 200), ("x", 400)])
def test_a_limit_is_a_wish(shadow, till, wish, status):
    assert till.get("changes", cursor=shadow.cursor, limit=wish).status_code == status


# Results and the sequence


@committed
def test_results_are_those_of_the_devices_own_operations_that_changed(shadow, till):
    other = Till(branch=till.branch, till="04", install_id="another")
    till.push(operation("a", 1), operation("b", 3))
    other.push(operation("c", 1))
    (page,) = shadow.pull()
    assert [(row["op_id"], row["seq"], row["state"]) for row in page["results"]] == [
        ("a", 1, "applied"), ("b", 3, "applied")
    ]  # fmt: skip
    assert page["results"][0].keys() == {"op_id", "seq", "state", "reason", "flags", "outcome"}
    assert (page["through_seq"], page["applied_above"]) == (1, [3])
    assert shadow.pull()[0]["results"] == []


def test_a_person_who_resolves_an_operation_is_news_for_its_till(shadow, till):
    till.push(operation("a", 1, kind="sale"))
    shadow.pull()
    row = Operation.objects.get()
    row.resolve()
    row.save()
    (page,) = shadow.pull()
    assert [(row["op_id"], row["state"]) for row in page["results"]] == [("a", "resolved")]


# Cursors


def problem(till, cursor, **query):
    answer = till.get("changes", cursor=cursor, **query)
    return answer.status_code, body_of(answer).get("code")


@pytest.mark.parametrize("cursor", ["", "x", "é", "\x00", "a:b:c", "0", "A" * 4000])
def test_a_cursor_that_was_never_ours_is_bad(till, cursor):
    assert problem(till, cursor) == (400, "bad_cursor")


def test_no_cursor_is_a_bad_cursor(till):
    answer = till.get("changes")
    assert (answer.status_code, body_of(answer)["code"]) == (400, "bad_cursor")


def test_a_cursor_that_was_touched_is_bad(shadow, till):
    assert problem(till, shadow.cursor[:-1] + ("a" if shadow.cursor[-1] != "a" else "b")) == (400, "bad_cursor")


def test_another_branchs_cursor_is_bad(shadow):
    other = Till(branch=make_branch(), till="01", install_id="another")
    assert problem(other, shadow.cursor) == (400, "bad_cursor")


def test_another_device_of_the_branch_may_go_on_from_a_cursor(shadow, till, title):
    other = Till(branch=till.branch, till="04", install_id="another")
    settle(title, "10.00")
    answer = other.get("changes", cursor=shadow.cursor)
    assert len(body_of(answer)["installments"]) == 1


def test_a_cursor_of_an_earlier_form_is_reset(till):
    cursor = signing.dumps({"branch": till.branch.pk, "epoch": 1}, salt="pos.cursor")
    assert problem(till, cursor) == (410, "cursor_reset")


def test_a_cursor_may_be_used_again(shadow, title):
    settle(title, "10.00")
    before = shadow.cursor
    first = only(shadow)
    shadow.cursor = before
    assert only(shadow) == first


@pytest.mark.parametrize(("state", "code"), [("suspended", "device_suspended"), ("revoked", "device_revoked")])
def test_changes_are_for_the_device_in_use(shadow, till, state, code):
    till.become(state)
    assert problem(till, shadow.cursor) == (403, code)


@committed
def test_the_age_of_the_tills_data_is_known_when_it_has_all(shadow, till, title, clock):
    settle(title, "10.00")
    settle(make_title(branch=till.branch), "10.00")
    clock.shift(60)
    wait_for_neighbours()
    till.get("changes", cursor=shadow.cursor, limit=1)
    assert DeviceContact.objects.get().snapshot_as_of == NOW
    shadow.pull()
    assert DeviceContact.objects.get().snapshot_as_of == NOW + timedelta(minutes=1)


# What is forgotten


def age(days):
    """Let every change so far be so old."""
    Change.objects.update(changed_at=NOW - timedelta(days=days))


def test_changes_live_90_days(shadow, title):
    settle(title, "10.00")
    age(90)
    assert feed.purge(now=NOW) == 0
    assert only(shadow)["balance_cents"] == 99000


def test_a_cursor_from_before_what_was_purged_is_reset(shadow, till, title):
    settle(title, "10.00")
    age(91)
    count = Change.objects.count()
    assert feed.purge(now=NOW) == count
    assert Change.objects.count() == 0
    assert problem(till, shadow.cursor) == (410, "cursor_reset")


@committed
def test_a_till_that_came_by_keeps_its_cursor_though_nothing_was_for_it(shadow):
    settle(make_title(branch=make_branch()), "10.00")
    wait_for_neighbours()
    shadow.pull()
    age(91)
    feed.purge(now=NOW)
    assert shadow.pull()[0]["installments"] == []


def test_after_migrations_on_sqlite_cursors_are_reset(shadow, till, title):
    feed.forget_what_was_not_written(plan=[("migration", False)])
    on_sqlite = connection.vendor == "sqlite"
    assert problem(till, shadow.cursor)[0] == (410 if on_sqlite else 200)
    shadow.take_snapshot()
    settle(title, "10.00")
    assert only(shadow)["balance_cents"] == 99000


# Seams


def test_there_is_news_where_a_pull_would_bring_a_row(shadow, till, title):
    def has_news(today=TODAY):
        return feed.has_news(branch=till.branch, cursor=shadow.cursor, today=today)

    assert not has_news()
    till.push(operation("a", 1))
    assert not has_news()
    settle(title, "10.00")
    assert has_news()
    shadow.pull()
    make_title(branch=make_branch())
    assert not has_news()
    TillOperator(branch=till.branch, code="7", name="Bia", pin_hash="x").save_as(SYSTEM)
    assert has_news()
    shadow.pull()
    make_title(branch=till.branch, due_dates=(due(31),))
    shadow.pull()
    assert (has_news(), has_news(today=due(1))) == (False, True)
    assert feed.has_news(branch=till.branch, cursor="x", today=TODAY)


# Cost


def statements(till, cursor):
    with CaptureQueriesContext(connection) as queries:
        assert till.get("changes", cursor=cursor, limit=1000).status_code == 200
    return queries


def test_a_pull_costs_as_many_statements_for_many_changes_as_for_few(till):
    titles = [make_title(branch=till.branch) for _ in range(12)]
    shadow = Shadow(till)
    settle(titles[0], "10.00")
    settle(titles[1], "1000.00")
    few = len(statements(till, shadow.cursor))
    for title in titles[2:]:
        settle(title, "10.00")
    assert len(statements(till, shadow.cursor)) == few


@committed
def test_a_poll_with_nothing_new_reads_the_feed_once_and_no_installment(shadow, till):
    shadow.pull()
    asked = [query["sql"] for query in statements(till, shadow.cursor)]
    assert sum("pos_sync_change" in sql and "pos_sync_epoch" not in sql for sql in asked) == 1
    assert not any("receivables_installment" in sql or "receivables_customer" in sql for sql in asked)
    assert len(asked) <= 16, json.dumps(asked, indent=1)
