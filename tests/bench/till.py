"""What a till brings to be measured: batches of receipts of installments that nobody has paid yet."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import count, islice

from pos_sync.models import Device
from pos_sync.protocol import read_envelope
from pos_sync.services.inbox import store_batch
from receivables.domain.charges import late_charges
from receivables.domain.money import to_cents
from receivables.models import Installment
from tests.bench.books import OPERATOR
from tests.make import NOW, TODAY

BATCH = 200


class Till:
    """A till with a queue: each batch continues its sequence."""

    def __init__(self, device: Device, installments: Iterator[Installment]) -> None:
        self.device, self._installments = device, installments
        self._seqs = count(1)

    def batch(self, *, size: int = BATCH) -> bytes:
        """Give a push of so many receipts: one in five pays a part, what is overdue is paid with its charges."""
        receipts = [self._receipt(row) for row in islice(self._installments, size)]
        assert len(receipts) == size, "the books have no installment left to pay"
        return json.dumps({"epoch": 1, "operations": receipts}).encode()

    def _receipt(self, row: Installment) -> dict[str, object]:
        seq = next(self._seqs)
        charges = late_charges(standing=row.standing, terms=row.terms.as_domain, on=TODAY)
        principal = to_cents(row.balance)
        if seq % 5 == 0:
            principal //= 2
        line = {"installment_id": str(row.pk), "version": row.version, "principal_cents": principal,
                "interest_cents": to_cents(charges.interest_due), "fine_cents": to_cents(charges.fine),
                "discount_cents": 0}  # fmt: skip
        paid = principal + to_cents(charges.total)
        tender = {"method": "cash" if seq % 3 else "pix", "amount_cents": paid, "tendered_cents": paid,
                  "change_cents": 0}  # fmt: skip
        body = {"operator": OPERATOR, "session_id": "s1", "receipt_no": f"{self.device.till}-{seq:06d}",
                "mode": "offline", "snapshot_as_of": NOW.isoformat(), "lines": [line], "tenders": [tender]}  # fmt: skip
        taken_at = NOW - timedelta(hours=1) + timedelta(seconds=seq)
        return {"op_id": f"bench-{self.device.pk}-{seq}", "seq": seq, "kind": "receipt", "v": 1,
                "occurred_at": taken_at.isoformat(), "body": body}  # fmt: skip

    def store(self, raw: bytes) -> None:
        store_batch(device=self.device, envelope=read_envelope(raw), raw=raw, now=NOW)
