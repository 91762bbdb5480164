"""What the paper of a till's receipt tells besides: when and by whom it was taken, and that it was in contingency."""

from datetime import timedelta

import pytest

from receivables.figures.receipt import receipt_paper
from receivables.models import Receipt
from tests.make import NOW, make_branch
from tests.pos_sync.test_ingestion import Till, line, make_device, parcel

pytestmark = pytest.mark.django_db

TAKEN = NOW - timedelta(hours=3)


@pytest.fixture
def branch(db):
    return make_branch()


def paper_of(branch, **values):
    till = Till(make_device(branch))
    till.push(till.receipt(line(parcel(branch), 100_000), at=TAKEN, **values))
    return receipt_paper(Receipt.objects.get())


def test_a_receipt_taken_without_connection_says_so(branch):
    assert str(paper_of(branch, mode="offline").remark).startswith("Emitido em contingência")


def test_a_receipt_taken_with_connection_says_nothing_of_it(branch):
    assert str(paper_of(branch, mode="online").remark) == ""


def test_the_paper_tells_when_and_by_whom_it_was_taken_at_the_till(branch):
    paper = paper_of(branch, mode="offline")
    assert (paper.taken_at, paper.operator, paper.station) == (TAKEN, "01 · Bia", "03")


def test_the_number_is_that_of_the_till(branch):
    assert paper_of(branch).number == "03-000001"


def test_change_is_told_as_the_till_said_it(branch):
    tender = {"method": "cash", "amount_cents": 100_000, "tendered_cents": 105_000, "change_cents": 5_000}
    (means,) = paper_of(branch, tenders=[tender]).means
    assert (means.amount, means.tendered, means.change) == (1000, 1050, 50)
