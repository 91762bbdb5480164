"""A till delivers 300 receipts while workers, web servers and Redis die under it; then every cent is looked for.

Custody, once only and the sweeper's guarantee (protocol, "Ingestion"; H13, H23), with real processes.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis
from django.conf import settings

from tests.journeys.running import Company, Part, SmallTill, free_port, silent_server, wait_for
from tests.journeys.spreadsheets import lines_of_titles, write_csv, write_xlsx

pytestmark = pytest.mark.services

TODAY = datetime.now(ZoneInfo("America/Sao_Paulo")).date()
RECEIPTS = 300
TITLES = 500
LONGEST_PUSH_SECONDS = 10


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A database with the demonstration in it and the titles of a spreadsheet."""
    folder = tmp_path_factory.mktemp("company")
    with Company(folder=folder, server_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL) as company:
        company.manage("migrate", "--no-input")
        company.branch = json.loads(company.manage("seed_demo", "--json"))["branches"][0]["code"]
        write_csv(
            folder / "titulos.csv", lines_of_titles(TITLES, branch=company.branch, today=TODAY, prefix="PLANILHA")
        )
        company.imported = json.loads(company.manage("import_titles", str(folder / "titulos.csv"), "--apply", "--json"))
        company.before = holdings(company)
        yield company


@pytest.fixture
def company(founded: Company) -> Iterator[Company]:
    """The company with nothing running."""
    yield founded
    founded.close()


@pytest.fixture
def broker() -> Iterator["redis.Redis"]:
    """The Redis database of these tests, empty before and after; others on the same server are left alone."""
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5) as client:
        client.flushdb()
        yield client
        client.flushdb()


def test_a_spreadsheet_of_500_titles_is_imported_whole_and_once(company: Company) -> None:
    lines = list(lines_of_titles(TITLES, branch=company.branch, today=TODAY, prefix="PLANILHA"))
    assert company.imported == {
        "rows": len(lines), "new": len(lines), "known": 0, "problems": [], "notes": [], "applied": True
    }  # fmt: skip
    again = json.loads(company.manage("import_titles", str(company.folder / "titulos.csv"), "--apply", "--json"))
    assert (again["new"], again["known"]) == (0, len(lines))
    in_ledger = "SELECT count(*), sum(amount) FROM receivables_title WHERE document_number LIKE 'PLANILHA-%%'"
    assert company.rows(in_ledger) == [(TITLES, sum(line.amount for line in lines))]


def test_a_workbook_is_imported_like_a_text_file(company: Company) -> None:
    lines = list(lines_of_titles(20, branch=company.branch, today=TODAY, prefix="PASTA"))
    write_xlsx(company.folder / "titulos.xlsx", iter(lines))
    report = json.loads(company.manage("import_titles", str(company.folder / "titulos.xlsx"), "--apply", "--json"))
    assert (report["new"], report["problems"]) == (len(lines), [])
    in_ledger = "SELECT count(*), sum(amount) FROM receivables_title WHERE document_number LIKE 'PASTA-%%'"
    assert company.rows(in_ledger) == [(20, sum(line.amount for line in lines))]


def test_every_receipt_is_applied_once_whatever_is_killed(broker: "redis.Redis", company: Company) -> None:
    url = company.web()
    company.worker()
    company.beat()
    till = company.simulated_till(url, receipts=RECEIPTS)
    struck = strike(company, broker, while_running=till)
    assert till.wait(seconds=300) == 0, till.words()
    assert struck["worker"] >= 3, struck
    assert struck["web"] >= 1, struck
    assert struck["redis"] == 1, struck
    agree(company, journal=company.folder / "journal.jsonl")
    assert json.loads(company.manage("check_books", "--json")) == {"violations": []}


def strike(company: Company, broker: "redis.Redis", *, while_running: Part) -> Counter[str]:
    """Kill what is in the middle of a transaction, again and again while the till delivers; give what was hit."""
    struck: Counter[str] = Counter()

    def kill_worker() -> None:
        company["worker"].kill()
        company["worker"].start()

    def kill_worker_and_flush() -> None:
        company["worker"].kill()
        broker.flushdb()
        struck["redis"] += 1
        company["worker"].start()

    blows: list[tuple[str, Callable[[], object]]] = [
        ("worker", company["worker"].kill_children),
        ("web", company["web"].kill_children),
        ("worker", kill_worker_and_flush),
        ("worker", kill_worker),
        ("web", company["web"].kill_children),
        ("worker", company["worker"].kill_children),
        ("worker", kill_worker),
    ]
    for name, blow in blows:
        if not hit(company, name, blow, while_running=while_running):
            break
        struck[name] += 1
    return struck


def hit(company: Company, name: str, blow: Callable[[], object], *, while_running: Part) -> bool:
    """Wait until a process of that name has written something that it has not committed, and kill it then."""
    while while_running.is_running:
        if company.is_busy(name):
            blow()
            return True
    return False


def agree(company: Company, *, journal: Path) -> None:
    """Compare what the till wrote down with what came into the ledger: each operation, each receipt, every cent."""
    came = holdings(company)
    for name, held in company.before.items():
        came[name].subtract(held) if isinstance(held, Counter) else [came[name].pop(key) for key in held]
    operations = [entry["operation"] for entry in read(journal) if entry["event"] == "operation"]
    assert came["states"] == {operation["op_id"]: "applied" for operation in operations}

    said = {operation["op_id"]: tendered(operation) for operation in operations if operation["kind"] == "receipt"}
    assert len(said) == RECEIPTS
    assert came["receipts"] == said
    assert came["posted"] == said

    voided = {body["receipt_op_id"] for body in bodies(operations, "receipt_void")}
    cash = sum(cents(body) for body in bodies(operations, "cash_in"))
    cash -= sum(cents(body) for body in bodies(operations, "cash_out"))
    assert came["cash"]["till"] == cash + sum(said[op_id] for op_id in said.keys() - voided)
    assert +came["sessions"] == {"closed": len(bodies(operations, "session_close"))}


