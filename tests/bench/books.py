"""Books to measure on: branches whose tills carry so many installments, written by the demonstration's COPY."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from random import Random
from typing import Any

from django.db import connection

from pos_sync.models import Device, TillOperator, TillPolicy
from receivables.demo.bulk import copy_titles
from receivables.domain.plan import installment_plan
from receivables.models import SYSTEM, Branch, CashSession, Customer, Installment
from receivables.services.moves import create_audited
from receivables.services.title import Part
from tests.make import NOW, TODAY, make_branch

COPIED_AT_ONCE = 20_000
TITLES_A_CUSTOMER = 8
OPERATOR = "01"


def make_books(*, installments: int) -> Branch:
    """Make a branch whose tills carry so many open installments, on titles of one, two or three."""
    branch = make_branch()
    TillPolicy.objects.get_or_create(parameter_set=branch.parameter_set)
    TillOperator(branch=branch, code=OPERATOR, name="Bia", pin_hash="x").save_as(SYSTEM)
    titles = _titles(branch, installments=installments)
    while some := list(islice(titles, COPIED_AT_ONCE)):
        copy_titles(some, by=SYSTEM)
    settle_down()
    return branch


def _titles(branch: Branch, *, installments: int) -> Iterator[tuple[dict[str, Any], list[Part]]]:
    random = Random(installments)
    number, customers = 0, []
    while installments:
        if number % (TITLES_A_CUSTOMER * 500) == 0:
            customers = _customers(branch, first=number, how_many=500)
        parts = min(random.choice((1, 1, 1, 2, 3)), installments)
        fields = {
            "document_number": f"B{number:07d}", "entry_branch": branch, "issuing_branch": branch,
            "collecting_branch": branch, "issued_on": date(2026, 9, 1),
            "bill_to": customers[number // TITLES_A_CUSTOMER % 500],
        }  # fmt: skip
        yield fields, _parts(random, parts)
        number, installments = number + 1, installments - parts


def _parts(random: Random, parts: int) -> list[Part]:
    """One title in six is overdue, and all of it lies in a till's window."""
    first = TODAY + timedelta(random.randrange(-180, -90) if random.random() < 1 / 6 else random.randrange(0, 31))
    total = Decimal(random.randrange(4_000, 160_000) * parts) / 100
    plan = installment_plan(total=total, parts=parts, first_due_date=first)
    return [Part(min(parcel.due_date, TODAY + timedelta(30)), parcel.amount) for parcel in plan]


def _customers(branch: Branch, *, first: int, how_many: int) -> list[Customer]:
    rows = [
        Customer(document=f"{branch.pk:03d}{first + number:08d}", name=f"Cliente {first + number:06d} Ltda.")
        for number in range(how_many)
    ]
    return create_audited(rows, by=SYSTEM)


def settle_down() -> None:
    """Let the planner know the tables, and the disc have them, before anything is measured."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def make_device(branch: Branch, *, till: str) -> Device:
    """Make a till with an open cash session `s1`."""
    device = Device(branch=branch, till=till, install_id=till, paired_at=NOW - timedelta(hours=6))
    device.save_as(SYSTEM)
    CashSession(
        idempotency_key=device.session_key("s1"), branch=branch, station=till, operator=OPERATOR,
        opened_at=NOW - timedelta(hours=5), float_amount=Decimal(100),
    ).save_as(SYSTEM)  # fmt: skip
    return device


def payable(branch: Branch) -> Iterator[Installment]:
    """Give the branch's installments that nobody has paid, each once, one of each title, in no order of the disc."""
    rows = Installment.objects.filter(title__collecting_branch=branch, status="pending", number=1)
    yield from rows.select_related("terms").order_by("title__document_number").iterator()
