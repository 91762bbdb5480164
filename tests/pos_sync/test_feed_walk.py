"""Random walks through the books: after each step, snapshot + changes is the server's window, row by row (B10)."""

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection

from pos_sync.models import TillPolicy
from receivables.domain.errors import RuleBroken
from receivables.models import SYSTEM, Customer, Installment, Title
from receivables.services.parameters import change_terms
from receivables.services.reversal import reverse_title
from receivables.services.settlement import settle_installment
from receivables.services.title import cancel_title, change_due_dates, change_title
from tests.ledger import assert_books_are_clean
from tests.make import CASHIER, NOW, REASON, TODAY, deposit, make_branch, make_customer, make_title
from tests.pos_sync.door import Till, operation
from tests.pos_sync.shadow import Shadow

pytestmark = pytest.mark.django_db

STEPS = 30


class Walk:
    """Books at work, one random step after the other; what a rule refuses is no step."""

    def __init__(self, till: Till, lot: random.Random, clock: time_machine.Traveller) -> None:
        self.till, self.lot, self.clock = till, lot, clock
        self.branches = [till.branch, make_branch()]
        self.day, self.seq = 0, 0

    def step(self) -> str:
        verbs: list[Callable[[], object]] = [
            self.issue, self.pay_part, self.pay_all, self.reverse, self.cancel, self.redate, self.rename,
            self.hand_over, self.new_rates, self.renumber, self.raw_sql, self.receive_at_the_till, self.sleep_on_it,
        ]  # fmt: skip
        verb = self.lot.choice(verbs)
        try:
            verb()
        except RuleBroken as refusal:
            return f"{verb.__name__} ({refusal.code})"
        return verb.__name__

    @property
    def on(self):
        return TODAY + timedelta(days=self.day)

    @property
    def now(self):
        return NOW + timedelta(days=self.day)

    def title(self) -> Title:
        return self.lot.choice(list(Title.objects.order_by("pk")))

    def installment(self) -> Installment:
        return self.lot.choice(list(Installment.objects.open().order_by("pk")) or [self.issue().installments.first()])

    def due(self):
        return self.on + timedelta(days=self.lot.choice([-40, -1, 0, 29, 30, 31, 33, 60]))

    def issue(self) -> Title:
        count = self.lot.randint(1, 3)
        return make_title(
            branch=self.lot.choice(self.branches), amounts=("100.00",) * count,
            due_dates=tuple(self.due() for _ in range(count)),
        )  # fmt: skip

    def pay_part(self) -> None:
        self._pay(Decimal("7.00"))

    def pay_all(self) -> None:
        self._pay(Decimal("500.00"))

    def _pay(self, amount: Decimal) -> None:
        settle_installment(
            installment_id=self.installment().pk, received=amount, received_on=self.on, deposit=deposit(on=self.on),
            by=CASHIER, now=self.now, on=self.on,
        )  # fmt: skip

    def reverse(self) -> None:
        reverse_title(title_id=self.title().pk, reason=REASON, by=CASHIER, now=self.now, on=self.on)

    def cancel(self) -> None:
        cancel_title(title_id=self.title().pk, reason=REASON, by=CASHIER)

    def redate(self) -> None:
        title = self.title()
        change_due_dates(title_id=title.pk, due_dates={title.installments.first().pk: self.due()}, by=CASHIER)

    def rename(self) -> None:
        customer = self.lot.choice(list(Customer.objects.order_by("pk")))
        customer.name = f"Cliente {self.lot.random()}"
        customer.save_as(SYSTEM)

    def hand_over(self) -> None:
        self._change(collecting_branch=self.lot.choice(self.branches))

    def renumber(self) -> None:
        self._change(document_number=f"N-{self.lot.random()}", bill_to=make_customer())

    def _change(self, **changes: object) -> None:
        title = self.title()
        change_title(title_id=title.pk, changes=changes, version=title.version, by=CASHIER)

    def new_rates(self) -> None:
        rates = {"interest_percent": Decimal(self.lot.randint(0, 3)), "interest_per": "day",
                 "fine_percent": Decimal(1), "max_discount_percent": Decimal(0)}  # fmt: skip
        change_terms(parameter_set_id=self.lot.choice(self.branches).parameter_set_id, rates=rates, by=CASHIER)

    def raw_sql(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE receivables_installment SET due_date = %s WHERE id = %s",
                           [self.due(), self.installment().pk])  # fmt: skip

    def receive_at_the_till(self) -> None:
        row = self.installment()
        self.seq += 1
        line = {"installment_id": str(row.pk), "version": row.version, "principal_cents": 1100}
        body = {"lines": [line], "tenders": [{"method": "cash", "amount_cents": 1100}], "receipt_no": f"03-{self.seq}"}
        self.till.push(
            operation(f"op-{self.seq}", self.seq, kind="receipt", occurred_at=self.now.isoformat(), body=body)
        )

    def sleep_on_it(self) -> None:
        self.day += 1
        self.clock.shift(timedelta(days=1))


@pytest.mark.parametrize("scope", TillPolicy.Scope.values)
@pytest.mark.parametrize("seed", range(3))
def test_snapshot_and_changes_are_the_servers_window_after_every_step(seed, scope):
    lot = random.Random(f"{seed}/{scope}")
    with time_machine.travel(NOW, tick=False) as clock:
        walk = Walk(till := Till(), lot, clock)
        TillPolicy(parameter_set=till.branch.parameter_set, scope=scope).save_as(SYSTEM)
        for _ in range(5):
            walk.issue()
        shadow, told = Shadow(till), []
        for _ in range(STEPS):
            told.append(walk.step())
            if lot.random() < 0.6:
                shadow.limit = lot.choice([1, 2, 500])
                shadow.pull()
                assert (told, shadow.disagreements()) == (told, [])
                assert till.reconcile(**shadow.figures()) == {"match": True}, told
        shadow.pull()
        assert (told, shadow.disagreements()) == (told, [])
        assert (shadow.through_seq, shadow.results.keys()) == (walk.seq, {f"op-{n + 1}" for n in range(walk.seq)})
        assert_books_are_clean()
