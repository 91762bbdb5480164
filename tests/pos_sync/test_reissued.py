"""A till that received for an installment whose bank collection was made anew meanwhile (K5, G.6)."""

from datetime import timedelta

import pytest

from receivables.models import CustomerCredit, Divergence
from tests.ledger import assert_books_are_clean
from tests.make import TODAY, make_branch
from tests.pos_sync.test_ingestion import Till, line, make_device, parcel
from tests.services.test_reissue import CUSTOM, reissue

pytestmark = pytest.mark.django_db


@pytest.fixture
def branch(db):
    return make_branch()


@pytest.fixture
def till(branch):
    return Till(make_device(branch))


def collected_anew(branch, **values):
    """An installment as the till has it, and then another due date and amount in the books."""
    due = TODAY - timedelta(47)
    installment = parcel(branch, due_dates=(due,), our_numbers=("109000001",))
    known = installment.version
    reissue(installment, new_due_date=TODAY, on=TODAY, **values)
    installment.version = known
    return installment


def test_a_receipt_for_the_old_version_is_applied_and_shown_as_reissued(till, branch):
    installment = collected_anew(branch, **CUSTOM)
    (result,) = till.push(till.receipt(line(installment, 100_000)))
    assert (result["state"], result["reason"]) == ("review", "reissued")
    assert result["outcome"]["allocated_cents"] == 100_000
    assert Divergence.objects.get().reason == "reissued"


def test_what_the_new_total_has_more_stays_open(till, branch):
    installment = collected_anew(branch, **CUSTOM)
    till.push(till.receipt(line(installment, 100_000)))
    installment.refresh_from_db()
    assert (installment.status, str(installment.balance)) == ("partially_settled", "55.51")
    assert_books_are_clean()


def test_with_the_amount_as_it_was_the_due_date_alone_is_shown(till, branch):
    installment = collected_anew(branch)
    (result,) = till.push(till.receipt(line(installment, 100_000)))
    installment.refresh_from_db()
    assert (result["reason"], installment.status) == ("reissued", "settled")
    assert not CustomerCredit.objects.exists()


def test_a_receipt_for_the_new_version_is_plain(till, branch):
    installment = collected_anew(branch, **CUSTOM)
    installment.refresh_from_db()
    (result,) = till.push(till.receipt(line(installment, 105_551)))
    assert (result["state"], result["reason"]) == ("applied", None)
