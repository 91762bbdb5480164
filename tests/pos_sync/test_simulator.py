"""The simulated till by itself: formula, numbers, journal, patience, faults, and what it reports of a wrong server."""

import json
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from pos_sync.simulator import (
    CallRefused,
    Charges,
    ContractBroken,
    FaultyLine,
    Identity,
    Journal,
    JournalDamaged,
    Line,
    OfflineTill,
    PaymentLine,
    Report,
    ServerSilent,
    Snapshot,
    Standing,
    Tender,
    Terms,
    TillClient,
    TillClock,
    Uploader,
    charges_due,
    discount_limit,
    download_snapshot,
    impute,
    run,
    uuid7,
)
from pos_sync.simulator.follow import followed, pull, reconciled

from .fake_server import METHODS, TERMS, TODAY, FakeServer, decide, installment_row, snapshot_page

SAMPLES = json.loads((Path(__file__).parents[1] / "wire" / "charges.json").read_text())
CASH = [Tender("cash", 5_000, 5_000)]


@pytest.fixture(autouse=True)
def temporary_journals_stay_in_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer().serving() as fake:
        yield fake


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
def client(server: FakeServer, naps: list[float]) -> TillClient:
    return TillClient(Line(server.url), token="t", patience=10, sleep=naps.append, monotonic=lambda: sum(naps))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "till.jsonl")


def offline_till(journal: Journal, *, series: str = "", page: dict | None = None, printer=lambda operation: None):
    identity = Identity("d1", "03", series, 1, "001")
    till = OfflineTill(identity=identity, journal=journal, clock=TillClock(), rng=Random(1), printer=printer)
    till.load(Snapshot.read([page or snapshot_page([installment_row(number) for number in range(6)])]))
    return till


def working_till(journal: Journal, **options) -> OfflineTill:
    till = offline_till(journal, **options)
    till.open_session(operator="ana", float_cents=10_000)
    return till


def pay(till: OfflineTill, *lines: PaymentLine, cents: int = 5_000) -> dict:
    return till.receive(customer_id="c0", lines=lines, tenders=[Tender("cash", cents, cents)])


def simulate(server: FakeServer, *, receipts: int = 40, seed: int = 7, **options) -> Report:
    options = {"code": "CODE", "timeout": 0, "patience": 5, "sleep": lambda seconds: None, **options}
    return run(url=server.url, receipts=receipts, seed=seed, **options)


# Charges


@pytest.mark.parametrize("sample", SAMPLES["charges"], ids=lambda sample: sample["name"])
def test_the_till_charges_what_the_shared_samples_say(sample: dict) -> None:
    given, asked = sample["installment"], sample["terms"]
    standing = Standing(
        given["balance_cents"],
        date.fromisoformat(given["due_date"]),
        date.fromisoformat(given["interest_from"]),
        given["fine_charged"],
        given["carried_charges_cents"],
    )
    terms = Terms(
        "t",
        Fraction(asked["interest_percent"]),
        asked["interest_per"],
        Fraction(asked["fine_percent"]),
        Fraction(5),
        True,
    )
    holidays = frozenset(map(date.fromisoformat, sample["holidays"]))
    charges = charges_due(standing, terms=terms, holidays=holidays, on=date.fromisoformat(sample["on"]))
    expected = sample["expected"]
    assert charges == Charges(
        expected["interest_cents"] + expected["carried_cents"], expected["fine_cents"], expected["late"]
    )


@pytest.mark.parametrize("sample", SAMPLES["discount_limits"])
def test_the_till_knows_the_discount_limit_of_the_shared_samples(sample: dict) -> None:
    terms = Terms("t", Fraction(0), "day", Fraction(0), Fraction(sample["max_discount_percent"]), True)
    assert discount_limit(balance_cents=sample["balance_cents"], terms=terms) == sample["expected_cents"]


@pytest.mark.parametrize(
    "sample",
    [sample for sample in SAMPLES["imputations"] if not sample["discount_cents"]],
    ids=lambda sample: sample["name"],
)
def test_the_till_divides_money_as_the_shared_samples_say(sample: dict) -> None:
    due, expected = sample["charges"], sample["expected"]
    charges = Charges(due["interest_cents"] + due["carried_cents"], due["fine_cents"], is_late=True)
    assert impute(sample["received_cents"], charges=charges, balance_cents=sample["balance_cents"]) == (
        expected["principal_cents"],
        expected["interest_cents"],
        expected["fine_cents"],
    )


