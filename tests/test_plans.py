"""No page of the back office reads a large table from end to end: the plans that PostgreSQL makes for its queries.

The ledger here is old: most titles are settled, one in twelve is open, there are forty branches. Its rows are written
by SQL, seen by nobody else and taken back.
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from receivables.models import Branch, Direction, DocumentType, HistoryCode, LedgerAccount, PaymentMethod, Terms
from receivables.services.groups import GERENCIA
from tests.make import NOW, TODAY, make_branch, make_user

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="the plans of a large ledger are PostgreSQL's"
)

TITLES = 80_000
CUSTOMERS = 40_000
TILL_RECEIPTS = 12_000
BRANCHES = 40
LARGE = 10_000
"""A table with so many rows is not read from end to end."""

ROWS = (
    """
    INSERT INTO receivables_customer (id, version, document, name, email, phone, address, is_active)
    SELECT 1000000 + n, 1, LPAD((n * 7919 %% 99999999999)::text, 11, '0'),
           (ARRAY['João', 'Maria', 'Metalúrgica', 'Cerealista', 'Vinhos'])[1 + n %% 5] || ' '
           || SUBSTR(MD5(n::text), 1, 8) || ' ' || SUBSTR(MD5((n + 1)::text), 1, 8), '', '', '', true
    FROM generate_series(1, %(customers)s) n
    """,
    """
    INSERT INTO receivables_title (id, version, status, document_number, entry_branch_id, issuing_branch_id,
        collecting_branch_id, issued_on, bill_to_id, billing_type, payable_on_presentation, has_attached_report,
        pre_invoice_number, amount, insurance_amount, icms_amount, freight_bill_count, notes, installment_count,
        received_on, cash_date, received_amount, cancel_reason)
    SELECT 1000000 + n, 1, status, 'FAT-' || LPAD(n::text, 8, '0'), branch, branch, branch, due_date - 30,
           1000001 + n * 31 %% %(customers)s, 'invoice', false, false, '', amount, 0, 0, 1, '', 1,
           CASE status WHEN 'settled' THEN due_date END, CASE status WHEN 'settled' THEN due_date END,
           CASE status WHEN 'settled' THEN amount ELSE 0 END, ''
    FROM (
        SELECT n, (%(branches)s::bigint[])[1 + n %% 40] AS branch, 50 + n * 37 %% 90000 / 7.0::numeric(15, 2) AS amount,
               CASE WHEN n %% 12 = 0 THEN 'pending' WHEN n %% 997 = 0 THEN 'cancelled' ELSE 'settled' END AS status,
               %(today)s::date - 40 + n %% 401 AS due_date
        FROM generate_series(1, %(titles)s) n
    ) planned
    """,
    """
    INSERT INTO receivables_installment (id, version, title_id, number, status, due_date, amount, original_amount,
        balance, terms_id, interest_from, fine_charged, carried_charges)
    SELECT id, 1, id, 1, CASE status WHEN 'settled' THEN 'settled' ELSE 'pending' END, issued_on + 30, amount, amount,
           CASE status WHEN 'settled' THEN 0 ELSE amount END, %(terms)s, issued_on + 30, false, 0
    FROM receivables_title WHERE id > 1000000
    """,
    """
    INSERT INTO receivables_bankslip (id, installment_id, account_id, our_number, due_date, amount, status)
    SELECT id, id, %(account)s, LPAD((id %% 1000000)::text, 8, '0'), due_date, amount, 'issued'
    FROM receivables_installment WHERE id > 1000000 AND id %% 2 = 0
    """,
    """
    INSERT INTO receivables_receipt (id, posted_at, actor, channel, branch_id, customer_id, number, received_on,
        cash_date, amount, origin, station, operator, notes)
    SELECT id, %(now)s::timestamptz - id %% 400 * interval '1 day', '', '', collecting_branch_id,
           bill_to_id, '', %(today)s::date - (id %% 400)::int,
           %(today)s::date, amount, 'back_office', '', '', ''
    FROM receivables_title WHERE id > 1000000 AND status = 'settled'
    """,
    """
    INSERT INTO receivables_receipttender (id, posted_at, actor, channel, receipt_id, position, method_id, amount,
        tendered_amount, change_amount, reference)
    SELECT id, %(now)s, '', '', id, 1, %(method)s, amount, 0, 0, '' FROM receivables_receipt WHERE id > 1000000
    """,
    """
    INSERT INTO receivables_receiptallocation (id, posted_at, actor, channel, receipt_id, position, title_id,
        installment_id, principal, interest, fine, discount, carried_charges, is_late)
    SELECT id, %(now)s, '', '', id, 1, id, id, amount, 0, 0, 0, 0, false FROM receivables_receipt WHERE id > 1000000
    """,
    """
    INSERT INTO receivables_cashmovement (id, cash_date, amount, status, notes, origin, posted_at, actor, channel,
        account_id, history_code_id, document_type_id, receipt_id, tender_id, title_id)
    SELECT id, received_on, amount, 'posted', CASE WHEN id %% 10 = 0 THEN 'Depósito ' || MD5(id::text) ELSE '' END,
           'back_office', %(now)s, '', '', (%(accounts)s::bigint[])[1 + id %% 40], %(history)s, %(document)s, id, id, id
    FROM receivables_receipt WHERE id > 1000000
    """,
    """
    INSERT INTO receivables_customercredit (id, posted_at, actor, channel, kind, amount, reason, branch_id,
        customer_id, receipt_id)
    SELECT id, %(now)s::timestamptz - id %% 400 * interval '1 day', '', '', 'granted', 1, '', branch_id, customer_id, id
    FROM receivables_receipt WHERE id > 1000000 AND id %% 4 = 0
    """,
    """
    INSERT INTO receivables_historicaltitle (id, actor, channel, version, status, document_number, issued_on,
        billing_type, payable_on_presentation, has_attached_report, pre_invoice_number, amount, insurance_amount,
        icms_amount, freight_bill_count, notes, installment_count, received_amount, cancel_reason, history_date,
        history_type, move)
    SELECT id, '', '', 1, status, document_number, issued_on, billing_type, false, false, '', amount, 0, 0, 1, '', 1, 0,
           '', %(now)s::timestamptz - id %% 400 * interval '1 day', '+', ''
    FROM receivables_title WHERE id > 1000000
    """,
    """
    INSERT INTO receivables_reversal (id, posted_at, actor, channel, receipt_id, title_id, kind, reversed_on, amount,
        reason)
    SELECT id, %(now)s::timestamptz - id %% 400 * interval '1 day', '', '', id,
           id, 'opposite', received_on, amount, '' FROM receivables_receipt
    WHERE id > 1000000 AND id %% 5 = 0
    """,
    """
    INSERT INTO receivables_divergence (reason, status, branch_id, amount, source, details, opened_at, resolution,
        proposed, outcome, station, resolved_at)
    SELECT 'above_balance', CASE WHEN id %% 500 = 0 THEN 'open' ELSE 'resolved' END, branch_id, amount, id::text, '{}',
           %(now)s, '', '', CASE WHEN id %% 500 = 0 THEN '' ELSE 'accepted' END, '',
           CASE WHEN id %% 500 <> 0 THEN %(now)s::timestamptz END
    FROM receivables_receipt WHERE id > 1000000 AND id %% 4 = 0
    """,
    """
    INSERT INTO receivables_receipt (id, posted_at, actor, channel, branch_id, customer_id, number, received_on,
        cash_date, amount, origin, station, operator, notes, idempotency_key)
    SELECT 2000000 + n, %(now)s, '', '', (%(branches)s::bigint[])[1 + n %% 40], NULL,
           '07-' || LPAD((1 + n / 40)::text, 6, '0'), %(today)s::date - 400 + n / 31, %(today)s::date - 400 + n / 31,
           10, 'till', '07', '', '', 'op-' || n
    FROM generate_series(1, %(receipts)s) n WHERE n %% 97 <> 0
    """,
    """
    INSERT INTO pos_sync_device (id, branch_id, till, receipt_series, install_id, software, state, state_reason, epoch,
        paired_at)
    SELECT 1000000 + place, branch, '07', '', 'x', '', 'active', '', 1, %(now)s
    FROM unnest(%(branches)s::bigint[]) WITH ORDINALITY AS each (branch, place)
    """,
    """
    INSERT INTO pos_sync_operation (op_id, device_id, judged_as_id, epoch, seq, kind, content_hash, raw, received_at,
        state, reason, flags, outcome, attempts, failures, changed_at)
    SELECT 'op-' || n, 1000001 + n %% 40, 1000001 + n %% 40, 1, n, 'receipt', '', '{"op_id": "op-' || n || '"}',
           %(now)s::timestamptz - n * INTERVAL '1 hour',
           CASE WHEN n %% 500 = 0 THEN 'review' WHEN n %% 700 = 0 THEN 'quarantined' ELSE 'applied' END, '',
           '[]', '{"credit_cents": 1000, "suspense_cents": 0}', 1, 0, %(now)s
    FROM generate_series(1, %(receipts)s) n
    """,
    "ANALYZE",
)

TITLES_LIST = "/admin/receivables/title/"
INSTALLMENTS_LIST = "/admin/receivables/installment/"
DAYS = f"due_from={TODAY + timedelta(60):%d/%m/%Y}&due_to={TODAY + timedelta(62):%d/%m/%Y}"
PAGES = {
    "the titles": TITLES_LIST,
    "their next page": f"{TITLES_LIST}?p=2",
    "their last page": f"{TITLES_LIST}?p=400",
    "open": f"{TITLES_LIST}?status__in=pending,partially_settled",
    "partially settled": f"{TITLES_LIST}?status__exact=partially_settled",
    "cancelled": f"{TITLES_LIST}?status__exact=cancelled",
    "overdue": f"{TITLES_LIST}?due=overdue",
    "due today": f"{TITLES_LIST}?due=today",
    "due within a week": f"{TITLES_LIST}?due=7",
    "due in a span": f"{TITLES_LIST}?{DAYS}",
    "of an amount": f"{TITLES_LIST}?amount_from=1.000,00&amount_to=1.005,00",
    "of a customer by name": f"{TITLES_LIST}?customer=joao+c4ca",
    "of a customer by CPF": f"{TITLES_LIST}?customer=000.000.0",
    "of a document": f"{TITLES_LIST}?document=fat-000123",
    "of a nosso número": f"{TITLES_LIST}?our_number=0000123",
    "found by document": f"{TITLES_LIST}?q=fat-000123",
    "found by name": f"{TITLES_LIST}?q=joao+c4ca",
    "found by CPF": f"{TITLES_LIST}?q=000.007.9",
    "found by nosso número": f"{TITLES_LIST}?q=0000123",
    "by amount": f"{TITLES_LIST}?o=-6",
    "the installments": INSTALLMENTS_LIST,
    "overdue installments": f"{INSTALLMENTS_LIST}?due=overdue",
    "installments found": f"{INSTALLMENTS_LIST}?q=fat-000123",
    "the receipts": "/admin/receivables/receipt/",
    "receipts found by customer": "/admin/receivables/receipt/?q=joao+c4ca",
    "receipts found by number": "/admin/receivables/receipt/?q=03-00001",
    "the movements": "/admin/receivables/cashmovement/",
    "movements found by notes": "/admin/receivables/cashmovement/?q=deposito+c4ca",
    "movements found by document": "/admin/receivables/cashmovement/?q=fat-0000123",
    "the credits": "/admin/receivables/customercredit/",
    "credits found": "/admin/receivables/customercredit/?q=joao+c4ca",
    "the reversals": "/admin/receivables/reversal/",
    "reversals found": "/admin/receivables/reversal/?q=fat-000012",
    "new collections found": "/admin/receivables/bankcollectionreissue/?q=0000123",
    "the divergences": "/admin/receivables/divergence/?status__exact=open",
    "a title": "/admin/receivables/title/1000520/change/",
    "a title’s story": "/admin/story/title/1000520/",
    "a customer": "/admin/receivables/customer/1000500/change/",
    "a customer’s story": "/admin/story/customer/1000500/",
    "a receipt": "/admin/receivables/receipt/1000520/change/",
    "the accounts": "/admin/accounts/",
    "a statement": f"/admin/statement/?first={TODAY - timedelta(6):%d/%m/%Y}&last={TODAY:%d/%m/%Y}",
    "the trail": "/admin/audit/",
    "the trail of a document": "/admin/audit/?document=FAT-00000520",
    "a customer’s statement": "/admin/reports/customer-statement/?customer=1000500",
    "the reversals of a month": "/admin/reports/reversals/",
    "the customers": "/admin/receivables/customer/",
    "customers found": "/admin/receivables/customer/?q=joao+c4ca",
    "customers offered": "/admin/autocomplete/?app_label=receivables&model_name=title&field_name=bill_to&term=joao+c4",
    "the search over all, by document": "/admin/search/?q=fat-0001234",
    "the search over all, by CPF": "/admin/search/?q=000.007.9",
    "the monitor": "/admin/pos_sync/monitor/",
    "the till sessions": "/admin/receivables/cashsession/",
    "the dashboard": "/admin/",
    "the dashboard’s aging": "/admin/?aging=1",
}
FOR_ALL_BRANCHES = {"the installments", "the reversals", "the receipts", "a customer’s story", "the trail"}
"""A fortieth of all of them, in their order, is sooner found by reading them all; among the receipts of one's branches
are those that paid their titles elsewhere."""
BY_NAME = {
    "of a customer by name", "of a customer by CPF", "found by name", "found by document", "found by CPF",
    "found by nosso número", "installments found", "customers found", "customers offered",
    "the search over all, by document", "the search over all, by CPF", "receipts found by customer",
    "receipts found by number", "movements found by notes", "movements found by document", "credits found",
}  # fmt: skip
"""What is typed there may be a name as well."""


@pytest.fixture(scope="module")
def ledger(django_db_setup: None, django_db_blocker: Any) -> Iterator[SimpleNamespace]:
    """A ledger of 80,000 titles, a superuser, and a manager of one branch among forty."""
    with django_db_blocker.unblock(), transaction.atomic(), time_machine.travel(NOW, tick=False):
        mine = make_branch()
        for _each in range(1, BRANCHES):
            branch = Branch(code=f"F{_each}", name="Filial", parameter_set=mine.parameter_set)
            branch.save()
            LedgerAccount(branch=branch, short_code=f"F{_each}", name="Caixa").save()
        _fill()
        yield SimpleNamespace(
            chief=make_user(is_superuser=True), manager=make_user(group=GERENCIA, branches=(mine,)), large=_large()
        )
        transaction.set_rollback(True)


def _fill() -> None:
    facts = {
        "titles": TITLES, "customers": CUSTOMERS, "receipts": TILL_RECEIPTS, "today": TODAY, "now": NOW,
        "terms": Terms.objects.first().pk,
        "branches": list(Branch.objects.order_by("pk").values_list("pk", flat=True)),
        "account": LedgerAccount.objects.first().pk, "method": PaymentMethod.objects.first().pk,
        "accounts": list(LedgerAccount.objects.order_by("pk").values_list("pk", flat=True)[:BRANCHES]),
        "history": HistoryCode.objects.filter(direction=Direction.CREDIT)[0].pk,
        "document": DocumentType.objects.all()[0].pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        for statement in ROWS:
            cursor.execute(statement, facts)


def _large() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= %s", [LARGE])
        return {name for (name,) in cursor.fetchall()}


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes")
        return {name for (name,) in cursor.fetchall()}


def has_trigrams() -> bool:
    return "customer_plain_name_trigrams" in indexes()


def read_whole(user: Any, address: str, large: set[str]) -> list[tuple[str, str]]:
    """Give the large tables that a page reads from end to end, each with the query that does."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code in (200, 302)
    asked = [query["sql"] for query in queries.captured_queries if query["sql"].startswith("SELECT")]
    return [(table, sql) for sql in asked for table in sorted(set(_scanned(_plan(sql))) & large)]


