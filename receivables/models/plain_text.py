"""Text as people look for it: `JOAO` finds `João`; PostgreSQL has an index of trigrams over this very expression."""

from typing import Any

from django.db import models

ACCENTED = "ÁÀÂÃÄÉÊÍÓÔÕÖÚÜÇÑáàâãäéêíóôõöúüçñ"
BARE = "AAAAAEEIOOOOUUCNaaaaaeeioooouucn"


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
