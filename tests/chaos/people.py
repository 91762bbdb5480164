"""The back office at work: each verb draws what it touches and goes through the services; a refusal is no step."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random

from django.utils import timezone

from receivables.domain.errors import ConfirmationRequired, OptionRequired, RuleBroken
from receivables.domain.reversal import ClosedCashOption
from receivables.models import (
    Branch,
    CashDay,
    CashDayStatus,
    Customer,
    Direction,
    DocumentType,
    HistoryCode,
    Installment,
    PaymentMethod,
    Title,
    TitleStatus,
)
from receivables.services.cash_day import close_day, reopen_day
from receivables.services.credit import refund_credit, use_credit
from receivables.services.parameters import change_terms
from receivables.services.reissue import reissue_bank_collection
from receivables.services.reversal import DEBITS_DIFFER, ClosedCash, Debit, newest_live_receipt, reverse_share
from receivables.services.settlement import quote, settle_installment, settle_titles
from receivables.services.title import cancel_title, change_due_dates
from tests.make import CASHIER, REASON, deposit, make_title

NEWEST = 40
DUE_IN = (-40, -8, -1, 0, 3, 29, 30, 31, 45)


class BackOffice:
    """Everybody in the branches' offices; `lot` draws, the clock is the process's."""

    def __init__(self, branches: Sequence[Branch], *, customers: Sequence[Customer], lot: Random) -> None:
        self.branches, self.customers, self.lot = branches, customers, lot
        self._numbers = count(1)

    def try_to(self, verb: str) -> str:
        """Do it and say how it went: its name, with the code of the refusal where a rule said no."""
        try:
            getattr(self, verb)()
        except RuleBroken as refusal:
            return f"{verb}: {refusal.code}"
        return verb

    # Receivables

    def issue(self) -> Title:
        parts = range(self.lot.choice([1, 1, 2, 3]))
        return make_title(
            branch=self.lot.choice(self.branches), bill_to=self.lot.choice(self.customers),
            document_number=f"FAT-{next(self._numbers)}", issued_on=self._today() - timedelta(days=60),
            amounts=tuple(str(Decimal(self.lot.randint(500, 60_000)) / 100) for _ in parts),
            due_dates=tuple(self._today() + timedelta(days=self.lot.choice(DUE_IN)) for _ in parts),
            our_numbers=tuple(f"{next(self._numbers):09d}" for _ in parts),
        )  # fmt: skip

    def cancel(self) -> None:
        cancel_title(title_id=self._title().pk, reason=REASON, by=CASHIER)

    def redate(self) -> None:
        row = self._installment()
        due = self._today() + timedelta(days=self.lot.choice(DUE_IN))
        change_due_dates(title_id=row.title_id, due_dates={row.pk: due}, by=CASHIER)

    def reissue(self) -> None:
        """Nova Cobrança, with charges into the amount or back to the original one."""
        percents = {"interest_percent": Decimal(1), "fine_percent": Decimal(2)}
        reissue_bank_collection(
            installment_id=self._installment().pk, new_due_date=self._today() + timedelta(days=self.lot.randint(0, 40)),
            reason=REASON, apply_charges=self.lot.random() < 0.7, write_off_requested=True, by=CASHIER,
            on=self._today(), now=self._now(), **percents,
        )  # fmt: skip

    def change_rates(self) -> None:
        rates = {"interest_percent": Decimal(self.lot.randint(0, 3)), "interest_per": "month30",
                 "fine_percent": Decimal(self.lot.randint(0, 2)), "max_discount_percent": Decimal(5)}  # fmt: skip
        change_terms(parameter_set_id=self.lot.choice(self.branches).parameter_set_id, rates=rates, by=CASHIER)

    # Money

    def settle_part(self) -> None:
        row, on = self._installment(), self._today()
        settle_installment(
            installment_id=row.pk, received=Decimal(self.lot.randint(1, 5_000)) / 100, received_on=on,
            deposit=deposit(on=on, method=self.lot.choice(["cash", "pix"])), by=CASHIER, now=self._now(), on=on,
        )  # fmt: skip

    def settle_several(self) -> None:
        """Liquidação múltipla of what one to three titles owe."""
        on = self._today()
        owed = {title.pk: self._owed(title) for title in (self._title() for _ in range(self.lot.randint(1, 3)))}
        settle_titles(
            expected={pk: cents for pk, cents in owed.items() if cents}, received_on=on, deposit=deposit(on=on),
            by=CASHIER, now=self._now(), on=on,
        )  # fmt: skip

    def reverse(self) -> None:
        """Estornar the newest receipt of a settled title; with the cash closed, by a debit of now or without one."""
        settled = list(Title.objects.filter(status=TitleStatus.SETTLED).order_by("-pk")[:NEWEST])
        title = self.lot.choice(settled or [self._title()])
        receipt = newest_live_receipt(title_id=title.pk)
        if receipt is None:
            return
        given = {"title_id": title.pk, "receipt_id": receipt.pk, "reason": REASON, "on": self._today(),
                 "now": self._now(), "by": CASHIER}  # fmt: skip
        try:
            reverse_share(**given)
        except OptionRequired:
            accounts = {row.account_id for row in receipt.movements.all()}
            answers = {pk: self._closed_cash(receipt.amount) for pk in sorted(accounts)}
            with suppress(ConfirmationRequired):
                reverse_share(**given, closed_cash=answers)
                return
            reverse_share(**given, closed_cash=answers, confirmed=frozenset({DEBITS_DIFFER}))

    def use_credit(self) -> None:
        use_credit(
            installment_id=self._installment().pk, amount=Decimal(self.lot.randint(1, 2_000)) / 100,
            cash_date=self._today(), by=CASHIER, now=self._now(), on=self._today(),
        )  # fmt: skip

    def refund(self) -> None:
        refund_credit(
            customer_id=self.lot.choice(self.customers).pk, branch_id=self.lot.choice(self.branches).pk,
            amount=Decimal(self.lot.randint(1, 1_000)) / 100, method_code=PaymentMethod.CASH, cash_date=self._today(),
            reason=REASON, by=CASHIER, now=self._now(), on=self._today(),
        )  # fmt: skip

    # The cash

    def close_days(self) -> None:
        """Close an account's oldest open day."""
        days = CashDay.objects.filter(status=CashDayStatus.OPEN, day__lte=self._today()).order_by("day", "pk")
        if day := days.first():
            close_day(account_id=day.account_id, day=day.day, by=CASHIER, now=self._now(), on=self._today())

    def reopen(self) -> None:
        if day := CashDay.objects.filter(status=CashDayStatus.CLOSED).order_by("-day", "pk").first():
            reopen_day(account_id=day.account_id, day=day.day, reason=REASON, by=CASHIER, now=self._now())

    # Draws

    def _closed_cash(self, amount: Decimal) -> ClosedCash:
        if self.lot.random() < 0.5:
            return ClosedCash(ClosedCashOption.NO_DEBIT)
        debit = HistoryCode.objects.filter(direction=Direction.DEBIT).order_by("pk").first()
        kind = DocumentType.objects.order_by("pk").first()
        codes = {"history_code_id": debit.pk, "document_type_id": kind.pk}
        return ClosedCash(ClosedCashOption.ACCOUNT_DEBIT, [Debit(movement_date=self._today(), amount=amount, **codes)])

    def _owed(self, title: Title) -> Decimal:
        return sum((each.total for each in quote(title_ids=[title.pk], on=self._today())), Decimal(0))

    def _title(self) -> Title:
        return self.lot.choice(list(Title.objects.order_by("-pk")[:NEWEST]) or [self.issue()])

    def _installment(self) -> Installment:
        rows = Installment.objects.open().exclude(title__status=TitleStatus.CANCELLED).order_by("-pk")
        return self.lot.choice(list(rows[:NEWEST]) or [self.issue().installments.first()])

    def _now(self) -> datetime:
        return timezone.now()

    def _today(self) -> date:
        return timezone.localdate()
