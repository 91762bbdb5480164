"""Segundo fator: a person enrols a phone, sees the recovery codes once, renews them or removes it with a code."""

from io import BytesIO
from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django_otp import login as vouch

from receivables.admin import step_up
from receivables.admin.forms import show_broken
from receivables.admin.step_up import CodeField, PasswordField, check_counted
from receivables.domain.errors import CodeTooSoon, RuleBroken, WrongCode, WrongPassword
from receivables.models import Actor
from receivables.services import second_factor as service

_BESIDE = {WrongCode.code: "code", CodeTooSoon.code: "code", WrongPassword.code: "step_up"}


class _Form(forms.Form):
    error_fields = _BESIDE

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": ""} | options)


class StartForm(_Form):
    """Only who knows the password may tie a phone to it."""

    step_up = PasswordField(help_text="")


class CodeForm(_Form):
    """A code of the phone."""

    code = CodeField()


def page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Show where the person stands: no second factor, one that waits for its first code, or one in use."""
    stage = _stage(request.user)
    form: Any = StartForm() if stage == "none" else CodeForm()
    if request.method == "POST":
        form = StartForm(request.POST) if "_start" in request.POST else CodeForm(request.POST)
        answer = _answer(request, form, site=site) if form.is_valid() else None
        if answer is not None:
            return answer
    return _shown(request, site, stage=stage, form=form)


def qr(request: HttpRequest) -> HttpResponse:
    """Draw the waiting secret for the phone's camera; once confirmed it is never shown again."""
    device = service.waiting_device(request.user)
    if device is None:
        raise Http404
    picture = BytesIO()
    segno.make(device.config_url, error="m").save(
        picture, kind="svg", scale=4, border=4, dark="#000", light="#fff", xmldecl=False
    )
    return HttpResponse(picture.getvalue(), content_type="image/svg+xml")


def _stage(user: Any) -> str:
    if service.has_factor(user):
        return "in_use"
    return "waiting" if service.waiting_device(user) else "none"


def _answer(request: HttpRequest, form: Any, *, site: AdminSite) -> HttpResponse | None:
    """Do what the button says; a refusal is put beside its field and the page shown again."""
    acts = {"_start": _start, "_confirm": _confirm, "_renew": _renew, "_remove": _remove}
    act = next((acts[name] for name in acts if name in request.POST), None)
    if act is None:
        return None
    try:
        return act(request, form, site)
    except RuleBroken as broken:
        show_broken(form, broken)
    return None


def _here() -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:second_factor"))


def _start(request: HttpRequest, form: Any, _site: AdminSite) -> HttpResponse:
    step_up.prove(request, form.cleaned_data["step_up"])
    service.begin_enrolment(user=request.user)
    return _here()


def _confirm(request: HttpRequest, form: Any, site: AdminSite) -> HttpResponse:
    by = Actor.person(request.user)
    device, codes = service.confirm_enrolment(user=request.user, code=form.cleaned_data["code"], by=by)
    vouch(request, device)
    return _codes(request, site, codes)


def _renew(request: HttpRequest, form: Any, site: AdminSite) -> HttpResponse:
    check_counted(request, request.user, form.cleaned_data["code"])
    return _codes(request, site, service.renew_codes(user=request.user, by=Actor.person(request.user)))


def _remove(request: HttpRequest, form: Any, _site: AdminSite) -> HttpResponse:
    check_counted(request, request.user, form.cleaned_data["code"])
    service.remove_own_factor(user=request.user, by=Actor.person(request.user))
    messages.success(request, _("The second factor was removed. Logging in asks for the password alone."))
    return _here()


def _codes(request: HttpRequest, site: AdminSite, codes: list[str]) -> HttpResponse:
    """Show the recovery codes, this once."""
    return _shown(request, site, stage="codes", form=None, codes=codes)


def _shown(request: HttpRequest, site: AdminSite, *, stage: str, form: Any, **more: Any) -> HttpResponse:
    waiting = service.waiting_device(request.user) if stage == "waiting" else None
    context = {
        **site.each_context(request),
        "title": _("Second factor"),
        "stage": stage,
        "form": form,
        "secret": service.secret_in_groups(waiting) if waiting else "",
        "codes_left": service.codes_left(request.user) if stage == "in_use" else 0,
        "must_enrol": service.must_enrol(request.user),
        **more,
    }
    return TemplateResponse(request, "admin/quita/second_factor.html", context)
