"""How much an operation is about, and whom: what Divergências shows of it beside its reason."""

from collections.abc import Sequence
from typing import Any

from pos_sync.decide import Decision
from pos_sync.models import Operation
from pos_sync.protocol import CashInSaid, CashOutSaid, ReceiptSaid, VoidSaid, WellFormed, judge_form
from pos_sync.services.scene import parsed_ids
from receivables.domain.money import ZERO, from_cents, to_cents
from receivables.models import Customer, Installment, Receipt


def said_in(raw: str) -> Any:
    """Give what a raw operation says, None where it has no form."""
    form = judge_form(raw)
    return form.said if isinstance(form, WellFormed) else None


def disputed_cents(raw: str) -> int | None:
    """Give how much money an operation is about, in cents; None where nobody can tell."""
    said = said_in(raw)
    if isinstance(said, ReceiptSaid):
        return said.received
    if isinstance(said, CashInSaid | CashOutSaid):
        return said.amount
    if isinstance(said, VoidSaid):
        voided = Receipt.objects.filter(idempotency_key=said.receipt_op_id).values_list("amount", flat=True).first()
        return None if voided is None else to_cents(voided)
    return None if said is None else 0


def disputed_facts(operations: Sequence[Operation]) -> list[dict[str, Any]]:
    """Give amount, customer and installment of operations that did not reach the ledger, in their order.

    An installment is named only where the operation's branch collects it.
    """
    receipts = [said if isinstance(said := said_in(row.raw), ReceiptSaid) else None for row in operations]
    named = parsed_ids({line.installment_id for said in receipts if said for line in said.lines})
    payers = parsed_ids({said.customer_id for said in receipts if said})
    rows = Installment.objects.filter(pk__in=named).select_related("title") if named else ()
    installments = {str(row.pk): row for row in rows}
    customers = Customer.objects.in_bulk(payers) if payers else {}
    return [_facts(row, said, installments, customers) for row, said in zip(operations, receipts, strict=True)]


def _facts(
    row: Operation, said: ReceiptSaid | None, installments: dict[str, Installment], customers: dict[int, Customer]
) -> dict[str, Any]:
    cents = disputed_cents(row.raw)
    facts: dict[str, Any] = {
        "amount": ZERO if cents is None else from_cents(cents),
        "details": {"amount_unknown": cents is None},
    }
    if said is None:
        return facts
    ours = (installments.get(line.installment_id or "") for line in said.lines)
    found = next((each for each in ours if each and each.title.collecting_branch_id == row.device.branch_id), None)
    payer = next((each for pk, each in customers.items() if str(pk) == said.customer_id), None)
    return facts | {"installment": found, "customer_id": found.title.bill_to_id if found else payer and payer.pk}


def not_as_said(said: ReceiptSaid, decision: Decision) -> int:
    """Give by how much what was allocated falls short of what the lines said, money first, else discount, in cents."""
    money = sum(line.principal + line.interest + line.fine for line in said.lines)
    short = money - sum(line.principal + line.interest + line.fine for line in decision.lines)
    discount = sum(line.discount for line in said.lines) - sum(line.discount for line in decision.lines)
    return max(short, 0) or max(discount, 0)
