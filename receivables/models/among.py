"""`field__among=keys`: one of many values, in one parameter however many there are.

`in` writes a placeholder for each value, which costs Django and the driver more than the database takes to find them.
"""

import json
from typing import Any

from django.db import models


@models.ForeignKey.register_lookup
@models.Field.register_lookup
class Among(models.Lookup):
    """Ask that a column is one of a collection of plain values, none of them null."""

    lookup_name = "among"

    def get_prep_lookup(self) -> list[Any]:
        """Give the values as the column keeps them; what is not iterable raises TypeError."""
        return [self.lhs.output_field.get_prep_value(value) for value in self.rhs]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, given = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", [*given, self.rhs]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, given = self.process_lhs(compiler, connection)
        return f"{column} IN (SELECT value FROM json_each(%s))", [*given, json.dumps(self.rhs)]
