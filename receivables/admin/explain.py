"""How broken rules and values are told to a person: pt-BR sentences, `1.234,56`, `21/11/2026`. Edges only."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField

from receivables.domain.errors import ConfirmationRequired, MoveRefused, NotPermitted, RuleBroken
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
    "day": _("Day"),
    "interest_percent_per_day": _("interest % per day"),
    "fine_percent_per_month": _("fine % per month"),
}
"""Codes that a rule may name as a fact, in the words of the screens; each app may add its own."""

MOVES: dict[str, Any] = {
    "receivables.title.settle": _("Settle"),
    "receivables.title.settle_part": _("Settle in part"),
    "receivables.title.reopen": _("Reverse"),
    "receivables.title.reopen_part": _("Reverse a part"),
    "receivables.title.cancel": _("Cancel the title"),
    "receivables.installment.settle": _("Settle"),
    "receivables.installment.settle_part": _("Settle in part"),
    "receivables.installment.reopen": _("Reverse"),
    "receivables.installment.reopen_part": _("Reverse a part"),
    "receivables.cashmovement.reverse": _("Reverse"),
    "receivables.cashday.close": _("Close the cash"),
    "receivables.cashday.reopen": _("Reopen the day"),
    "receivables.cashsession.close": _("Close the session"),
    "receivables.bankslip.supersede": _("New bank collection"),
    "receivables.bankslip.pay": _("Settle"),
    "receivables.divergence.assign": _("Make responsible"),
    "receivables.divergence.propose": pgettext_lazy("move", "Propose"),
    "receivables.divergence.resolve": _("Resolve"),
}
"""What each move is called on the screens, by noun; each app may add its own."""

CONFIRMATIONS: dict[str, Any] = {
    "above_custom": _("I am aware that the percentages are above the custom of 0.0334% a day and a fine of 2%."),
    "debits_differ": _("I am aware that the debits do not add up to the settled amount."),
    "count_differs": _("I am aware that what was counted differs from what the books expect."),
    "excess_becomes_credit": _("I am aware that what is received above the amount due becomes the customer's credit."),
}
"""What a person ticks for each code of a confirmable warning."""


_ACTIONS: dict[str, Any] = {
    "add": _("Can add: %(noun)s"),
    "change": _("Can change: %(noun)s"),
    "delete": _("Can delete: %(noun)s"),
    "view": _("Can view: %(noun)s"),
}
"""The permissions that the framework makes for every noun, whose own names are English."""


def explain(error: RuleBroken) -> str:
    """Tell a broken rule and the way out in the reader's language."""
    if isinstance(error, NotPermitted):
        error = NotPermitted(permission=_permission_name(str(error.facts["permission"])))
    if isinstance(error, ConfirmationRequired):
        codes: Any = error.facts["codes"]
        error = ConfirmationRequired(codes=[str(CONFIRMATIONS.get(code, code)).rstrip(".") for code in codes])
    if isinstance(error, MoveRefused):
        error = _in_words(error)
    return error.explain(translate=gettext, show=written)


def _in_words(refusal: MoveRefused) -> MoveRefused:
    """Name status and move of a refusal as the screens of its noun do."""
    facts: dict[str, Any] = refusal.facts
    model = str(facts.get("model", ""))
    verb = MOVES.get(f"{model}.{facts['verb']}", facts["verb"])
    statuses = _statuses_of(model) if model else WORDS
    return MoveRefused(noun=facts["noun"], status=str(statuses.get(facts["status"], facts["status"])), verb=str(verb))


def _statuses_of(model: str) -> dict[Any, Any]:
    fields = apps.get_model(model)._meta.concrete_fields
    return {value: label for field in fields if isinstance(field, FSMField) for value, label in field.flatchoices}


def _permission_name(name: str) -> str:
    app_label, _dot, codename = name.partition(".")
    found = Permission.objects.filter(content_type__app_label=app_label, codename=codename).first()
    return f"“{permission_label(found)}”" if found else name


def permission_label(permission: Permission) -> str:
    """Name a permission in the reader's language: its own name where we gave it one, else verb and noun."""
    verb, _dash, noun = permission.codename.partition("_")
    model = permission.content_type.model_class()
    if model is None:
        return gettext(permission.name)
    if verb not in _ACTIONS or noun != model._meta.model_name:
        return str(dict(model._meta.permissions).get(permission.codename, permission.name))
    return str(_ACTIONS[verb] % {"noun": model._meta.verbose_name_plural})


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
