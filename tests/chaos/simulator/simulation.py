"""Days of a company, drawn from a seed: who acts next, what breaks meanwhile, and the reckoning at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from time import perf_counter

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from pos_sync.models import TillOperator, TillPolicy
from pos_sync.services.devices import change_device_state
from receivables.domain.errors import RuleBroken
from receivables.models import SYSTEM, Branch, PaymentMethod
from tests.chaos.people import BackOffice
from tests.chaos.simulator.chance import World, world
from tests.chaos.simulator.counter import Counter
from tests.chaos.simulator.network import Network
from tests.chaos.simulator.reckoning import Reckoning, books, reckon
from tests.chaos.simulator.server import Server
from tests.make import CASHIER, REASON, make_branch, make_customer, make_parameter_set

FIRST_DAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # 05:00 in São Paulo, a Monday
OPENS, CLOSES = time(8), time(18)
STEPS_A_TILL_AND_DAY = 25
DESK = {"settle_part": 8, "settle_several": 6, "reverse": 5, "use_credit": 2, "refund": 1, "cancel": 2, "redate": 2,
        "reissue": 3, "change_rates": 1, "close_days": 4, "reopen": 1, "issue": 6}  # fmt: skip
TITLES_A_TILL = 15


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to; the same seed gives the same, but for the seconds."""

    seed: str
    trace: str
    operations: dict[str, int]
    faults: dict[str, int]
    reckoning: Reckoning
    problems: list[str]
    virtual_hours: float
    seconds: float

    @property
    def is_clean(self) -> bool:
        return not (self.problems or self.reckoning.lost or self.reckoning.doubled)

    def lines(self) -> list[str]:
        """Tell it to a person, one fact a line."""
        sums = self.reckoning
        return [
            f"seed {self.seed}, trace {self.trace}",
            f"operations {sum(self.operations.values())}: {_listed(self.operations)}",
            f"faults {sum(self.faults.values())}: {_listed(self.faults)}",
            f"money in {sums.taken_cents} = ledger {sums.posted_cents} + quarantined or waiting {sums.outside_cents}",
            f"lost {len(sums.lost)}, doubled {len(sums.doubled)}",
            f"states: {_listed(sums.states)}",
            f"virtual hours {self.virtual_hours:.1f}, seconds {self.seconds:.1f}",
            *(f"LOST {each}" for each in sums.lost[:20]),
            *(f"DOUBLED {each}" for each in sums.doubled[:20]),
            *(f"PROBLEM {each}" for each in self.problems[:20]),
        ]


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


class Simulation:
    """So many tills for so many days over an empty database of SQLite."""

    def __init__(
        self, *, seed: str, tills: int = 20, days: int = 3, say: Callable[[str], None] = lambda line: None
    ) -> None:
        self.seed, self.tills, self.days, self._say = seed, tills, days, say

    def run(self) -> Outcome:
        """Live through the days, drain, reckon."""
        began = perf_counter()
        with world(f"{self.seed}/{self.tills}/{self.days}", begins=FIRST_DAY, say=self._say) as here:
            company = Company(here, tills=self.tills)
            with company.server.running():
                company.found()
                for _ in range(self.days):
                    company.live_a_day()
                company.drain()
            hours = (datetime.now(UTC) - FIRST_DAY) / timedelta(hours=1)
            reckoning = reckon([(each.till, each.name) for each in company.everybody], here)
        return Outcome(
            seed=self.seed, trace=here.trace.digest, operations=dict(here.operations), faults=dict(here.faults),
            reckoning=reckoning, problems=here.problems, virtual_hours=hours, seconds=perf_counter() - began,
        )  # fmt: skip


