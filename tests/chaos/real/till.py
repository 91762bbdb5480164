"""A till in a process of its own: standard library, HTTP and the contract alone; it may be killed at any instant.

`python -m tests.chaos.real.till work|compare FOLDER URL CODE SEED OPERATIONS`. What it printed is in its journal, on
the disk, before anything is sent; started again it goes on from there. It ends with 0 when all is delivered.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from random import Random

from pos_sync.simulator import (
    CallRefused,
    Identity,
    Journal,
    Line,
    OfflineTill,
    Report,
    Scenario,
    ServerSilent,
    SimulationStopped,
    Snapshot,
    TillClient,
    TillClock,
    Uploader,
    contract,
    download_snapshot,
)
from pos_sync.simulator.follow import followed, pull, reconciled
from pos_sync.simulator.journal import Json
from pos_sync.simulator.report import DECIDED
from pos_sync.simulator.till import IN_CUSTODY

PATIENCE_SECONDS, ANSWER_SECONDS, LONGEST_WAIT_SECONDS = 300, 20, 0.8
PAGE, RECONCILED_OPERATIONS = 1000, 1000
MISBEHAVING, FOLLOWED, ROTATED, CHECKED = 0.4, 0.4, 0.05, 0.02
MOMENT_SECONDS, LONG_QUEUE = 2.0, 60
WAVES = (1, 2, 3, 5, 8, 12, 30)  # receipts between two deliveries
SILENT, WRONG = 3, 4


def impatiently(seconds: float) -> None:
    """Wait less than the server asks for: a till that obeyed would let it recover in peace."""
    time.sleep(min(seconds, LONGEST_WAIT_SECONDS))


class Listener(TillClient):
    """Remembers what the server told about operations that it had decided."""

    def __init__(self, line: Line, **options: object) -> None:
        super().__init__(line, **options)  # type: ignore[arg-type]
        self.told: dict[str, Json] = {}

    def push(self, envelope: Json) -> Json:
        answer = super().push(envelope)
        self.hear(answer["results"])
        return answer

    def changes(self, *, cursor: str, limit: int) -> Json:
        answer = super().changes(cursor=cursor, limit=limit)
        self.hear(answer["results"])
        return answer

    @contextmanager
    def for_a_moment(self) -> Iterator[None]:
        """Give up soon, for as long as this lasts."""
        patience, self._patience = self._patience, MOMENT_SECONDS
        try:
            yield
        finally:
            self._patience = patience

    def hear(self, results: list[Json]) -> None:
        for result in results:
            if result.get("state") in DECIDED:
                self.told[result["op_id"]] = {name: result[name] for name in ("state", "reason", "flags", "outcome")}


class Till:
    """A till at its counter, and what it needs to go on after its own death."""

    def __init__(self, folder: Path, *, url: str, code: str, seed: str) -> None:
        self._folder, self._code = folder, code
        self.journal = Journal(folder / "journal.jsonl")
        lives = sum(entry["event"] == "born" for entry in self.journal.entries)
        self.journal.write("born", life=lives + 1)
        self._rng = Random(f"{seed}/{folder.name}/{lives}")
        self._clock = TillClock()
        self._client = Listener(
            Line(url, timeout=ANSWER_SECONDS), patience=PATIENCE_SECONDS, sleep=impatiently, rng=self._rng
        )
        self._written: dict[str, Json] = {}
        self._retries: Counter[str] = Counter()

    def work(self, *, operations: int) -> None:
        """Deliver what an earlier life left, then receive and deliver in waves until so many operations are made."""
        till, uploader = self._open()
        uploader.flush()
        till.load(self._fresh())
        while len(till.operations) < operations:
            until = till.receipts_made + self._rng.choice(WAVES)
            Scenario(till, rng=self._rng, until=until).play(make_room=uploader.flush)
            self._deliver(till, uploader)
            self._write_down(uploader)
        uploader.flush()
        self._check_copy(till)
        self._write_down(uploader)
        self.journal.write("delivered", operations=len(till.operations), missing=uploader.missing)

    def _deliver(self, till: OfflineTill, uploader: Uploader) -> None:
        """Try for a moment; while the server is silent customers are served on, until the queue is long."""
        is_long = len(till.undelivered()) >= LONG_QUEUE
        with self._client.for_a_moment() if not is_long else nullcontext(), suppress(ServerSilent):
            uploader.flush()
            if self._rng.random() < FOLLOWED:
                self._follow(till)
            if self._rng.random() < ROTATED:
                self._rotate()
            if self._rng.random() < CHECKED:
                self._check_copy(till)

    def compare(self) -> None:
        """When nothing moves any more: hold figures and every outcome against the server's, and write it down."""
        till, uploader = self._open()
        uploader.flush()
        report = Report(seed="", faults=True)
        taken = [
            {"seq": operation["seq"], "op_id": op_id}
            for op_id, operation in till.operations.items()
            if till.custody.get(op_id) in IN_CUSTODY
        ]
        _, report.reconciled = reconciled(
            self._client, self._fresh(), operations=taken[-RECONCILED_OPERATIONS:], limit=PAGE
        )
        results = self._results(till.identity.epoch)
        report.count_operations(till)
        report.compare(till, results)
        if report.reconciled != "match":
            report.problems.append(f"reconcile ends with {report.reconciled}")
        self.journal.write("compared", report=report.as_json(), results=results)

    # Who it is

    def _open(self) -> tuple[OfflineTill, Uploader]:
        self._clock.set_by(contract.instant(self._client.ping(), "server_time", where="ping"))
        kept = self._identity()
        self._client.token = kept.pop("token")
        till = OfflineTill(identity=Identity(**kept), journal=self.journal, clock=self._clock, rng=self._rng)
        tricks = self._rng if self._rng.random() < MISBEHAVING else None
        batch = self._rng.choice((2, 5, 10, 25))
        return till, Uploader(self._client, till, clock=self._clock, batch=batch, tricks=tricks)

    @property
    def _identity_file(self) -> Path:
        return self._folder / "identity.json"

    def _identity(self) -> Json:
        if not self._identity_file.exists():
            answer = self._client.pair(code=self._code, install_id=f"chaos-{self._folder.name}")
            kept = {name: answer[name] for name in ("token", "device_id", "till", "receipt_series", "epoch")}
            self._keep({**kept, "branch": answer["branch"]["code"]})
        kept: Json = json.loads(self._identity_file.read_text())
        return kept

    def _keep(self, identity: Json) -> None:
        fresh = self._identity_file.with_suffix(".new")
        with fresh.open("w") as file:
            json.dump(identity, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._identity_file)

    def _rotate(self) -> None:
        """Keep a new token before it is used: its first use ends the one before."""
        token = contract.text(self._client.rotate(), "token", where="rotate")
        self._keep(self._identity() | {"token": token})
        self._client.token = token

    # What it knows of the server

    def _fresh(self) -> Snapshot:
        return download_snapshot(self._client, limit=PAGE)

    def _follow(self, till: OfflineTill) -> None:
        try:
            copy, _ = pull(self._client, till.snapshot, limit=PAGE)
        except CallRefused as refusal:
            if refusal.problem != "cursor_reset":
                raise
            self.journal.write("reset")
            copy = self._fresh()
        till.load(copy)

    def _check_copy(self, till: OfflineTill) -> None:
        """Hold the copy, kept by changes alone, against a fresh snapshot: none of its rows may have been lost."""
        till.load(followed(self._client, till.snapshot, fresh=self._fresh, limit=PAGE))

    def _results(self, epoch: int) -> list[Json]:
        results: list[Json] = []
        while True:
            after = max((row["seq"] for row in results), default=0)
            page = self._client.operations(after_seq=after, epoch=epoch, limit=PAGE)
            results += page["results"]
            if not page["more"]:
                return results

    def _write_down(self, uploader: Uploader) -> None:
        """Journal what the server told since, how often it had to be asked again, and what must not happen."""
        news = {op_id: told for op_id, told in self._client.told.items() if self._written.get(op_id) != told}
        retries, self._retries = self._client.retries - self._retries, Counter(self._client.retries)
        if news or retries:
            self.journal.write("told", results=news, retries=retries)
        self._written |= news
        self._client.told.clear()
        for complaint in uploader.complaints:
            self.journal.write("problem", what=complaint)
        uploader.complaints.clear()


def main(verb: str, folder: str, url: str, code: str, seed: str, operations: str) -> int:
    till = Till(Path(folder), url=url, code=code, seed=seed)
    try:
        till.work(operations=int(operations)) if verb == "work" else till.compare()
    except ServerSilent as stop:
        till.journal.write("gave_up", what=str(stop))
        return SILENT
    except SimulationStopped as stop:
        till.journal.write("problem", what=f"{stop.code}: {stop}")
        return WRONG
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
