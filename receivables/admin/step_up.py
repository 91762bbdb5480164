"""Typing one's password, or a code of the second factor, once more before a grave move; it counts for five minutes.

What was typed is never kept: the session remembers only when it was right.
"""

from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from receivables.domain.errors import CodeTooSoon, WrongCode, WrongPassword
from receivables.models import Actor
from receivables.services.second_factor import check_code, has_factor

FIELD = "step_up"
_AT = "stepped_up_at"


class CodeField(forms.CharField):
    """A code of the phone's application, or a recovery code."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", _("Code of the second factor"))
        options.setdefault("help_text", _("Six digits of the application on your phone, or a recovery code."))
        attributes = {"autocomplete": "one-time-code", "spellcheck": "false", "autocapitalize": "none"}
        super().__init__(max_length=40, widget=forms.TextInput(attrs=attributes), **options)


class PasswordField(forms.CharField):
    """The password that the person logs in with; spaces belong to it."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", _("Your password"))
        options.setdefault("help_text", _("Typed again because this is grave; it counts for 5 minutes."))
        widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})
        super().__init__(max_length=128, strip=False, widget=widget, **options)


def field_for(user: Any) -> forms.CharField:
    """Give the field that asks a person to prove who he is: a code where he has a second factor, else his password."""
    return CodeField() if has_factor(user) else PasswordField()


def is_fresh(request: HttpRequest) -> bool:
    """Say whether the person proved who he is a short while ago."""
    age = timezone.now().timestamp() - request.session.get(_AT, 0)
    return 0 <= age <= settings.STEP_UP_SECONDS


def prove(request: HttpRequest, typed: str) -> None:
    """Take what was typed and remember when; a wrong one counts as a refused login.

    Raises WrongPassword, WrongCode or CodeTooSoon.
    """
    if has_factor(request.user):
        check_counted(request, request.user, typed)
    elif authenticate(request, username=request.user.get_username(), password=typed) != request.user:
        raise WrongPassword
    request.session[_AT] = timezone.now().timestamp()


def check_counted(request: HttpRequest, user: Any, code: str) -> Any:
    """Give the device that a code is right for; axes counts a wrong one. Raises WrongCode, CodeTooSoon."""
    credentials = {"username": user.get_username()}
    if not AxesProxyHandler.is_allowed(request, credentials):
        request.axes_locked_out = True  # type: ignore[attr-defined]
        request.axes_credentials = credentials  # type: ignore[attr-defined]
        raise CodeTooSoon(seconds=int(settings.AXES_COOLOFF_TIME * 3600))
    try:
        return check_code(user=user, code=code, by=Actor.person(user))
    except WrongCode:
        user_login_failed.send(sender=__name__, credentials=credentials, request=request)
        raise
