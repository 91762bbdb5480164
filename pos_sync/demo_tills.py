"""What the demonstration's tills did: a shift with a difference, a gap in the numbers, one silent, one suspended.

They speak through the inbox as real ones do; their numbers are none of those that the demonstration offers for pairing.
"""

import json
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from pos_sync import protocol
from pos_sync.models import Device, DeviceState
from pos_sync.services.devices import change_device_state, record_contact
from pos_sync.services.inbox import store_batch
from pos_sync.services.ingestion import ingest_device
from pos_sync.services.pairing import PairingRequest, make_pairing_code, pair
from receivables.demo.registers import Staff
from receivables.demo.story import business_days_before
from receivables.demo.titles import PREFIX
from receivables.domain.money import ZERO, to_cents
from receivables.models import Title
from receivables.services.settlement import Deposit, quote, settle_title

BUSY, SILENT, LEFT = "21", "22", "23"
"""The tills: one that works, one that was last heard of long ago, one that was taken out of use."""
SOFTWARE = "till 1.0"


def tell(*, staff: Staff, today: date) -> None:
    """Pair the tills and let them send what they did; a second time nothing is added."""
    _busy("001", "1001", today=today, staff=staff)
    _busy("002", "2001", today=today, staff=staff, is_whole=True)
    _silent("002", "2002", today=today, staff=staff)
    _suspended("003", "3001", today=today, staff=staff)
    _beaten_to_it("003", "3002", today=today, staff=staff)


def _busy(branch: str, operator: str, *, today: date, staff: Staff, is_whole: bool = False) -> None:
    """A shift without connection, closed and counted, and another one; a receipt never came unless all is whole."""
    day = _last_day(today)
    till = _Till.paired(branch, BUSY, at=_at(day - timedelta(40), 9), staff=staff)
    till.open("manha", operator, _at(day, 8, 5), float_cents=20_000)
    taken = [till.receive(number, "manha", operator, _at(day, 8, 10 + number)) for number in (2, 3)]
    till.do("cash_out", {"amount_cents": 10_000, "reason": "Sangria para o cofre", "session_id": "manha"},
            _at(day, 11, 40))  # fmt: skip
    counted = 20_000 + sum(taken) - 10_000 - (0 if is_whole else 500)
    left = {"count": 0, "sum_cents": 0} if is_whole else {"count": 1, "sum_cents": 18_000}
    body = {"session_id": "manha", "counted": [{"method": "cash", "amount_cents": counted}], "pending": left}
    till.do("session_close", body, _at(day, 12, 2))
    till.open("tarde", operator, _at(day, 13), float_cents=20_000)
    if not is_whole:
        till.lose_a_receipt()
    till.receive(4, "tarde", operator, _at(day, 13, 26))
    till.send(_at(today, 7, 40), pending=(0, 0))
    till.synchronised(_at(today, 7, 41))


def _silent(branch: str, operator: str, *, today: date, staff: Staff) -> None:
    """A till of which nothing was heard for nine days, and which held money then."""
    day = today - timedelta(9)
    till = _Till.paired(branch, SILENT, at=_at(day - timedelta(30), 9), staff=staff)
    till.synchronised(_at(day, 8))
    till.open("s1", operator, _at(day, 8, 2), float_cents=10_000)
    till.send(_at(day, 8, 3), pending=(4, 81_240))


def _suspended(branch: str, operator: str, *, today: date, staff: Staff) -> None:
    """A till that was suspended and went on receiving: its money is in dispute."""
    day = _last_day(today)
    till = _Till.paired(branch, LEFT, at=_at(day - timedelta(20), 9), staff=staff)
    till.synchronised(_at(day, 8))
    reason = "Equipamento emprestado a outra loja sem aviso."
    change_device_state(device_id=str(till.device.pk), state=DeviceState.SUSPENDED, reason=reason, by=staff.management)
    till.receive(2, "s1", operator, _at(day, 15, 20))
    till.send(_at(today, 7, 30), pending=(0, 0))