class Company:
    """Two branches, their offices, their tills, and the server between them."""

    def __init__(self, here: World, *, tills: int) -> None:
        self.world, self._tills = here, tills
        self.lot = here.lot("company")
        self.server = Server(here)
        self.network = Network(here, self.server)
        self.everybody: list[Counter] = []

    def found(self) -> None:
        """Register branches, customers and titles, and pair the tills."""
        parameters = make_parameter_set(name="Simulação")
        policy = TillPolicy(parameter_set=parameters, max_receipt_cents=200_000, max_pending_cents=1_000_000)
        policy.save_as(SYSTEM)
        self.branches = [make_branch(code=f"9{n}", parameter_set=parameters) for n in range(2)]
        policy.offline_methods.set(PaymentMethod.objects.filter(code__in=["cash", "card"]))
        pin = make_password("1234", hasher="pbkdf2_sha256")
        for branch in self.branches:
            TillOperator(branch=branch, code="01", name="Bia", pin_hash=pin).save_as(SYSTEM)
        customers = [make_customer(name=f"Cliente {n}", document=f"{n:011d}") for n in range(1, 4 * self._tills)]
        self.office = BackOffice(self.branches, customers=customers, lot=self.world.lot("office"))
        for _ in range(TITLES_A_TILL * self._tills):
            self.office.issue()
        for number in range(self._tills):
            self._install(self.branches[number % 2], f"{number + 1:02d}")

    def _install(self, branch: Branch, till: str) -> None:
        earlier = [each for each in self.everybody if (each.branch, each.till_code) == (branch, till)]
        fresh = Counter(self.world, self.network, branch=branch, till=till, install=len(earlier) + 1)
        fresh.pair()
        fresh.former = earlier
        for each in earlier:
            each.is_replaced = True
        self.everybody.append(fresh)

    # A day

    def live_a_day(self) -> None:
        """From the morning's synchronisation to the evening's count."""
        today = timezone.localdate()
        self._step_to(datetime.combine(today, OPENS, tzinfo=timezone.get_current_timezone()))
        closes = datetime.combine(today, CLOSES, tzinfo=timezone.get_current_timezone())
        steps = STEPS_A_TILL_AND_DAY * self._tills
        pace = (closes - timezone.now()).total_seconds() / steps
        for _ in range(steps):
            self.world.pass_time(self.lot.expovariate(1 / pace))
            self._step()
        for each in self.everybody:
            each.end_day()
        self._check_books()
        tomorrow = datetime.combine(today + timedelta(days=1), time(5, 0), tzinfo=timezone.get_current_timezone())
        self._step_to(tomorrow)

    def _step_to(self, instant: datetime) -> None:
        self.world.pass_time_until(instant)
        self.network.deliver_late()
        self.server.work()

    def _step(self) -> None:
        """Let what is due happen, then one actor act."""
        self.network.deliver_late()
        self.server.work()
        if self.lot.random() < 0.8:
            self.lot.choice(self.everybody).act()
        else:
            self._others()

    def _others(self) -> None:
        drawn = self.lot.random()
        if drawn < 0.80:
            verb = self.lot.choices(list(DESK), weights=list(DESK.values()))[0]
            self.world.trace.tell("office", self.office.try_to(verb))
        elif drawn < 0.85:
            self._change_a_device()
        elif drawn < 0.87:
            self._replace_a_till()
        elif drawn < 0.97 or self.world.is_calm:
            self.server.back_up()
        else:
            self._restore()

    def _change_a_device(self) -> None:
        each = self.lot.choice(self.everybody)
        state = self.lot.choice(["suspended", "active", "active", "active", "revoked"])
        self._make(each, state)

    def _make(self, each: Counter, state: str) -> None:
        try:
            change_device_state(device_id=each.identity.device_id, state=state, reason=REASON, by=CASHIER)
        except RuleBroken as refusal:
            state = refusal.code
        self.world.trace.tell("device", each.name, state)

    def _replace_a_till(self) -> None:
        each = self.lot.choice([each for each in self.everybody if not each.is_replaced])
        self.world.fault("till_replaced", each.name)
        self._install(each.branch, each.till_code)

    def _restore(self) -> None:
        if self.server.restore():
            self.network.forget()
            for each in self.everybody:
                each.take_uploader()
            self._check_books()

    def _check_books(self) -> None:
        for violation in books():
            self.world.wrong(violation)

    # The end

    def drain(self) -> None:
        """Mend the network, let every till deliver, wait until what waits may be closed, and apply it all."""
        self.world.is_calm = True
        for each in self.everybody:
            if not each.is_replaced:
                self._make(each, "active")
        for hours in (0, 1, 25):
            self.world.pass_time(hours * 3600)
            self.network.deliver_late()
            for each in self.everybody:
                each.drain()
            self.server.work()
        self._check_books()
