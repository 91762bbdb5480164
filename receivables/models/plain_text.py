"""Text as people look for it: `JOAO` finds `João`; PostgreSQL has an index of trigrams over this very expression."""

from typing import Any

from django.db import models
from django.db.models import Q

ACCENTED = "ÁÀÂÃÄÉÊÍÓÔÕÖÚÜÇÑáàâãäéêíóôõöúüçñ"
BARE = "AAAAAEEIOOOOUUCNaaaaaeeioooouucn"


NONE = Q(pk__in=[])

LEAST_LETTERS = 3
"""An index of trigrams finds nothing shorter."""


def plain(text: str) -> str:
    """Write a text in capitals without accents, as `Plain` does in the database."""
    return text.translate(str.maketrans(ACCENTED, BARE)).upper()


class Plain(models.Func):
    """A column in capitals without accents."""

    arity = 1
    output_field = models.TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # The letters are part of the text, not parameters: the index is over this expression and no other.
        template = f"UPPER(TRANSLATE(%(expressions)s, '{ACCENTED}', '{BARE}'))"
        return super().as_sql(compiler, connection, template=template, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        connection.ensure_connection()
        connection.connection.create_function("QUITA_PLAIN", 1, lambda text: text and plain(text), deterministic=True)
        return super().as_sql(compiler, connection, template="QUITA_PLAIN(%(expressions)s)", **context)


def has_words(column: str, text: str) -> Q:
    """Ask that a plain column has every word of the text, one of which has three letters at least."""
    words = plain(text).split()
    is_long_enough = any(len(word) >= LEAST_LETTERS for word in words)
    return Q(*(Q(**{f"{column}__contains": word}) for word in words)) if is_long_enough else NONE
