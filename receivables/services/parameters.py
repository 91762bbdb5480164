"""Making a parameter set and changing its rates: new terms, carried to the open installments they govern (G.13)."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from receivables.models import Installment, ParameterSet, Terms, Title
from receivables.models.audited import Actor, signed_by
from receivables.services.moves import write_many


@transaction.atomic
def add_parameter_set(*, parameter_set: ParameterSet, rates: Mapping[str, Any], by: Actor) -> ParameterSet:
    """Save a new parameter set with its first rates (columns of Terms, percents)."""
    parameter_set.terms = Terms.objects.create(**rates, **signed_by(by))
    parameter_set.save_as(by)
    return parameter_set


@transaction.atomic
def change_terms(*, parameter_set_id: int, rates: Mapping[str, Any], by: Actor, because: str = "") -> Terms:
    """Give a parameter set new rates (columns of Terms, percents); old versions of installments keep the old ones."""
    parameter_set = ParameterSet.objects.locked().select_related("terms").get(pk=parameter_set_id)
    terms = Terms.objects.create(**rates, **signed_by(by))
    parameter_set.terms = terms
    parameter_set.save_as(by, because=because, fields=["terms"])
    governed = Title.objects.open().filter(collecting_branch__parameter_set=parameter_set)
    list(governed.locked().only("pk"))
    rows = list(Installment.objects.locked().open().filter(title__in=governed))
    for row in rows:
        row.terms = terms
    write_many(rows, reasons=dict.fromkeys((row.pk for row in rows), because), by=by)
    return terms
