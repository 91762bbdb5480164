"""Many plain titles for measuring: pending, due from half a year ago to a year ahead, always the same ones.

The service issues them; PostgreSQL takes the very same rows by COPY, a million in minutes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from operator import itemgetter
from random import Random
from typing import Any

from django.db import connection, models, transaction

from receivables.demo import names
from receivables.demo.registers import BRANCHES
from receivables.demo.titles import customers
from receivables.domain.plan import installment_plan
from receivables.models import Actor, Branch, Customer, Installment, Product, Title
from receivables.services.moves import record_history
from receivables.services.title import Part, issue_titles

PREFIX = "DEMO-"
CHUNK = 2_000
COPIED_AT_ONCE = 20_000
TITLES_A_CUSTOMER = 8
FIRST_CUSTOMER = 10_000


def count() -> int:
    """Give how many there are already."""
    return Title.objects.filter(document_number__startswith=PREFIX).count()


def fill(*, upto: int, today: date, by: Actor) -> None:
    """Issue the titles that are missing up to number `upto`, a chunk a transaction."""
    writer = _Writer(today=today)
    copies = connection.vendor == "postgresql"
    size = COPIED_AT_ONCE if copies else CHUNK
    first = start = count()
    for start in range(first, upto, size):
        numbers = range(start, min(start + size, upto))
        issue = copy_titles if copies else issue_titles
        issue(writer.titles(numbers, by=by), by=by)
    if copies and upto > first:
        _know_the_tables()


@transaction.atomic
def copy_titles(titles: Sequence[tuple[dict[str, Any], list[Part]]], *, by: Actor) -> None:
    """Write what `issue_titles` would, without a model instance a row; the database's own laws hold as ever."""
    numbers = _next_ids(Title, len(titles))
    _copy(Title, (_title_row(number, fields, parts) for number, (fields, parts) in zip(numbers, titles, strict=True)))
    rows = [
        _installment_row(title_id, place, part, fields)
        for title_id, (fields, parts) in zip(numbers, titles, strict=True)
        for place, part in enumerate(parts, start=1)
    ]
    parcels = _next_ids(Installment, len(rows))
    _copy(Installment, ({"id": number, **row} for number, row in zip(parcels, rows, strict=True)))
    for model, ids in ((Title, numbers), (Installment, parcels)):
        record_history(model, ids, by=by, kind="+")


def _title_row(number: int, fields: dict[str, Any], parts: list[Part]) -> dict[str, Any]:
    columns = {f"{name}_id" if isinstance(value, models.Model) else name: value for name, value in fields.items()}
    values = {name: value.pk if isinstance(value, models.Model) else value for name, value in columns.items()}
    return {"id": number, "amount": sum(part.amount for part in parts), "installment_count": len(parts), **values}


def _installment_row(title_id: int, number: int, part: Part, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "title_id": title_id, "number": number, "due_date": part.due_date, "interest_from": part.due_date,
        "amount": part.amount, "original_amount": part.amount, "balance": part.amount,
        "terms_id": fields["collecting_branch"].parameter_set.terms_id,
    }  # fmt: skip


def _next_ids(model: type[models.Model], how_many: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [model._meta.db_table, how_many],
        )
        return [number for (number,) in cursor.fetchall()]


def _copy(model: type[models.Model], rows: Iterable[dict[str, Any]]) -> None:
    """Copy rows into a table; what a row does not name takes its field's default."""
    fields = model._meta.concrete_fields
    usual = {field.attname: field.get_default() for field in fields}
    read = itemgetter(*usual)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    with connection.cursor() as cursor, cursor.copy(f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(read(usual | row))


def _know_the_tables() -> None:
    """Let the planner know how full the tables are now, rather than when autovacuum comes by."""
    with connection.cursor() as cursor:
        for model in (Title, Installment, Customer, Title.history.model, Installment.history.model):
            cursor.execute(f'ANALYZE "{model._meta.db_table}"')


@dataclass
class _Writer:
    today: date

    def __post_init__(self) -> None:
        codes = [branch.code for branch in BRANCHES]
        self.branches = list(Branch.objects.filter(code__in=codes).select_related("parameter_set").order_by("code"))
        self.products = list(Product.objects.order_by("code"))

    def titles(self, numbers: Sequence[int], *, by: Actor) -> list[tuple[dict[str, Any], list[Part]]]:
        first = numbers[0] // TITLES_A_CUSTOMER
        last = numbers[-1] // TITLES_A_CUSTOMER
        wanted = [names.customer(FIRST_CUSTOMER + number) for number in range(first, last + 1)]
        payers = customers(wanted, by=by)
        return [self._title(number, payers[number // TITLES_A_CUSTOMER - first]) for number in numbers]

    def _title(self, number: int, bill_to: Customer) -> tuple[dict[str, Any], list[Part]]:
        random = Random(f"title {number}")
        branch = self.branches[number % len(self.branches)]
        due_date = self.today + timedelta(_due_in(random))
        fields = {
            "document_number": f"{PREFIX}{number + 1:08d}",
            "entry_branch": branch,
            "issuing_branch": branch,
            "collecting_branch": branch,
            "issued_on": min(due_date - timedelta(28), self.today),
            "product": random.choice(self.products),
            "bill_to": bill_to,
            "billing_type": random.choice(Title.BillingType.values),
            "freight_bill_count": random.randrange(1, 6),
        }
        parts = random.choice((1, 1, 1, 1, 1, 1, 1, 2, 3))
        total = Decimal(random.randrange(4_000, 160_000) * parts) / 100
        parcels = installment_plan(total=total, parts=parts, first_due_date=due_date)
        return fields, [Part(parcel.due_date, parcel.amount) for parcel in parcels]


def _due_in(random: Random) -> int:
    """One in six is overdue, one in four is due within the till's window."""
    chance = random.random()
    if chance < 1 / 6:
        return random.randrange(-180, 0)
    return random.randrange(0, 31) if chance < 5 / 12 else random.randrange(31, 366)