# Ids and clock


def test_an_op_id_is_a_uuid_of_version_7_that_sorts_by_time() -> None:
    clock, rng = TillClock(), Random(1)
    now = clock.now()
    first, later = uuid7(at=now, rng=rng), uuid7(at=now + timedelta(milliseconds=2), rng=rng)
    assert (UUID(first).version, UUID(first).variant) == (7, "specified in RFC 4122")
    assert first < later


def test_the_clock_follows_the_server_and_never_goes_back() -> None:
    clock = TillClock()
    before = clock.now()
    clock.set_by(before + timedelta(hours=2))
    ahead = clock.now()
    clock.set_by(before)
    assert ahead >= before + timedelta(hours=2)
    assert clock.now() >= ahead


# Journal


def test_an_operation_is_on_the_disk_before_it_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "till.jsonl"
    printed = []

    def printer(operation: dict) -> None:
        printed.append(operation["op_id"] in path.read_text())

    till = working_till(Journal(path), printer=printer)
    pay(till)
    assert printed == [True, True]


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "till.jsonl"
    Journal(path).write("installed", install_id="a")
    path.write_bytes(path.read_bytes() + b'{"event":"oper')
    journal = Journal(path)
    journal.write("done")
    assert [entry["event"] for entry in Journal(path).entries] == ["installed", "done"]


def test_a_line_damaged_in_the_middle_stops_the_till_and_stays_for_a_person(tmp_path: Path) -> None:
    path = tmp_path / "till.jsonl"
    path.write_bytes(b'{"event":"installed"}\n{"ev\n{"event":"done"}\n')
    with pytest.raises(JournalDamaged) as refusal:
        Journal(path)
    assert refusal.value.code == "journal_damaged"
    assert len(path.read_bytes().splitlines()) == 3


# Numbers and standings


def test_receipt_numbers_count_receipts_only_and_seq_counts_everything(journal: Journal) -> None:
    till = working_till(journal)
    first = pay(till)
    till.cash_in(amount_cents=1_000, reason="Suprimento de troco")
    second = pay(till)
    assert [first["body"]["receipt_no"], second["body"]["receipt_no"]] == ["03-000001", "03-000002"]
    assert [operation["seq"] for operation in till.operations.values()] == [1, 2, 3, 4]


def test_a_paired_again_till_prints_its_series_in_the_number(journal: Journal) -> None:
    assert pay(working_till(journal, series="B"))["body"]["receipt_no"] == "03B-000001"


def test_a_till_that_was_switched_off_goes_on_with_its_numbers_its_session_and_its_queue(tmp_path: Path) -> None:
    till = working_till(Journal(tmp_path / "j"))
    delivered, waiting = pay(till), pay(till)
    till.record_answers({delivered["op_id"]: "stored"})
    again = offline_till(Journal(tmp_path / "j"))
    assert waiting in again.undelivered()
    assert delivered not in again.undelivered()
    assert again.pending() == till.pending() == {"count": 2, "sum_cents": 5_000}
    assert pay(again)["body"]["receipt_no"] == "03-000003"


def test_a_till_offers_what_it_delivered_again_to_a_restored_server(tmp_path: Path) -> None:
    till = working_till(Journal(tmp_path / "till.jsonl"))
    pay(till, PaymentLine("i0003", 1, 5_000))
    till.record_answers(dict.fromkeys(till.operations, "stored"))
    pay(till, PaymentLine("i0003", 1, 5_000))
    till.begin_epoch(2)
    revived = offline_till(Journal(tmp_path / "till.jsonl"))
    for each in (till, revived):
        assert [operation["seq"] for operation in each.undelivered()] == [1, 2, 3]
        assert (each.epoch, each.first_seq, each.pending()["sum_cents"]) == (2, 1, 10_000)


