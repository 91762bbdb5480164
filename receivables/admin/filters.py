"""Filters of lists that several nouns share: codes in words, branches, and fields that a person types."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import branches_of
from receivables.admin.forms import DayField, MoneyField


def filter_in_words(words: Mapping[str, Any]) -> type[admin.FieldListFilter]:
    """Filter by the codes that a column may hold, shown in the words that `words` has for them."""

    class InWords(admin.ChoicesFieldListFilter):
        def choices(self, changelist: Any) -> Iterator[Any]:
            chosen = (self.lookup_val or [None])[0]
            everything = changelist.get_query_string(remove=[self.lookup_kwarg])
            yield {"selected": chosen is None, "query_string": everything, "display": _("All")}
            for code, word in words.items():
                address = changelist.get_query_string({self.lookup_kwarg: code})
                yield {"selected": chosen == code, "query_string": address, "display": word}

    return InWords


def branch_filter(lookup: str, *, title: Any, parameter_name: str = "branch") -> type[admin.SimpleListFilter]:
    """Filter by the branch that `lookup` leads to, one of the user's."""

    class BranchFilter(admin.SimpleListFilter):
        is_picked = True

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(str(branch.pk), str(branch)) for branch in branches_of(request.user)]

        def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
            value = self.value()
            if value is None:
                return queryset
            offered = {str(key) for key, _name in self.lookup_choices}
            return queryset.filter(**{lookup: int(value)}) if value in offered else queryset.none()

    BranchFilter.title, BranchFilter.parameter_name = title, parameter_name
    return BranchFilter


class TypedDay(DayField):
    """A day of a filter, typed without a calendar beside it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)
        attrs = {"placeholder": _("dd/mm/yyyy"), "inputmode": "numeric", "autocomplete": "off", "size": 10}
        self.widget = forms.DateInput(attrs=attrs)


class TypedMoney(MoneyField):
    """An amount of a filter."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.widget.attrs |= {"placeholder": "0,00", "size": 12}


class TypedFilterForm(forms.Form):
    """Fields that narrow a list; `ranges` are pairs of fields of which the first may not be above the second."""

    ranges: ClassVar[tuple[tuple[str, str], ...]] = ()

    def __init__(self, *args: Any, user: Any, **options: Any) -> None:
        self.user = user
        super().__init__(*args, **options)

    def told(self, name: str, text: str) -> str:
        """Write what was typed into a field as it is shown beside the filters."""
        choices = dict(getattr(self.fields[name], "choices", ()))
        return f"{capfirst(self.fields[name].label)}: {choices.get(text, text)}"

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        for first, last in self.ranges:
            start, end = given.get(first), given.get(last)
            if start is not None and end is not None and start > end:
                self.add_error(last, forms.ValidationError(_("This is before the beginning."), code="range"))
        return given


class TypedFilter(admin.ListFilter):
    """What a person types to narrow a list; what cannot be read finds nothing and is told beside its field."""

    title = _("more filters")
    template = "admin/quita/typed_filter.html"
    form_class: ClassVar[type[TypedFilterForm]]

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.expected_parameters():
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]
        self.form = self.form_class(self.used_parameters or None, user=request.user)

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.form_class.base_fields)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.form.is_bound:
            return queryset
        return self.narrow(queryset, self.form.cleaned_data) if self.form.is_valid() else queryset.none()

    def narrow(self, rows: Any, asked: Mapping[str, Any]) -> Any:
        """Give the rows that fit what was typed."""
        raise NotImplementedError

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Give what is asked for, each with the address of the list without it."""
        for name, text in self.used_parameters.items():
            address = changelist.get_query_string({name: None})
            yield {"display": self.form.told(str(name), str(text)), "query_string": address}

    def kept(self) -> Iterator[tuple[str, str]]:
        """Give what the form sends along: the other filters and the search, not the page."""
        own = set(self.expected_parameters())
        for name, values in self.request.GET.lists():
            if name not in own and name not in ("p", "e"):
                yield from ((name, value) for value in values)
