"""A till and the person at it: receives, delivers, pulls, loses power; what was printed is in its journal."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pos_sync.services.pairing import make_pairing_code
from pos_sync.simulator import (
    CallRefused,
    Identity,
    Journal,
    NothingToReceive,
    OfflineLimitReached,
    OfflineTill,
    Scenario,
    ServerSilent,
    SimulationStopped,
    Snapshot,
    TillClient,
    TillClock,
    Uploader,
    download_snapshot,
)
from pos_sync.simulator.follow import pull
from receivables.models import Branch
from tests.chaos.simulator.chance import World
from tests.chaos.simulator.network import Network, PowerCut, VirtualLine
from tests.make import CASHIER

PATIENCE_SECONDS = 20
PAGE = 40
DEEDS = {"serve": 60, "deliver": 25, "pull": 15, "rotate": 1, "power_cut": 2, "go_offline": 2, "clock_jump": 2}
JUMPS = (timedelta(minutes=-40), timedelta(minutes=4), timedelta(minutes=20), timedelta(hours=3))


class MemoryJournal(Journal):
    """What a till wrote down; it outlives every loss of power."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def write(self, event: str, **facts: Any) -> None:
        self.entries.append(json.loads(json.dumps({"event": event, **facts})))


class Counter:
    """One device at a counter, from its pairing on; where another took its place it only delivers.

    Who replaced it tells it of a new epoch: it may not pull, so nobody else would.
    """

    def __init__(self, world: World, network: Network, *, branch: Branch, till: str, install: int) -> None:
        self.name = f"{branch.code}/{till}#{install}"
        self.branch, self.till_code, self.world = branch, till, world
        self.lot = world.lot(self.name)
        self.line = VirtualLine(network, till=self.name, lot=world.lot(f"{self.name}/line"))
        self.journal = MemoryJournal()
        self.clock = TillClock(now=lambda: datetime.now(UTC))
        self.client = TillClient(
            self.line, patience=PATIENCE_SECONDS, sleep=world.pass_time,
            monotonic=lambda: datetime.now(UTC).timestamp(), rng=world.lot(f"{self.name}/waits"),
        )  # fmt: skip
        self.former: list[Counter] = []
        self.is_replaced = False
        self._server = network.server
        self._copy: Snapshot | None = None
        self._scenario: Scenario | None = None

    def pair(self) -> None:
        """Pair with a fresh code, however often the line fails."""
        fresh = make_pairing_code(branch_code=self.branch.code, till=self.till_code, by=CASHIER, now=datetime.now(UTC))
        install_id = str(UUID(int=self.lot.getrandbits(128), version=4))
        said: dict[str, Any] = {}
        while not said:
            with suppress(ServerSilent, PowerCut):
                said = self.client.pair(code=fresh.code, install_id=install_id)
        self._keep_token(said["token"])
        self.identity = Identity(
            said["device_id"], said["till"], said["receipt_series"], said["epoch"], said["branch"]["code"]
        )
        self._switch_on()

    def _keep_token(self, token: str) -> None:
        """An older database would not know it."""
        self.client.token = token
        self._server.forget_backups()

    def _switch_on(self) -> None:
        """Come up with the journal and the copy of the books, and nothing else."""
        rng = self.world.lot(f"{self.name}/ids/{len(self.journal.entries)}")
        self.till = OfflineTill(
            identity=self.identity, journal=self.journal, clock=self.clock, rng=rng, printer=self._print
        )
        if self._copy is not None:
            self.till.load(self._copy)
        self._scenario = None
        self.take_uploader()

    def take_uploader(self) -> None:
        """Deliver afresh: what was once stored may be stored again in an older database."""
        tricks = None if self.world.is_calm else self.world.lot(f"{self.name}/tricks/{len(self.journal.entries)}")
        self.uploader = Uploader(self.client, self.till, clock=self.clock, tricks=tricks)

    def _print(self, operation: dict[str, Any]) -> None:
        """The paper comes out after the journal has it; the power may go in between."""
        self.world.operations[operation["kind"]] += 1
        self.world.trace.tell(self.name, operation["kind"], operation["op_id"], operation["seq"])
        if self.world.strikes(self.lot, chance=0.01):
            raise PowerCut

    # What the person does

    def act(self) -> None:
        """Do one thing, or as far as it goes."""
        deed = self.lot.choices(list(DEEDS), weights=list(DEEDS.values()))[0]
        self._try(deed if not self.is_replaced else "deliver")

    def end_day(self) -> None:
        self._try("close")

    def drain(self) -> None:
        """Deliver all that is left and see what became of it."""
        self.take_uploader()
        self._try("deliver")
        self._try("pull")
        # A copy that had to be renewed may have begun an epoch.
        self._try("deliver")

    def _try(self, deed: str) -> None:
        try:
            getattr(self, f"_{deed}")()
        except PowerCut:
            self.world.fault("till_killed", self.name)
            self._switch_on()
        except (ServerSilent, CallRefused, OfflineLimitReached, NothingToReceive) as stop:
            self.world.trace.tell(self.name, deed, stop.code, getattr(stop, "problem", ""))
        except SimulationStopped as broken:
            self.world.wrong(f"{self.name}: {broken}")
        for complaint in self.uploader.complaints:
            self.world.wrong(f"{self.name}: {complaint}")
        self.uploader.complaints.clear()

    def _serve(self) -> None:
        if not self.till.is_loaded:
            self._pull()
        if self._scenario is None:
            rng = self.world.lot(f"{self.name}/customers/{len(self.journal.entries)}")
            self._scenario = Scenario(self.till, rng=rng, until=0)
        self._scenario.serve(make_room=self.uploader.flush)

    def _deliver(self) -> None:
        self.uploader.flush()

    def _pull(self) -> None:
        """Bring the copy up to date, by changes where there is one."""
        self._scenario = None
        if self.till.is_loaded:
            try:
                snapshot, _ = pull(self.client, self.till.snapshot, limit=PAGE)
            except CallRefused as refusal:
                if refusal.status != 410:
                    raise
                snapshot = download_snapshot(self.client, limit=PAGE)
        else:
            snapshot = download_snapshot(self.client, limit=PAGE)
        self._copy = snapshot
        self.till.load(snapshot)
        self.uploader.obey(snapshot.limits)
        if snapshot.epoch != self.till.epoch:
            for each in (*self.former, self):
                each.till.begin_epoch(snapshot.epoch)
                each.take_uploader()

    def _rotate(self) -> None:
        self._keep_token(self.client.rotate()["token"])

    def _power_cut(self) -> None:
        raise PowerCut

    def _go_offline(self) -> None:
        minutes = self.lot.choice([10, 60, 240, 1440])
        if self.world.strikes(self.lot, chance=1):
            self.world.fault("line_down", self.name, minutes)
            self.line.down_until = datetime.now(UTC) + timedelta(minutes=minutes)

    def _clock_jump(self) -> None:
        if self.world.strikes(self.lot, chance=1):
            self.world.fault("clock_jump", self.name)
            self.clock.set_by(datetime.now(UTC) + self.lot.choice(JUMPS))

    def _close(self) -> None:
        if self.till.session:
            self.till.close_session()