def test_a_till_does_not_offer_what_was_refused_or_is_older_than_30_days(tmp_path: Path) -> None:
    till = working_till(Journal(tmp_path / "till.jsonl"))
    fresh, refused = (pay(till, PaymentLine("i0003", 1, 5_000)) for _ in range(2))
    next(iter(till.operations.values()))["occurred_at"] = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    till.record_answers(dict.fromkeys(till.operations, "stored") | {refused["op_id"]: "refused"})
    till.begin_epoch(2)
    assert (till.undelivered(), till.first_seq) == ([fresh], 2)


def test_the_envelope_tells_where_an_epoch_begins(client: TillClient, server: FakeServer, journal: Journal) -> None:
    till = working_till(journal)
    till.begin_epoch(2)
    uploading(client, till).flush()
    (envelope,) = server.pushes()
    assert (envelope["epoch"], envelope["first_seq"]) == (2, 1)


def test_a_refused_operation_is_not_sent_again(journal: Journal) -> None:
    till = working_till(journal)
    receipt = pay(till)
    till.record_answers({receipt["op_id"]: "refused"})
    assert receipt not in till.undelivered()
    assert till.refused == [receipt["op_id"]]


def test_after_a_part_payment_the_fine_is_taken_and_unpaid_charges_are_carried(journal: Journal) -> None:
    till = working_till(journal)
    due = till.charges("i0000", on=TODAY)
    pay(till, PaymentLine("i0000", 1, 0, due.interest_cents - 10, due.fine_cents))
    assert till.charges("i0000", on=TODAY) == Charges(interest_cents=10, is_late=True)
    assert till.open_balances["i0000"] == 10_000


def test_a_void_gives_the_balance_and_the_charges_back(journal: Journal) -> None:
    till = working_till(journal)
    due = till.charges("i0000", on=TODAY)
    receipt = pay(till, PaymentLine("i0000", 1, 10_000, due.interest_cents, due.fine_cents))
    assert "i0000" not in till.open_balances
    till.void(receipt["op_id"], reason="Cliente desistiu do pagamento")
    assert till.open_balances["i0000"] == 10_000
    assert till.charges("i0000", on=TODAY) == due


def test_a_new_snapshot_never_subtracts_an_own_payment_twice(journal: Journal) -> None:
    till = working_till(journal)
    pay(till, PaymentLine("i0001", 1, 4_000))
    waiting = pay(till, PaymentLine("i0001", 1, 1_000))
    rows = [installment_row(1, balance_cents=6_001, version=2)]
    till.load(Snapshot.read([snapshot_page(rows, through_seq=waiting["seq"] - 1)]))
    assert till.open_balances["i0001"] == 5_001


def test_an_operation_applied_above_a_gap_is_not_subtracted_again(journal: Journal) -> None:
    till = working_till(journal)
    applied = pay(till, PaymentLine("i0001", 1, 4_000))
    rows = [installment_row(1, balance_cents=6_001, version=2)]
    till.load(Snapshot.read([snapshot_page(rows, applied_above=[applied["seq"]])]))
    assert till.open_balances["i0001"] == 6_001


def test_closing_counts_the_drawer_by_method_and_what_the_server_has_not_seen(journal: Journal) -> None:
    till = working_till(journal)
    pay(till, cents=3_000)
    till.receive(customer_id="c0", lines=[], tenders=[Tender("card", 700, 700, reference="NSU1")])
    till.cash_in(amount_cents=500, reason="Suprimento de troco")
    till.cash_out(amount_cents=2_000, reason="Sangria para o cofre")
    body = till.close_session()["body"]
    assert body["counted"] == [{"method": "card", "amount_cents": 700}, {"method": "cash", "amount_cents": 11_500}]
    assert body["pending"] == {"count": 5, "sum_cents": 3_700}


# The snapshot


def test_all_pages_of_a_snapshot_are_read(client: TillClient, server: FakeServer) -> None:
    snapshot = download_snapshot(client, limit=7)
    assert len(snapshot.installments) == 30
    assert server.paths().count("/api/pos/v1/snapshot") == 5


@pytest.mark.parametrize(("name", "wrong"), [("installments", 29), ("customers", 1), ("balance_cents", 1)])
def test_a_snapshot_that_differs_from_its_counts_and_sums_is_not_used(
    client: TillClient, server: FakeServer, name: str, wrong: int
) -> None:
    server.page["expected"][name] = wrong
    with pytest.raises(ContractBroken, match=f"{name} .* expected {wrong}") as refusal:
        download_snapshot(client)
    assert refusal.value.code == "contract_broken"


