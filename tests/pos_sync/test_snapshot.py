"""The snapshot: what is in the window, what a till is told of it, how it is frozen and paged (H5-H11, G.9)."""

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pos_sync.models import Device, DeviceContact, Snapshot, SnapshotPage, SyncRun, TillOperator, TillPolicy
from pos_sync.services import snapshot
from pos_sync.services.snapshot import read_page
from pos_sync.services.window import percent
from receivables.models import SYSTEM, Customer, Holiday, Installment, PaymentMethod
from receivables.services.settlement import settle_title
from receivables.services.title import cancel_title
from tests.make import (
    CASHIER,
    NOW,
    TODAY,
    deposit,
    make_branch,
    make_city,
    make_customer,
    make_terms,
    make_title,
)
from tests.pos_sync.door import Till, body_of, operation

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock():
    """A Monday noon in São Paulo, when nothing moves but what a test moves."""
    with time_machine.travel(NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def till(clock):
    return Till()


def pages_of(till, **query):
    pages = [body_of(till.get("snapshot", **query))]
    while pages[-1]["page_token"]:
        pages.append(body_of(till.get("snapshot", page_token=pages[-1]["page_token"])))
    return pages


def rows_of(till, name, **query):
    return [row for page in pages_of(till, **query) for row in page[name]]


def due(days):
    return TODAY + timedelta(days=days)


# What is told


def test_a_document_number_is_told_to_the_letter(till):
    make_title(branch=till.branch, document_number='Nº "1"\\é/\t%s {}')
    (row,) = rows_of(till, "installments")
    assert row["document"] == 'Nº "1"\\é/\t%s {}'


@pytest.mark.parametrize("amount", ["0.01", "1000.10", "990.05", "99999999.99"])
def test_amounts_are_told_in_whole_cents(till, amount):
    make_title(branch=till.branch, amounts=(amount,))
    (page,) = pages_of(till)
    (row,) = page["installments"]
    cents = int(Decimal(amount) * 100)
    assert (row["amount_cents"], row["balance_cents"], page["expected"]["balance_cents"]) == (cents, cents, cents)


# The window


@pytest.mark.parametrize(("days", "is_in"), [(-400, True), (-1, True), (0, True), (30, True), (31, False)])
def test_the_window_is_what_is_overdue_or_due_within_30_days(till, days, is_in):
    make_title(branch=till.branch, due_dates=(due(days),))
    assert (len(rows_of(till, "installments")) == 1) is is_in


def test_today_is_the_date_in_sao_paulo(till, clock):
    clock.move_to(datetime(2026, 11, 23, 23, 30, tzinfo=ZoneInfo("America/Sao_Paulo")))
    page = body_of(till.get("snapshot"))
    assert (page["business_date"], page["horizon"]) == ("2026-11-23", "2026-12-23")


def test_another_branchs_receivables_are_not_on_the_till(till):
    make_title(branch=make_branch())
    assert rows_of(till, "installments") == []


def test_the_policy_may_put_the_whole_company_on_the_till(till):
    TillPolicy(parameter_set=till.branch.parameter_set, scope=TillPolicy.Scope.COMPANY).save_as(SYSTEM)
    make_title(branch=make_branch())
    assert len(rows_of(till, "installments")) == 1


def test_the_branch_that_collects_counts_and_not_the_one_that_issues(till):
    make_title(branch=make_branch(), collecting_branch=till.branch)
    assert len(rows_of(till, "installments")) == 1


def test_what_is_settled_or_cancelled_is_not_on_the_till(till):
    settled, cancelled = make_title(branch=till.branch), make_title(branch=till.branch)
    pay(settled)
    cancel_title(title_id=cancelled.pk, reason="Emitido em duplicidade pela filial", by=CASHIER)
    assert rows_of(till, "installments") == []


def pay(title):
    settle_title(
        title_id=title.pk, received=title.amount, received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW, on=TODAY
    )


# A row


def test_an_installment_carries_what_the_till_needs(till):
    customer = make_customer(document="52998224725", name="Ana Souza")
    title = make_title(
        branch=till.branch, bill_to=customer, document_number="FAT-123", amounts=("100.00", "250.50"),
        due_dates=(due(-10), due(5)),
    )  # fmt: skip
    second = title.installments.get(number=2)
    (page,) = pages_of(till)
    assert page["installments"][1] == {
        "id": str(second.pk), "version": 1, "title_id": str(title.pk), "customer_id": str(customer.pk),
        "number": "2/2", "document": "FAT-123", "due_date": "2026-11-28", "amount_cents": 25050,
        "balance_cents": 25050, "terms_id": str(second.terms_id), "interest_from": "2026-11-28",
        "fine_charged": False, "carried_charges_cents": 0, "status": "pending",
    }  # fmt: skip
    assert page["customers"] == [
        {"id": str(customer.pk), "version": 1, "name": "Ana Souza", "document_masked": "***.982.247-**"}
    ]


def test_terms_are_those_of_the_rows_and_of_the_branch(till):
    title = make_title(branch=till.branch)
    own = till.branch.parameter_set
    own.terms = make_terms(interest_percent=Decimal("0.0334"), interest_per="day", fine_percent=Decimal("0"))
    own.save_as(SYSTEM)
    (page,) = pages_of(till)
    assert page["terms"] == [
        {"id": str(title.installments.get().terms_id), "interest_percent": "1.00", "interest_per": "month30",
         "fine_percent": "2.00", "max_discount_percent": "5.00", "allow_partial": True},
        {"id": str(own.terms_id), "interest_percent": "0.0334", "interest_per": "day", "fine_percent": "0.00",
         "max_discount_percent": "5.00", "allow_partial": True},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "written"),
    [("1", "1.00"), ("0.0334", "0.0334"), ("1.5000", "1.50"), ("100.00", "100.00"), ("0E-4", "0.00")],
)
def test_percents_are_written_with_two_places_or_as_many_as_they_need(value, written):
    assert percent(Decimal(value)) == written


