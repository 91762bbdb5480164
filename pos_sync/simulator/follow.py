"""Following the books after a snapshot: changes applied to the shadow copy, figures reconciled (GET /changes)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from pos_sync.simulator import contract
from pos_sync.simulator.errors import CallRefused, ContractBroken
from pos_sync.simulator.journal import Json
from pos_sync.simulator.line import TillClient
from pos_sync.simulator.snapshot import GONE, Installment, Snapshot, read_terms

MOST_PAGES = 10_000
RECONCILED_AT_MOST = 5
REASONS = frozenset({"settled", "cancelled", "moved_out", "other_branch"})


@dataclass(slots=True)
class News:
    """What one pull, to its last page, brought: the ids it spoke of, what went, results, lists that came whole."""

    rows: dict[str, Installment] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    customers: set[str] = field(default_factory=set)
    results: dict[str, Json] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)

    @property
    def touched(self) -> set[str]:
        return self.rows.keys() | self.gone.keys()


def pull(client: TillClient, snapshot: Snapshot, *, limit: int) -> tuple[Snapshot, News]:
    """Read all that changed since and give the copy as it is now; raises ContractBroken, and CallRefused (410)."""
    news, terms, cursor = News(), dict(snapshot.terms), snapshot.cursor
    for _ in range(MOST_PAGES):
        page = client.changes(cursor=cursor, limit=limit)
        _read(page, news)
        terms |= {row.id: row for row in map(read_terms, contract.rows(page, "terms", where="changes"))}
        cursor = contract.text(page, "cursor", where="changes")
        if not contract.flag(page, "more", where="changes"):
            told: dict[str, Any] = {
                "cursor": cursor,
                "terms": terms,
                "through_seq": contract.integer(page, "through_seq", where="changes"),
                "applied_above": frozenset(contract.integers(page, "applied_above", where="changes")),
                "limits": contract.mapping(page, "limits", where="changes"),
            }
            return _applied(replace(snapshot, **told, **news.changed), news), news
    raise ContractBroken("changes promises more and does not go on.")


def _read(page: Json, news: News) -> None:
    for row in contract.rows(page, "installments", where="changes"):
        if "gone" in row:
            _read_gone(row, news)
        else:
            read = Installment.read(row)
            news.rows[read.id] = read
            news.gone.pop(read.id, None)
    for row in contract.rows(page, "customers", where="changes"):
        news.customers.add(contract.text(row, "id", where="customer"))
    for row in contract.rows(page, "results", where="changes"):
        news.results[contract.text(row, "op_id", where="result")] = row
    if "holidays" in page:
        news.changed["holidays"] = contract.days(page, "holidays", where="changes")


def _read_gone(row: Json, news: News) -> None:
    pk, reason = contract.text(row, "id", where="changes"), row.get("gone")
    if reason not in REASONS:
        raise ContractBroken(f"installment {pk} is gone for the reason {reason!r}.")
    news.gone[pk] = contract.integer(row, "version", where="changes")
    news.rows.pop(pk, None)


def _applied(snapshot: Snapshot, news: News) -> Snapshot:
    """Upsert what is newer, drop what is gone; what names terms or a customer that never came breaks the contract."""
    held = dict(snapshot.installments)
    for pk, row in news.rows.items():
        if pk not in held or row.version > held[pk].version:
            held[pk] = row
    for pk in news.gone:
        held.pop(pk, None)
    customers = {*snapshot.customers, *news.customers}
    lost = [row.id for row in held.values() if row.terms_id not in snapshot.terms or row.customer_id not in customers]
    if lost:
        raise ContractBroken(f"changes: installments {lost[:5]} name terms or a customer that did not come")
    return replace(snapshot, installments={pk: held[pk] for pk in sorted(held)}, customers=tuple(sorted(customers)))


def followed(client: TillClient, snapshot: Snapshot, *, fresh: Callable[[], Snapshot], limit: int) -> Snapshot:
    """Pull, hold the copy against a fresh snapshot, and pull again: what differs must have changed meanwhile.

    Gives the copy as it is then. Raises ContractBroken for a row that the changes lost.
    """
    try:
        copy, _ = pull(client, snapshot, limit=limit)
        server = fresh()
        copy, since = pull(client, copy, limit=limit)
    except CallRefused as refusal:
        if refusal.status != GONE:
            raise
        return fresh()
    mine, theirs = copy.installments, server.installments
    if lost := sorted(pk for pk in {*mine, *theirs} - since.touched if mine.get(pk) != theirs.get(pk)):
        raise ContractBroken(f"snapshot + changes is not the server's window: installments {lost[:10]}")
    return copy


def reconciled(client: TillClient, snapshot: Snapshot, *, operations: list[Json], limit: int) -> tuple[Snapshot, str]:
    """Reconcile until the figures match or the patience ends; give the copy then, and `match` or the last action.

    Where others work in the same books a cursor is old before it is asked about. Raises ContractBroken when the server
    asks for an operation of which it had taken custody.
    """
    action = ""
    for _ in range(RECONCILED_AT_MOST):
        figures = {"installments": len(snapshot.installments), "balance_cents": snapshot.balance_cents}
        answer = client.reconcile({"cursor": snapshot.cursor, **figures, "operations": operations})
        if contract.flag(answer, "match", where="reconcile"):
            return snapshot, "match"
        action = contract.text(answer, "action", where="reconcile")
        if action == "resend":
            missing = contract.integers(answer, "missing", where="reconcile")
            raise ContractBroken(f"the server asks again for the seqs {missing[:20]}, which it has")
        snapshot, _ = pull(client, snapshot, limit=limit)
    return snapshot, action