def test_an_expired_snapshot_is_begun_again(client: TillClient, server: FakeServer) -> None:
    server.fail(410, body=b'{"code":"snapshot_expired"}')
    assert len(download_snapshot(client).installments) == 30


def test_a_percentage_that_is_a_number_breaks_the_contract(client: TillClient, server: FakeServer) -> None:
    server.page["terms"] = [TERMS | {"fine_percent": 2.0}]
    with pytest.raises(ContractBroken, match="fine_percent"):
        download_snapshot(client)


# Patience


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failing_server_is_asked_again(
    client: TillClient, server: FakeServer, naps: list[float], status: int
) -> None:
    server.fail(status)
    server.fail(status)
    assert client.ping()["protocol"]["current"] == 1
    assert client.retries == {f"http_{status}": 2}
    assert naps[1] > 0


def test_retry_after_is_obeyed(client: TillClient, server: FakeServer, naps: list[float]) -> None:
    server.fail(429, headers={"Retry-After": "7"})
    client.ping()
    assert naps == [7]


def test_a_torn_answer_counts_as_no_answer(client: TillClient, server: FakeServer) -> None:
    server.fail(200, body=b'{"server_ti')
    client.ping()
    assert client.retries == {"line": 1}


def test_a_server_that_stays_silent_is_given_up_by_name(naps: list[float]) -> None:
    line = Line("http://127.0.0.1:9", timeout=1)
    client = TillClient(line, patience=10, sleep=naps.append, monotonic=lambda: sum(naps))
    with pytest.raises(ServerSilent, match="GET /ping") as refusal:
        client.ping()
    assert refusal.value.code == "server_silent"
    assert max(naps) <= 5
    assert sum(naps) <= 10


def test_a_server_that_comes_back_is_found() -> None:
    with FakeServer().serving() as gone:
        url = gone.url
    with ExitStack() as stack:
        client = TillClient(
            Line(url), sleep=lambda seconds: stack.enter_context(FakeServer().serving(port=int(url.split(":")[-1])))
        )
        assert client.ping()["protocol"]["current"] == 1
    assert client.retries == {"line": 1}


def test_a_refusal_is_not_asked_again_and_names_its_code(client: TillClient, server: FakeServer) -> None:
    server.fail(401, body=b'{"code":"unknown_token","detail":"Pair this till."}')
    with pytest.raises(CallRefused, match="unknown_token Pair this till") as refusal:
        client.ping()
    assert (refusal.value.code, refusal.value.status) == ("call_refused", 401)
    assert server.paths() == []


def test_large_bodies_travel_compressed_and_carry_the_token(client: TillClient, server: FakeServer) -> None:
    client.push({"operations": [], "note": "x" * 2_000})
    _, _, headers, body = server.asked[0]
    assert (headers["Content-Encoding"], headers["Authorization"]) == ("gzip", "Device t")
    assert body == {"operations": [], "note": "x" * 2_000}


def test_a_server_behind_a_path_is_reached() -> None:
    assert Line("http://localhost:1/quita/").base == "/quita/api/pos/v1"
    assert Line("http://localhost:1/api/pos/v1").base == "/api/pos/v1"


# The bad line


def push_often(server: FakeServer, *, seed: int) -> Counter[str]:
    line = FaultyLine(server.url, rng=Random(seed), chance=0.5)
    client = TillClient(line, token="t", sleep=lambda seconds: None)
    for _ in range(30):
        client.push({"operations": []})
    return line.injected


def test_the_first_push_reaches_the_server_and_loses_its_answer(server: FakeServer) -> None:
    line = FaultyLine(server.url, rng=Random(1), chance=0)
    TillClient(line, token="t", sleep=lambda seconds: None).push({"operations": []})
    assert line.injected == {"answer_dropped": 1}
    assert len(server.pushes()) == 2


def test_every_kind_of_fault_happens_and_the_same_seed_gives_the_same(server: FakeServer) -> None:
    injected = push_often(server, seed=3)
    assert set(injected) == {"answer_lost", "answer_dropped", "request_cut", "sent_twice"}
    assert push_often(server, seed=3) == injected


