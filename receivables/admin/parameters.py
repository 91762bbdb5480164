"""Cad. Parâmetros para o Financeiro: named sets of parameters (G.13); rates change by a new row, the old one stays."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import AuditedAdmin, ReadOnlyAdmin
from receivables.admin.explain import written
from receivables.admin.forms import PercentField, RuleForm
from receivables.admin.tables import Table, link
from receivables.admin.transitions import Line, Transition, TransitionAdmin, TransitionForm
from receivables.models import Actor, Installment, InterestPeriod, ParameterSet, Terms
from receivables.services import access
from receivables.services.parameters import add_parameter_set, change_terms

RATES = ("interest_percent", "interest_per", "fine_percent", "max_discount_percent", "allow_partial")


class RateFields(forms.Form):
    """The rates of a set, in percent."""

    interest_percent = PercentField(
        label=_("interest %"), max_digits=7, decimal_places=4, help_text=_("Of what is open, for each day late.")
    )
    interest_per = forms.ChoiceField(label=_("interest period"), choices=InterestPeriod)
    fine_percent = PercentField(
        label=_("fine %"), max_digits=5, decimal_places=2, help_text=_("Once, from the first day late; custom: 2%.")
    )
    max_discount_percent = PercentField(
        label=_("discount limit %"), max_digits=5, decimal_places=2,
        help_text=_("Above it, only who may grant discounts above the limit."),
    )  # fmt: skip
    allow_partial = forms.BooleanField(label=_("partial receipt allowed"), required=False, initial=True)

    def rates(self) -> dict[str, Any]:
        """Give the columns of Terms."""
        return {name: self.cleaned_data[name] for name in RATES}


class ParameterSetForm(RateFields, RuleForm):
    class Meta:
        model = ParameterSet
        fields: ClassVar = ["name", "is_default", "cash_closing_control", "blind_closing"]
        help_texts: ClassVar = {
            "is_default": _("New branches begin with this set."),
            "cash_closing_control": _(
                "A closed day of an account takes nothing more; a reversal there asks what to do."
            ),
            "blind_closing": _("Who closes the cash counts without seeing what the system expects."),
        }

    def clean_is_default(self) -> bool:
        chosen = self.cleaned_data["is_default"]
        other = ParameterSet.objects.filter(is_default=True).exclude(pk=self.instance.pk).first()
        if chosen and other is not None:
            raise forms.ValidationError(
                _("“%(other)s” is the default set. Take the mark from it first."), params={"other": other}
            )
        return chosen


class TermsForm(RateFields, TransitionForm):
    """New rates for a set: they govern its open installments from now on."""

    confirm = _("Save the new rates")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in RATES:
            self.fields[name].initial = getattr(self.row.terms, name)

    def what_is(self) -> Sequence[Line]:
        return [
            (_("Rates now"), told(self.row.terms)),
            (_("Open installments that follow them"), str(self._governed())),
        ]

    def _governed(self) -> int:
        rows = Installment.objects.open().filter(title__collecting_branch__parameter_set=self.row)
        return rows.count()

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Rates"), _("The new ones, at once, also for what is overdue; posted receipts stay."))]

    def values(self) -> dict[str, Any]:
        return {"parameter_set_id": self.row.pk, "rates": self.rates()}

    def done(self, result: Terms) -> str:
        return _("New rates of %(name)s: %(rates)s.") % {"name": self.row, "rates": told(result)}


def told(terms: Terms) -> str:
    """Write rates as people read them."""
    return _("interest %(interest)s%% %(per)s, fine %(fine)s%%, discount up to %(discount)s%%") % {
        "interest": written(terms.interest_percent),
        "per": terms.get_interest_per_display(),
        "fine": written(terms.fine_percent),
        "discount": written(terms.max_discount_percent),
    }


def _may_change(user: Any, _row: ParameterSet) -> None:
    access.require(user, "receivables.change_parameterset")


@admin.register(ParameterSet)
class ParameterSetAdmin(TransitionAdmin, AuditedAdmin):
    form = ParameterSetForm
    list_display = ("name", "is_default", "cash_closing_control", "blind_closing", "rates")
    list_select_related = ("terms",)
    search_fields = ("name",)
    ordering = ("name",)
    transitions: ClassVar = {
        "rates": Transition(label=_("Change rates"), form=TermsForm, service=change_terms, require=_may_change),
    }  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [
            (_("Identification"), {"fields": [("name", "is_default")]}),
            (_("Cash"), {"fields": [("cash_closing_control", "blind_closing")]}),
            (_("Rates"), {"fields": ["rates"] if obj else [RATES]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["rates"] if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """Rates are typed for a new set only; later they change by their own button."""
        form = super().get_form(request, obj, change, **options)
        if obj:
            form.base_fields = {name: field for name, field in form.base_fields.items() if name not in RATES}
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        if change:
            super().save_model(request, obj, form, change)
        else:
            add_parameter_set(parameter_set=obj, rates=form.rates(), by=Actor.person(request.user))

    @admin.display(description=_("rates"))
    def rates(self, parameter_set: ParameterSet) -> str:
        return told(parameter_set.terms)

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        table = Table(
            _("Branches"), [_("branch"), _("city"), _("active")],
            _("No branch uses this set. Choose it in a branch's own page."),
        )  # fmt: skip
        branches = row.branch_set.select_related("city").order_by("code")
        return [table.fill([link(branch), branch.city, branch.is_active] for branch in branches)]


@admin.register(Terms)
class TermsAdmin(ReadOnlyAdmin):
    list_display = ("pk", *RATES, "posted_at", "actor")
    fields = (*RATES, ("posted_at", "actor", "told_channel"))
