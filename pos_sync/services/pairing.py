"""Pairing a till: the code that a person makes, the device and token that it is exchanged for (POST /pair)."""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.utils.translation import gettext as _

from pos_sync.models import Device, DeviceEpoch, PairingCode
from pos_sync.protocol import BadField
from pos_sync.services.devices import in_use, new_token
from pos_sync.services.epochs import epoch_for_pairing
from receivables.domain.errors import InactiveCode, RuleBroken, WrongDirection, gettext_noop
from receivables.models import Actor, Branch, BranchPaymentMethod, Direction, HistoryCode, PaymentMethod
from receivables.services.moves import move

CODE_LIFE = timedelta(minutes=10)
CODE_BITS = 80
NEEDED_METHODS = (PaymentMethod.CASH, PaymentMethod.OTHER)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("OIL", "011", "- \t")
# The last character is a digit, so that the letters of a receipt series can be told from the till's.
_TILL = re.compile(r"[0-9A-Z]{0,9}[0-9]")
_TEXT = re.compile(r"[^\x00\ud800-\udfff]*")


class UnknownBranch(RuleBroken):
    message = gettext_noop("There is no active branch with the code {branch}. Check the code in the list of branches.")


class InvalidTill(RuleBroken):
    message = gettext_noop(
        "“{till}” cannot be the number of a till. Use up to ten digits and letters that end in a digit, like 03."
    )


class PaymentMethodsMissing(RuleBroken):
    message = gettext_noop(
        "Branch {branch} has no account and codes for the payment methods {methods}. Register them before pairing."
    )


class UnknownCode(RuleBroken):
    message = gettext_noop("This pairing code is not known. Check it or ask for a new one.")


class CodeExpired(RuleBroken):
    message = gettext_noop("This pairing code has expired. Ask for a new one.")


class CodeUsed(RuleBroken):
    message = gettext_noop("This pairing code was used by another installation. Ask for a new one.")


# The code


@dataclass(frozen=True, slots=True)
class FreshCode:
    """A code as it is shown once; only its hash is kept."""

    code: str
    expires_at: datetime
    branch: Branch
    till: str


@transaction.atomic
def make_pairing_code(*, branch_code: str, till: str, by: Actor, now: datetime) -> FreshCode:
    """Make a code of 80 random bits that pairs one till within ten minutes; its former device stays in use till then.

    Raises UnknownBranch, InvalidTill, PaymentMethodsMissing, InactiveCode, WrongDirection.
    """
    branch = Branch.objects.filter(code=branch_code, is_active=True).first()
    if branch is None:
        raise UnknownBranch(branch=branch_code)
    if not _TILL.fullmatch(till):
        raise InvalidTill(till=till)
    check_payment_methods(branch=branch)
    code = _new_code()
    row = PairingCode.objects.create(
        branch=branch, till=till, code_hash=_code_hash(code), created_at=now, created_by=by.name,
        expires_at=now + CODE_LIFE,
    )  # fmt: skip
    return FreshCode(code=code, expires_at=row.expires_at, branch=branch, till=till)


def check_payment_methods(*, branch: Branch) -> None:
    """Check that a branch can post what its tills will send: cash, and `outros` for what nobody knows.

    Raises PaymentMethodsMissing, InactiveCode, WrongDirection (contract, "Branch and method").
    """
    rows = list(
        BranchPaymentMethod.objects.filter(branch=branch, method__is_active=True).select_related(
            "method", "account", "credit_history", "debit_history", "document_type"
        )
    )
    missing = set(NEEDED_METHODS) - {row.method.code for row in rows}
    if missing:
        raise PaymentMethodsMissing(branch=branch.code, methods=missing)
    for row in rows:
        _check_codes(row)


def _check_codes(row: BranchPaymentMethod) -> None:
    coded = (row.account, row.account.short_code), (row.document_type, row.document_type.code)
    for noun, code in coded:
        if not noun.is_active:
            raise InactiveCode(code=code)
    _check_history(row.credit_history, Direction.CREDIT)
    _check_history(row.debit_history, Direction.DEBIT)


