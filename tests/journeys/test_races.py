"""Two processes at once on the same rows (G.11, G.20): never twice, nothing lost, no deadlock, and clean books.

On PostgreSQL the row locks decide, many times over. SQLite lets one writer in at a time: there the same races are run
a few times, on a copy of the test database in a file, because the one in memory is of this process alone.
"""

import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from pos_sync.models import Operation
from receivables.models import (
    CashDay,
    CashMovement,
    CustomerCredit,
    Divergence,
    Installment,
    Receipt,
    ReceiptAllocation,
    Reversal,
    TitleStatus,
)
from receivables.services.cash_day import close_day
from receivables.services.moves import create_audited
from receivables.services.title import Part, issue_titles
from tests.ledger import assert_books_are_clean
from tests.make import CASHIER, NOW, SYSTEM, TODAY, cash_account, make_branch, make_customer, make_title
from tests.pos_sync.test_ingestion import Till, line, make_device
from tests.services.test_settlement import settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]

Call = tuple[str, dict[str, Any]]
Answer = dict[str, Any]
Both = Callable[[Call, Call], tuple[Answer, Answer]]
YESTERDAY = TODAY - timedelta(days=1)


def times(many: int) -> int:
    """How often a race is run: each time on PostgreSQL counts, on SQLite a few show that nothing is locked for ever."""
    return many if connection.vendor == "postgresql" else max(3, many // 20)


class Racer:
    """A process of its own with a connection of its own."""

    def __init__(self, url: str, *, module: str = "tests.journeys.racer") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module], cwd=settings.BASE_DIR, text=True,
            env=os.environ | {"DATABASE_URL": url, "REDIS_URL": "", "LOG_LEVEL": "CRITICAL"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def tell(self, call: Call) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(call) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Answer:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(10)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the copy of SQLite's database is."""
    return tmp_path_factory.mktemp("races") / "copy.sqlite3"


@pytest.fixture(scope="module")
def racers(django_db_setup: None, file: Path) -> Iterator[tuple[Racer, Racer]]:
    """Two processes on the test database."""
    url = f"sqlite:///{file}"
    if connection.vendor == "postgresql":
        url = urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    pair = Racer(url), Racer(url)
    yield pair
    for racer in pair:
        racer.stop()


@pytest.fixture
def race(transactional_db: None, racers: tuple[Racer, Racer], file: Path) -> Any:
    """A context in which `both(call, call)` starts two calls at once and gives both answers, none of them a failure."""

    def both(*calls: Call) -> tuple[Answer, Answer]:
        for racer, call in zip(racers, calls, strict=True):
            racer.tell(call)
        answers = racers[0].hear(), racers[1].hear()
        assert [answer for answer in answers if "failed" in answer] == []
        return answers

    @contextmanager
    def racing() -> Iterator[Both]:
        with _copied(file):
            yield both
        assert_books_are_clean()

    return racing


@contextmanager
def _copied(file: Path) -> Iterator[None]:
    """Let others work on a copy of the database in memory, and take back what they made of it."""
    if connection.vendor == "postgresql":
        yield
        return
    connection.ensure_connection()
    with sqlite3.connect(file) as copy:
        connection.connection.backup(copy)
    yield
    with sqlite3.connect(file) as copy:
        copy.backup(connection.connection)


def part(installment: Installment, amount: str, **given: Any) -> Call:
    return "settle_part", {"installment": installment.pk, "amount": amount, **given}


def installments(branch: Any, count: int, amount: str = "10.00") -> list[Installment]:
    """So many titles of one installment each."""
    fields = {"entry_branch": branch, "issuing_branch": branch, "collecting_branch": branch,
              "issued_on": TODAY - timedelta(days=30), "bill_to": make_customer()}  # fmt: skip
    titles = issue_titles(
        [(fields | {"document_number": f"R-{number}"}, [Part(due_date=TODAY, amount=Decimal(amount))])
         for number in range(count)], by=SYSTEM)  # fmt: skip
    return list(Installment.objects.filter(title__in=titles).select_related("title").order_by("pk"))


def test_the_last_part_of_an_installment_is_settled_once(race):
    branch = make_branch()
    rows = installments(branch, times(200))
    till = Till(make_device(branch))
    till.push(*(till.receipt(line(row, 400)) for row in rows))
    with race() as both:
        answers = [both(part(row, "6.00"), part(row, "6.00")) for row in rows]
    for pair in answers:
        assert sorted(key for answer in pair for key in answer) == ["done", "refused"]
        assert {"refused": "title_not_open"} in pair
    assert ReceiptAllocation.objects.count() == 2 * len(rows)
    assert set(Installment.objects.values_list("status", "balance")) == {("settled", 0)}


def test_a_till_and_the_back_office_at_once_record_all_money_and_settle_once(race):
    branch = make_branch()
    rows = installments(branch, times(40))
    till = Till(make_device(branch))
    pushes = [("push", {"device": till.device.pk, "operation": till.receipt(line(row, 1_000))}) for row in rows]
    with race() as both:
        outcomes = [both(push, part(row, "10.00")) for push, row in zip(pushes, rows, strict=True)]
    told = Counter((tuple(push["done"]), *desk) for push, desk in outcomes)
    assert set(told) <= {(("applied", None), "refused"), (("review", "already_settled"), "done")}
    assert set(Installment.objects.values_list("status", "balance")) == {("settled", 0)}
    twice = told[(("review", "already_settled"), "done")]
    assert CashMovement.objects.balance() == 10 * (len(rows) + twice)
    assert CustomerCredit.objects.available() == 10 * twice


def test_two_people_answer_a_divergence_once(race):
    branch = make_branch()
    till, customer = Till(make_device(branch)), make_customer()
    till.push(*(till.receipt(customer_id=str(customer.pk), paid=1_000) for _ in range(times(40))))
    rows = [
        Divergence(branch=branch, reason="over_balance", receipt=receipt, customer=customer, amount=receipt.amount)
        for receipt in Receipt.objects.all()
    ]
    create_audited(rows, by=SYSTEM)
    with race() as both:
        for row in rows:
            keep = "keep", {"divergence": row.pk}
            refund = "refund", {"divergence": row.pk, "customer": customer.pk, "amount": "10.00"}
            answers = both(keep, refund)
            assert sorted(key for answer in answers for key in answer) == ["done", "refused"]
            assert {"refused": "divergence_resolved"} in answers
    refunded = Divergence.objects.filter(outcome="refunded").count()
    assert CustomerCredit.objects.available() == 10 * (len(rows) - refunded)
    assert CashMovement.objects.balance() == 10 * (len(rows) - refunded)


def test_two_workers_on_one_device_apply_each_operation_once(race):
    branch = make_branch()
    till = Till(make_device(branch))
    rows = installments(branch, times(100))
    till.push(*(till.receipt(line(row, 1_000)) for row in rows), apply=False)
    with race() as both:
        answers = both(("apply", {"device": till.device.pk}), ("apply", {"device": till.device.pk}))
    assert sum(answer["done"] for answer in answers) == len(rows)
    assert set(Operation.objects.values_list("state", flat=True)) == {"applied"}
    assert Receipt.objects.count() == len(rows)


def test_what_is_posted_while_a_day_closes_is_in_the_closing_or_is_refused(race):
    branch = make_branch()
    account = cash_account(branch)
    rows = installments(branch, times(20))
    days = [(TODAY - timedelta(days=back)).isoformat() for back in range(len(rows), 0, -1)]
    with race() as both:
        for row, day in zip(rows, days, strict=True):
            desk, _ = both(part(row, "10.00", day=day), ("close", {"account": account.pk, "day": day}))
            assert set(desk) == {"done"} or desk == {"refused": "cash_day_closed"}
    assert CashDay.objects.closed().count() == len(rows)
    assert CashMovement.objects.balance() == sum(CashDay.objects.values_list("closings__total", flat=True))


def test_a_day_that_nobody_made_yet_takes_nothing_once_a_later_one_is_closed(race):
    accounts = [cash_account(make_branch()) for _ in range(times(20))]
    rows = [make_title(branch=account.branch, amounts=("10.00",)).installments.get() for account in accounts]
    with race() as both:
        for account, row in zip(accounts, rows, strict=True):
            close = "close", {"account": account.pk, "day": TODAY.isoformat()}
            desk, closing = both(part(row, "10.00", day=YESTERDAY.isoformat()), close)
            refused = desk.get("refused"), closing.get("refused")
            assert refused in [(None, "earlier_day_open"), ("cash_day_closed", None)]


def test_a_day_is_not_reopened_while_the_next_one_closes(race):
    accounts = [cash_account(make_branch()) for _ in range(times(20))]
    for account in accounts:
        close_day(account_id=account.pk, day=YESTERDAY, by=CASHIER, now=NOW, on=TODAY)
    with race() as both:
        for account in accounts:
            given = {"account": account.pk}
            answers = both(
                ("reopen", given | {"day": YESTERDAY.isoformat()}), ("close", given | {"day": TODAY.isoformat()})
            )
            refused = [answer.get("refused") for answer in answers]
            assert refused in [[None, "earlier_day_open"], ["later_day_closed", None]]


def test_a_receipt_that_is_reversed_and_voided_at_once_is_undone_once(race):
    branch = make_branch()
    till = Till(make_device(branch))
    rows = installments(branch, times(20))
    results = till.push(*(till.receipt(line(row, 1_000)) for row in rows))
    with race() as both:
        for row, receipt in zip(rows, results, strict=True):
            void = till.operation("receipt_void", {"receipt_op_id": receipt["op_id"], "reason": ""})
            push = "push", {"device": till.device.pk, "operation": void}
            voided, reversed_ = both(push, ("reverse", {"title": row.title_id}))
            assert voided["done"] in (["applied", None], ["review", "already_reversed"])
            assert ("done" in reversed_) == (voided["done"][0] == "review")
    assert Reversal.objects.count() == len(rows)
    assert CashMovement.objects.balance() == 0
    assert set(Installment.objects.values_list("status", "balance")) == {("pending", 10)}


def test_a_void_and_a_settlement_of_the_same_title_wait_for_each_other(race):
    """Both need the account's day and the title: whoever takes them in another order stands still for ever."""
    branch = make_branch()
    till = Till(make_device(branch))
    rows = installments(branch, times(40))
    results = till.push(*(till.receipt(line(row, 300)) for row in rows))
    with race() as both:
        for row, receipt in zip(rows, results, strict=True):
            void = till.operation("receipt_void", {"receipt_op_id": receipt["op_id"], "reason": ""})
            push = "push", {"device": till.device.pk, "operation": void}
            voided, desk = both(push, part(row, "5.00"))
            assert (voided["done"], list(desk)) == (["applied", None], ["done"])
    assert set(Installment.objects.values_list("status", "balance")) == {("partially_settled", 5)}


def test_two_batches_with_the_same_titles_in_opposite_order_settle_them_once(race):
    branch = make_branch()
    rows = installments(branch, 5 * times(20))
    batches = [rows[first : first + 5] for first in range(0, len(rows), 5)]
    with race() as both:
        for batch in batches:
            expected = {str(row.title_id): "10.00" for row in batch}
            answers = both(
                ("settle_all", {"expected": expected}),
                ("settle_all", {"expected": dict(reversed(expected.items()))}),
            )
            assert sorted(json.dumps(answer) for answer in answers) == ['{"done": 5}', '{"refused": "batch_changed"}']
    assert Receipt.objects.count() == len(rows)
    assert {row.title.status for row in Installment.objects.select_related("title")} == {TitleStatus.SETTLED}


def test_a_credit_is_not_spent_twice(race):
    branch = make_branch()
    pairs = []
    for _ in range(times(20)):
        rich = make_title(branch=branch, amounts=("10.00",))
        settle(rich, "110.00")
        pairs.append([make_title(branch=branch, bill_to=rich.bill_to, amounts=("60.00",)) for _ in range(2)])
    with race() as both:
        for pair in pairs:
            first, second = (
                ("pay_with_credit", {"installment": title.installments.get().pk, "amount": "60.00"}) for title in pair
            )
            answers = both(first, second)
            assert [answer.get("refused") for answer in answers].count("credit_not_enough") == 1
    assert CustomerCredit.objects.available() == 40 * len(pairs)
