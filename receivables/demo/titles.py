"""The demonstration's titles: which each branch has, relative to the day on which they are made."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from receivables.demo import names
from receivables.demo.registers import BRANCHES, BranchPlan
from receivables.domain.plan import installment_plan
from receivables.models import Actor, Branch, City, Customer, HistoryCode, LedgerAccount, Product, Title
from receivables.services.moves import create_audited
from receivables.services.title import Part, issue_titles

PREFIX = "FAT-"
CUSTOMERS = 60

OVERDUE = (-75, -48, -33, -21, -15, -11, -8, -5, -3, -2, -1)
IN_WINDOW = (0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 13, 15, 17, 18, 20, 22, 24, 25, 27, 28, 30)
AFTER_WINDOW = (35, 45, 60, 90)
IN_PARTS = ((3, -22), (6, -95), (4, 5), (12, 14))
"""How many parcels, and the days until the first one."""
TO_RECEIVE = {
    "on_time": -4, "late": -30, "long_late": -62, "discount": 6, "overpaid": -6, "reversed": -9,
    "part_late": -26, "part_early": 11, "by_slip": -7, "credit_used": 16,
}  # fmt: skip
"""Titles with a story: which one, and the days until they are due."""


@dataclass(frozen=True, slots=True)
class TitlePlan:
    """One title to issue; `story` names what happens to it afterwards."""

    branch: BranchPlan
    number: int
    due_in: int
    parts: int = 1
    story: str = ""
    has_slip: bool = False
    issuing: BranchPlan | None = None
    random: Random = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "random", Random(f"{self.branch.code} {self.number}"))

    @property
    def document(self) -> str:
        return f"{PREFIX}{self.branch.code}-{self.number:04d}"


def plan() -> list[TitlePlan]:
    """Give every title of the demonstration, branch by branch."""
    return [title for place, branch in enumerate(BRANCHES) for title in _of_branch(branch, BRANCHES[place - 1])]


def _of_branch(branch: BranchPlan, neighbour: BranchPlan) -> list[TitlePlan]:
    specs: list[dict[str, Any]] = [{"due_in": days} for days in OVERDUE]
    specs += [
        {"due_in": days, "has_slip": place % 3 == 0, "issuing": neighbour if place % 7 == 5 else None}
        for place, days in enumerate(IN_WINDOW)
    ]
    specs += [{"due_in": days, "has_slip": days == AFTER_WINDOW[0]} for days in AFTER_WINDOW]
    specs += [
        {"due_in": days, "parts": parts, "story": f"parts_{parts}", "has_slip": parts == 4} for parts, days in IN_PARTS
    ]
    specs += [{"due_in": days, "story": story, "has_slip": story == "by_slip"} for story, days in TO_RECEIVE.items()]
    specs += [{"due_in": 19, "story": "cancelled"}, {"due_in": 7, "story": "on_presentation"}]
    return [TitlePlan(branch=branch, number=number, **spec) for number, spec in enumerate(specs, start=1)]


def issue(*, today: date, by: Actor) -> dict[str, Title]:
    """Issue every title with its installments and slips; gives them by document."""
    plans = plan()
    writer = _Writer(today=today, by=by)
    titles = issue_titles([writer.title(each) for each in plans], by=by)
    return {each.document: title for each, title in zip(plans, titles, strict=True)}


class _Writer:
    """Turns plans into the columns of titles."""

    def __init__(self, *, today: date, by: Actor) -> None:
        self.today = today
        self.branches = {branch.code: branch for branch in Branch.objects.select_related("parameter_set", "city")}
        self.banks = {account.short_code: account for account in LedgerAccount.objects.all()}
        self.cities = list(City.objects.order_by("code"))
        self.products = list(Product.objects.order_by("code"))
        self.history_code = HistoryCode.objects.get(code="105")
        self.customers = customers([names.ALPHANUMERIC, *map(names.customer, range(1, CUSTOMERS))], by=by)
        self.our_numbers: dict[str, Iterator[int]] = {each.bank: iter(range(1, 10**6)) for each in BRANCHES}

    def title(self, each: TitlePlan) -> tuple[dict[str, Any], list[Part]]:
        first_due = self.today + timedelta(each.due_in)
        issuing = each.issuing or each.branch
        return self._fields(each, issuing, first_due), self._parts(each, issuing, first_due)

    def _fields(self, each: TitlePlan, issuing: BranchPlan, first_due: date) -> dict[str, Any]:
        random = each.random
        on_presentation = each.story == "on_presentation"
        sender, bill_to = random.sample(self.customers, 2)
        branch = self.branches[issuing.code]
        return {
            "document_number": each.document,
            "entry_branch": branch,
            "issuing_branch": branch,
            "collecting_branch": self.branches[each.branch.code],
            "issued_on": min(first_due - timedelta(15 if on_presentation else 28), self.today),
            "product": random.choice(self.products),
            "origin_city": random.choice(self.cities),
            "destination_city": random.choice(self.cities),
            "payment_city": branch.city,
            "sender": sender,
            "recipient": bill_to,
            "bill_to": self._bill_to(each, bill_to),
            "billing_type": random.choice(Title.BillingType.values),
            "payable_on_presentation": on_presentation,
            "has_attached_report": random.random() < 0.2,
            "pre_invoice_number": f"PF{random.randrange(10_000, 99_999)}" if random.random() < 0.3 else "",
            "history_code": self.history_code if each.has_slip else None,
            "account": self.banks[issuing.bank] if each.has_slip else None,
            "insurance_amount": Decimal(random.randrange(0, 4_000)) / 100,
            "icms_amount": Decimal(random.randrange(500, 9_000)) / 100,
            "freight_bill_count": random.randrange(1, 9),
            "notes": random.choice(("", "", "", "Cliente confere os CTRC antes de pagar.", "Cobrar com o Sr. Hélio.")),
        }

    def _bill_to(self, each: TitlePlan, by_chance: Customer) -> Customer:
        """Who overpays uses the credit; the alphanumeric CNPJ owes something everywhere."""
        if each.story in ("overpaid", "credit_used"):
            return self.customers[int(each.branch.code)]
        return self.customers[0] if each.number in (5, 15) else by_chance

    def _parts(self, each: TitlePlan, issuing: BranchPlan, first_due: date) -> list[Part]:
        total = Decimal(each.random.randrange(8_000, 190_000) * each.parts) / 100
        parcels = installment_plan(total=total, parts=each.parts, first_due_date=first_due)
        numbers = self.our_numbers[issuing.bank]
        return [
            Part(parcel.due_date, parcel.amount, f"{next(numbers):08d}" if each.has_slip else "") for parcel in parcels
        ]


def customers(wanted: list[tuple[str, str]], *, by: Actor) -> list[Customer]:
    """Give the customers with these documents, in this order, making those that are missing."""
    documents = [document for document, _ in wanted]
    known = set(Customer.objects.filter(document__in=documents).values_list("document", flat=True))
    create_audited(
        [Customer(document=document, name=name) for document, name in wanted if document not in known], by=by
    )
    rows = {row.document: row for row in Customer.objects.filter(document__in=documents)}
    return [rows[document] for document in documents]
