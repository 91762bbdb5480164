"""Filters of lists that several nouns share."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib import admin


def filter_in_words(words: Mapping[str, Any]) -> type[admin.FieldListFilter]:
    """Filter by the codes that a column holds, shown in the words that `words` has for them."""

    class InWords(admin.AllValuesFieldListFilter):
        def choices(self, changelist: Any) -> Iterator[Any]:
            for choice in super().choices(changelist):
                yield {**choice, "display": words.get(str(choice["display"]), choice["display"])}

    return InWords