def test_holidays_are_national_and_local_from_a_year_back_to_a_year_ahead(till):
    for day in (date(2026, 12, 8), date(2020, 1, 20)):
        Holiday(day=day, name="Padroeira").save_as(SYSTEM)
    (page,) = pages_of(till)
    assert {"2026-12-25", "2026-12-08", "2026-02-17", "2027-04-21"} <= set(page["holidays"])
    assert page["holidays"] == sorted(page["holidays"])
    assert page["holidays"][0] >= "2025-11-22"
    assert page["holidays"][-1] <= "2027-11-24"


def test_payment_methods_are_the_branchs_with_what_the_policy_allows_offline(till):
    policy = TillPolicy(parameter_set=till.branch.parameter_set)
    policy.save_as(SYSTEM)
    policy.offline_methods.set(PaymentMethod.objects.filter(code__in=["cash", "card"]))
    (page,) = pages_of(till)
    assert [(row["code"], row["offline"], row["gives_change"]) for row in page["payment_methods"]] == [
        ("card", True, False), ("cash", True, True), ("outros", False, False), ("pix", False, False),
    ]  # fmt: skip


def test_without_a_policy_only_cash_is_taken_offline(till):
    (page,) = pages_of(till)
    assert [row["code"] for row in page["payment_methods"] if row["offline"]] == ["cash"]


def test_operators_are_the_active_ones_of_the_branch(till):
    for branch, code, is_active in ((till.branch, "7", True), (till.branch, "8", False), (make_branch(), "9", True)):
        TillOperator(branch=branch, code=code, name="Bia", pin_hash="pbkdf2_sha256$1$a$b", is_active=is_active).save_as(
            SYSTEM
        )
    (page,) = pages_of(till)
    assert page["operators"] == [{"code": "7", "name": "Bia", "pin_hash": "pbkdf2_sha256$1$a$b", "supervisor": False}]


def test_limits_are_the_policys(till):
    TillPolicy(parameter_set=till.branch.parameter_set, max_receipt_cents=12_300).save_as(SYSTEM)
    (page,) = pages_of(till)
    assert page["limits"]["offline"]["max_receipt_cents"] == 12_300


def test_a_till_is_told_to_count_blind_where_the_branch_does(till):
    parameters = till.branch.parameter_set
    parameters.blind_closing = True
    parameters.save_as(SYSTEM)
    (page,) = pages_of(till)
    assert page["limits"]["offline"]["blind_close"] is True


def test_a_branch_is_told_as_its_receipts_name_it(till):
    branch = till.branch
    branch.document = "12ABC34501DE35"
    branch.city = make_city(name="Londrina", state="PR")
    branch.save_as(SYSTEM)
    (page,) = pages_of(till)
    said = {"code": branch.code, "name": "Matriz", "document": "12.ABC.345/01DE-35", "city": "Londrina/PR"}
    assert page["branch"] == said


