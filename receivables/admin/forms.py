"""How a person types money, percents, dates, documents and reasons: strict, with the way out in each error.

Courtesy only: the laws are in the services and in the database.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MinLengthValidator
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import explain
from receivables.domain.documents import format_document, parse_document
from receivables.domain.errors import InexactAmount, InvalidDocument, RuleBroken
from receivables.domain.money import ZERO, format_brl, parse_brl
from receivables.domain.reversal import REASON_MAX, REASON_MIN

FIRST_YEAR, LAST_YEAR = 1990, 2100
_NUMBER_INPUT = {"class": "money", "inputmode": "decimal", "autocomplete": "off"}
_PERCENT = re.compile(r"[0-9]{1,3}(?:,[0-9]{1,4})?")


class MoneyField(forms.DecimalField):
    """An amount in reais, typed and shown as `1.234,56`; `least` is the smallest one accepted."""

    def __init__(self, *, least: Decimal = ZERO, **options: Any) -> None:
        self.least = least
        options.setdefault("widget", forms.TextInput(attrs=_NUMBER_INPUT))
        super().__init__(**options)

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        if isinstance(value, Decimal):
            return value
        try:
            return parse_brl(str(value))
        except RuleBroken as broken:
            raise ValidationError(explain(broken), code=broken.code) from broken

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is not None and value < self.least:
            raise ValidationError(
                _("Enter at least R$ %(least)s."), code="below_least", params={"least": format_brl(self.least)}
            )

    def prepare_value(self, value: Any) -> Any:
        try:
            return format_brl(value) if isinstance(value, Decimal) else value
        except InexactAmount:
            return value


class PercentField(forms.DecimalField):
    """A percentage typed with a decimal comma and at most four places: `2`, `0,033`."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_value", 100)
        options.setdefault("widget", forms.TextInput(attrs=_NUMBER_INPUT))
        super().__init__(**options)

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        if isinstance(value, Decimal):
            return value
        text = str(value).strip().removesuffix("%").strip()
        if not _PERCENT.fullmatch(text):
            raise ValidationError(
                _("“%(text)s” is not a percentage. Write it with a comma, like 0,033."),
                code="invalid_percent",
                params={"text": value},
            )
        return Decimal(text.replace(",", "."))

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Decimal):
            return value
        whole, _dot, places = f"{value:f}".partition(".")
        return f"{whole},{places.rstrip('0').ljust(2, '0')}"


def _refuse_odd_year(day: date) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValidationError(
            _("The year %(year)s is out of range. Enter a date between %(first)s and %(last)s."),
            code="odd_year",
            params={"year": f"{day.year:04d}", "first": str(FIRST_YEAR), "last": str(LAST_YEAR)},
        )


class DayField(forms.DateField):
    """A day typed as `21/11/2026`, within the years that a ledger knows."""

    def __init__(self, **options: Any) -> None:
        options["widget"] = AdminDateWidget()
        super().__init__(**options)
        self.validators.append(_refuse_odd_year)


class DocumentField(forms.CharField):
    """A CPF or CNPJ, with or without its mask (E.5)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"max_length": 20})

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        if not text:
            return ""
        try:
            return parse_document(text)
        except RuleBroken as broken:
            raise ValidationError(explain(broken), code=broken.code) from broken

    def prepare_value(self, value: Any) -> Any:
        try:
            return format_document(value) if value else value
        except InvalidDocument:
            return value


class ReasonField(forms.CharField):
    """Motivo: 15 to 500 characters after stripping (G.18)."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", _("Reason"))
        options.setdefault("help_text", _("From 15 to 500 characters."))
        options["widget"] = forms.Textarea(attrs={"rows": 2, "cols": 60, "maxlength": REASON_MAX})
        super().__init__(**options)
        self.validators.append(MinLengthValidator(REASON_MIN))
        self.validators.append(MaxLengthValidator(REASON_MAX))


FIELD_OVERRIDES: dict[type[models.Field], dict[str, Any]] = {
    models.DecimalField: {"form_class": MoneyField},
    models.DateField: {"form_class": DayField},
}


class RuleForm(forms.ModelForm):
    """A form whose row a service writes: the rule that the service named is shown beside the field it is about."""

    fields: Any
    broken: ClassVar[RuleBroken | None] = None
    error_fields: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": ""} | options)
        for field in self.fields.values():
            field.label = capfirst(field.label)
            # Back in history a browser would put its old values beside the new version that guards them.
            field.widget.attrs.setdefault("autocomplete", "off")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.broken is not None:
            show_broken(self, self.broken)
        return cleaned


def show_broken(form: Any, broken: RuleBroken) -> None:
    """Put a broken rule beside the field that it is about, else on top of the form."""
    field = form.error_fields.get(broken.code)
    form.add_error(field if field in form.fields else None, ValidationError(explain(broken), code=broken.code))
