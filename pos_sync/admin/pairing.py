"""Pairing codes: made at the desk of the tills, shown once on a page of their own, listed ever after."""

from collections.abc import Sequence
from typing import Any, ClassVar

import segno
from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pos_sync.models import PairingCode
from pos_sync.services.pairing import FreshCode, InvalidTill, PaymentMethodsMissing, UnknownBranch
from receivables.admin.base import ReadOnlyAdmin, branches_of
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
        self.initial.update({name: self.query[name] for name in ("branch", "till") if name in self.query})

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Till"), _("The former device of this till is replaced when the code is used, not before."))]

    def values(self) -> dict[str, Any]:
        return {"branch_code": self.cleaned_data["branch"].code, "till": self.cleaned_data["till"]}


def show_code(request: HttpRequest, fresh: FreshCode) -> HttpResponse:
    """Show a fresh code, large and as a QR code, with what to do at the till; the page is kept nowhere."""
    till = request.build_absolute_uri(reverse("till"))
    context = {
        **admin.site.each_context(request), "title": gettext("Pairing code of till %(till)s") % {"till": fresh.till},
        "fresh": fresh, "till_address": till, "picture": _picture(f"{till}#pair={fresh.code}"),
        "again": f"{reverse('admin:pos_sync_device_pair')}?branch={fresh.branch.pk}&till={fresh.till}",
    }  # fmt: skip
    answer = TemplateResponse(request, "admin/quita/pairing_code.html", context)
    add_never_cache_headers(answer)
    return answer


def _picture(address: str) -> SafeString:
    """Draw an address for a camera: SVG without styles of its own; the sheet gives it its colours."""
    drawn = segno.make(address, error="m").svg_inline(border=4, omitsize=True, svgclass=None, lineclass=None)
    return mark_safe(drawn)  # noqa: S308 - drawn by us, from an address of ours


@admin.register(PairingCode)
class PairingCodeAdmin(ReadOnlyAdmin):
    branch_lookups = ("branch",)
    list_display = ("branch", "till", "created_at", "created_by", "expires_at", "device")
    list_select_related = ("branch", "device__branch")
    fields = (("branch", "till"), ("created_at", "created_by", "expires_at"), "device")