def test_pairing_never_leaves_two_requests_under_way(server: FakeServer) -> None:
    line = FaultyLine(server.url, rng=Random(1), chance=1)
    TillClient(line, sleep=lambda seconds: None).pair(code="C", install_id="i")
    assert line.injected == {"answer_dropped": 2}
    assert server.tokens == 3


# Uploading


def uploading(client: TillClient, till: OfflineTill, **options) -> Uploader:
    return Uploader(client, till, clock=TillClock(), **options)


def test_batches_stay_within_the_servers_limits(client: TillClient, server: FakeServer, journal: Journal) -> None:
    till = working_till(journal)
    for _ in range(10):
        pay(till)
    uploading(client, till, limits={"max_batch_operations": 4, "max_batch_bytes": 524288}).flush()
    assert [len(envelope["operations"]) for envelope in server.pushes()] == [4, 4, 3]
    assert till.undelivered() == []


def test_batches_stay_within_the_servers_bytes(client: TillClient, server: FakeServer, journal: Journal) -> None:
    till = working_till(journal)
    for _ in range(10):
        pay(till)
    uploading(client, till, limits={"max_batch_bytes": 3_000}).flush()
    assert all(len(json.dumps(envelope)) < 3_000 for envelope in server.pushes())
    assert len(server.stored) == 11


def test_a_batch_that_is_too_large_is_halved(client: TillClient, server: FakeServer, journal: Journal) -> None:
    server.page["limits"]["enforced_operations"] = 3
    till = working_till(journal)
    for _ in range(10):
        pay(till)
    uploading(client, till).flush()
    assert len(server.stored) == 11


def test_the_envelope_tells_epoch_and_what_waits(client: TillClient, server: FakeServer, journal: Journal) -> None:
    till = working_till(journal)
    pay(till)
    uploading(client, till).flush()
    envelope = server.pushes()[0]
    assert (envelope["epoch"], envelope["pending"]) == (1, {"count": 2, "sum_cents": 5_000})


def test_too_few_results_give_no_custody(client: TillClient, server: FakeServer, journal: Journal) -> None:
    till = working_till(journal)
    server.fail(200, body=b'{"results":[]}')
    with pytest.raises(ContractBroken, match="0 results"):
        uploading(client, till).flush()
    assert len(till.undelivered()) == 1


def test_a_result_for_another_operation_gives_no_custody(
    client: TillClient, server: FakeServer, journal: Journal
) -> None:
    till = working_till(journal)
    server.fail(200, body=b'{"results":[{"op_id":"other","seq":1,"custody":"stored"}]}')
    with pytest.raises(ContractBroken, match="other"):
        uploading(client, till).flush()
    assert len(till.undelivered()) == 1


# Whole runs


def test_a_quiet_run_agrees(server: FakeServer) -> None:
    report = simulate(server)
    assert report.problems == []
    assert report.operations["receipt"] == 40
    assert report.in_custody == report.stored == sum(report.operations.values()) == len(server.stored)
    assert (report.duplicates, report.states) == (0, {"applied": len(server.stored)})
    assert report.said_cents == report.told_cents > 0


@pytest.mark.parametrize("seed", range(6))
def test_a_run_under_faults_delivers_each_operation_once(server: FakeServer, seed: int) -> None:
    report = simulate(server, receipts=60, seed=seed, faults=True, batch=10)
    assert report.problems == []
    assert report.in_custody == len(server.stored) == sum(report.operations.values())
    assert report.duplicates > 0
    assert report.faults_injected["answer_dropped"] >= 1
    assert sorted(operation["seq"] for operation in server.stored.values()) == list(range(1, len(server.stored) + 1))


def test_a_run_under_faults_repeats_reorders_and_overlaps(server: FakeServer) -> None:
    report = simulate(server, receipts=80, faults=True, batch=10)
    assert {"batch_twice", "item_twice", "overlap", "shuffled", "batches_swapped"} <= set(report.faults_injected)


def test_the_same_seed_makes_the_same_customers() -> None:
    def story(seed: int) -> list[tuple]:
        with FakeServer().serving() as fake:
            simulate(fake, seed=seed)
            bodies = [operation["body"] for operation in fake.stored.values()]
        return [(body.get("customer_id"), body.get("lines"), body.get("tenders")) for body in bodies]

    assert story(7) == story(7)
    assert story(7) != story(8)


