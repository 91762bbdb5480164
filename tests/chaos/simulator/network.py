"""The way between a till and the server: it loses requests and answers, tears, repeats, delays and reorders them."""

import gzip
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from pos_sync.simulator.line import Answer, Line, LineDown, Request
from tests.chaos.simulator.chance import World
from tests.chaos.simulator.server import Server

FAULTS = ("request_lost", "answer_lost", "answer_torn", "sent_twice", "delayed", "slow")
FAULT_CHANCE = 0.3
LONGEST_DELAY_SECONDS = 4 * 60 * 60


class PowerCut(BaseException):
    """The till's computer goes off in the middle of what it does."""


class Network:
    """Carries requests to the server, some of them hours late and in another order."""

    def __init__(self, world: World, server: Server) -> None:
        self.world, self.server = world, server
        self._late: list[tuple[datetime, str, Request]] = []
        self._epochs: defaultdict[str, int] = defaultdict(lambda: 1)
        self._through: defaultdict[tuple[str, int], int] = defaultdict(int)

    def deliver_late(self) -> None:
        """Deliver the delayed requests whose time has come; nobody waits for their answers."""
        now = datetime.now(UTC)
        due = [each for each in self._late if each[0] <= now or self.world.is_calm]
        self._late = [each for each in self._late if each not in due]
        for _, till, request in due:
            try:
                self.carry(till, request, note="late")
            except LineDown:
                continue

    def delay(self, till: str, request: Request, seconds: float) -> None:
        self._late.append((datetime.now(UTC) + timedelta(seconds=seconds), till, request))

    def forget(self) -> None:
        """An older database may know less: what was told before it came back does not bind it."""
        self._through.clear()

    def carry(self, till: str, request: Request, *, note: str = "") -> Answer:
        """Have the server answer, and write both into the trace."""
        answer = self.server.answer(request)
        said = answer.json() if answer.body else None
        content = sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
        path = request.target.split("?")[0].rsplit("/", 1)[1]
        self.world.trace.tell(till, request.method, path, note, answer.status, content)
        if said and answer.status < 300:
            self._watch(till, request, said)
        return answer

    def _watch(self, till: str, request: Request, said: dict[str, Any]) -> None:
        """The sequence of a device never falls within an epoch."""
        self._epochs[till] = said.get("epoch", self._epochs[till])
        if "through_seq" not in said:
            return
        key = till, _sent(request)["epoch"] if request.is_push else self._epochs[till]
        if said["through_seq"] < self._through[key]:
            self.world.wrong(f"through_seq of {till} fell from {self._through[key]} to {said['through_seq']}")
        self._through[key] = max(self._through[key], said["through_seq"])


def _sent(request: Request) -> dict[str, Any]:
    is_packed = request.headers.get("Content-Encoding") == "gzip"
    envelope: dict[str, Any] = json.loads(gzip.decompress(request.body) if is_packed else request.body)
    return envelope


class VirtualLine(Line):
    """One till's line, with its own bad luck; it also ends the till's power now and then."""

    def __init__(self, network: Network, *, till: str, lot: Random) -> None:
        super().__init__("http://server")
        self._network, self._till, self._lot = network, till, lot
        self.down_until = datetime.min.replace(tzinfo=UTC)

    def exchange(self, request: Request) -> Answer:
        """Carry a request, or do to it what the lot says; raises LineDown, PowerCut."""
        world = self._network.world
        if not world.is_calm and datetime.now(UTC) < self.down_until:
            raise LineDown("no network")
        if world.strikes(self._lot, chance=0.01):
            self._cut_power(request)
        if not world.strikes(self._lot, chance=FAULT_CHANCE):
            return self._network.carry(self._till, request)
        fault = self._lot.choice(FAULTS)
        world.fault(fault, self._till)
        return getattr(self, f"_{fault}")(request)

    def _cut_power(self, request: Request) -> None:
        if self._lot.random() < 0.5:
            self._network.carry(self._till, request)
        raise PowerCut

    def _request_lost(self, request: Request) -> Answer:
        raise LineDown("the request was lost")

    def _answer_lost(self, request: Request) -> Answer:
        self._network.carry(self._till, request)
        raise LineDown("the answer was lost")

    def _answer_torn(self, request: Request) -> Answer:
        whole = self._network.carry(self._till, request)
        return Answer(whole.status if whole.status < 300 else 502, whole.headers, whole.body[: len(whole.body) // 2])

    def _sent_twice(self, request: Request) -> Answer:
        self._network.carry(self._till, request)
        return self._network.carry(self._till, request)

    def _delayed(self, request: Request) -> Answer:
        self._network.delay(self._till, request, self._lot.uniform(1, LONGEST_DELAY_SECONDS))
        raise LineDown("no answer within the patience")

    def _slow(self, request: Request) -> Answer:
        self._network.world.pass_time(self._lot.uniform(1, 25))
        return self._network.carry(self._till, request)
