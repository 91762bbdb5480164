"""One whole run of a till: pair, deliver what an interrupted run left, download, receive, upload, wait, compare."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from uuid import uuid4

from pos_sync.simulator import contract
from pos_sync.simulator.clock import TillClock
from pos_sync.simulator.errors import ContractBroken, JournalForeign, ServerSilent, SimulationStopped
from pos_sync.simulator.follow import followed, reconciled
from pos_sync.simulator.journal import Journal, Json
from pos_sync.simulator.line import FaultyLine, Line, TillClient
from pos_sync.simulator.report import UNDECIDED, Report
from pos_sync.simulator.scenario import Scenario
from pos_sync.simulator.snapshot import Snapshot, download_snapshot
from pos_sync.simulator.till import IN_CUSTODY, Identity, OfflineTill
from pos_sync.simulator.upload import Uploader

PAGE, PAGE_UNDER_FAULTS = 500, 40
ROTATED_SOMETIMES, RECONCILED_SOMETIMES = 0.5, 0.7
MOST_RECONCILED = 1000
POLL_SECONDS = 0.5


def run(
    *,
    url: str,
    code: str | None = None,
    receipts: int,
    faults: bool = False,
    seed: str | int | None = None,
    journal: Path | str | None = None,
    batch: int = 25,
    token_file: Path | str | None = None,
    timeout: float = 120.0,
    patience: float = 120.0,
    say: Callable[[str], None] = lambda line: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Run a till against a server and return what both sides hold to be true; `timeout` and `patience` in seconds.

    A journal whose run was cut short is carried on; without one (and without a token file, beside which it lies) a
    temporary journal is used and kept only when something was wrong. Stops are told in `Report.problems`, not raised.
    """
    chosen = str(Random().randrange(10**6) if seed is None else seed)
    report = Report(seed=chosen, faults=faults)
    token_path = Path(token_file) if token_file else None
    path, scratch = _journal_path(journal, token_path)
    report.journal = str(path)
    line = FaultyLine(url, rng=Random(f"{chosen}/line")) if faults else Line(url)
    client = TillClient(line, patience=patience, sleep=sleep)
    journey = Journey(client, report, token_path=token_path, batch=batch, timeout=timeout, say=say, sleep=sleep)
    try:
        journey.travel(path, code=code, receipts=receipts)
    except SimulationStopped as stop:
        report.problems.append(f"{stop.code}: {stop}")
    report.retries = dict(client.retries)
    report.faults_injected |= dict(line.injected) if isinstance(line, FaultyLine) else {}
    if scratch and report.ok:
        shutil.rmtree(scratch)
        report.journal = "temporary, removed"
    return report


def _journal_path(journal: Path | str | None, token_path: Path | None) -> tuple[Path, Path | None]:
    if journal:
        return Path(journal), None
    if token_path:
        return token_path.with_name(token_path.name + ".journal"), None
    scratch = Path(tempfile.mkdtemp(prefix="simulate-till-"))
    return scratch / "journal.jsonl", scratch