def _check_history(history: HistoryCode, needed: Direction) -> None:
    if not history.is_active:
        raise InactiveCode(code=history.code)
    if history.direction != needed:
        raise WrongDirection(history_code=history.code, direction=history.get_direction_display())


def _new_code() -> str:
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_BITS // 5))
    return "-".join(drawn[start : start + 4] for start in range(0, len(drawn), 4))


def _code_hash(code: str) -> str:
    """Hash a code as a person may type it: any case, with or without hyphens, O for 0, I and L for 1 (Crockford)."""
    return sha256(code.upper().translate(_READ_AS).encode("utf-8", "replace")).hexdigest()


# What a till sends


@dataclass(frozen=True, slots=True)
class PairingRequest:
    """The body of POST /pair."""

    code: str
    install_id: str
    software: str
    public_key: str | None


def read_pairing_request(sent: Mapping[str, object]) -> PairingRequest:
    """Read the body of POST /pair; raises BadField with the name of the first field that cannot be."""
    return PairingRequest(
        code=_required(sent, "code", most=64),
        install_id=_required(sent, "install_id", most=64),
        software=_optional(sent, "software", most=1000)[:80],
        public_key=_optional(sent, "public_key", most=4096) or None,
    )


def _required(sent: Mapping[str, object], field: str, *, most: int) -> str:
    value = _optional(sent, field, most=most)
    if not value:
        raise BadField(field=field)
    return value


def _optional(sent: Mapping[str, object], field: str, *, most: int) -> str:
    value = sent.get(field)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most or not _TEXT.fullmatch(value):
        raise BadField(field=field)
    return value.strip()


# The exchange


@dataclass(frozen=True, slots=True)
class Paired:
    """A device and a token that opens it; the token is told once and kept by its hash."""

    device: Device
    token: str


@transaction.atomic
def pair(*, request: PairingRequest, now: datetime) -> Paired:
    """Exchange a code for a device and a token; the till's former device is replaced (contract, POST /pair).

    The same installation may ask again while the code lives: the same device, a new token beside the former ones.
    Raises UnknownCode, CodeExpired, CodeUsed.
    """
    code = PairingCode.objects.select_for_update(no_key=True).filter(code_hash=_code_hash(request.code)).first()
    if code is None:
        raise UnknownCode
    if now >= code.expires_at:
        raise CodeExpired
    device = code.device
    if device is None:
        device = code.device = _new_device(code, request, now)
        code.save(update_fields=["device"])
    elif device.install_id != request.install_id:
        raise CodeUsed
    return Paired(device=device, token=new_token(device=device, now=now))


def _new_device(code: PairingCode, request: PairingRequest, now: datetime) -> Device:
    epoch = epoch_for_pairing()
    # Pairings of a branch come one after the other: two codes of one till may be used at once.
    branch = Branch.objects.locked().get(pk=code.branch_id)
    actor = Actor(name=f"{branch.code}/{code.till}", channel="till")
    for former in in_use(branch_id=branch.pk, till=code.till):
        move(former.replace, by=actor, because=_("The till was paired again."), at=now)
    earlier = Device.objects.filter(branch=branch, till=code.till).values_list("receipt_series", flat=True)
    device = Device(
        branch=branch, till=code.till, receipt_series=next_series(earlier), install_id=request.install_id,
        software=request.software, public_key=request.public_key, epoch=epoch, paired_at=now,
    )  # fmt: skip
    device.save_as(actor, because=_("Paired with a code made by %(who)s.") % {"who": code.created_by})
    DeviceEpoch.objects.create(device=device, epoch=device.epoch)
    return device


def next_series(earlier: Iterable[str]) -> str:
    """Give the receipt series after those of a till's earlier devices: '', B, C, …, Z, AA, AB (G.22)."""
    taken = set(earlier)
    position = len(taken)
    while (series := _series(position)) in taken:
        position += 1
    return series


def _series(position: int) -> str:
    if position == 0:
        return ""
    letters, rest = "", position + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
