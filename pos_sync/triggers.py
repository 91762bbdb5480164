"""What writes the change feed: triggers, so that bulk updates and raw SQL are in it. The installer is the ledger's.

On PostgreSQL one trigger for each statement, whatever the number of rows, over its transition tables; on SQLite one
for each row. What the entries mean is in `models.Change`, who reads them in `services.feed`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from receivables.models.triggers import PREFIX, Trigger

FEED = "pos_sync_change"
_COLUMNS = "txid, noun, row_id, branch_id, device_id, was_due, changed_at"
_NOW_SQLITE = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
_NOW_POSTGRESQL = "clock_timestamp()"
_TXID = "pg_current_xact_id()::text::bigint"


@dataclass(frozen=True, slots=True)
class Source:
    """A table whose changes are news, in SQL over the `new` and the `old` row."""

    table: str
    event: Literal["INSERT", "UPDATE", "DELETE"]
    noun: str
    row: str = "new.id"
    branch: str = "NULL"
    device: str = "NULL"
    was_due: str = "NULL"
    unless_same: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{PREFIX}feed_{self.event.lower()}_{self.table}"

    def entry(self, txid: str, now: str) -> str:
        """Give the columns of the feed's entry."""
        return f"{txid}, '{self.noun}', {self.row}, {self.branch}, {self.device}, {self.was_due}, {now}"


_BRANCH_OF_TITLE = "(SELECT t.collecting_branch_id FROM receivables_title t WHERE t.id = new.title_id)"
_WAS_DUE = "CASE WHEN old.status <> 'settled' THEN old.due_date END"
SOURCES = (
    Source("receivables_installment", "INSERT", "installment", branch=_BRANCH_OF_TITLE),
    Source("receivables_installment", "UPDATE", "installment", branch=_BRANCH_OF_TITLE, was_due=_WAS_DUE,
           unless_same=("version", "status", "due_date", "amount", "balance", "terms_id", "interest_from",
                        "fine_charged", "carried_charges", "number", "title_id")),
    Source("receivables_customer", "UPDATE", "customer", unless_same=("version", "name", "document")),
    Source("pos_sync_operation", "UPDATE", "operation", device="new.device_id",
           unless_same=("state", "reason", "flags", "outcome")),
    Source("receivables_parameterset", "UPDATE", "parameters"),
    Source("receivables_branch", "UPDATE", "parameters", branch="new.id"),
    Source("receivables_city", "UPDATE", "parameters", unless_same=("name", "state")),
    Source("pos_sync_tillpolicy", "INSERT", "parameters"),
    Source("pos_sync_tillpolicy", "UPDATE", "parameters"),
    Source("pos_sync_tillpolicy_offline_methods", "INSERT", "parameters"),
    Source("pos_sync_tillpolicy_offline_methods", "DELETE", "parameters", row="old.id"),
    Source("receivables_paymentmethod", "UPDATE", "payment_method"),
    Source("receivables_branchpaymentmethod", "INSERT", "payment_method", branch="new.branch_id"),
    Source("receivables_branchpaymentmethod", "UPDATE", "payment_method", branch="new.branch_id"),
    Source("pos_sync_tilloperator", "INSERT", "operator", branch="new.branch_id"),
    Source("pos_sync_tilloperator", "UPDATE", "operator", branch="new.branch_id"),
    Source("receivables_holiday", "INSERT", "holiday"),
    Source("receivables_holiday", "UPDATE", "holiday"),
)  # fmt: skip

# What an installment on a till says of its title; a change of it is news of the installment, for both branches.
_TITLE = "receivables_title"
_TITLE_SAYS = ("collecting_branch_id", "bill_to_id", "document_number", "installment_count")
_TITLE_NAME = f"{PREFIX}feed_update_{_TITLE}"
_WAS_DUE_UNDER = "CASE WHEN i.status <> 'settled' AND {was_live} THEN i.due_date END"


def feed_triggers() -> Iterator[Trigger]:
    """Yield the triggers that write the feed."""
    for source in SOURCES:
        yield Trigger(
            name=source.name, table=source.table, sqlite=(_sqlite(source),), postgresql=tuple(_postgresql(source))
        )
    yield Trigger(
        name=_TITLE_NAME, table=_TITLE, sqlite=(_sqlite_of_titles(),), postgresql=tuple(_postgresql_of_titles())
    )


