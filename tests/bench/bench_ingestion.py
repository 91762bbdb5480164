"""Receipts through the inbox, 200 a batch, one worker: the production, the same writes in SQL, the naive loop."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from django.db import connection

from pos_sync.services.ingestion import apply_pending
from receivables.models import Branch
from tests.bench import row_by_row, set_based
from tests.bench.books import make_device, payable, settle_down
from tests.bench.figures import ms, seconds, tell
from tests.bench.till import BATCH, Till
from tests.ledger import assert_books_are_clean
from tests.make import NOW, TODAY

WARM_UP = 2


@dataclass
class Way:
    """One way to take batches in, its till, and what it has written and how long it took."""

    till: Till
    store: Callable[[bytes], None]
    apply: Callable[[], int]
    stored: list[float] = field(default_factory=list)
    applied: list[float] = field(default_factory=list)
    written: Counter[str] = field(default_factory=Counter)

    def take(self) -> None:
        raw, before = self.till.batch(), rows_written()
        self.stored.append(seconds(lambda: self.store(raw)))
        self.applied.append(seconds(self._apply))
        self.written = rows_written() - before

    def _apply(self) -> None:
        assert self.apply() == BATCH

    @property
    def whole(self) -> list[float]:
        return [store + apply for store, apply in zip(self.stored, self.applied, strict=True)]

    def forget(self) -> None:
        self.stored.clear()
        self.applied.clear()


def bench_receipts_through_the_inbox(branch: Branch, rounds: int) -> None:
    rows = payable(branch)
    tills = [Till(make_device(branch, till=name), rows) for name in ("01", "02", "03")]
    ours, by_sql, by_loop = ways = [_production(tills[0]), _set_based(tills[1]), _row_by_row(tills[2])]
    for turn in range(WARM_UP + rounds):
        for way in ways:
            way.take()
        if turn == WARM_UP - 1:
            settle_down()
            for way in ways:
                way.forget()
    assert ours.written == by_sql.written == by_loop.written, "the ways do not write the same rows"
    assert_books_are_clean()
    print("\nRows written by each way for a batch:", dict(sorted(ours.written.items())))
    for what, told in (("stored and applied", "whole"), ("applied", "applied")):
        mine, sql, loop = (getattr(way, told) for way in ways)
        tell(f"receipts {what}, of A: the same writes in SQL", _rate(mine), _rate(sql), median(sql) / median(mine),
             ">= 0.6")  # fmt: skip
        tell(f"receipts {what}, of B: lock, save, save", _rate(mine), _rate(loop), median(loop) / median(mine),
             ">= 15")  # fmt: skip
    tell("a batch of 200 stored, of A", ms(ours.stored), ms(by_sql.stored), median(by_sql.stored) / median(ours.stored))


def _rate(taken: list[float]) -> str:
    return f"{BATCH / median(taken):,.0f}/s"


def _production(till: Till) -> Way:
    return Way(till, till.store, lambda: apply_pending(till.device.pk, now=NOW))


def _set_based(till: Till) -> Way:
    device = till.device
    return Way(till, lambda raw: set_based.store(device, raw), lambda: set_based.apply(device, day=TODAY))


def _row_by_row(till: Till) -> Way:
    return Way(till, lambda raw: row_by_row.store(till.device, raw), lambda: row_by_row.apply(till.device))


def rows_written() -> Counter[str]:
    """Count the rows that each table has got and had changed, as PostgreSQL counts them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
        cursor.execute("SELECT relname, n_tup_ins, n_tup_upd FROM pg_stat_user_tables")
        rows = cursor.fetchall()
    return Counter({f"{name} {verb}": count for name, *counts in rows
                    for verb, count in zip(("inserted", "updated"), counts, strict=True) if count})  # fmt: skip
