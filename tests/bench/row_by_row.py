"""Reference B: what a Django tutorial would write: a loop that locks, saves, and lets history follow each save."""

import json
from decimal import Decimal
from typing import Any

from django.db import transaction

from pos_sync.models import Device, DeviceEpoch, Operation, OperationArrival, OperationState
from pos_sync.protocol import content_hash, read_instant
from receivables.domain.charges import is_late
from receivables.domain.fold import SETTLED, title_status
from receivables.models import (
    Actor,
    BranchPaymentMethod,
    CashDay,
    CashMovement,
    CashSession,
    Installment,
    LedgerAccount,
    Receipt,
    ReceiptAllocation,
    ReceiptTender,
    Title,
)
from receivables.models.audited import signed_by
from tests.make import NOW


def store(device: Device, raw: bytes) -> None:
    """Keep the batch, an operation at a time, in one commit."""
    with transaction.atomic():
        DeviceEpoch.objects.get_or_create(device=device, epoch=1)
        for item in json.loads(raw)["operations"]:
            values = {"device": device, "judged_as": device, "epoch": 1, "seq": item["seq"], "kind": item["kind"],
                      "content_hash": content_hash(item), "raw": json.dumps(item), "received_at": NOW}  # fmt: skip
            row, _ = Operation.objects.get_or_create(op_id=item["op_id"], defaults=values)
            OperationArrival.objects.get_or_create(device=device, epoch=1, seq=item["seq"], operation=row)


def apply(device: Device) -> int:
    """Apply what waits, a commit for each receipt; give how many were posted."""
    by = Actor(name=f"PDV {device.branch.code}/{device.till}", channel="till")
    waiting = Operation.objects.filter(device=device, state=OperationState.PENDING).order_by("seq")
    return sum(_apply_one(pk, device, by) for pk in waiting.values_list("pk", flat=True))


@transaction.atomic
def _apply_one(pk: int, device: Device, by: Actor) -> int:
    operation = Operation.objects.select_for_update().get(pk=pk)
    operation.attempts += 1
    operation.save()
    item = json.loads(operation.raw)
    body, (line,), (tender,) = item["body"], item["body"]["lines"], item["body"]["tenders"]
    at = read_instant(item["occurred_at"])
    assert at is not None
    day = at.date()
    usual = BranchPaymentMethod.objects.get(branch=device.branch, method__code=tender["method"])
    account = LedgerAccount.objects.select_for_update().get(pk=usual.account_id)
    cash_day, _ = CashDay.objects.get_or_create(account=account, day=day)
    assert CashDay.objects.select_for_update().get(pk=cash_day.pk).status == "open"
    found = Installment.objects.get(pk=line["installment_id"])
    title = Title.objects.select_for_update().get(pk=found.title_id)
    installment = Installment.objects.select_for_update().get(pk=found.pk)
    session = CashSession.objects.get(idempotency_key=device.session_key(body["session_id"]))
    stamp = {"posted_at": NOW, **signed_by(by)}
    receipt = Receipt.objects.create(
        branch=device.branch, customer=title.bill_to, number=body["receipt_no"], received_on=day, cash_date=day,
        amount=_reais(tender["amount_cents"]), origin="till", station=device.till, operator=body["operator"],
        session=session, idempotency_key=operation.op_id, **stamp,
    )  # fmt: skip
    kept = ReceiptTender.objects.create(
        receipt=receipt, position=0, method=usual.method, amount=_reais(tender["amount_cents"]),
        tendered_amount=_reais(tender["tendered_cents"]), change_amount=_reais(tender["change_cents"]), **stamp,
    )  # fmt: skip
    late = is_late(standing=installment.standing, on=day)
    ReceiptAllocation.objects.create(
        receipt=receipt, position=0, title=title, installment=installment, principal=_reais(line["principal_cents"]),
        interest=_reais(line["interest_cents"]), fine=_reais(line["fine_cents"]), is_late=late, **stamp,
    )  # fmt: skip
    CashMovement(
        account=account, cash_date=day, amount=receipt.amount, history_code=usual.credit_history,
        document_type=usual.document_type, origin="till", receipt=receipt, tender=kept, title=title, session=session,
        **stamp,
    ).save_as(by)  # fmt: skip
    _settle(installment, title, receipt, line, by, late=late)
    return _told(operation, receipt, line, at)


def _reais(cents: int) -> Decimal:
    return Decimal(cents) / 100


def _settle(
    installment: Installment, title: Title, receipt: Receipt, line: dict[str, Any], by: Actor, *, late: bool
) -> None:
    because = f"Recebimento {receipt.number}"
    installment.balance -= _reais(line["principal_cents"])
    standing = installment.standing
    (installment.settle_part if installment.balance else installment.settle)(standing=standing)
    installment.interest_from = max(installment.interest_from, installment.due_date, receipt.received_on)
    installment.fine_charged = installment.fine_charged or late
    installment.save_as(by, because=because, move="settle_part" if installment.balance else "settle")
    values = {"cash_date": receipt.cash_date, "received_amount": title.received_amount + receipt.amount}
    statuses = [(status, True) for status in title.installments.values_list("status", flat=True)]
    if title_status(statuses) == SETTLED:
        title.settle(received_on=receipt.received_on, **values)
        title.save_as(by, because=because, move="settle")
    else:
        title.settle_part(**values)
        title.save_as(by, because=because, move="settle_part")


def _told(operation: Operation, receipt: Receipt, line: dict[str, Any], at: object) -> int:
    cents = ("principal_cents", "interest_cents", "fine_cents", "discount_cents")
    outcome = {
        "receipt": receipt.number, "allocated_cents": int(receipt.amount * 100), "credit_cents": 0,
        "suspense_cents": 0, "lines": [{"installment_id": line["installment_id"], "reason": None, "reasons": [],
        **{name: line[name] for name in cents}, "credit_cents": 0, "suspense_cents": 0}],
    }  # fmt: skip
    operation.apply()
    operation.outcome, operation.effective_at, operation.changed_at = outcome, at, NOW
    operation.save()
    return 1