def test_a_branch_without_cnpj_and_city_says_so_with_nothing(till):
    (page,) = pages_of(till)
    assert page["branch"] == {"code": till.branch.code, "name": "Matriz", "document": "", "city": ""}


# Pages


def fill(till, customers=3, each=4):
    for _ in range(customers):
        make_title(branch=till.branch, amounts=("10.00",) * each, due_dates=tuple(map(due, range(each))))


def test_pages_hold_every_row_once_and_match_what_is_expected(till):
    fill(till)
    pages = pages_of(till, limit=5)
    expected = pages[0]["expected"]
    installments = [row for page in pages for row in page["installments"]]
    customers = Counter(row["id"] for page in pages for row in page["customers"])
    assert [len(page["installments"]) for page in pages] == [5, 5, 2]
    assert expected == {"installments": 12, "customers": 3, "balance_cents": 12_000}
    assert len({row["id"] for row in installments}) == 12
    assert sum(row["balance_cents"] for row in installments) == 12_000
    assert set(customers.values()) == {1}


def test_a_pages_customers_come_no_later_than_their_installments(till):
    fill(till)
    sent: set[str] = set()
    for page in pages_of(till, limit=5):
        sent |= {row["id"] for row in page["customers"]}
        assert {row["customer_id"] for row in page["installments"]} <= sent


def test_everything_else_is_on_the_first_page_only(till):
    fill(till)
    first, second, _third = pages_of(till, limit=5)
    assert second.keys() == {"server_time", "snapshot_id", "customers", "installments", "page_token"}
    assert first.keys() == second.keys() | {
        "epoch", "as_of", "business_date", "horizon", "cursor", "through_seq", "applied_above", "branch", "terms",
        "holidays", "payment_methods", "operators", "limits", "expected",
    }  # fmt: skip
    assert first["snapshot_id"] == second["snapshot_id"]


def test_an_empty_window_is_one_page(till):
    (page,) = pages_of(till)
    assert (page["installments"], page["customers"], page["page_token"]) == ([], [], None)
    assert page["expected"] == {"installments": 0, "customers": 0, "balance_cents": 0}


@pytest.mark.parametrize(("wish", "first"), [("", 3), ("0", 1), ("2", 2), ("9999", 3)])
def test_a_limit_is_a_wish(till, wish, first):
    fill(till, customers=1, each=3)
    assert len(body_of(till.get("snapshot", limit=wish, page_token=""))["installments"]) == first


@pytest.mark.parametrize("wish", ["x", "1.5", "١"])
def test_a_limit_that_is_no_integer_is_named(till, wish):
    answer = till.get("snapshot", limit=wish)
    assert (answer.status_code, body_of(answer)["code"], body_of(answer)["field"]) == (400, "bad_field", "limit")


# Frozen


def test_pages_show_the_books_as_they_were_at_the_first(till):
    fill(till)
    first = body_of(till.get("snapshot", limit=5))
    for title in {row.title for row in Installment.objects.select_related("title")}:
        pay(title)
    rest = body_of(till.get("snapshot", page_token=first["page_token"]))
    assert [row["status"] for row in rest["installments"]] == ["pending"] * 5
    assert rows_of(till, "installments") == []


def test_a_page_may_be_read_again_and_again(till):
    fill(till)
    token = body_of(till.get("snapshot", limit=5))["page_token"]
    assert body_of(till.get("snapshot", page_token=token)) == body_of(till.get("snapshot", page_token=token))


def test_pages_that_a_process_has_read_cost_the_database_nothing_more(till):
    fill(till)
    token = body_of(till.get("snapshot", limit=5))["page_token"]
    device = Device.objects.get()
    with CaptureQueriesContext(connection) as queries:
        page = read_page(device=device, page_token=token, now=NOW)
    assert (len(queries), page.snapshot_id) == (0, Snapshot.objects.get().snapshot_id)


def test_a_snapshot_that_was_served_again_lives_on_though_its_pages_were_read_before(till, clock):
    fill(till)
    pages_of(till, limit=5)
    clock.shift(timedelta(hours=11))
    token = body_of(till.get("snapshot", limit=5))["page_token"]
    clock.shift(timedelta(hours=23))
    assert (Snapshot.objects.count(), till.get("snapshot", page_token=token).status_code) == (1, 200)