class Journey:
    """Holds what the steps of one run share."""

    def __init__(
        self,
        client: TillClient,
        report: Report,
        *,
        token_path: Path | None,
        batch: int,
        timeout: float,
        say: Callable[[str], None],
        sleep: Callable[[float], None],
    ) -> None:
        self._client, self._report, self._token_path = client, report, token_path
        self._batch, self._timeout, self._say, self._sleep = batch, timeout, say, sleep
        self._clock = TillClock()
        self._rng = Random(f"{report.seed}/habits")

    def travel(self, path: Path, *, code: str | None, receipts: int) -> None:
        """Go the whole way; the journal says at its end whether all agreed."""
        with closing(Journal(path)) as journal:
            self._set_clock()
            till = self._start_till(journal, code)
            uploader = self._uploader(till)
            answering = self._work(till, uploader, journal, receipts)
            self._settle_accounts(till, uploader, answering=answering)
            if self._report.ok:
                journal.write("done")

    # Who the till is

    def _set_clock(self) -> None:
        self._clock.set_by(contract.instant(self._client.ping(), "server_time", where="ping"))

    def _start_till(self, journal: Journal, code: str | None) -> OfflineTill:
        identity = self._identity(journal, code)
        self._report.till, self._report.branch = identity.till + identity.receipt_series, identity.branch
        self._report.device_id = identity.device_id
        paired = journal.last("paired")
        if paired is None:
            self._refuse_a_past(identity)
            journal.write("paired", device_id=identity.device_id)
        elif paired["device_id"] != identity.device_id:
            raise JournalForeign(f"The journal {journal.path} belongs to device {paired['device_id']}.")
        rng = Random(f"{self._report.seed}/{identity.device_id}/ids/{len(journal.entries)}")
        return OfflineTill(identity=identity, journal=journal, clock=self._clock, rng=rng)

    def _identity(self, journal: Journal, code: str | None) -> Identity:
        kept = json.loads(self._token_path.read_text()) if self._token_path and self._token_path.exists() else None
        if kept is None:
            kept = self._pair(journal, code)
            self._keep(kept)
        self._client.token = kept["token"]
        if self._rng.random() < ROTATED_SOMETIMES:
            self._rotate(kept)
        return Identity(**{name: value for name, value in kept.items() if name != "token"})

    def _rotate(self, kept: Json) -> None:
        """Take a new token, keep it, and only then use it: its first use ends the one before."""
        fresh = contract.text(self._client.rotate(), "token", where="rotate")
        self._keep(kept | {"token": fresh})
        self._client.token = fresh
        self._report.tokens_rotated += 1

    def _pair(self, journal: Journal, code: str | None) -> Json:
        if not code:
            raise SimulationStopped("Give --code, or a --token-file of a till that is already paired.")
        installed = journal.last("installed")
        if installed is None:
            journal.write("installed", install_id=str(uuid4()))
        install_id = (installed or journal.entries[-1])["install_id"]
        answer = self._client.pair(code=code, install_id=install_id)
        self._say(f"paired as till {answer.get('till')}")
        return {
            "token": contract.text(answer, "token", where="pair"),
            "device_id": contract.text(answer, "device_id", where="pair"),
            "till": contract.text(answer, "till", where="pair"),
            "receipt_series": contract.text(answer, "receipt_series", where="pair"),
            "epoch": contract.integer(answer, "epoch", where="pair"),
            "branch": contract.text(contract.mapping(answer, "branch", where="pair"), "code", where="pair.branch"),
        }

    def _keep(self, identity: Json) -> None:
        if self._token_path is None:
            return
        fresh = self._token_path.with_name(self._token_path.name + ".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(identity, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._token_path)

    def _refuse_a_past(self, identity: Identity) -> None:
        if self._client.operations(after_seq=0, epoch=identity.epoch, limit=1).get("results"):
            raise JournalForeign("This device has operations that the journal does not know; give theirs.")

    # What it does

    def _uploader(self, till: OfflineTill) -> Uploader:
        tricks = Random(f"{self._report.seed}/tricks") if self._report.faults else None
        return Uploader(self._client, till, clock=self._clock, batch=self._batch, tricks=tricks, say=self._say)

    def _work(self, till: OfflineTill, uploader: Uploader, journal: Journal, receipts: int) -> bool:
        """Deliver, download, receive, deliver; a stop is reported. Say whether the server still answers."""
        try:
            self._deliver_and_receive(till, uploader, journal, receipts)
        except SimulationStopped as stop:
            self._report.problems.append(f"{stop.code}: {stop}")
            return not isinstance(stop, ServerSilent)
        return True

    def _deliver_and_receive(self, till: OfflineTill, uploader: Uploader, journal: Journal, receipts: int) -> None:
        uploader.flush()
        snapshot = self._download()
        till.load(snapshot)
        if snapshot.epoch != till.epoch:
            till.begin_epoch(snapshot.epoch)
        uploader.obey(snapshot.limits)
        until = self._goal(till, journal, receipts)
        rng = Random(f"{self._report.seed}/customers/{till.receipts_made}")
        scenario = Scenario(till, rng=rng, until=until, repay_voided=not self._report.faults)
        scenario.play(make_room=uploader.flush)
        self._say(f"received {till.receipts_made} receipts offline")
        uploader.flush()

    def _download(self) -> Snapshot:
        snapshot = self._fresh()
        self._report.snapshot = {
            "installments": len(snapshot.installments),
            "customers": len(snapshot.customers),
            "balance_cents": snapshot.balance_cents,
        }
        self._say(f"snapshot of {len(snapshot.installments)} installments agrees with its counts and sums")
        return snapshot

    def _goal(self, till: OfflineTill, journal: Journal, receipts: int) -> int:
        """Return the receipt number to reach: that of the interrupted run, else so many more than now."""
        newest = journal.last("run", "done")
        if newest and newest["event"] == "run":
            return int(newest["until"])
        journal.write("run", until=till.receipts_made + receipts, seed=self._report.seed)
        return till.receipts_made + receipts

    # What both sides hold to be true

    def _settle_accounts(self, till: OfflineTill, uploader: Uploader, *, answering: bool) -> None:
        report = self._report
        report.stored, report.duplicates = uploader.answers["stored"], uploader.answers["duplicate"]
        report.conflicts = uploader.answers["conflict"]
        report.refused = {op_id: uploader.refused.get(op_id, "") for op_id in till.refused}
        report.faults_injected |= dict(uploader.played)
        report.problems += uploader.complaints
        report.count_operations(till)
        if uploader.missing and not till.undelivered():
            report.problems.append(f"the server misses the seqs {uploader.missing[:20]}, all of which were delivered")
        if till.operations and answering:
            report.compare(till, self._await_decisions(till))
            self._follow(till)

    def _follow(self, till: OfflineTill) -> None:
        """Bring the copy up to date by changes, and sometimes reconcile; a stop is reported."""
        if not till.is_loaded:
            return
        try:
            snapshot = followed(self._client, till.snapshot, fresh=self._fresh, limit=self._page)
            if self._rng.random() < RECONCILED_SOMETIMES:
                listed = [{"seq": operation["seq"], "op_id": op_id} for op_id, operation in till.operations.items()
                          if till.custody.get(op_id) in IN_CUSTODY]  # fmt: skip
                snapshot, self._report.reconciled = reconciled(
                    self._client, snapshot, operations=listed[-MOST_RECONCILED:], limit=self._page
                )
            till.load(snapshot)
        except SimulationStopped as stop:
            self._report.problems.append(f"{stop.code}: {stop}")

    @property
    def _page(self) -> int:
        return PAGE_UNDER_FAULTS if self._report.faults else PAGE

    def _fresh(self) -> Snapshot:
        return download_snapshot(self._client, limit=self._page)

    def _await_decisions(self, till: OfflineTill) -> list[Json]:
        """Ask until nothing is undecided, or the time is over; quarantine explains what waits for ever."""
        give_up_at = time.monotonic() + self._timeout
        after, quarantine = 0, False
        while True:
            results = self._known(till, after=after)
            undecided = [result for result in results if result.get("state") in UNDECIDED]
            quarantine |= any(result.get("state") == "quarantined" for result in results)
            explained = quarantine and all(result["state"] == "waiting" for result in undecided)
            if not undecided or explained or time.monotonic() > give_up_at:
                return self._known(till, after=0) if after else results
            self._say(f"{len(undecided)} operations undecided")
            after = min(result.get("seq") or 1 for result in undecided) - 1
            self._sleep(POLL_SECONDS)

    def _known(self, till: OfflineTill, *, after: int) -> list[Json]:
        results: list[Json] = []
        while True:
            page = self._client.operations(after_seq=after, epoch=till.epoch)
            rows = contract.rows(page, "results", where="GET operations")
            results += rows
            if not contract.flag(page, "more", where="GET operations"):
                return results
            highest = max((row["seq"] for row in rows if row.get("seq") is not None), default=after)
            if highest <= after:
                raise ContractBroken("GET operations promises more and does not go on.")
            after = highest