def _plan(sql: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        found = cursor.fetchone()[0]
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def _scanned(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for below in node.get("Plans", ()):
        yield from _scanned(below)


@pytest.mark.django_db
def test_the_indexes_that_only_postgresql_has_are_there() -> None:
    assert {"title_document_prefix", "receipt_number_prefix", "installment_open_by_due_date"} <= indexes()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")
        assert has_trigrams() == bool(cursor.fetchone())


@pytest.mark.parametrize(
    ("page", "person"),
    [(page, person) for page in PAGES for person in ("chief", "manager")
     if person == "chief" or page not in FOR_ALL_BRANCHES],
)  # fmt: skip
def test_no_large_table_is_read_from_end_to_end(ledger: SimpleNamespace, page: str, person: str) -> None:
    if page in BY_NAME and not has_trigrams():
        pytest.skip("this PostgreSQL has no pg_trgm: names are found by reading all customers")
    assert read_whole(getattr(ledger, person), PAGES[page], ledger.large) == []


def test_a_scan_of_a_large_table_is_seen(ledger: SimpleNamespace) -> None:
    assert set(_scanned(_plan("SELECT * FROM receivables_title WHERE notes = 'x'"))) & ledger.large


def test_the_days_asked_for_have_titles(ledger: SimpleNamespace) -> None:
    assert date(2027, 1, 22) == TODAY + timedelta(60)
    client = Client()
    client.force_login(ledger.chief, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(PAGES["due in a span"]).context["cl"].result_count > 0
