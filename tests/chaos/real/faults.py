"""What is done to a company: a plan drawn from a seed, so many printed operations apart, and the blows themselves."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import psycopg
import redis

from tests.chaos.real.servers import Cluster
from tests.chaos.real.shop import Shop

KINDS = {
    "web worker killed": 12,
    "web master killed": 3,
    "worker child killed": 14,
    "worker killed": 6,
    "beat killed": 4,
    "sweeper killed": 4,
    "till killed": 16,
    "back office killed": 6,
    "Redis flushed": 10,
    "Redis silent": 5,
    "Redis killed": 5,
    "PostgreSQL stopped": 6,
    "PostgreSQL backend killed": 6,
    "power cut": 2,
}  # the lots of each
SPREAD = 0.96
VOLLEY = 0.25
AIM_SECONDS = 0.4
SILENT_SECONDS, DARK_SECONDS = (1.0, 5.0), (0.1, 2.5)


@dataclass(frozen=True, slots=True)
class Blow:
    """One fault, due when so many operations have been printed."""

    at: int
    kind: str


def plan(*, seed: str, faults: int, operations: int) -> list[Blow]:
    """Draw so many faults, each kind once at least where there is room, spread over the operations; some in volleys."""
    rng = Random(f"{seed}/plan")
    kinds = list(KINDS)[:faults]
    kinds += rng.choices(list(KINDS), weights=list(KINDS.values()), k=faults - len(kinds))
    rng.shuffle(kinds)
    blows: list[Blow] = []
    for number, kind in enumerate(kinds):
        at = int((number + rng.random()) / faults * operations * SPREAD)
        is_volley = blows and rng.random() < VOLLEY
        blows.append(Blow(blows[-1].at if is_volley else at, kind))
    return blows


class Injector:
    """Strikes a company, and undoes in time what is not for ever."""

    def __init__(self, shop: Shop, cluster: Cluster, *, seed: str) -> None:
        self.struck: Counter[str] = Counter()
        self._shop, self._cluster, self._rng = shop, cluster, Random(f"{seed}/blows")
        self._later: list[tuple[float, Callable[[], object]]] = []
        self._ways: dict[str, Callable[[], object]] = {
            "web worker killed": lambda: self._kill_child("web"),
            "web master killed": lambda: self._kill_alone("web"),
            "worker child killed": lambda: self._kill_child("worker"),
            "worker killed": lambda: self._kill_alone("worker"),
            "beat killed": lambda: self._kill_alone("beat"),
            "sweeper killed": lambda: self._kill_alone("sweeper"),
            "till killed": self._kill_till,
            "back office killed": lambda: self._kill_alone("back-office"),
            "Redis flushed": self._flush,
            "Redis silent": self._silence,
            "Redis killed": lambda: self._kill_alone("redis"),
            "PostgreSQL stopped": self._stop_database,
            "PostgreSQL backend killed": lambda: self._cluster.kill_backend(self._rng),
            "power cut": self._cut_power,
        }

    def strike(self, kind: str) -> bool:
        """Do it; False where it met nobody, and it is due again."""
        hit = self._ways[kind]() is not False
        self.struck[kind] += hit
        return hit

    def heal(self, *, all_of_it: bool = False) -> None:
        """Undo what is over."""
        now = time.monotonic()
        due = [entry for entry in self._later if all_of_it or entry[0] <= now]
        self._later = [entry for entry in self._later if entry not in due]
        for _, undo in due:
            undo()

    def _aim(self, name: str) -> None:
        """Wait a moment for somebody of that name to be in the middle of a transaction that has written."""
        give_up_at = time.monotonic() + AIM_SECONDS
        with suppress(psycopg.OperationalError):
            while not self._shop.is_busy(name) and time.monotonic() < give_up_at:
                time.sleep(0.005)

    def _kill_child(self, name: str) -> bool:
        self._aim(name)
        children = self._shop[name].children() if self._shop[name].is_running else []
        if not children:
            return False
        with suppress(ProcessLookupError):
            os.kill(self._rng.choice(children), signal.SIGKILL)
        return True

    def _kill_alone(self, name: str) -> bool:
        """SIGKILL to a process and to none of its children, who notice or work on for a while."""
        part = self._shop[name]
        if not part.is_running:
            return False
        if name in ("web", "worker", "sweeper", "back-office"):
            self._aim(name)
        part.kill_alone()
        return True

    def _kill_till(self) -> bool:
        alive = [till for till in self._shop.tills if till.is_running]
        if not alive:
            return False
        self._rng.choice(alive).kill_alone()
        return True

    def _flush(self) -> bool:
        with suppress(redis.RedisError), redis.Redis(port=self._shop.redis_port, socket_timeout=1) as client:
            client.flushall()
            return True
        return False

    def _silence(self) -> bool:
        if not self._shop["redis"].is_running:
            return False
        pid = self._shop["redis"].pid
        os.kill(pid, signal.SIGSTOP)
        self._later.append((time.monotonic() + self._rng.uniform(*SILENT_SECONDS), lambda: _wake(pid)))
        return True

    def _stop_database(self) -> None:
        self._aim("worker")
        self._cluster.stop()
        time.sleep(self._rng.uniform(*DARK_SECONDS))
        self._cluster.start()

    def _cut_power(self) -> None:
        """Everything at once: database, broker, server, workers, tills, people."""
        self._aim("worker")
        self._cluster.stop()
        self._shop.kill_everybody()
        self._cluster.start()


def _wake(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