def holdings(company: Company) -> dict[str, Any]:
    """Read what tills have brought: operations, receipts, their movements, all of their cash, sessions by status."""
    posted = (
        "SELECT r.idempotency_key, sum(m.amount) FROM receivables_cashmovement m JOIN receivables_receipt r "
        "ON r.id = m.receipt_id WHERE r.origin = 'till' AND m.reverses_id IS NULL GROUP BY 1"
    )
    return {
        "states": dict(company.rows("SELECT op_id, state FROM pos_sync_operation")),
        "receipts": dict(company.rows("SELECT idempotency_key, amount FROM receivables_receipt WHERE origin = 'till'")),
        "posted": dict(company.rows(posted)),
        "cash": Counter(
            dict(
                company.rows(
                    "SELECT origin, sum(amount) FROM receivables_cashmovement WHERE origin = 'till' GROUP BY 1"
                )
            )
        ),
        "sessions": Counter(dict(company.rows("SELECT status, count(*) FROM receivables_cashsession GROUP BY status"))),
    }


def read(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()]


def bodies(operations: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [operation["body"] for operation in operations if operation["kind"] == kind]


def cents(body: dict[str, Any]) -> Decimal:
    return Decimal(body["amount_cents"]) / 100


def tendered(operation: dict[str, Any]) -> Decimal:
    return sum((cents(tender) for tender in operation["body"]["tenders"]), Decimal(0))


@pytest.fixture(params=["refused", "silent"])
def dead_broker(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a Redis that is not there, or that lets everybody connect and never answers."""
    if request.param == "refused":
        yield f"redis://127.0.0.1:{free_port()}/0"
        return
    with silent_server() as port:
        yield f"redis://127.0.0.1:{port}/0"


def test_without_redis_tills_deliver_at_once_and_the_sweeper_applies(company: Company, dead_broker: str) -> None:
    url = company.web(REDIS_URL=dead_broker)
    till = SmallTill(url, code=company.pairing_code(till=free_till(company)))
    longest = max(till.push_cash_in(seq) for seq in range(1, 9))
    assert longest < LONGEST_PUSH_SECONDS
    assert set(till.states()) == {"pending"}
    company.part("sweeper", "manage.py", "apply_pending", "--watch", "--interval", "0.5", REDIS_URL=dead_broker)
    wait_for("the sweeper", lambda: till.states() == ["applied"] * 8, seconds=60, every=0.5)


def test_a_worker_outlives_the_loss_of_redis_while_it_works(company: Company) -> None:
    port = free_port()
    address = f"redis://127.0.0.1:{port}/0"
    company.redis(port=port)
    url = company.web(REDIS_URL=address)
    worker = company.worker(REDIS_URL=address)
    company.beat(REDIS_URL=address)
    till = SmallTill(url, code=company.pairing_code(till=free_till(company)))
    wait_for("the worker", lambda: "ready" in worker.words(), seconds=60)
    with company.locked("receivables_cashday"):
        till.push_cash_in(1)
        wait_for("a task in progress", lambda: company.is_blocked("worker"), seconds=60)
        company["redis"].kill()
    wait_for("the task's end", lambda: till.states() == ["applied"], seconds=60, every=0.5)
    company["redis"].start()
    till.push_cash_in(2)
    wait_for("the worker's next task", lambda: till.states() == ["applied"] * 2, seconds=60, every=0.5)
    assert worker.is_running


@pytest.mark.parametrize("app", ["config", "tests.journeys.unrejecting"])
def test_the_message_of_a_killed_child_comes_back_because_it_is_rejected(
    broker: "redis.Redis", company: Company, app: str
) -> None:
    """Without a sweeper: with the guard the work is done, without it the message is gone for good."""
    url = company.web()
    worker = company.part("worker", "-m", "celery", "-A", app, "worker", "--concurrency", "1", "--loglevel", "INFO")
    till = SmallTill(url, code=company.pairing_code(till=free_till(company)))
    wait_for("the worker", lambda: "ready" in worker.words(), seconds=60)
    with company.locked("receivables_cashday"):
        till.push_cash_in(1)
        wait_for("a task in progress", lambda: company.is_blocked("worker"), seconds=60)
        worker.kill_children()
        wait_for("the loss to be told", lambda: "WorkerLostError" in worker.words(), seconds=60)
    if app == "config":
        wait_for("the work", lambda: till.states() == ["applied"], seconds=60, every=0.5)
    else:
        wait_for("the message's end", lambda: not broker.exists("quita", "unacked"), seconds=60)
        assert till.states() == ["pending"]


def test_a_beat_inside_a_worker_does_not_outlive_it(broker: "redis.Redis", company: Company) -> None:
    worker = company.worker("--beat", *company.schedule)
    words = ("beat: Starting", "ready.")
    wait_for("worker and beat", lambda: all(word in worker.words() for word in words), seconds=60)
    worker.kill_alone()
    wait_for("the end of the beat", lambda: not worker.is_anybody_left, seconds=60)


def free_till(company: Company) -> str:
    ((count,),) = company.rows("SELECT count(*) FROM pos_sync_device")
    return f"{50 + count}"
