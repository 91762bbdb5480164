"""What a pull costs: as much as there is news, however large the books are (contract, GET /changes)."""

from statistics import median
from time import perf_counter

from django.db import connection

from pos_sync.models import Device
from pos_sync.services import feed
from pos_sync.services.changes import View, pull_changes
from pos_sync.services.epochs import in_its_epoch, look
from receivables.models import Branch, Installment
from tests.bench.books import make_books, make_device
from tests.bench.conftest import INSTALLMENTS
from tests.bench.figures import ms, tell
from tests.make import NOW, TODAY

SMALL, LARGE = 10_000, 2 * INSTALLMENTS
CHANGES = (0, 10, 100, 1000)


def bench_pulls(database: None, rounds: int) -> None:
    """Pull the same news from small books and from large ones, in turns."""
    small, large = Pulls(make_books(installments=SMALL)), Pulls(make_books(installments=LARGE))
    size = f"{LARGE:,}"
    idle = 0.0
    for count in CHANGES:
        taken: dict[Pulls, list[float]] = {small: [], large: []}
        for _ in range(2 + rounds):
            for each, seconds in taken.items():
                seconds.append(each.pull(count))
        here, there = taken[large][2:], taken[small][2:]
        idle = idle or median(here)
        tell(f"pull of {count:,} changes, {size} installments, of {SMALL:,}", ms(here), ms(there),
             median(here) / median(there), "~ 1")  # fmt: skip
        if count:
            tell(f"pull of {count:,} changes, of one without news", ms(here), ms([idle]), median(here) / idle)


class Pulls:
    """A till with a snapshot, that pulls what was changed since."""

    def __init__(self, branch: Branch) -> None:
        self._device: Device = make_device(branch, till="21")
        self._ids = list(Installment.objects.filter(title__collecting_branch=branch, status="pending").order_by("pk")
                         .values_list("pk", flat=True)[: max(CHANGES)])  # fmt: skip
        view = View.of(branch.pk, today=TODAY)
        standing = in_its_epoch(look, now=NOW)
        self._cursor = feed.newest_cursor(branch=branch, policy=view.policy, standing=standing, today=TODAY)

    def pull(self, count: int) -> float:
        """Change so many installments, then give the seconds that one pull of all of them takes."""
        _touch(self._ids[:count])
        began = perf_counter()
        pull = pull_changes(device=self._device, cursor=self._cursor, limit=max(CHANGES), now=NOW)
        taken = perf_counter() - began
        assert (len(list(pull.document["installments"])), pull.is_last) == (count, True)
        self._cursor = str(pull.document["cursor"])
        return taken


def _touch(ids: list[int]) -> None:
    """Change rows as another process would; the feed's triggers see it whoever writes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE receivables_installment SET fine_charged = NOT fine_charged, version = version + 1 "
            "WHERE id = ANY(%s)",
            [ids],
        )
