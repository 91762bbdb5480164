"""Many plain titles for measuring: pending, due from half a year ago to a year ahead, always the same ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from receivables.demo import names
from receivables.demo.registers import BRANCHES
from receivables.demo.titles import customers
from receivables.domain.plan import installment_plan
from receivables.models import Actor, Branch, Customer, Product, Title
from receivables.services.title import Part, issue_titles

PREFIX = "DEMO-"
CHUNK = 2_000
TITLES_A_CUSTOMER = 8
FIRST_CUSTOMER = 10_000


def count() -> int:
    """Give how many there are already."""
    return Title.objects.filter(document_number__startswith=PREFIX).count()


def fill(*, upto: int, today: date, by: Actor) -> None:
    """Issue the titles that are missing up to number `upto`, a chunk a transaction."""
    writer = _Writer(today=today)
    for start in range(count(), upto, CHUNK):
        numbers = range(start, min(start + CHUNK, upto))
        issue_titles(writer.titles(numbers, by=by), by=by)


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
            "issued_on": due_date - timedelta(28),
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