def test_a_run_is_a_lifelike_mix(server: FakeServer) -> None:
    server.page = snapshot_page([installment_row(number) for number in range(600)])
    simulate(server, receipts=200, seed=3)
    kinds = Counter(operation["kind"] for operation in server.stored.values())
    receipts = [operation["body"] for operation in server.stored.values() if operation["kind"] == "receipt"]
    lines = [line for body in receipts for line in body["lines"]]
    balances = {row["id"]: row["balance_cents"] for row in server.page["installments"]}
    assert set(kinds) == {"session_open", "receipt", "receipt_void", "cash_in", "cash_out", "session_close"}
    assert kinds["session_open"] == kinds["session_close"] > 1
    assert any(len(body["lines"]) > 1 for body in receipts)
    assert any(len(body["tenders"]) > 1 for body in receipts)
    assert any(tender["change_cents"] > 0 for body in receipts for tender in body["tenders"])
    assert any(line["discount_cents"] for line in lines)
    assert any(line["interest_cents"] and line["fine_cents"] for line in lines)
    assert any(line["principal_cents"] < balances[line["installment_id"]] for line in lines)


def test_no_installment_is_received_beyond_its_balance(server: FakeServer) -> None:
    simulate(server, receipts=150)
    voided = {operation["body"].get("receipt_op_id") for operation in server.stored.values()}
    settled: Counter[str] = Counter()
    for operation in server.stored.values():
        for line in operation["body"].get("lines", ()) if operation["op_id"] not in voided else ():
            settled[line["installment_id"]] += line["principal_cents"] + line["discount_cents"]
    balances = {row["id"]: row["balance_cents"] for row in server.page["installments"]}
    assert all(cents <= balances[installment_id] for installment_id, cents in settled.items())


def test_a_receipt_takes_only_methods_that_work_offline(server: FakeServer) -> None:
    simulate(server)
    used = {tender["method"] for op in server.stored.values() for tender in op["body"].get("tenders", ())}
    assert used == {method["code"] for method in METHODS if method["offline"]}


def test_part_payments_keep_away_from_terms_that_forbid_them(server: FakeServer) -> None:
    server.page["terms"] = [TERMS | {"allow_partial": False}]
    simulate(server)
    lines = [line for operation in server.stored.values() for line in operation["body"].get("lines", ())]
    balances = {row["id"]: row["balance_cents"] for row in server.page["installments"]}
    assert lines
    assert all(line["principal_cents"] + line["discount_cents"] == balances[line["installment_id"]] for line in lines)


def test_more_receipts_than_installments_are_possible() -> None:
    with FakeServer(installments=2).serving() as fake:
        report = simulate(fake, receipts=120)
    assert report.problems == []
    assert report.operations["receipt"] == 120


def test_a_till_that_may_hold_no_more_uploads_before_it_goes_on(server: FakeServer) -> None:
    server.page["limits"]["offline"] = {"max_receipt_cents": 8_000, "max_pending_cents": 20_000}
    report = simulate(server, receipts=30)
    assert report.problems == []
    assert all(envelope["pending"]["sum_cents"] <= 20_000 for envelope in server.pushes())
    assert max(sum(t["amount_cents"] for t in op["body"].get("tenders", ())) for op in server.stored.values()) <= 8_000


def test_a_server_that_is_down_for_a_while_is_survived(server: FakeServer) -> None:
    for status in (500, 502, 503, 500):
        server.fail(status)
    report = simulate(server)
    assert report.problems == []
    assert sum(report.retries.values()) == 4


