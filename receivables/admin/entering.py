"""Entering the back office: the password, then a code where the person has a second factor; until then nobody is in."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth import get_user_model
from django.contrib.auth import login as log_in
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from receivables.admin.forms import show_broken
from receivables.admin.step_up import CodeField, check_counted
from receivables.domain.errors import RuleBroken
from receivables.services.second_factor import has_factor

PATIENCE_SECONDS = 5 * 60
_WAITING = "code_awaited"


class PasswordStep(LoginView):
    """Django's login, that stops before logging in somebody who owes a code."""

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if not has_factor(user):
            return super().form_valid(form)
        self.request.session[_WAITING] = {
            "user": user.pk,
            "password": user.get_session_auth_hash(),
            "backend": user.backend,
            "at": timezone.now().timestamp(),
            "next": self.get_redirect_url() or reverse("admin:index"),
        }
        return HttpResponseRedirect(reverse("admin:login_code"))


class CodeForm(forms.Form):
    """The second step of a login."""

    code = CodeField()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": ""} | options)
        self.fields["code"].widget.attrs["autofocus"] = True

    error_fields = dict.fromkeys(("wrong_code", "code_too_soon", "wrong_password"), "code")


def code_step(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Ask for the code and log in whoever typed the right one."""
    waiting = request.session.get(_WAITING, {})
    user = _who_waits(waiting)
    if user is None:
        request.session.pop(_WAITING, None)
        messages.warning(request, _("Too much time passed since the password. Type it again."))
        return HttpResponseRedirect(reverse("admin:login"))
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            user.otp_device = check_counted(request, user, form.cleaned_data["code"])
        except RuleBroken as broken:
            show_broken(form, broken)
        else:
            del request.session[_WAITING]
            log_in(request, user, backend=waiting["backend"])
            return HttpResponseRedirect(waiting["next"])
    context = {**site.each_context(request), "title": _("Second factor"), "form": form, "has_permission": False}
    return TemplateResponse(request, "admin/quita/login_code.html", context)


def _who_waits(waiting: Any) -> Any:
    """Give who typed the right password a short while ago, and has the same one still; None where nobody did."""
    if timezone.now().timestamp() - waiting.get("at", 0) > PATIENCE_SECONDS:
        return None
    user = get_user_model().objects.filter(pk=waiting["user"], is_active=True).first()
    if user is None or not constant_time_compare(user.get_session_auth_hash(), waiting["password"]):
        return None
    return user
