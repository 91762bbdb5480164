"""The company under fire: two branches with their tills, everything that runs, and who starts it again.

What dies is started again by the one who watches, as systemd would; a till that has delivered all stays away.
"""

import json
import os
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from pos_sync.simulator.journal import Json
from tests.chaos.real.line import BadLine
from tests.chaos.real.till import SILENT
from tests.journeys.running import Company, Part

SERVICES = ("redis", "web", "worker", "beat", "sweeper")
SWEEP_SECONDS = "7"
PREFIX = "CHAOS"


class Shop(Company):
    """A company whose parts may die at any time."""

    def __init__(self, *, folder: Path, server_url: str, redis_port: int) -> None:
        super().__init__(folder=folder, server_url=server_url, redis_url=f"redis://127.0.0.1:{redis_port}/0")
        self.redis_port = redis_port
        self.tills: list[Part] = []
        self.restarts: Counter[str] = Counter()
        self._printed = 0
        self._read_to: Counter[Path] = Counter()

    def __exit__(self, *_: object) -> None:
        self.kill_everybody()
        super().__exit__()

    def found(self, *, titles: int, tills: int) -> None:
        """Make the database, two branches, their titles, and a code for each till."""
        words = (str(self.folder), str(titles), str(tills), PREFIX)
        founding = self.part("found", "-m", "tests.chaos.real.found", *words)
        assert founding.wait(seconds=900) == 0, founding.words()
        self._codes = json.loads(founding.words().splitlines()[-1])
        self.founded_with = {op_id for (op_id,) in self.rows("SELECT op_id FROM pos_sync_operation")}

    def open(self) -> int:
        """Start all that serves; give the port of the web server."""
        self.redis(port=self.redis_port)
        address = self.web()
        self.worker()
        self.beat()
        self.part("sweeper", "manage.py", "apply_pending", "--watch", "--interval", SWEEP_SECONDS)
        return int(address.rsplit(":", 1)[1])

    # Tills and people

    def add_tills(self, *, line: BadLine, seed: str, operations: int) -> None:
        """Let every till pair itself and work until together they have made so many operations."""
        for till, code in self._codes:
            folder = self.folder / f"till-{till}"
            folder.mkdir()
            words = (str(folder), line.url, code, seed, str(operations // len(self._codes) + 1))
            self.tills.append(self.part(folder.name, "-m", "tests.chaos.real.till", "work", *words))

    def add_back_office(self, *, seed: str) -> None:
        self.desk = self.folder / "back-office"
        self.desk.mkdir()
        self.part("back-office", "-m", "tests.chaos.real.back_office", str(self.desk), seed)

    def close_back_office(self, *, seconds: float) -> None:
        """Let the people finish what they are doing, and go home."""
        (self.desk / "stop").touch()
        if self["back-office"].is_running:
            self["back-office"].wait(seconds=seconds)

    def compare_tills(self, *, line: BadLine, seconds: float) -> None:
        """Have every till hold what it knows against the server, one after the other."""
        for till in self.tills:
            folder = self.folder / till.name
            words = ("compare", str(folder), line.url, "", "", "0")
            compared = self.part(f"{till.name}-compares", "-m", "tests.chaos.real.till", *words)
            assert compared.wait(seconds=seconds) == 0, f"{compared.words()}\n{journal_of(folder)[-1]}"

    @property
    def journals(self) -> dict[str, list[Json]]:
        """Give what each till wrote down."""
        return {till.name: journal_of(self.folder / till.name) for till in self.tills}

    def printed(self) -> int:
        """Count the operations that tills have printed; only what was written since is read."""
        for till in self.tills:
            path = self.folder / till.name / "journal.jsonl"
            if path.exists():
                with path.open("rb") as file:
                    file.seek(self._read_to[path])
                    news = file.read()
                whole = news[: news.rfind(b"\n") + 1]
                self._read_to[path] += len(whole)
                self._printed += whole.count(b'{"event":"operation",')
        return self._printed

    # Death and resurrection

    def start_the_dead(self, rng: Random) -> None:
        """Start again what has died; whoever watches does not notice at once."""
        watched = [self[name] for name in SERVICES] + [till for till in self.tills if not self.is_content(till)]
        if not (self.desk / "stop").exists():
            watched.append(self["back-office"])
        for part in watched:
            if not part.is_running and rng.random() < 0.3:
                self.restarts[part.name.partition("-7")[0]] += 1
                part.start()

    def is_content(self, till: Part) -> bool:
        """Say whether a till has delivered all, raising where it met what must not be."""
        if till.is_running:
            return False
        code = till.wait(seconds=1)
        assert code in (0, SILENT) or code < 0, (
            f"{till.name}: {till.words()}\n{journal_of(self.folder / till.name)[-1]}"
        )
        return code == 0

    def kill_everybody(self) -> None:
        """SIGKILL to all that bears this company's key: orphans of what was killed alone are not in our books."""
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"SECRET_KEY={self._secret_key}".encode() in (folder / "environ").read_bytes():
                    os.kill(int(folder.name), signal.SIGKILL)

    # The database

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Read from the database, over a new connection where the last one broke."""
        try:
            return super().rows(statement, *values)
        except psycopg.OperationalError:
            self._eyes = None
            return super().rows(statement, *values)

    def undecided(self) -> int:
        """Count what is stored and waits."""
        ((count,),) = self.rows("SELECT count(*) FROM pos_sync_operation WHERE state IN ('pending', 'waiting')")
        return int(count)

    # What must not be

    def violations(self) -> list[object]:
        """Give what contradicts what in the ledger."""
        said = json.loads(self.manage("check_books", "--json", seconds=900, exit_code=None))
        return list(said["violations"])

    def unexpected_errors(self) -> list[str]:
        """Give the requests that ended in an error which nobody foresaw; 503 with Retry-After is foreseen."""
        return [line for line in self["web"].words().splitlines() if '"code": 500' in line]


def journal_of(folder: Path) -> list[Json]:
    """Read a journal; a torn last line was never promised to anybody."""
    *whole, _ = (folder / "journal.jsonl").read_bytes().split(b"\n")
    return [json.loads(line) for line in whole]