def test_an_interrupted_run_is_carried_on_to_its_own_number(server: FakeServer, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    server.decide = lambda operation: {"state": "pending"}
    assert not simulate(server, receipts=10, journal=path).ok
    server.decide = decide
    report = simulate(server, receipts=10, journal=path)
    assert report.problems == []
    assert report.operations["receipt"] == 10
    assert len(server.installs) == 1


def test_a_till_killed_before_the_upload_delivers_first(server: FakeServer, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    simulate(server, receipts=10, journal=path)
    whole = dict(server.stored)
    server.stored.clear()
    kept = [line for line in path.read_text().splitlines() if json.loads(line)["event"] not in ("answers", "done")]
    path.write_text("\n".join(kept) + "\n")
    assert simulate(server, receipts=10, journal=path).problems == []
    assert server.stored == whole


def test_later_runs_with_the_token_file_need_no_code_and_add_receipts(server: FakeServer, tmp_path: Path) -> None:
    token_file = tmp_path / "till.json"
    simulate(server, receipts=4, token_file=token_file)
    simulate(server, receipts=3, token_file=token_file, code=None)
    report = simulate(server, receipts=3, token_file=token_file, code=None)
    numbers = sorted(body["receipt_no"] for op in server.stored.values() if "receipt_no" in (body := op["body"]))
    assert report.problems == []
    assert numbers == [f"03-{number:06d}" for number in range(1, 11)]
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    assert server.paths().count("/api/pos/v1/pair") == 1


def test_the_journal_and_the_report_hold_no_token(server: FakeServer, tmp_path: Path) -> None:
    report = simulate(server, receipts=5, journal=tmp_path / "journal")
    assert "token-1" not in (tmp_path / "journal").read_text() + json.dumps(report.as_json())


def test_a_device_with_a_past_needs_its_journal(server: FakeServer, tmp_path: Path) -> None:
    simulate(server, receipts=5, journal=tmp_path / "lost", token_file=tmp_path / "till.json")
    report = simulate(server, receipts=5, journal=tmp_path / "new", token_file=tmp_path / "till.json")
    assert [problem.split(":")[0] for problem in report.problems] == ["journal_foreign"]


# What a wrong server gets told


def test_quarantined_money_is_counted_apart_and_agrees(server: FakeServer) -> None:
    server.decide = lambda operation: {"state": "quarantined", "reason": "device_suspended", "outcome": None}
    report = simulate(server)
    assert report.problems == []
    assert (report.told_cents, report.quarantined_cents) == (0, report.said_cents)


def test_a_lost_cent_is_a_problem(server: FakeServer) -> None:
    def short(operation: dict) -> dict:
        result = decide(operation)
        if operation["body"].get("receipt_no") == "03-000003":
            result["outcome"]["allocated_cents"] -= 1
        return result

    server.decide = short
    report = simulate(server)
    assert len(report.problems) == 2
    assert "its outcome is" in report.problems[0]
    assert report.problems[1].startswith("totals differ")


def test_an_operation_that_the_server_forgot_is_a_problem(server: FakeServer) -> None:
    usual = server.store

    def forgetful(operation: dict) -> dict:
        return server.result(operation) | {"custody": "stored"} if operation["seq"] == 4 else usual(operation)

    server.store = forgetful
    assert any("is in custody and unknown to the server" in problem for problem in simulate(server).problems)


def test_an_operation_told_twice_is_a_problem(server: FakeServer) -> None:
    server.times_told = 2
    assert any("told more than once" in problem for problem in simulate(server).problems)


def test_an_operation_stored_twice_is_a_problem(server: FakeServer) -> None:
    usual = server.store
    server.store = lambda operation: usual(operation) | {"custody": "stored"}
    assert any("stored twice" in problem for problem in simulate(server, faults=True).problems)


def test_a_refused_operation_is_a_problem(server: FakeServer) -> None:
    usual = server.store
    refusal = {"index": 0, "custody": "refused", "reason": "operation_too_large"}
    server.store = lambda operation: refusal if operation["seq"] == 2 else usual(operation)
    report = simulate(server)
    assert list(report.refused.values()) == ["operation_too_large"]
    assert any("never reached custody" in problem for problem in report.problems)


@pytest.mark.parametrize("state", ["pending", "waiting"])
def test_what_is_never_decided_is_a_problem(server: FakeServer, state: str) -> None:
    server.decide = lambda operation: {"state": state}
    assert any(f"still {state}" in problem for problem in simulate(server).problems)


def test_a_decision_that_takes_a_while_is_waited_for(server: FakeServer) -> None:
    asked = Counter()

    def slowly(operation: dict) -> dict:
        asked[operation["op_id"]] += 1
        return decide(operation) if asked[operation["op_id"]] > 3 else {"state": "pending"}

    server.decide = slowly
    report = simulate(server, receipts=5, timeout=30)
    assert report.problems == []
    assert report.states == {"applied": len(server.stored)}


def test_an_unknown_code_is_reported_by_name(server: FakeServer) -> None:
    server.fail(200, body=b'{"server_time":"2026-11-21T12:00:00Z"}')
    server.fail(404, body=b'{"code":"unknown_code"}')
    assert simulate(server).problems == ["call_refused: POST /pair was refused: 404 unknown_code"]


# The command


def test_the_command_prints_the_report_as_json(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("simulate_till", "--url", server.url, "--code", "C", "--receipts", "3", "--seed", "1", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["operations"]["receipt"], told["said_cents"]) == (True, 3, told["told_cents"])


def test_the_command_fails_with_a_list_when_the_sides_disagree(server: FakeServer) -> None:
    server.times_told = 2
    with pytest.raises(CommandError, match="told more than once") as failure:
        call_command("simulate_till", "--url", server.url, "--code", "C", "--receipts", "3")
    assert failure.value.returncode == 1


# Following the books


@pytest.fixture
def copy(client: TillClient) -> Snapshot:
    return download_snapshot(client)


def test_changes_are_upserted_by_version_and_what_is_gone_is_dropped(
    client: TillClient, server: FakeServer, copy: Snapshot
) -> None:
    older = installment_row(0, version=0, balance_cents=1)
    newer = installment_row(1, version=2, balance_cents=77)
    gone = {"id": "i0002", "version": 2, "gone": "settled"}
    server.news = [{"installments": [older, newer], "more": True}, {"installments": [gone], "through_seq": 5}]
    now, news = pull(client, copy, limit=2)
    assert (now.installments["i0000"].balance_cents, now.installments["i0001"].balance_cents) == (10_000, 77)
    assert "i0002" not in now.installments
    assert now.covers(5)
    assert news.touched == {"i0000", "i0001", "i0002"}


@pytest.mark.parametrize(
    "row", [{"id": "i0002", "version": 2, "gone": "eaten"}, installment_row(1, version=2, terms_id="unknown")]
)
def test_changes_that_break_the_contract_stop_the_till(
    client: TillClient, server: FakeServer, copy: Snapshot, row: dict
) -> None:
    server.news = [{"installments": [row]}]
    with pytest.raises(ContractBroken):
        pull(client, copy, limit=2)


def test_a_row_that_the_changes_lost_is_found(client: TillClient, server: FakeServer, copy: Snapshot) -> None:
    server.page = snapshot_page(server.page["installments"][:-1])
    with pytest.raises(ContractBroken, match="i0029"):
        followed(client, copy, fresh=lambda: download_snapshot(client), limit=500)


def test_a_reset_cursor_sends_the_till_to_a_snapshot(client: TillClient, server: FakeServer, copy: Snapshot) -> None:
    server.page = snapshot_page(server.page["installments"][:-1])
    server.fail(410, body=b'{"code":"cursor_reset"}')
    now = followed(client, copy, fresh=lambda: download_snapshot(client), limit=500)
    assert len(now.installments) == 29


def test_figures_are_reconciled_again_after_another_pull(
    client: TillClient, server: FakeServer, copy: Snapshot
) -> None:
    server.reconciled = [{"match": False, "action": "snapshot", "missing": []}]
    assert reconciled(client, copy, operations=[], limit=500)[1] == "match"


def test_a_server_that_asks_again_for_what_it_has_is_named(
    client: TillClient, server: FakeServer, copy: Snapshot
) -> None:
    server.reconciled = [{"match": False, "action": "resend", "missing": [3]}]
    with pytest.raises(ContractBroken, match=r"\[3\]"):
        reconciled(client, copy, operations=[{"seq": 3, "op_id": "a"}], limit=500)


def test_some_runs_take_a_new_token_and_keep_it_before_they_use_it(tmp_path: Path) -> None:
    rotated = set()
    for seed in range(6):
        with FakeServer().serving() as server:
            file = tmp_path / str(seed)
            report = run(url=server.url, code="K", receipts=1, seed=seed, token_file=file)
            rotated.add(report.tokens_rotated)
            used = server.asked[-1][2]["Authorization"]
            assert (report.problems, used) == ([], f"Device {json.loads(file.read_text())['token']}")
    assert rotated == {0, 1}
