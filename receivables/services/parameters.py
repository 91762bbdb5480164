"""Making a parameter set and changing its rates: new terms, carried to the open installments they govern (G.13)."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from receivables.models import Branch, Installment, ParameterSet, Terms, Title
from receivables.models.audited import Actor, signed_by
from receivables.models.title import TitleQuerySet
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
    _carry(terms, Title.objects.open().filter(collecting_branch__parameter_set=parameter_set), because=because, by=by)
    return terms


@transaction.atomic
def save_branch(*, branch: Branch, by: Actor, because: str = "") -> Branch:
    """Save a branch; another parameter set brings its rates to the open installments that the branch collects."""
    before = Branch.objects.filter(pk=branch.pk).values_list("parameter_set", flat=True).first()
    branch.save_as(by, because=because)
    if before is not None and before != branch.parameter_set_id:
        governed = Title.objects.open().filter(collecting_branch=branch)
        _carry(branch.parameter_set.terms, governed, because=because, by=by)
    return branch


def _carry(terms: Terms, governed: TitleQuerySet, *, because: str, by: Actor) -> None:
    """Stamp the terms on the open installments of titles, which are locked first."""
    list(governed.locked().only("pk"))
    rows = list(Installment.objects.locked().open().filter(title__in=governed))
    for row in rows:
        row.terms = terms
    write_many(rows, reasons=dict.fromkeys((row.pk for row in rows), because), by=by)
