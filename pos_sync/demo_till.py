"""A till of the demonstration that was offline for some days: what it brings, people must look at (Divergências)."""

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from pos_sync.models import Device, DeviceState
from pos_sync.protocol import read_envelope
from pos_sync.services.devices import change_device_state
from pos_sync.services.inbox import store_batch
from pos_sync.services.ingestion import apply_pending
from receivables.domain.money import split_evenly, to_cents
from receivables.models import SYSTEM, Branch, Installment, InstallmentStatus
from receivables.services.settlement import Deposit, quote, settle_installment

BRANCH, TILL, OPERATOR = "001", "07", "1002"
NOON = time(12, 30)


def tell(*, today: date) -> None:
    """Let the till receive what was paid, cut or changed elsewhere; a second time nothing is added."""
    branch = Branch.objects.get(code=BRANCH)
    if not Device.objects.filter(branch=branch, till=TILL).exists():
        with transaction.atomic():
            _Story(branch, today).tell()
        apply_pending(now=timezone.now())


class _Story:
    def __init__(self, branch: Branch, today: date) -> None:
        self.branch, self.today, self.seqs = branch, today, count(1)
        self.device = Device(branch=branch, till=TILL, install_id=str(uuid4()), software="till 1.0",
                             paired_at=self.at(30))  # fmt: skip
        self.device.save_as(SYSTEM)
        rows = Installment.objects.in_window(today=today).filter(
            title__collecting_branch=branch, status=InstallmentStatus.PENDING, title__installment_count__gt=1
        )
        self.debts: Iterator[Installment] = iter(rows.select_related("title").order_by("-due_date", "pk"))

    def at(self, days_ago: int) -> datetime:
        return timezone.make_aware(datetime.combine(self.today - timedelta(days_ago), NOON))

    def tell(self) -> None:
        paid, part, cut = next(self.debts), next(self.debts), next(self.debts)
        twice, asked, given = next(self.debts), next(self.debts), next(self.debts)
        receipts = [
            self.receipt(paid), self.receipt(part), self.receipt(cut, short_cents=2_000),
            self.receipt(given, discount_cents=to_cents(given.balance) // 2),
        ]  # fmt: skip
        self.pay(paid)
        self.pay(part, half=True)
        self.push(9, *receipts)
        self.push(4, self.receipt(None, cents=18_750))
        first = self.receipt(twice)
        self.push(2, first, first | {"seq": next(self.seqs), "body": first["body"] | {"receipt_no": "07-000099"}})
        change_device_state(
            device_id=str(self.device.pk), state=DeviceState.SUSPENDED, reason="Tela trincada, foi para o conserto.",
            by=SYSTEM,
        )  # fmt: skip
        self.push(1, self.receipt(asked))

    def pay(self, installment: Installment, *, half: bool = False) -> None:
        """Somebody pays at the office what the till receives too."""
        quotes = quote(title_ids=[installment.title_id], on=self.today)
        owed = next(each.total for each in quotes if each.installment.pk == installment.pk)
        settle_installment(
            installment_id=installment.pk, received=split_evenly(owed, parts=2)[0] if half else owed,
            received_on=self.today, deposit=Deposit(method_code="pix", cash_date=self.today), by=SYSTEM,
            now=self.at(0), on=self.today,
        )  # fmt: skip

    def receipt(
        self, installment: Installment | None, *, cents: int = 0, short_cents: int = 0, discount_cents: int = 0
    ) -> dict[str, Any]:
        seq = next(self.seqs)
        cents = cents or (to_cents(installment.balance) if installment else 0)
        line = {
            "installment_id": str(installment.pk) if installment else "99887766",
            "version": installment.version if installment else 1, "principal_cents": cents - discount_cents,
            "interest_cents": 0, "fine_cents": 0, "discount_cents": discount_cents,
        }  # fmt: skip
        paid = cents - discount_cents - short_cents
        tender = {"method": "cash", "amount_cents": paid, "tendered_cents": paid, "change_cents": 0, "reference": None}
        body = {"session_id": None, "operator": OPERATOR, "customer_id": None, "receipt_no": f"{TILL}-{seq:06d}",
                "mode": "offline", "lines": [line], "tenders": [tender]}  # fmt: skip
        return {"op_id": str(uuid4()), "seq": seq, "kind": "receipt", "v": 1, "body": body}

    def push(self, days_ago: int, *operations: dict[str, Any]) -> None:
        """Deliver and apply as of some days ago."""
        taken, now = (self.at(days_ago) - timedelta(hours=3)).isoformat(), self.at(days_ago)
        raw = json.dumps({"operations": [{"occurred_at": taken} | each for each in operations]}).encode()
        store_batch(device=self.device, envelope=read_envelope(raw), raw=raw, now=now)
        apply_pending(self.device.pk, now=now)
