"""The snapshot of a branch, as a till that accepts gzip gets all its pages, against COPY of the same columns."""

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from time import perf_counter
from typing import NamedTuple, cast

import time_machine
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from pos_sync.http import frozen_answer
from pos_sync.models import Snapshot
from pos_sync.services import pages
from pos_sync.services.devices import new_token
from pos_sync.services.snapshot import Asked, Page, first_page, read_page
from receivables.models import Branch
from tests.bench.books import make_device
from tests.bench.figures import ms, tell
from tests.make import NOW, TODAY

PAGE = 1000
ADDRESS = "/api/pos/v1/snapshot"
AIMS = {
    "built on request": "<= 2",
    "prepared by another process": "<= 0.3",
    "prepared, read before": "<= 0.3",
    "prepared, read before, over the web": "",
}


class Read(NamedTuple):
    """A whole reading: how long it took, its bytes, its installments."""

    seconds: float
    size: int
    rows: int


COPIES = (
    """
    COPY (SELECT i.id, i.version, i.title_id, t.bill_to_id, i.number, t.installment_count, t.document_number,
        i.due_date, i.amount, i.balance, i.terms_id, i.interest_from, i.fine_charged, i.carried_charges, i.status
    FROM receivables_installment i JOIN receivables_title t ON t.id = i.title_id
    WHERE t.collecting_branch_id = {branch} AND t.status <> 'cancelled' AND i.status <> 'settled'
        AND i.due_date <= '{horizon}' ORDER BY i.id) TO STDOUT
    """,
    """
    COPY (SELECT id, version, name, document FROM receivables_customer WHERE id IN (
        SELECT t.bill_to_id FROM receivables_installment i JOIN receivables_title t ON t.id = i.title_id
        WHERE t.collecting_branch_id = {branch} AND t.status <> 'cancelled' AND i.status <> 'settled'
            AND i.due_date <= '{horizon}')) TO STDOUT
    """,
)


class Reader:
    """A till that reads every page of its branch's snapshot, through the web or straight from who serves pages."""

    def __init__(self, branch: Branch) -> None:
        self._device = make_device(branch, till="11")
        token = new_token(device=self._device, now=NOW)
        self._client = Client(headers={"Authorization": f"Device {token}", "Accept-Encoding": "gzip"})
        self._request = RequestFactory(headers={"Accept-Encoding": "gzip"}).get("/")

    def over_the_web(self) -> Read:
        return self._read(lambda page_token: self._client.get(ADDRESS, {"page_token": page_token, "limit": PAGE}))

    def from_the_service(self) -> Read:
        return self._read(self._serve)

    def _serve(self, page_token: str) -> HttpResponse:
        if page_token:
            page = read_page(device=self._device, page_token=page_token, now=NOW)
        else:
            page = cast("Page", first_page(Asked(device=self._device, limit=PAGE, now=NOW)))
        return frozen_answer(self._request, page.frozen, page.own, etag=page.snapshot_id)

    def _read(self, ask: Callable[[str], HttpResponse]) -> Read:
        """Count the seconds that the server takes; that a till unpacks the pages is its own affair."""
        taken, size, rows = 0.0, 0, 0
        page_token: str | None = ""
        while page_token is not None:
            cache.clear()  # allowances are not what is measured
            began = perf_counter()
            answer = ask(page_token)
            taken += perf_counter() - began
            assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, "gzip")
            page = json.loads(gzip.decompress(answer.content))
            size, rows, page_token = size + len(answer.content), rows + len(page["installments"]), page["page_token"]
        return Read(taken, size, rows)


def bench_snapshot_of_a_branch(branch: Branch, rounds: int) -> None:
    with time_machine.travel(NOW):
        reader = Reader(branch)
        ways: dict[str, Callable[[], Read]] = {
            "copy": lambda: _copy(branch),
            "built on request": lambda: _built(reader),
            "prepared by another process": lambda: _first_here(reader),
            "prepared, read before": reader.from_the_service,
            "prepared, read before, over the web": reader.over_the_web,
        }
        turns = [{name: way() for name, way in ways.items()} for _ in range(1 + rounds)]
    assert len({read.rows for read in turns[-1].values()}) == 1, "COPY and the snapshot tell of other installments"
    copied = [turn["copy"].seconds for turn in turns[1:]]
    for name, aim in AIMS.items():
        taken = [turn[name].seconds for turn in turns[1:]]
        tell(f"snapshot {name}, of COPY", ms(taken), ms(copied), median(taken) / median(copied), aim)
    sent, plain = turns[-1]["prepared, read before"].size, turns[-1]["copy"].size
    tell("snapshot: bytes sent, of COPY", f"{sent:,} B", f"{plain:,} B", sent / plain)


def _built(reader: Reader) -> Read:
    Snapshot.objects.all().delete()
    return reader.from_the_service()


def _first_here(reader: Reader) -> Read:
    pages.KEPT.clear()
    return reader.from_the_service()


def _copy(branch: Branch) -> Read:
    size, rows, began = 0, 0, perf_counter()
    for place, statement in enumerate(COPIES):
        sql = statement.format(branch=branch.pk, horizon=TODAY + timedelta(30))
        with connection.cursor() as cursor, cursor.copy(sql) as copy:
            for block in copy:
                size += len(block)
                rows += not place
    return Read(perf_counter() - began, size, rows)
