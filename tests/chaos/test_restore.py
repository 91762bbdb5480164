"""An old database is put back: what tills took for titles that it does not know is nobody else's money."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from receivables.models import CustomerCredit, Installment
from tests.ledger import assert_books_are_clean
from tests.make import TODAY, make_branch, make_customer, make_title
from tests.pos_sync.door import Till, operation
from tests.pos_sync.shadow import Shadow

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="A database in memory is put back in a moment"),
]


@contextmanager
def lost_life() -> Iterator[None]:
    """All that the body does is undone by a backup of before, ids included."""
    connection.ensure_connection()
    with sqlite3.connect(":memory:") as backup:
        connection.connection.backup(backup)
        yield
        backup.backup(connection.connection)
    call_command("new_epoch", stdout=StringIO())


def test_money_for_a_title_that_was_lost_does_not_pay_a_strangers():
    branch, (owner, stranger) = make_branch(), (make_customer() for _ in range(2))
    till = Till(branch=branch)
    Shadow(till)
    with lost_life():
        lost = make_title(branch=branch, bill_to=owner, amounts=("50.00",)).installments.get()
    made_anew = make_title(branch=branch, bill_to=stranger, amounts=("50.00",)).installments.get()
    line = {"installment_id": str(lost.pk), "version": 1, "principal_cents": 5_000}
    body = {"lines": [line], "tenders": [{"method": "cash", "amount_cents": 5_000}], "customer_id": str(owner.pk)}
    (result,) = till.results(operation("a", 1, kind="receipt", occurred_at=f"{TODAY}T12:00:00-03:00", body=body))
    assert (result["state"], result["reason"]) == ("held", "unknown_installment")
    assert Installment.objects.get(pk=made_anew.pk).balance == 50
    assert CustomerCredit.objects.get().amount == 50
    assert_books_are_clean()


def test_a_device_that_was_lost_is_no_other_and_its_money_comes_with_the_one_that_is_paired_anew():
    branch = make_branch()
    Till(branch=branch)
    debt = make_title(branch=branch, bill_to=make_customer(), amounts=("50.00",)).installments.get()
    with lost_life():
        lost = Till(branch=branch, till="07")
    another, anew = Till(branch=branch, till="08"), Till(branch=branch, till="07")
    assert lost.device_id not in {another.device_id, anew.device_id}
    line = {"installment_id": str(debt.pk), "version": 1, "principal_cents": 5_000}
    body = {"lines": [line], "tenders": [{"method": "cash", "amount_cents": 5_000}]}
    taken = operation("a", 1, kind="receipt", occurred_at=f"{TODAY}T12:00:00-03:00", body=body)
    assert lost.push(taken).status_code == 401
    assert another.push(taken, device_id=anew.device_id, epoch=1).status_code == 400
    (result,) = anew.results(taken, device_id=lost.device_id, epoch=1)
    assert (result["state"], result["outcome"]["allocated_cents"]) == ("applied", 5_000)
    assert_books_are_clean()
