"""Delivering the queue: batches within the limits, answers read item by item, the tricks of a bad day (H13, H23)."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from random import Random

from pos_sync.simulator import contract
from pos_sync.simulator.clock import TillClock
from pos_sync.simulator.errors import CallRefused, ContractBroken
from pos_sync.simulator.journal import Json, compact
from pos_sync.simulator.line import TillClient
from pos_sync.simulator.till import IN_CUSTODY, OfflineTill

ENVELOPE_BYTES = 1024
WORDS = IN_CUSTODY | {"refused"}


class Uploader:
    """Sends what waits until the server has custody of it or has refused it; `tricks` draws how to misbehave."""

    def __init__(
        self,
        client: TillClient,
        till: OfflineTill,
        *,
        clock: TillClock,
        batch: int = 25,
        limits: Json | None = None,
        tricks: Random | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.answers: Counter[str] = Counter()
        self.played: Counter[str] = Counter()
        self.refused: dict[str, str] = {}
        self.missing: list[int] = []
        self.complaints: list[str] = []
        self._client, self._till, self._clock, self._tricks, self._say = client, till, clock, tricks, say
        self._stored: set[str] = set()
        self._earlier: list[Json] = []
        self._max_operations = max(1, batch)
        self._max_bytes = 512 * 1024
        self.obey(limits or {})

    def obey(self, limits: Json) -> None:
        """Take over the server's limits on a batch."""
        self._max_operations = min(self._max_operations, limits.get("max_batch_operations") or self._max_operations)
        self._max_bytes = limits.get("max_batch_bytes") or self._max_bytes

    def flush(self) -> None:
        """Deliver everything that waits; raises what the client raises, the queue staying as it is."""
        while waiting := self._till.undelivered():
            for batch in self._routes(waiting):
                self._send(batch)
            if len(self._till.undelivered()) >= len(waiting):
                raise ContractBroken(f"The server took none of {len(waiting)} operations into custody.")
            self._say(f"delivered {len(self._till.custody)} operations, {self._till.pending()['count']} wait")

    def _routes(self, waiting: list[Json]) -> list[list[Json]]:
        batches = list(self._cut(waiting))
        return batches if self._tricks is None else self._disturb(batches, self._tricks)

    def _cut(self, operations: Iterable[Json]) -> Iterator[list[Json]]:
        batch: list[Json] = []
        room = self._max_bytes - ENVELOPE_BYTES
        for operation in operations:
            size = len(compact(operation)) + 1
            if batch and (len(batch) >= self._max_operations or size > room):
                yield batch
                batch, room = [], self._max_bytes - ENVELOPE_BYTES
            batch.append(operation)
            room -= size
        if batch:
            yield batch

    def _disturb(self, batches: list[list[Json]], tricks: Random) -> list[list[Json]]:
        """Reorder, overlap and repeat; the first batch always comes twice."""
        routes: list[list[Json]] = []
        for batch in batches:
            disturbed = self._shuffled(self._overlapped(self._doubled(batch, tricks), tricks), tricks)
            routes += self._cut(disturbed)
            if not self.played["batch_twice"] or tricks.random() < 0.15:
                self.played["batch_twice"] += 1
                routes += self._cut(disturbed)
            self._earlier = batch
        for index in range(len(routes) - 1):
            if tricks.random() < 0.3:
                self.played["batches_swapped"] += 1
                routes[index], routes[index + 1] = routes[index + 1], routes[index]
        return routes

    def _doubled(self, batch: list[Json], tricks: Random) -> list[Json]:
        if tricks.random() >= 0.2:
            return batch
        self.played["item_twice"] += 1
        return [*batch, tricks.choice(batch)]

    def _overlapped(self, batch: list[Json], tricks: Random) -> list[Json]:
        if not self._earlier or tricks.random() >= 0.3:
            return batch
        self.played["overlap"] += 1
        return [*self._earlier[-tricks.randint(1, 5) :], *batch]

    def _shuffled(self, batch: list[Json], tricks: Random) -> list[Json]:
        if len(batch) < 2 or tricks.random() >= 0.3:
            return batch
        self.played["shuffled"] += 1
        return tricks.sample(batch, len(batch))

    def _send(self, batch: list[Json]) -> None:
        envelope = {
            "epoch": self._till.epoch,
            "first_seq": self._till.first_seq,
            "sent_at": self._clock.now().isoformat(),
            "pending": self._till.pending(),
            "operations": batch,
        }
        try:
            answer = self._client.push(envelope)
        except CallRefused as refusal:
            if refusal.problem != "batch_too_large" or len(batch) == 1:
                raise
            half = len(batch) // 2
            self._send(batch[:half])
            self._send(batch[half:])
        else:
            self._take(batch, answer)

    def _take(self, batch: list[Json], answer: Json) -> None:
        results = contract.rows(answer, "results", where="push answer")
        if len(results) != len(batch):
            raise ContractBroken(f"{len(batch)} operations were sent and {len(results)} results came back.")
        self.missing = answer.get("missing") or []
        words: dict[str, str] = {}
        for operation, result in zip(batch, results, strict=True):
            words.setdefault(operation["op_id"], self._word(operation, result))
        self._till.record_answers(words)

    def _word(self, operation: Json, result: Json) -> str:
        op_id, word = operation["op_id"], contract.text(result, "custody", where="result")
        if word not in WORDS:
            raise ContractBroken(f"{op_id} got the custody {word!r}.")
        if word != "refused" and (result.get("op_id"), result.get("seq")) != (op_id, operation["seq"]):
            raise ContractBroken(f"The result for {op_id} speaks of {result.get('op_id')}, seq {result.get('seq')}.")
        if word == "stored" and op_id in self._stored:
            self.complaints.append(f"{op_id} was stored twice")
        if word == "stored":
            self._stored.add(op_id)
        if word == "refused":
            self.refused[op_id] = str(result.get("reason"))
        self.answers[word] += 1
        return word