def _beaten_to_it(branch: str, operator: str, *, today: date, staff: Staff) -> None:
    """A till whose customer had paid by Pix a minute before."""
    day = _last_day(today)
    till = _Till.paired(branch, BUSY, at=_at(day - timedelta(40), 9), staff=staff)
    till.open("s1", operator, _at(day, 9, 5), float_cents=15_000)
    till.receive(3, "s1", operator, _at(day, 9, 15))
    title = till.title(4)
    due = sum((each.total for each in quote(title_ids=[title.pk], on=day)), ZERO)
    till.receive(4, "s1", operator, _at(day, 9, 25))
    settle_title(
        title_id=title.pk, received=due, received_on=day, deposit=Deposit(method_code="pix", cash_date=day),
        by=staff.treasury, now=_at(day, 9, 24), on=day,
    )  # fmt: skip
    till.send(_at(today, 7, 30), pending=(0, 0))
    till.synchronised(_at(today, 7, 31))


def _last_day(today: date) -> date:
    return business_days_before(today, count=1)[0]


@dataclass
class _Till:
    """A till that speaks straight to the inbox; what it does waits until it is sent."""

    device: Device
    seq: int = 0
    receipts: int = 0
    waiting: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def paired(cls, branch: str, till: str, *, at: datetime, staff: Staff) -> "_Till":
        fresh = make_pairing_code(branch_code=branch, till=till, by=staff.management, now=at)
        request = PairingRequest(
            code=fresh.code, install_id=f"demo-{branch}-{till}", software=SOFTWARE, public_key=None
        )
        return cls(pair(request=request, now=at).device)

    def title(self, number: int) -> Title:
        return Title.objects.get(document_number=f"{PREFIX}{self.device.branch.code}-{number:04d}")

    def do(self, kind: str, body: dict[str, Any], at: datetime) -> None:
        self.seq += 1
        op_id = f"{self.device.install_id}-{self.seq:06d}"
        self.waiting.append(
            {"op_id": op_id, "seq": self.seq, "kind": kind, "v": 1, "occurred_at": at.isoformat(), "body": body}
        )

    def open(self, session: str, operator: str, at: datetime, *, float_cents: int) -> None:
        self.do("session_open", {"session_id": session, "operator": operator, "float_cents": float_cents}, at)

    def receive(self, number: int, session: str, operator: str, at: datetime) -> int:
        """Receive all that is due of a title in cash; give the cents."""
        self.receipts += 1
        dues = quote(title_ids=[self.title(number).pk], on=timezone.localdate(at))
        lines = [
            {
                "installment_id": str(due.installment.pk), "version": due.installment.version,
                "principal_cents": to_cents(due.installment.balance), "discount_cents": 0,
                "interest_cents": to_cents(due.charges.interest), "fine_cents": to_cents(due.charges.fine),
            }
            for due in dues
        ]  # fmt: skip
        cents = sum(to_cents(due.total) for due in dues)
        body = {
            "session_id": session, "operator": operator, "mode": "offline", "lines": lines,
            "receipt_no": f"{self.device.till}{self.device.receipt_series}-{self.receipts:06d}",
            "tenders": [{"method": "cash", "amount_cents": cents, "tendered_cents": cents, "change_cents": 0}],
        }  # fmt: skip
        self.do("receipt", body, at)
        return cents

    def lose_a_receipt(self) -> None:
        """Print a receipt that never comes."""
        self.seq += 1
        self.receipts += 1

    def send(self, at: datetime, *, pending: tuple[int, int] | None = None) -> None:
        """Deliver what waits, and let it be applied."""
        self.device.refresh_from_db()
        raw = json.dumps({"operations": self.waiting}).encode()
        store_batch(device=self.device, envelope=protocol.read_envelope(raw), raw=raw, now=at)
        self.waiting = []
        ingest_device(self.device.pk, now=at)
        count, cents = pending or (0, 0)
        record_contact(device_id=self.device.pk, now=at, pending_count=count, pending_sum_cents=cents)

    def synchronised(self, at: datetime) -> None:
        """It has a whole snapshot of that moment."""
        record_contact(device_id=self.device.pk, now=at, snapshot_as_of=at)


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=timezone.get_default_timezone())
