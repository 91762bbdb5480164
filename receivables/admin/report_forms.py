"""What a report asks for: a period of at most a year, a day, a branch, an account, a customer."""

from datetime import date
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import written
from receivables.admin.forms import DayField
from receivables.figures.sheet import MOST_DAYS
from receivables.models import Branch, Customer, LedgerAccount, Title
from receivables.reports import of_branches
from receivables.statement import accounts_of


class ReportForm(forms.Form):
    """A question whose answer is a report; it is asked in the address, so that it can be kept and sent."""

    fields: Any
    usual: ClassVar[dict[str, str]] = {}
    """What stands in a field that nobody filled in, as `today` or `month` (the first day of this one)."""

    def __init__(self, query: QueryDict, *, code: str, user: Any, today: date, branch: Branch | None = None) -> None:
        """Take the query; who asks nothing at all is answered for the branch that he looks at."""
        asked: dict[str, Any] = {name: query[name] for name in self.base_fields if query.get(name)}
        days = {"today": today, "month": today.replace(day=1)}
        usual = {name: written(days[day]) for name, day in self.usual.items()}
        if branch is not None and "branch" in self.base_fields and not query:
            usual["branch"] = str(branch.pk)
        self.user, self.today = user, today
        self.is_unasked = not asked and not self._can_answer()
        given = None if self.is_unasked else usual | asked
        super().__init__(given, initial=usual, auto_id=f"id_{code}_%s", label_suffix="")
        for field in self.fields.values():
            field.label = capfirst(field.label)

    @property
    def query(self) -> str:
        """The question as an address asks it, with what was left out."""
        return urlencode(self.data)

    def _can_answer(self) -> bool:
        """Say whether what is usual is all that it needs."""
        return all(name in self.usual or not field.required for name, field in self.base_fields.items())

    @property
    def names_strangers(self) -> bool:
        """Say whether it names a row that is not there, or not of the person's branches."""
        return any(error.code in ("invalid_choice", "invalid_pk_value") for error in self._errors_found())

    def _errors_found(self) -> list[ValidationError]:
        return [error for found in self.errors.as_data().values() for error in found]


class BranchForm(ReportForm):
    branch = forms.ModelChoiceField(
        Branch.objects.none(), label=_("branch"), required=False, empty_label=_("All of yours")
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["branch"].queryset = of_branches(Branch.objects.all(), self.user, "pk")


class PeriodForm(ReportForm):
    first = DayField(label=_("from"))
    last = DayField(label=_("to"))
    usual: ClassVar = {"first": "month", "last": "today"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and last < first:
            self.add_error("last", ValidationError(_("The period ends before it begins. Enter a later day.")))
        elif first and last and (last - first).days >= MOST_DAYS:
            self.add_error("last", ValidationError(_("A report spans a year at most. Enter a shorter period.")))
        return cleaned


class AgingForm(BranchForm):
    on = DayField(label=_("position on"))
    usual: ClassVar = {"on": "today"}
    field_order = ("on", "branch")


class BranchPeriodForm(PeriodForm, BranchForm):
    field_order = ("first", "last", "branch")


class CashDayForm(ReportForm):
    account = forms.ModelChoiceField(LedgerAccount.objects.none(), label=_("short account"), empty_label="")
    day = DayField(label=_("day"))
    usual: ClassVar = {"day": "today"}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        accounts = accounts_of(self.user).order_by("-is_active", "short_code")
        self.fields["account"].queryset = accounts.select_related("branch__parameter_set")


class CustomerStatementForm(PeriodForm):
    customer = forms.ModelChoiceField(
        Customer.objects.all(), label=_("customer"),
        widget=AutocompleteSelect(Title._meta.get_field("bill_to"), admin.site),
    )  # fmt: skip
    field_order = ("customer", "first", "last")
