"""Till policies: where tills may receive without the server, and how much; on their own page and on the set's."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from pos_sync.models import TillPolicy
from receivables.admin.base import AuditedAdmin
from receivables.admin.explain import reais
from receivables.admin.forms import MoneyField, RuleForm
from receivables.admin.parameters import ParameterSetAdmin
from receivables.domain.money import format_brl, from_cents, to_cents
from receivables.models import PaymentMethod


class CentsField(MoneyField):
    """Reais on the screen, integer cents in the column."""

    def prepare_value(self, value: Any) -> Any:
        return format_brl(from_cents(value)) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        amount = super().clean(value)
        return None if amount is None else to_cents(amount)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.prepare_value(initial) != data


class TillPolicyForm(RuleForm):
    """Where tills may receive without the server, and how much."""

    max_receipt_cents = CentsField(
        label=_("offline ceiling per receipt"), initial=TillPolicy._meta.get_field("max_receipt_cents").default,
        help_text=_("The most that one receipt takes without the server."),
    )  # fmt: skip
    max_pending_cents = CentsField(
        label=_("offline ceiling pending"), initial=TillPolicy._meta.get_field("max_pending_cents").default,
        help_text=_("The most that a till holds before it must reach the server."),
    )  # fmt: skip
    offline_methods = forms.ModelMultipleChoiceField(
        PaymentMethod.objects.filter(is_active=True), label=_("means of payment allowed offline"), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    second_person_above_cents = CentsField(
        label=_("alone up to"), initial=TillPolicy._meta.get_field("second_person_above_cents").default,
        help_text=_("Above it two persons approve or reject an operation in quarantine."),
    )  # fmt: skip

    class Meta:
        model = TillPolicy
        fields: ClassVar = ["parameter_set", "scope", "max_receipt_cents", "max_pending_cents", "warn_age_hours",
                            "stop_age_hours", "second_person_above_cents", "offline_methods"]  # fmt: skip
        help_texts: ClassVar = {
            "scope": _("Which titles a till takes with it: those of its own branch, or of the whole company."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        warn, stop = cleaned.get("warn_age_hours"), cleaned.get("stop_age_hours")
        if warn is not None and stop is not None and stop < warn:
            self.add_error("stop_age_hours", _("A till warns before it stops: enter at least the warning’s hours."))
        return cleaned


class TillPolicyInline(admin.StackedInline):
    """The tills' part of a parameter set, on the set's own page (G.13)."""

    model = TillPolicy
    form = TillPolicyForm
    template = "admin/quita/part.html"
    max_num = extra = 1
    can_delete = False
    fieldsets = (
        (_("Tills (POS)"), {"fields": (
            ("scope", "max_receipt_cents", "max_pending_cents"), ("warn_age_hours", "stop_age_hours"),
            "second_person_above_cents", "offline_methods",
        )}),
    )  # fmt: skip


ParameterSetAdmin.inlines = [*ParameterSetAdmin.inlines, TillPolicyInline]


@admin.register(TillPolicy)
class TillPolicyAdmin(AuditedAdmin):
    form = TillPolicyForm
    list_display = ("parameter_set", "scope", "receipt_ceiling", "pending_ceiling", "warn_age_hours", "stop_age_hours")
    list_select_related = ("parameter_set",)
    fixed_once_made = ("parameter_set",)

    @admin.display(description=_("offline ceiling per receipt"))
    def receipt_ceiling(self, policy: TillPolicy) -> str:
        return reais(from_cents(policy.max_receipt_cents))

    @admin.display(description=_("offline ceiling pending"))
    def pending_ceiling(self, policy: TillPolicy) -> str:
        return reais(from_cents(policy.max_pending_cents))
