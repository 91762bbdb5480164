"""One seed behind everything: each actor draws from a lot of its own, tokens and ids from the seed, time stands still.

What happened is written into the trace, whose SHA-256 tells whether two runs were the same.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from unittest.mock import patch

import time_machine


class Trace:
    """Everything that happened, in order, as one hash; `say` gets each line as well."""

    def __init__(self, *, say: Callable[[str], None] = lambda line: None) -> None:
        self._hash, self._say = sha256(), say

    def tell(self, *facts: object) -> None:
        line = f"{datetime.now(UTC):%d %H:%M:%S} {' '.join(map(str, facts))}"
        self._hash.update(line.encode() + b"\n")
        self._say(line)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


class World:
    """What all actors share: the clock, the trace, the faults that were played, and the word of what went wrong."""

    def __init__(self, *, seed: str, clock: time_machine.Traveller, trace: Trace) -> None:
        self.seed, self.trace = seed, trace
        self.faults: Counter[str] = Counter()
        self.operations: Counter[str] = Counter()
        self.problems: list[str] = []
        self.is_calm = False
        self._clock = clock

    def lot(self, name: str) -> Random:
        return Random(f"{self.seed}/{name}")

    def pass_time(self, seconds: float) -> None:
        self._clock.shift(timedelta(seconds=seconds))

    def pass_time_until(self, instant: datetime) -> None:
        self._clock.shift(max(timedelta(0), instant - datetime.now(UTC)))

    def strikes(self, lot: Random, *, chance: float) -> bool:
        """Draw whether a fault happens; while the world is calm none does."""
        return not self.is_calm and lot.random() < chance

    def fault(self, kind: str, *facts: object) -> None:
        self.faults[kind] += 1
        self.trace.tell("FAULT", kind, *facts)

    def wrong(self, problem: str) -> None:
        self.problems.append(problem)
        self.trace.tell("WRONG", problem)


@contextmanager
def world(seed: str, *, begins: datetime, say: Callable[[str], None]) -> Iterator[World]:
    """Stop the clock and draw all entropy of the process from the seed."""
    entropy = Random(f"{seed}/entropy").randbytes
    with (
        patch("os.urandom", entropy),
        patch("random._urandom", entropy),
        time_machine.travel(begins, tick=False) as clock,
    ):
        yield World(seed=seed, clock=clock, trace=Trace(say=say))
