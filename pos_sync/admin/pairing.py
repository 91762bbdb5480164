"""Pairing codes: made at the desk of the tills, shown once, listed ever after."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from pos_sync.models import PairingCode
from pos_sync.services.pairing import FreshCode, InvalidTill, PaymentMethodsMissing, UnknownBranch
from receivables.admin.base import ReadOnlyAdmin, branches_of
from receivables.admin.explain import written
from receivables.admin.transitions import Line, TransitionForm
from receivables.models import Branch


class PairForm(TransitionForm):
    """The code that pairs a till: shown once, valid for ten minutes."""

    confirm = _("Make the code")
    error_fields: ClassVar = {
        InvalidTill.code: "till",
        UnknownBranch.code: "branch",
        PaymentMethodsMissing.code: "branch",
    }

    branch = forms.ModelChoiceField(Branch.objects.none(), label=_("branch"))
    till = forms.CharField(label=_("till"), max_length=10, help_text=_("Like 03."))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["branch"].queryset = branches_of(self.user)

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Till"), _("The former device of this till is replaced when the code is used, not before."))]

    def values(self) -> dict[str, Any]:
        return {"branch_code": self.cleaned_data["branch"].code, "till": self.cleaned_data["till"]}

    def done(self, result: FreshCode) -> str:
        message = _(
            "Code of till %(till)s of %(branch)s: %(code)s. Type it at the till until %(until)s; it is not shown again."
        )
        return message % {
            "till": result.till,
            "branch": result.branch,
            "code": result.code,
            "until": written(result.expires_at),
        }


@admin.register(PairingCode)
class PairingCodeAdmin(ReadOnlyAdmin):
    branch_lookups = ("branch",)
    list_display = ("branch", "till", "created_at", "created_by", "expires_at", "device")
    list_select_related = ("branch", "device__branch")
    fields = (("branch", "till"), ("created_at", "created_by", "expires_at"), "device")
