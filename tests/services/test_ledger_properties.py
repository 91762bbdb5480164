"""Whatever people and tills do, in whatever order, the books add up after every step (B2-B7, B9, B11)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from receivables.books import CHECKS
from receivables.domain.errors import ConfirmationRequired, OptionRequired, RuleBroken
from receivables.domain.reversal import ClosedCashOption
from receivables.models import ClosedCashReversal, Installment, LedgerAccount, Receipt, Title
from receivables.services.cash_day import close_day, reopen_day
from receivables.services.cash_movement import record_cash_movement
from receivables.services.credit import refund_credit, use_credit
from receivables.services.reversal import (
    DEBITS_DIFFER,
    ClosedCash,
    Debit,
    newest_live_receipt,
    reverse_share,
    void_receipt,
)
from receivables.services.settlement import quote, settle_installment, settle_title
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    cash_account,
    deposit,
    make_branch,
    make_customer,
    make_document_type,
    make_history_code,
    make_parameter_set,
    make_title,
)

pytestmark = pytest.mark.django_db

YESTERDAY = TODAY - timedelta(days=1)
LONG_AGO = TODAY - timedelta(days=45)
WHO: dict[str, Any] = {"by": CASHIER, "now": NOW}
PROMISED = {"B2", "B3", "B4", "B5", "B6", "B7", "B9", "B11"}

cents = st.one_of(st.integers(1, 9), st.integers(10, 40_000))
which = st.integers(0, 3)
days = st.sampled_from([TODAY, YESTERDAY])


@dataclass
class World:
    """One customer who owes three titles in one account; each verb is an intention, which a rule may refuse."""

    control_on: bool
    keys: count = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        branch = make_branch(parameter_set=make_parameter_set(cash_closing_control=self.control_on))
        self.account: LedgerAccount = cash_account(branch)
        self.customer = make_customer()
        usual = {"branch": branch, "bill_to": self.customer}
        self.titles: list[Title] = [
            make_title(amounts=("100.00",), due_dates=(LONG_AGO,), **usual),
            make_title(amounts=("33.34", "33.33", "33.33"), **usual),
            make_title(amounts=("250.10",), **usual),
        ]
        self.installments = list(Installment.objects.order_by("pk"))
        self.debit_codes = {
            "history_code_id": make_history_code(direction="debit").pk, "document_type_id": make_document_type().pk,
        }  # fmt: skip

    def settle_part(self, which: int, cents: int, day: date) -> None:
        installment = self.installments[which]
        settle_installment(installment_id=installment.pk, received=_reais(cents), received_on=day, on=TODAY,
                           deposit=deposit(on=day), **WHO)  # fmt: skip

    def settle_all(self, which: int, excess: int, day: date) -> None:
        """Settle what is due and hand over something more, which becomes credit."""
        title = self.titles[which % len(self.titles)]
        due = sum((each.total for each in quote(title_ids=[title.pk], on=day)), Decimal(0))
        settle_title(title_id=title.pk, received=due + _reais(excess), received_on=day, deposit=deposit(on=day),
                     on=TODAY, **WHO)  # fmt: skip

    def reverse_newest(self, which: int, cents: int, day: date) -> None:
        """Undo the newest share, and answer the closed-cash dialogue with a debit, or without one where it is odd."""
        title = self.titles[which % len(self.titles)]
        receipt = newest_live_receipt(title_id=title.pk)
        given = {"title_id": title.pk, "receipt_id": receipt.pk if receipt else 0, "reason": REASON, "on": TODAY, **WHO}
        if receipt is None:
            return
        try:
            reverse_share(**given)
        except OptionRequired:
            debit = Debit(movement_date=day, amount=_reais(cents), **self.debit_codes)
            answer = ClosedCash(ClosedCashOption.ACCOUNT_DEBIT, [debit])
            if cents % 2:
                answer = ClosedCash(ClosedCashOption.NO_DEBIT)
            with suppress(ConfirmationRequired):
                reverse_share(**given, closed_cash={self.account.pk: answer})
                return
            reverse_share(**given, closed_cash={self.account.pk: answer}, confirmed=frozenset({DEBITS_DIFFER}))

    def void(self, which: int, day: date) -> None:
        receipts = Receipt.objects.order_by("-pk")
        if len(receipts) > which:
            void_receipt(receipt_id=receipts[which].pk, reason="", idempotency_key=f"void-{next(self.keys)}", on=day,
                         **WHO)  # fmt: skip

    def use(self, which: int, cents: int) -> None:
        use_credit(installment_id=self.installments[which].pk, amount=_reais(cents), cash_date=TODAY, on=TODAY, **WHO)

    def refund(self, cents: int) -> None:
        refund_credit(customer_id=self.customer.pk, branch_id=self.account.branch_id, amount=_reais(cents),
                      method_code="cash", cash_date=TODAY, reason=REASON, on=TODAY, **WHO)  # fmt: skip

    def clear(self, cents: int) -> None:
        record = ClosedCashReversal.objects.last()
        record_cash_movement(account_id=self.account.pk, cash_date=TODAY, amount=_reais(cents), on=TODAY,
                             clears_id=record.pk if record else None, **self.debit_codes, **WHO)  # fmt: skip

    def close(self, day: date) -> None:
        close_day(account_id=self.account.pk, day=day, on=TODAY, **WHO)

    def reopen(self, day: date) -> None:
        reopen_day(account_id=self.account.pk, day=day, reason=REASON, **WHO)


def _reais(cents: int) -> Decimal:
    return Decimal(cents) / 100


def step(verb: Callable[..., None], *arguments: Any) -> Any:
    return st.tuples(st.just(verb), *arguments)


STEPS = st.one_of(
    step(World.settle_part, which, cents, days),
    step(World.settle_all, which, st.sampled_from([0, 0, 1, 5_000]), days),
    step(World.reverse_newest, which, cents, days),
    step(World.void, which, days),
    step(World.use, which, cents),
    step(World.refund, cents),
    step(World.clear, cents),
    step(World.close, days),
    step(World.reopen, days),
)


def violations() -> list[str]:
    return [violation.message for check in CHECKS if check.number in PROMISED for violation in check.find()]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(control_on=st.booleans(), steps=st.lists(STEPS, min_size=3, max_size=12))
def test_the_books_add_up_after_every_step(control_on, steps):
    with transaction.atomic():
        world = World(control_on)
        for verb, *arguments in steps:
            try:
                verb(world, *arguments)
                event(f"{verb.__name__}: done")
            except RuleBroken as refusal:
                event(f"{verb.__name__}: {refusal.code}")
            assert violations() == []
        connection.check_constraints()
        transaction.set_rollback(True)
