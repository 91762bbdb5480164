"""How a person types money, percents, dates, documents and reasons; strict, with the way out in each error.

Courtesy only: the laws are in the services and in the database.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import CONFIRMATIONS, explain
from receivables.domain.documents import format_document, parse_document
from receivables.domain.errors import ConfirmationRequired, RuleBroken
from receivables.domain.money import ZERO, format_brl, from_cents, parse_brl, to_cents
from receivables.domain.reversal import REASON_MAX, REASON_MIN

FIRST_YEAR, LAST_YEAR = 1990, 2100
_PERCENT = re.compile(r"[0-9]{1,3}(,[0-9]{1,4})?")


def _read[T](parse: Callable[[str], T], text: str) -> T:  # pragma: no cover - replaced below
    return parse(text)
