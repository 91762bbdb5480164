"""A batch costs the same number of statements whether it brings 20 receipts or 200 (architecture: set-based writes).

A till's batch is written in two lots, the second while the first is on its way: more than a lot costs the same again.
"""

from collections import Counter
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pos_sync.models import Operation
from pos_sync.services.ingestion import apply_pending
from receivables.models import Divergence, Receipt, TitleStatus
from receivables.services.reversal import reverse_title
from receivables.services.settlement import settle_titles
from receivables.services.title import cancel_title
from tests.ledger import assert_books_are_clean
from tests.make import CASHIER, NOW, REASON, TODAY, deposit, make_branch, make_customer, make_title
from tests.pos_sync.test_ingestion import Till, line, make_device
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db

FEW, MORE_THAN_A_LOT, MANY = 20, 150, 200


def statements(work):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        work()
    return Counter(query["sql"].split(" ", 1)[0] for query in queries)


def titles_of(branch, count):
    customer = make_customer()
    return [make_title(branch=branch, bill_to=customer) for _ in range(count)]


def test_a_batch_of_settlements_costs_the_same_for_20_and_for_200_titles():
    branch = make_branch()

    def settle_all(count):
        titles = titles_of(branch, count)
        return statements(lambda: settle_titles(
            expected={title.pk: Decimal("1000.00") for title in titles}, received_on=TODAY, deposit=deposit(),
            by=CASHIER, now=NOW, on=TODAY))  # fmt: skip

    settle_all(1)
    few, many = settle_all(FEW), settle_all(MANY)
    assert many == few
    assert Receipt.objects.count() == 1 + FEW + MANY
    assert_books_are_clean()


def test_a_batch_from_a_till_costs_the_same_for_150_and_for_200_receipts_and_less_for_20():
    branch = make_branch()
    till = Till(make_device(branch))

    def ingest(count):
        rows = [title.installments.get() for title in titles_of(branch, count)]
        till.push(*(till.receipt(line(row, 100_000), paid=100_100) for row in rows), apply=False)
        return statements(lambda: apply_pending(till.device.pk, now=NOW))

    ingest(1)
    few, more, many = ingest(FEW), ingest(MORE_THAN_A_LOT), ingest(MANY)
    assert few < more == many
    assert set(Operation.objects.values_list("state", flat=True)) == {"applied"}
    assert_books_are_clean()


def test_a_batch_whose_receipts_are_all_to_review_costs_the_same_for_150_and_for_200_and_less_for_20():
    """The worst case: each receipt is a credit and a divergence."""
    branch = make_branch()
    till = Till(make_device(branch))

    def ingest(count):
        titles = titles_of(branch, count)
        receipts = [till.receipt(line(title.installments.get(), 100_000)) for title in titles]
        for title in titles:
            cancel_title(title_id=title.pk, reason=REASON, by=CASHIER)
        till.push(*receipts, apply=False)
        return statements(lambda: apply_pending(till.device.pk, now=NOW))

    ingest(1)
    few, more, many = ingest(FEW), ingest(MORE_THAN_A_LOT), ingest(MANY)
    assert few < more == many
    assert Divergence.objects.filter(reason="cancelled").count() == 1 + FEW + MORE_THAN_A_LOT + MANY
    assert_books_are_clean()


def test_the_installments_of_one_title_are_undone_in_the_same_number_of_statements():
    def reverse(count):
        title = make_title(amounts=("10.00",) * count)
        settle(title, f"{10 * count}.00")
        counted = statements(lambda: reverse_title(title_id=title.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY))
        title.refresh_from_db()
        assert title.status == TitleStatus.PENDING
        return counted

    reverse(1)
    few, many = reverse(FEW), reverse(MANY)
    assert many == few
