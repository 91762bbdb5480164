"""One run: found a company, let tills and people work while everything dies, drain, and look for every cent.

`make chaos` (CHAOS_OPERATIONS, CHAOS_FAULTS, CHAOS_TILLS, SEED) is the long form; the short one is in `test_real`.
"""

import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psycopg

from tests.chaos.real.audit import Findings, audit_people, audit_tills
from tests.chaos.real.faults import Injector, plan
from tests.chaos.real.line import GOOD, BadLine
from tests.chaos.real.servers import Cluster
from tests.chaos.real.shop import Shop, journal_of
from tests.journeys.running import free_port, wait_for

TICK_SECONDS = 0.1
DRAIN_SECONDS = 1200


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much of everything; `seconds` is the longest that the work may take."""

    seed: str
    operations: int
    faults: int
    tills: int
    seconds: float

    @property
    def titles(self) -> int:
        return max(60, self.operations // 5)


@dataclass(slots=True)
class Verdict:
    """What happened and what was found, for a person and for an assertion."""

    wanted: Wanted
    tills: Findings
    people: Findings
    faults: Counter[str]
    line: Counter[str]
    restarts: Counter[str]
    violations: list[object]
    undecided: int
    backlog: int
    server_errors: list[str]
    work_seconds: float
    drain_seconds: float

    @property
    def is_clean(self) -> bool:
        amiss = self.violations or self.undecided or self.server_errors
        return self.tills.is_clean and self.people.is_clean and not amiss

    def lines(self) -> list[str]:
        """Tell it, one fact a line."""
        tills, people = self.tills, self.people
        hurt = {kind: count for kind, count in self.line.items() if kind != GOOD}
        amiss = [*tills.lost, *tills.doubled, *tills.wrong, *people.lost, *people.doubled, *people.wrong]
        amiss += [str(each) for each in (*self.violations, *self.server_errors)]
        return [
            f"seed {self.wanted.seed}, {self.wanted.tills} tills",
            f"operations {tills.figures['operations']} (receipts {tills.figures['receipts']}, "
            f"R$ {tills.figures['cents'] / 100:,.2f})",
            f"faults {self.faults.total()}: {_listed(self.faults)}",
            f"connections hurt {sum(hurt.values())} of {self.line.total()}: {_listed(hurt)}",
            f"started again: {_listed(self.restarts)}",
            f"people: {_listed(people.figures)}",
            f"states: {_listed(tills.states)}; reasons: {_listed(tills.reasons)}",
            f"tills asked again: {_listed({k.partition(': ')[2]: v for k, v in tills.figures.items() if ': ' in k})}",
            f"outcomes told and compared: {tills.figures['told']}",
            f"lost {len(tills.lost) + len(people.lost)} (R$ {tills.lost_cents / 100:,.2f})",
            f"doubled {len(tills.doubled) + len(people.doubled)} (R$ {tills.doubled_cents / 100:,.2f})",
            f"told otherwise or amiss {len(tills.wrong) + len(people.wrong)}; undecided {self.undecided}; "
            f"check_books violations {len(self.violations)}; unexpected server errors {len(self.server_errors)}",
            f"seconds {self.work_seconds:.0f}, of them {self.drain_seconds:.1f} after the last delivery to decide "
            f"the {self.backlog} operations that waited",
            *(f"AMISS {what}" for what in amiss[:40]),
            "clean" if self.is_clean else "NOT CLEAN",
        ]


def _listed(counts: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


def run(wanted: Wanted, *, folder: Path) -> Verdict:
    """Do all of it on servers of its own; what was said is left in `folder`."""
    rng = Random(f"{wanted.seed}/line")
    with Cluster() as cluster, Shop(folder=folder, server_url=cluster.url, redis_port=free_port()) as shop:
        shop.found(titles=wanted.titles, tills=wanted.tills)
        with BadLine(to_port=shop.open(), rng=rng) as line:
            injector = Injector(shop, cluster, seed=wanted.seed)
            started = time.monotonic()
            line.is_bad = True
            shop.add_tills(line=line, seed=wanted.seed, operations=wanted.operations)
            shop.add_back_office(seed=wanted.seed)
            _work(wanted, shop, injector)
            line.is_bad = False
            shop.close_back_office(seconds=60)
            backlog = shop.undecided()
            drain_seconds = _drain(shop)
            work_seconds = time.monotonic() - started
            shop.compare_tills(line=line, seconds=120)
            return Verdict(
                wanted=wanted,
                tills=audit_tills(shop.journals, shop.rows, before=shop.founded_with),
                people=audit_people(journal_of(shop.desk), shop.rows),
                faults=injector.struck,
                line=line.hurt,
                restarts=shop.restarts,
                violations=shop.violations(),
                undecided=shop.undecided(),
                backlog=backlog,
                server_errors=shop.unexpected_errors(),
                work_seconds=work_seconds,
                drain_seconds=drain_seconds,
            )


def _work(wanted: Wanted, shop: Shop, injector: Injector) -> None:
    """Strike as the plan says until the tills have delivered all."""
    blows = plan(seed=wanted.seed, faults=wanted.faults, operations=wanted.operations)
    rng, give_up_at = Random(f"{wanted.seed}/watch"), time.monotonic() + wanted.seconds
    shown_at = time.monotonic()
    are_content = False
    while blows or not are_content:
        printed, are_content = shop.printed(), all(shop.is_content(till) for till in shop.tills)
        while blows and blows[0].at <= printed:
            nobody_is_left = are_content and blows[0].kind == "till killed"
            if not injector.strike(blows[0].kind) and not nobody_is_left:
                break
            blows.pop(0)
        injector.heal()
        shop.start_the_dead(rng)
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{printed} operations printed, {len(blows)} faults to come after {wanted.seconds} s")
        if time.monotonic() - shown_at > 30:
            shown_at = time.monotonic()
            print(f"{printed} operations printed, {injector.struck.total()} faults", file=sys.stderr, flush=True)
        time.sleep(TICK_SECONDS)
    injector.heal(all_of_it=True)


def _drain(shop: Shop) -> float:
    """Start what is dead, and give the seconds until the last operation was decided."""
    started, rng = time.monotonic(), Random(0)

    def is_drained() -> bool:
        shop.start_the_dead(rng)
        try:
            return not shop.undecided()
        except psycopg.OperationalError:
            return False

    try:
        wait_for("the last decision", is_drained, seconds=DRAIN_SECONDS)
    except TimeoutError as late:
        print(late, file=sys.stderr)
    return time.monotonic() - started


def main() -> int:
    """Run the long form as the environment asks, print the verdict, keep the folder where it is not clean."""
    given = os.environ.get
    operations = int(given("CHAOS_OPERATIONS", "20000"))
    wanted = Wanted(
        seed=given("SEED") or str(Random().randrange(10**6)),
        operations=operations,
        faults=int(given("CHAOS_FAULTS", "500")),
        tills=int(given("CHAOS_TILLS", "10")),
        seconds=float(given("CHAOS_SECONDS", str(600 + operations / 2))),
    )
    folder = Path(tempfile.mkdtemp(prefix="quita-chaos-"))
    print(f"seed {wanted.seed}; what everybody says is in {folder}", flush=True)
    verdict = run(wanted, folder=folder)
    print("\n".join(verdict.lines()))
    if verdict.is_clean:
        shutil.rmtree(folder)
    return 0 if verdict.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
