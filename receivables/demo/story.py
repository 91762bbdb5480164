"""What happened to the demonstration's titles in the last two weeks: receipts, a reversal, credits, closed days."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from receivables.demo.registers import BRANCHES, BranchPlan, Staff
from receivables.demo.titles import TitlePlan, plan
from receivables.domain.due_dates import is_business_day
from receivables.models import CashDay, CashDayStatus, DocumentType, HistoryCode, Installment, LedgerAccount, Title
from receivables.services.cash_day import close_day
from receivables.services.cash_movement import record_cash_movement
from receivables.services.credit import use_credit
from receivables.services.reversal import reverse_title
from receivables.services.settlement import Deposit, quote, settle_installment, settle_title
from receivables.services.title import cancel_title

DAYS = 12
STILL_OPEN = {"bank": 4, "clearing": 4}
"""Business days before today that an account of this kind leaves open; cash leaves none, where it is controlled."""


def tell(*, titles: dict[str, Title], staff: Staff, today: date) -> None:
    """Let the business days before today pass, one after the other, and today begin."""
    for branch in BRANCHES:
        _Story(branch=branch, titles=titles, staff=staff, today=today).tell()


def business_days_before(today: date, *, count: int) -> list[date]:
    """Give the last business days before today, the oldest first."""
    days: list[date] = []
    day = today
    while len(days) < count:
        day -= timedelta(1)
        if is_business_day(day):
            days.insert(0, day)
    return days


@dataclass
class _Story:
    branch: BranchPlan
    titles: dict[str, Title]
    staff: Staff
    today: date
    days: list[date] = field(init=False)
    plans: dict[str, TitlePlan] = field(init=False)

    def __post_init__(self) -> None:
        self.days = business_days_before(self.today, count=DAYS)
        self.plans = {each.story: each for each in plan() if each.branch == self.branch and each.story}

    def tell(self) -> None:
        events = self._events()
        for number, day in enumerate(self.days):
            for event in events.get(number, ()):
                event(day)
            self._close_until(number)
        self._close_yesterday()
        self._today()

    def _events(self) -> dict[int, Sequence[Callable[[date], Any]]]:
        return {
            0: [lambda day: self._receive("long_late", day, "pix")],
            1: [lambda day: self._receive_parts("parts_6", day, count=2)],
            2: [lambda day: self._receive("late", day, "cash")],
            3: [lambda day: self._receive_half("part_late", day, "cheque")],
            4: [lambda day: self._receive("on_time", day, "cash"), lambda day: self._receive("by_slip", day, "boleto")],
            5: [lambda day: self._receive("overpaid", day, "cash", extra=Decimal("50.00"))],
            6: [lambda day: self._receive_parts("parts_3", day, count=1)],
            8: [lambda day: self._receive("discount", day, "card", discount=True)],
            9: [lambda day: self._receive_half("part_early", day, "cash"), self._charge_bank],
            10: [lambda day: self._receive("reversed", day, "pix"), lambda day: self._use_credit("credit_used", day)],
            11: [lambda day: self._reverse("reversed", day), lambda day: self._cancel("cancelled")],
        }

    # Receipts

    def _receive(
        self, story: str, day: date, method: str, *, extra: Decimal = Decimal(0), discount: bool = False
    ) -> None:
        title = self._title(story)
        due = sum((each.total for each in quote(title_ids=[title.pk], on=day)), Decimal(0))
        granted = (due * Decimal("0.03")).quantize(Decimal("0.01")) if discount else Decimal("0.00")
        settle_title(
            title_id=title.pk, received=due + extra - granted, discount=granted, received_on=day,
            deposit=self._deposit(method, day, story), by=self.staff.treasury, now=_at(day, 10), on=day,
        )  # fmt: skip

    def _receive_half(self, story: str, day: date, method: str) -> None:
        due = quote(title_ids=[self._title(story).pk], on=day)[0]
        self._receive_part(due.installment, (due.total / 2).quantize(Decimal("0.01")), day, method, story)

    def _receive_parts(self, story: str, day: date, *, count: int) -> None:
        for due in quote(title_ids=[self._title(story).pk], on=day)[:count]:
            self._receive_part(due.installment, due.total, day, "cash", story)

    def _receive_part(self, installment: Installment, amount: Decimal, day: date, method: str, story: str) -> None:
        settle_installment(
            installment_id=installment.pk, received=amount, received_on=day, by=self.staff.finance,
            deposit=self._deposit(method, day, story), now=_at(day, 11), on=day,
        )  # fmt: skip

    def _use_credit(self, story: str, day: date) -> None:
        installment = Installment.objects.get(title=self._title(story))
        use_credit(
            installment_id=installment.pk, amount=Decimal("20.00"), cash_date=day, by=self.staff.treasury,
            now=_at(day, 15), on=day, reason="Crédito usado a pedido do cliente.",
        )  # fmt: skip

    def _deposit(self, method: str, day: date, story: str) -> Deposit:
        reference = f"NSU {self._title(story).pk:09d}" if method == "card" else ""
        return Deposit(method_code=method, cash_date=day, reference=reference)

    # What is not a receipt

    def _reverse(self, story: str, day: date) -> None:
        reverse_title(
            title_id=self._title(story).pk, reason="Pix devolvido: pago duas vezes pelo cliente.",
            by=self.staff.treasury, now=_at(day, 16), on=day,
        )  # fmt: skip

    def _cancel(self, story: str) -> None:
        reason = "Frete não realizado: carga recusada na coleta."
        cancel_title(title_id=self._title(story).pk, reason=reason, by=self.staff.finance)

    def _charge_bank(self, day: date) -> None:
        self._record(self.branch.bank, day, Decimal("38.90"), "211", "AVI", "Tarifa de manutenção da conta")

    def _record(self, account: str, day: date, amount: Decimal, history: str, document: str, notes: str) -> None:
        record_cash_movement(
            account_id=self._account(account).pk, cash_date=day, amount=amount, notes=notes,
            history_code_id=HistoryCode.objects.get(code=history).pk,
            document_type_id=DocumentType.objects.get(code=document).pk,
            by=self.staff.treasury, now=_at(day, 9), on=day,
        )  # fmt: skip

    # Days

    def _close_until(self, number: int) -> None:
        """Close at the end of day `number` what may be closed by then: cash that day, banks some days later."""
        self._close(self.branch.cash, self.days[number])
        for account, behind in ((self.branch.bank, STILL_OPEN["bank"]), (self.branch.clearing, STILL_OPEN["clearing"])):
            if number >= behind and self._has_movements(account, self.days[number - behind]):
                self._close(account, self.days[number - behind])

    def _has_movements(self, account: str, day: date) -> bool:
        return CashDay.objects.filter(account__short_code=account, day=day).exists()

    def _close(self, account: str, day: date) -> None:
        close_day(account_id=self._account(account).pk, day=day, by=self.staff.management, now=_at(day, 18),
                  on=day)  # fmt: skip

    def _close_yesterday(self) -> None:
        yesterday = self.today - timedelta(1)
        closed = CashDay.objects.filter(account__short_code=self.branch.cash, day=yesterday)
        if not closed.filter(status=CashDayStatus.CLOSED).exists():
            self._close(self.branch.cash, yesterday)

    def _today(self) -> None:
        self._record(self.branch.cash, self.today, Decimal("200.00"), "110", "REC", "Fundo de troco")

    def _title(self, story: str) -> Title:
        return self.titles[self.plans[story].document]

    def _account(self, short_code: str) -> LedgerAccount:
        return LedgerAccount.objects.get(short_code=short_code)


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour, 30), tzinfo=timezone.get_default_timezone())
