"""How broken rules and values are told to a person: pt-BR sentences, `1.234,56`, `21/11/2026`. Edges only."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Permission
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.domain.errors import ConfirmationRequired, NotPermitted, RuleBroken
from receivables.domain.money import CENT, format_brl
from receivables.models import (
    CashDayStatus,
    DivergenceStatus,
    MovementStatus,
    SessionStatus,
    SlipStatus,
    TitleStatus,
)

_STATUSES = (CashDayStatus, SessionStatus, SlipStatus, MovementStatus, DivergenceStatus, TitleStatus)
WORDS: dict[str, Any] = {
    **{choice.value: choice.label for choices in _STATUSES for choice in choices},
    "settle": _("Settle"),
    "settle_part": _("Settle in part"),
    "reopen": _("Reverse"),
    "reopen_part": _("Reverse a part"),
    "reverse": _("Reverse"),
    "close": _("Close the cash"),
    "cancel": _("Cancel the title"),
    "day": _("Day"),
}
"""Codes that a rule may name as a fact, in the words of the screens; each app may add its own."""

CONFIRMATIONS: dict[str, Any] = {
    "debits_differ": _("I am aware that the debits do not add up to the settled amount."),
    "excess_becomes_credit": _("I am aware that what is received above the amount due becomes the customer's credit."),
}
"""What a person ticks for each code of a confirmable warning."""


PERMISSIONS: dict[str, Any] = {
    "receivables.change_title": _("Can change titles"),
    "receivables.change_parameterset": _("Can change parameters"),
}
"""Names of permissions that the framework made, whose own names are English."""


def explain(error: RuleBroken) -> str:
    """Tell a broken rule and the way out in the reader's language."""
    if isinstance(error, NotPermitted):
        error = NotPermitted(permission=_permission_name(str(error.facts["permission"])))
    if isinstance(error, ConfirmationRequired):
        codes: Any = error.facts["codes"]
        error = ConfirmationRequired(codes=[str(CONFIRMATIONS.get(code, code)).rstrip(".") for code in codes])
    return error.explain(translate=gettext, show=written)


def _permission_name(name: str) -> str:
    if name in PERMISSIONS:
        return f"“{PERMISSIONS[name]}”"
    app_label, _dot, codename = name.partition(".")
    found = Permission.objects.filter(content_type__app_label=app_label, codename=codename).first()
    return f"“{gettext(found.name)}”" if found else name


def written(value: Any) -> str:
    """Write a value as people read it; nothing at all is a dash."""
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    return "—" if value is None else str(value)


def _written_number(value: Decimal) -> str:
    if value == value.quantize(CENT):
        return format_brl(value)
    return number_format(value.normalize(), use_l10n=True, force_grouping=True)


_WRITERS: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (bool, lambda value: gettext("Yes") if value else gettext("No")),
    (Decimal, _written_number),
    (datetime, lambda value: f"{timezone.localtime(value):%d/%m/%Y %H:%M}"),
    (date, lambda value: f"{value:%d/%m/%Y}"),
    (str, lambda value: str(WORDS.get(value, value)) or "—"),
    (list | tuple | set | frozenset, lambda value: ", ".join(written(item) for item in value) or "—"),
)
"""The first that fits: a moment is a day, and a yes is a number, to Python."""


def reais(value: Decimal | None) -> str:
    """Write an amount with its currency, `R$ 1.234,56`."""
    return "—" if value is None else f"R$ {format_brl(value)}"