def test_pages_live_24_hours(till, clock):
    fill(till)
    token = body_of(till.get("snapshot", limit=5))["page_token"]
    clock.shift(timedelta(hours=24, seconds=-1))
    assert till.get("snapshot", page_token=token).status_code == 200
    clock.shift(1)
    answer = till.get("snapshot", page_token=token)
    assert (answer.status_code, body_of(answer)["code"]) == (410, "snapshot_expired")


def test_an_expired_snapshot_is_emptied_by_the_next_and_still_known_as_expired(till, clock):
    fill(till)
    token = body_of(till.get("snapshot", limit=5))["page_token"]
    clock.shift(timedelta(hours=25))
    till.get("snapshot")
    assert {bytes(page.body) for page in SnapshotPage.objects.filter(snapshot__as_of=NOW)} == {b""}
    assert till.get("snapshot", page_token=token).status_code == 410


def test_a_snapshot_of_long_ago_is_forgotten(till, clock):
    body_of(till.get("snapshot"))
    clock.shift(timedelta(days=32))
    till.get("snapshot")
    assert Snapshot.objects.count() == 1


@pytest.mark.parametrize("token", ["x", "a" * 43, "\x00", "é" * 43])
def test_a_page_token_that_is_nobodys_is_unknown(till, token):
    answer = till.get("snapshot", page_token=token)
    assert (answer.status_code, body_of(answer)["code"]) == (404, "unknown_page_token")


def test_a_page_token_of_another_device_is_unknown(till):
    fill(till)
    token = body_of(till.get("snapshot", limit=5))["page_token"]
    other = Till(branch=till.branch, till="04", install_id="another")
    answer = other.get("snapshot", page_token=token)
    assert (answer.status_code, body_of(answer)["code"]) == (404, "unknown_page_token")


def test_the_sequence_is_told_as_the_rows_show_it(till):
    till.push(operation("a", 1), operation("b", 3))
    (page,) = pages_of(till)
    assert (page["through_seq"], page["applied_above"]) == (1, [3])


def test_the_age_of_the_tills_data_is_known_when_it_has_the_last_page(till):
    fill(till)
    first = body_of(till.get("snapshot", limit=11))
    assert DeviceContact.objects.get().snapshot_as_of is None
    till.get("snapshot", page_token=first["page_token"])
    assert DeviceContact.objects.get().snapshot_as_of == datetime.fromisoformat(first["as_of"]) == NOW


def test_a_document_that_cannot_be_masked_shows_nothing(till):
    make_title(branch=till.branch, bill_to=make_customer(document="123"))
    assert rows_of(till, "customers")[0]["document_masked"] == "***"


def test_no_more_is_told_of_a_customer_than_a_till_needs(till):
    make_title(branch=till.branch, bill_to=make_customer(phone="11 99999-0000", address="Rua A, 1"))
    assert rows_of(till, "customers")[0].keys() == {"id", "version", "name", "document_masked"}
    assert Customer.objects.get().document not in till.get("snapshot").content.decode()


def test_the_number_of_statements_does_not_grow_with_the_rows(till):
    def statements():
        with CaptureQueriesContext(connection) as queries:
            till.get("snapshot")
        return len(queries)

    statements()
    fill(till, customers=1, each=1)
    few = statements()
    fill(till, customers=8, each=5)
    assert statements() == few


def test_a_snapshot_that_breaks_off_between_two_pages_leaves_nothing_and_is_recorded(till, monkeypatch):
    """The database is still writing then: what it has not said yet must not come as the answer to something else."""
    for _ in range(5):
        make_title(branch=till.branch, due_dates=(TODAY,))
    freeze = snapshot.freeze
    frozen = []

    def break_at_the_second(*given, **named):
        frozen.append(1)
        if len(frozen) == 2:
            raise RuntimeError("no")
        return freeze(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "freeze", break_at_the_second)
        with pytest.raises(RuntimeError):
            snapshot.build(till.branch, page_size=1, why=SyncRun.Why.ASKED, now=NOW)
    assert not Snapshot.objects.exists()
    assert SyncRun.objects.get().error == "RuntimeError: no"
    assert len(rows_of(till, "installments", limit=1)) == 5
