"""The till's shadow copy: all pages of one frozen snapshot, checked against its own counts and sums (H5-H11)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

from pos_sync.simulator import contract
from pos_sync.simulator.charges import Standing, Terms
from pos_sync.simulator.errors import CallRefused, ContractBroken
from pos_sync.simulator.journal import Json
from pos_sync.simulator.line import TillClient

GONE = 410
FRESH_STARTS = 5


@dataclass(frozen=True, slots=True)
class Installment:
    id: str
    version: int
    customer_id: str
    balance_cents: int
    due_date: date
    interest_from: date
    fine_charged: bool
    carried_cents: int
    terms_id: str

    @classmethod
    def read(cls, row: Json) -> Self:
        where = f"installment {row.get('id')!r}"
        due = contract.day(row, "due_date", where=where)
        return cls(
            id=contract.text(row, "id", where=where),
            version=contract.integer(row, "version", where=where),
            customer_id=contract.text(row, "customer_id", where=where),
            balance_cents=contract.integer(row, "balance_cents", where=where),
            due_date=due,
            interest_from=max(due, contract.day(row, "interest_from", where=where)),
            fine_charged=contract.flag(row, "fine_charged", where=where),
            carried_cents=contract.integer(row, "carried_charges_cents", where=where),
            terms_id=contract.text(row, "terms_id", where=where),
        )

    @property
    def standing(self) -> Standing:
        return Standing(
            self.balance_cents, self.due_date, self.interest_from, self.fine_charged, carried_cents=self.carried_cents
        )


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    code: str
    offline: bool
    gives_change: bool
    needs_reference: bool

    @classmethod
    def read(cls, row: Json) -> Self:
        where = f"payment method {row.get('code')!r}"
        offline, change, reference = (
            contract.flag(row, name, where=where) for name in ("offline", "gives_change", "needs_reference")
        )
        return cls(contract.text(row, "code", where=where), offline, change, reference)


@dataclass(frozen=True, slots=True)
class OfflineLimits:
    """What may be received before the next upload, in cents; None is no limit."""

    max_receipt_cents: int | None = None
    max_pending_cents: int | None = None

    @classmethod
    def read(cls, limits: Json) -> Self:
        offline = limits.get("offline") or {}
        return cls(offline.get("max_receipt_cents"), offline.get("max_pending_cents"))

    @property
    def largest_receipt_cents(self) -> int | None:
        given = [cents for cents in (self.max_receipt_cents, self.max_pending_cents) if cents is not None]
        return min(given, default=None)


@dataclass(frozen=True, slots=True)
class Snapshot:
    snapshot_id: str
    epoch: int
    as_of: str
    cursor: str
    through_seq: int
    applied_above: frozenset[int]
    customers: tuple[str, ...]
    installments: Mapping[str, Installment]
    terms: Mapping[str, Terms]
    holidays: frozenset[date]
    methods: tuple[PaymentMethod, ...]
    operators: tuple[str, ...]
    limits: Json

    @property
    def offline(self) -> OfflineLimits:
        return OfflineLimits.read(self.limits)

    @property
    def cash_method(self) -> str:
        return next((method.code for method in self.methods if method.gives_change), "cash")

    @property
    def balance_cents(self) -> int:
        return sum(installment.balance_cents for installment in self.installments.values())

    def covers(self, seq: int) -> bool:
        """Say whether the rows already contain that operation of this till."""
        return seq <= self.through_seq or seq in self.applied_above

    @classmethod
    def read(cls, pages: list[Json]) -> Self:
        """Return the snapshot of those pages; raises ContractBroken when counts, sums or references do not agree."""
        first = pages[0]
        installments = [
            Installment.read(row) for page in pages for row in contract.rows(page, "installments", where="page")
        ]
        customers = [
            contract.text(row, "id", where="customer")
            for page in pages
            for row in contract.rows(page, "customers", where="page")
        ]
        snapshot = cls(
            snapshot_id=contract.text(first, "snapshot_id", where="page 1"),
            epoch=contract.integer(first, "epoch", where="page 1"),
            as_of=contract.text(first, "as_of", where="page 1"),
            cursor=contract.text(first, "cursor", where="page 1"),
            through_seq=contract.integer(first, "through_seq", where="page 1"),
            applied_above=frozenset(contract.integers(first, "applied_above", where="page 1")),
            customers=tuple(sorted(set(customers))),
            installments={row.id: row for row in sorted(installments, key=lambda row: row.id)},
            terms={terms.id: terms for terms in map(read_terms, contract.rows(first, "terms", where="page 1"))},
            holidays=contract.days(first, "holidays", where="page 1"),
            methods=tuple(map(PaymentMethod.read, contract.rows(first, "payment_methods", where="page 1"))),
            operators=tuple(
                contract.text(row, "code", where="operator")
                for row in contract.rows(first, "operators", where="page 1")
            ),
            limits=contract.mapping(first, "limits", where="page 1"),
        )
        snapshot._compare(contract.mapping(first, "expected", where="page 1"), len(installments), len(customers))
        return snapshot

    def _compare(self, expected: Json, installments: int, customers: int) -> None:
        got = {"installments": installments, "customers": customers, "balance_cents": self.balance_cents}
        wrong = [
            f"{name} {got[name]}, expected {expected.get(name)}" for name in got if got[name] != expected.get(name)
        ]
        if len(self.installments) != installments or len(self.customers) != customers:
            wrong.append("a row came twice")
        known = set(self.customers)
        wrong += [
            f"installment {row.id} names terms or a customer that did not come"
            for row in self.installments.values()
            if row.terms_id not in self.terms or row.customer_id not in known
        ]
        if wrong:
            raise ContractBroken(f"snapshot {self.snapshot_id}: {'; '.join(wrong[:10])}")


def read_terms(row: Json) -> Terms:
    where = f"terms {row.get('id')!r}"
    if row.get("interest_per") not in ("day", "month30"):
        raise ContractBroken(f"{where}: interest_per is {row.get('interest_per')!r}")
    return Terms(
        id=contract.text(row, "id", where=where),
        interest_percent=contract.percent(row, "interest_percent", where=where),
        interest_per=row["interest_per"],
        fine_percent=contract.percent(row, "fine_percent", where=where),
        max_discount_percent=contract.percent(row, "max_discount_percent", where=where),
        allow_partial=contract.flag(row, "allow_partial", where=where),
    )


def download_snapshot(client: TillClient, *, limit: int = 500) -> Snapshot:
    """Download every page and return the checked snapshot; one that expired meanwhile is begun again."""
    for _ in range(FRESH_STARTS):
        try:
            return Snapshot.read(_pages(client, limit=limit))
        except CallRefused as refusal:
            if refusal.status != GONE:
                raise
    raise ContractBroken(f"the snapshot expired {FRESH_STARTS} times while it was being read")


def _pages(client: TillClient, *, limit: int) -> list[Json]:
    pages = [client.snapshot_page(page_token=None, limit=limit)]
    while token := pages[-1].get("page_token"):
        pages.append(client.snapshot_page(page_token=token, limit=limit))
        if pages[-1].get("snapshot_id") != pages[0].get("snapshot_id"):
            raise ContractBroken(f"page {len(pages)} belongs to another snapshot")
    return pages