def _sqlite(source: Source) -> str:
    differs = " OR ".join(f"old.{column} IS NOT new.{column}" for column in source.unless_same)
    when = f"WHEN {differs}" if differs else ""
    return (
        f'CREATE TRIGGER "{source.name}" AFTER {source.event} ON {source.table} {when} BEGIN '
        f"INSERT INTO {FEED} ({_COLUMNS}) SELECT {source.entry('0', _NOW_SQLITE)}; END"
    )


def _postgresql(source: Source) -> Iterator[str]:
    differs = " OR ".join(f"o.{column} IS DISTINCT FROM n.{column}" for column in source.unless_same)
    joined = {"INSERT": "rows_after n", "DELETE": "rows_before o",
              "UPDATE": "rows_after n JOIN rows_before o ON o.id = n.id"}[source.event]  # fmt: skip
    # NEW and OLD are taken there.
    entry = source.entry(_TXID, _NOW_POSTGRESQL).replace("new.", "n.").replace("old.", "o.")
    insert = f"INSERT INTO {FEED} ({_COLUMNS}) SELECT {entry} FROM {joined} {f'WHERE {differs}' if differs else ''};"
    # A plan made for a statement of one row serves the next one of a thousand: never compare each row with each.
    yield _function(source.name, insert, "SET enable_nestloop TO off")
    yield _on_statements(source.name, source.event, source.table)


def _function(name: str, body: str, options: str = "") -> str:
    return (
        f'CREATE OR REPLACE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql {options} AS '
        f"$$ BEGIN {body} RETURN NULL; END $$"
    )


def _on_statements(name: str, event: str, table: str) -> str:
    seen = {"INSERT": "NEW TABLE AS rows_after", "DELETE": "OLD TABLE AS rows_before",
            "UPDATE": "OLD TABLE AS rows_before NEW TABLE AS rows_after"}[event]  # fmt: skip
    return (
        f'CREATE OR REPLACE TRIGGER "{name}" AFTER {event} ON {table} REFERENCING {seen} '
        f'FOR EACH STATEMENT EXECUTE FUNCTION "{name}"()'
    )


def _of_installments(txid: str, branch: str, was_due: str, now: str) -> str:
    return f"SELECT {txid}, 'installment', i.id, {branch}, CAST(NULL AS bigint), {was_due}, {now}"


def _sqlite_of_titles() -> str:
    def side(title: str, was_due: str) -> str:
        picked = _of_installments("0", f"{title}.collecting_branch_id", was_due, _NOW_SQLITE)
        return f"INSERT INTO {FEED} ({_COLUMNS}) {picked} FROM receivables_installment i WHERE i.title_id = new.id;"

    differs = " OR ".join(f"old.{column} IS NOT new.{column}" for column in _TITLE_SAYS)
    before = side("old", _WAS_DUE_UNDER.format(was_live="old.status <> 'cancelled'"))
    return (
        f'CREATE TRIGGER "{_TITLE_NAME}" AFTER UPDATE ON {_TITLE} '
        f"WHEN {differs} OR (old.status = 'cancelled') IS NOT (new.status = 'cancelled') "
        f"BEGIN {before} {side('new', 'NULL')} END"
    )


def _postgresql_of_titles() -> Iterator[str]:
    says = ", ".join(("id", *_TITLE_SAYS, "status <> 'cancelled' AS is_live"))

    def differing(these: str, those: str) -> str:
        return f"(SELECT {says} FROM {these} EXCEPT SELECT {says} FROM {those})"

    def side(these: str, those: str, was_due: str) -> str:
        picked = _of_installments(_TXID, "title.collecting_branch_id", was_due, _NOW_POSTGRESQL)
        of_them = f"{differing(these, those)} title JOIN receivables_installment i ON i.title_id = title.id"
        return f"INSERT INTO {FEED} ({_COLUMNS}) {picked} FROM {of_them};"

    before = side("rows_before", "rows_after", _WAS_DUE_UNDER.format(was_live="title.is_live"))
    after = side("rows_after", "rows_before", "CAST(NULL AS date)")
    yield _function(_TITLE_NAME, f"IF EXISTS {differing('rows_after', 'rows_before')} THEN {before} {after} END IF;")
    yield _on_statements(_TITLE_NAME, "UPDATE", _TITLE)
