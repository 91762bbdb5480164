"""Reading what the books hold of all that a batch of receipts names, in a fixed number of queries."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pos_sync.decide import InstallmentNow, InstallmentThen, Scene
from pos_sync.models import Device
from pos_sync.protocol import ReceiptSaid
from pos_sync.services.devices import is_id
from receivables.domain.charges import Standing
from receivables.domain.money import to_cents
from receivables.models import Customer, Installment, Terms, TitleStatus
from receivables.services.locks import local_holidays


def parsed_ids(sent: Collection[str | None]) -> set[int]:
    """Give the ids that may be ours; what cannot be parsed is unknown."""
    return {int(text) for text in sent if text and is_our_id(text)}


def is_our_id(text: str) -> bool:
    """Say whether a text is the decimal form of an id, and the only one."""
    return is_id(text) and str(int(text)) == text


def read_scene(
    receipts: Sequence[ReceiptSaid], *, installments: Mapping[int, Installment], device: Device, whole_company: bool
) -> Scene:
    """Build the scene from locked installments; what is not among them is unknown to the till."""
    named = {(line.installment_id, line.version) for said in receipts for line in said.lines}
    rows = [installments[pk] for pk in parsed_ids({text for text, _ in named}) if pk in installments]
    now = {
        str(row.pk): _now(row, forbidden=not whole_company and row.title.collecting_branch_id != device.branch_id)
        for row in rows
    }
    customers = Customer.objects.filter(pk__in=parsed_ids({said.customer_id for said in receipts}))
    return Scene(
        installments=now,
        then=_then(installments, named),
        customers={str(pk): pk for pk in customers.values_list("pk", flat=True)},
        extra_holidays=local_holidays(),
    )


def _now(row: Installment, *, forbidden: bool) -> InstallmentNow:
    return InstallmentNow(
        id=row.pk,
        customer_id=row.title.bill_to_id,
        status=row.status,
        cancelled=row.title.status == TitleStatus.CANCELLED,
        other_branch_forbidden=forbidden,
        standing=row.standing,
        terms=row.terms.as_domain,
        amount=to_cents(row.amount),
    )


def _then(
    installments: Mapping[int, Installment], named: Collection[tuple[str | None, int | None]]
) -> dict[tuple[str, int], InstallmentThen]:
    """Find the versions that the tills had, where they are not the present ones: versions live in history."""
    older: dict[int, set[int]] = {}
    for text, version in named:
        if text and version and is_our_id(text):
            row = installments.get(int(text))
            if row is not None and 0 < version < row.version:
                older.setdefault(row.pk, set()).add(version)
    if not older:
        return {}
    rows = Installment.history.filter(id__in=older, version__in=set().union(*older.values())).order_by("history_id")
    wanted = [row for row in rows if row.version in older[row.id]]
    terms = {row.pk: row for row in Terms.objects.filter(pk__in={row.terms_id for row in wanted})}
    return {(str(row.id), row.version): _as_then(row, terms[row.terms_id]) for row in wanted}


def _as_then(row: Any, terms: Terms) -> InstallmentThen:
    standing = Standing(
        balance=row.balance,
        due_date=row.due_date,
        interest_from=row.interest_from,
        fine_charged=row.fine_charged,
        carried_charges=row.carried_charges,
    )
    return InstallmentThen(standing=standing, terms=terms.as_domain, amount=to_cents(row.amount))
