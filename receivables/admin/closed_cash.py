"""The dialogue of the closed cash, account by account: Sim or Não, a debit or none, another debit (S61-S88, G.2, G.3).

All that was answered lives in the fields of the page; a step gives it back changed, and nothing is written anywhere.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext

from receivables.admin.debit_form import DebitForm, usual_codes
from receivables.admin.explain import reais, written
from receivables.domain.money import ZERO, format_brl
from receivables.domain.reversal import ClosedCashOption
from receivables.models import CashMovement
from receivables.services.cash_day import closes_cash, is_closed
from receivables.services.reversal import ClosedCash
from receivables.services.reversal_preview import DatedAmount

MOST_DEBITS = 20
ASK, CHOOSE, ENTER, REASON, MORE, DONE = "ask", "choose", "enter", "reason", "more", "done"
"""Where a person is: Sim or Não; which option; a debit's fields; the reason; another debit or not; all said."""
STAGED = (MORE, DONE)
_FIELDS = ("movement_date", "history_code", "document_type", "amount", "notes")
_DAY = "%d/%m/%Y"


class Dialogue:
    """What is asked about one account, whose cash is closed on the days of `rows`, and what was answered so far."""

    def __init__(self, rows: Sequence[CashMovement], *, data: QueryDict, today: date, checked: bool = False) -> None:
        """Read the answers from the page's fields; `checked` tells every debit what is wrong with it."""
        self.rows, self.data, self.today = rows, data, today
        self.account = rows[0].account
        self.errors: Any = ()
        self.debits = [self._debit(number, checked=checked) for number in range(self._count())]

    # What was answered

    @property
    def settled(self) -> Decimal:
        """Valor Liquidado, in reais (S74)."""
        return sum((row.amount for row in self.rows), ZERO)

    @property
    def day(self) -> date:
        """Dt Liq. Caixa/Bancos (S68)."""
        return max(row.cash_date for row in self.rows)

    @property
    def stage(self) -> str:
        """Say where the person is; an answer posted as a whole is one that was confirmed step by step."""
        return str(self._get("stage") or (DONE if self.option else ASK))

    @property
    def option(self) -> ClosedCashOption | None:
        chosen = self._get("option")
        return ClosedCashOption(chosen) if chosen in {each.value for each in ClosedCashOption} else None

    @property
    def is_staged(self) -> bool:
        """Say whether Confirmar took an answer that Gravar may save."""
        return self.option is not None and self.stage in STAGED

    @property
    def is_debit(self) -> bool:
        return self.option is ClosedCashOption.ACCOUNT_DEBIT

    @property
    def entering(self) -> int | None:
        """Give the number of the debit whose fields are open."""
        last = str(self._get("entering") or "")
        return int(last) if self.stage == ENTER and last.isdigit() and int(last) < len(self.debits) else None

    @property
    def entry(self) -> DebitForm | None:
        if self.entering is None:
            return None
        form = self.debits[self.entering]
        form.fields["movement_date"].widget.attrs["autofocus"] = True
        return form

    @property
    def confirmed(self) -> list[tuple[int, DebitForm]]:
        """Give the debits that Confirmar took, with their numbers."""
        return [(number, form) for number, form in enumerate(self.debits) if number != self.entering]

    def dated_amounts(self) -> list[DatedAmount]:
        return [amount for form in self.debits if (amount := form.dated_amount) is not None]

    def total(self) -> Decimal:
        return sum((amount for _day, amount in self.dated_amounts()), ZERO)

    @property
    def differs(self) -> bool:
        return self.is_debit and bool(self.debits) and self.total() != self.settled

    @property
    def is_valid(self) -> bool:
        return all([form.is_valid() for form in self.debits])  # noqa: C419 - each form tells its errors

    def answer(self) -> ClosedCash | None:
        """Give what the service is told; the debits must be valid."""
        if self.option is None:
            return None
        return ClosedCash(option=self.option, debits=[form.debit for form in self.debits] if self.is_debit else [])

    def open_first_wrong(self) -> None:
        """Open the fields of the first debit that Gravar found wrong."""
        wrong = next(number for number, form in enumerate(self.debits) if not form.is_valid())
        self._set(stage=ENTER, entering=str(wrong))

    # What is told

    @property
    def question(self) -> str:
        text = gettext("The cash of account %(account)s is closed on %(day)s. Reverse all the same?")
        return text % {"account": self.account, "day": written(self.day)}

    @property
    def entry_title(self) -> str:
        if not self.entering:
            return gettext("Debit in the account")
        return gettext("Debit %(number)s") % {"number": self.entering + 1}

    @property
    def settled_told(self) -> str:
        return reais(self.settled)

    @property
    def total_told(self) -> str:
        return reais(self.total())

    @property
    def without_debit(self) -> str:
        text = gettext("%(amount)s stays in account %(account)s as a known difference, open until it is cleared.")
        return text % {"amount": self.settled_told, "account": self.account}

    @property
    def warning(self) -> str:
        """Say how far the account's balance ends from right with these debits, empty where they add up (S73)."""
        left = self.settled - self.total()
        if not self.is_debit or not self.debits or not left:
            return ""
        if left > 0:
            text = gettext("%(left)s less than the settled amount: the account ends %(left)s above what is right.")
        else:
            text = gettext("%(left)s more than the settled amount: the account ends %(left)s below what is right.")
        return text % {"left": reais(abs(left))}

    @property
    def may_have_more(self) -> bool:
        return len(self.debits) < MOST_DEBITS

    # What is said next

    def take(self, verb: str, number: int = 0) -> bool:
        """Take a step of the dialogue; False where it is wrong and what is wrong was told (Confirmar only)."""
        if verb == "confirm":
            return self._confirm()
        taken: dict[str, Any] = {
            "yes": self._choose_again,
            "back": self._choose_again,
            ClosedCashOption.ACCOUNT_DEBIT.value: self._ask_first_debit,
            ClosedCashOption.NO_DEBIT.value: lambda: self._set(option=ClosedCashOption.NO_DEBIT.value, stage=REASON),
            "more": self._ask_debit,
            "enough": lambda: self._set(stage=DONE),
            "change": lambda: self._change(number),
            "drop": lambda: self._drop(number),
            "look": lambda: None,
        }
        if verb in taken:
            taken[verb]()
        return True

    def _confirm(self) -> bool:
        if self.entry is not None:
            self.debits[self.entering or 0] = form = self._debit(self.entering or 0, checked=True)
            if not form.is_valid():
                return False
        self._set(stage=MORE if self.is_debit else DONE, entering="")
        return True

    def _choose_again(self) -> None:
        self._keep_debits([])
        self._set(stage=CHOOSE, option="", entering="")

    def _ask_first_debit(self) -> None:
        self._keep_debits([])
        self._set(option=ClosedCashOption.ACCOUNT_DEBIT.value)
        self._ask_debit()

    def _ask_debit(self) -> None:
        """Open the fields of one more debit with what is usual (S67-S73); the first is of all that was settled."""
        number = len(self.debits)
        if not self.is_debit or number >= MOST_DEBITS:
            return
        history_code, document_type = usual_codes(self.rows[0])
        is_shut = closes_cash(self.account) and is_closed(account_id=self.account.pk, day=self.today)
        proposed = {
            "movement_date": "" if is_shut else self.today.strftime(_DAY),
            "history_code": history_code or "",
            "document_type": document_type or "",
            "amount": format_brl(self.settled) if number == 0 else "",
            "notes": "",
        }
        for name, value in proposed.items():
            self.data[self._name(number, name)] = str(value)
        self.debits.append(self._debit(number))
        self._set(stage=ENTER, entering=str(number))

    def _change(self, number: int) -> None:
        if number < len(self.debits):
            self._set(stage=ENTER, entering=str(number))

    def _drop(self, number: int) -> None:
        """Give one debit up; the first is obligatory (S81)."""
        if 0 < number < len(self.debits):
            self._keep_debits([kept for kept in range(len(self.debits)) if kept != number])
        self._set(stage=MORE, entering="")

    # The page's fields

    def _get(self, name: str) -> str | None:
        return self.data.get(f"{name}_{self.account.pk}")

    def _set(self, **values: str) -> None:
        for name, value in values.items():
            self.data[f"{name}_{self.account.pk}"] = value

    def _name(self, number: int, field: str) -> str:
        return f"debit-{self.account.pk}-{number}-{field}"

    def _count(self) -> int:
        """Count the debits on the page: those after the first that are wholly blank are none."""
        counted = 0
        while counted < MOST_DEBITS and any(self.data.get(self._name(counted, name)) for name in _FIELDS):
            counted += 1
        return counted

    def _debit(self, number: int, *, checked: bool = False) -> DebitForm:
        values = {name: self.data.get(self._name(number, name), "") for name in _FIELDS}
        prefix = f"debit-{self.account.pk}-{number}"
        if not checked:
            return DebitForm(prefix=prefix, initial=values, rows=self.rows, today=self.today)
        typed = {f"{prefix}-{name}": value for name, value in values.items()}
        return DebitForm(typed, prefix=prefix, rows=self.rows, today=self.today)

    def _keep_debits(self, numbers: Sequence[int]) -> None:
        kept = [{name: self.data.get(self._name(number, name), "") for name in _FIELDS} for number in numbers]
        for number in range(len(self.debits)):
            for name in _FIELDS:
                self.data.pop(self._name(number, name), None)
        for number, values in enumerate(kept):
            for name, value in values.items():
                self.data[self._name(number, name)] = value
        self.debits = [self._debit(number) for number in range(len(kept))]
