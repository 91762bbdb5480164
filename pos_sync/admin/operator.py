"""Operators of tills: who receives, who supervises; the PIN is typed twice and never shown."""

import re
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from pos_sync.models import TillOperator
from receivables.admin.base import AuditedAdmin
from receivables.admin.forms import RuleForm

_PIN = re.compile(r"[0-9]{4,8}")


class TillOperatorForm(RuleForm):
    """The PIN is typed twice, kept as a slow hash that tills can check offline, and never shown."""

    pin = forms.CharField(
        label=_("PIN"), required=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Four to eight digits. Left blank, the PIN stays as it is."),
    )  # fmt: skip
    pin_again = forms.CharField(
        label=_("PIN again"), required=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    class Meta:
        model = TillOperator
        fields: ClassVar = ["branch", "code", "name", "is_active", "is_supervisor"]

    def clean_pin(self) -> str:
        pin = self.cleaned_data["pin"]
        if not pin and not self.instance.pk:
            raise forms.ValidationError(_("Enter the PIN that the operator will type at the till."))
        if pin and not _PIN.fullmatch(pin):
            raise forms.ValidationError(_("A PIN has four to eight digits and nothing else."))
        return pin

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("pin", "") != cleaned.get("pin_again", "") and "pin" not in self.errors:
            self.add_error("pin_again", _("The two PINs are not the same. Type them again."))
        return cleaned


def pin_hash(pin: str) -> str:
    """Hash a PIN in Django's PBKDF2 format, whatever the server's own passwords use: tills know no other."""
    hasher = PBKDF2PasswordHasher()
    return hasher.encode(pin, hasher.salt())


@admin.register(TillOperator)
class TillOperatorAdmin(AuditedAdmin):
    form = TillOperatorForm
    branch_lookups = ("branch",)
    list_display = ("code", "name", "branch", "is_supervisor", "is_active")
    list_filter = ("branch", "is_active", "is_supervisor")
    list_select_related = ("branch",)
    search_fields = ("code", "name")
    ordering = ("branch__code", "code")
    fixed_once_made = ("branch", "code")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        typed = obj is None or self.has_change_permission(request, obj)
        return ["branch", "code", "name", "is_active", "is_supervisor", *(("pin", "pin_again") if typed else ())]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        if form.cleaned_data["pin"]:
            obj.pin_hash = pin_hash(form.cleaned_data["pin"])
        super().save_model(request, obj, form, change)
