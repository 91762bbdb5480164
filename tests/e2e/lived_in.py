"""A ledger in which something of each kind has happened: the demonstration, and what it leaves out. As of today."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils import timezone

from pos_sync.models import (
    Device,
    DeviceState,
    Operation,
    OperationConflict,
    OperationState,
    RawBatch,
    Snapshot,
    SyncRun,
    TillOperator,
)
from pos_sync.services.devices import change_device_state
from pos_sync.services.pairing import make_pairing_code
from receivables.domain.reversal import ClosedCashOption
from receivables.models import SYSTEM, Actor, Branch, Divergence, Holiday, Title
from receivables.services.cash_day import COUNT_DIFFERS, close_day
from receivables.services.cash_day_count import expected_of
from receivables.services.cash_session import open_session
from receivables.services.people import deactivate_person
from receivables.services.reissue import reissue_bank_collection
from receivables.services.reversal import ClosedCash, reverse_title
from receivables.services.settlement import settle_installment, settle_title
from tests.admin.phones import enrol
from tests.e2e.desk import today
from tests.e2e.questions import raise_questions
from tests.make import (
    REASON,
    cash_account,
    deposit,
    make_branch,
    make_parameter_set,
    make_title,
    make_user,
    record,
)


def live_in() -> Any:
    """Fill the ledger; give an administrator who works in every branch."""
    call_command("seed_demo", verbosity=0)
    return fill()


def fill() -> Any:
    """Let something of each kind happen in branches of its own; give an administrator who works in every branch."""
    chief = make_user(username="chefe", is_superuser=True)
    branch = make_branch(name="Vivida")
    by = Actor.person(chief)
    for each in Branch.objects.all():
        each.members.add(chief)
    _titles(branch, by=by)
    raise_questions(by=by)
    _tills(branch, by=by)
    Divergence(branch=branch, reason="over_balance", amount=Decimal("10.00")).save_as(SYSTEM)
    Holiday(day=today(), name="Padroeira").save_as(SYSTEM)
    deactivate_person(user_id=make_user(branches=(branch,)).pk, reason=REASON, by=by)
    enrol(make_user(branches=(branch,)))
    return get_user_model().objects.get(pk=chief.pk)


def _titles(branch: Branch, *, by: Actor) -> None:
    moment = {"by": by, "now": timezone.now(), "on": today()}
    long_ago = {"issued_on": today() - timedelta(days=90)}
    due = (today() - timedelta(days=40),)
    make_title(branch=branch, amounts=("600.00", "400.00"), due_dates=due * 2, our_numbers=("901", "902"), **long_ago)
    collected = make_title(branch=branch, due_dates=due, our_numbers=("903",), **long_ago)
    reissue_bank_collection(
        installment_id=collected.installments.get().pk, new_due_date=today() + timedelta(days=9), reason=REASON,
        apply_charges=False, write_off_requested=True, **moment,
    )  # fmt: skip
    account = cash_account(branch)
    yesterday = today() - timedelta(days=1)
    settled = [_settled(branch, yesterday, **moment) for _each in range(2)]
    close_day(account_id=account.pk, day=yesterday, **moment)
    reverse_title(
        title_id=settled[0].pk, reason=REASON, closed_cash={account.pk: ClosedCash(option=ClosedCashOption.NO_DEBIT)},
        **moment,
    )  # fmt: skip
    _settled(branch, today(), **moment)
    part = make_title(branch=branch, due_dates=(today(),), issued_on=today() - timedelta(days=30))
    settle_installment(
        installment_id=part.installments.get().pk, received=Decimal(100), received_on=today(),
        deposit=deposit(on=today()), **moment,
    )  # fmt: skip
    record(account, "20.00", today(), **moment)
    _count_with_a_difference(yesterday, **moment)
    _to_be_counted_blindly(**moment)
    open_session(
        idempotency_key="lived-in", branch=branch, station="03", operator="7", opened_at=timezone.now(),
        float_amount=Decimal(50), by=by,
    )  # fmt: skip


def _settled(branch: Branch, day: date, **moment: Any) -> Title:
    """A title settled on a day, with a little more than was due."""
    title = make_title(branch=branch, due_dates=(day,), issued_on=day - timedelta(days=30))
    settle_title(title_id=title.pk, received=title.amount + 5, received_on=day, deposit=deposit(on=day), **moment)
    return title


def _to_be_counted_blindly(*, by: Actor, **moment: Any) -> None:
    """A branch that counts blindly, with a day of cash still open."""
    branch = make_branch(name="Cega", parameter_set=make_parameter_set(blind_closing=True))
    branch.members.add(by.user_id)
    _settled(branch, today(), by=by, **moment)


def _count_with_a_difference(day: date, **moment: Any) -> None:
    branch = make_branch(name="Contada")
    branch.members.add(moment["by"].user_id)
    _settled(branch, day, **moment)
    account = cash_account(branch)
    counted = {code: amount + 1 for code, amount in expected_of(account, day=day).items()}
    close_day(account_id=account.pk, day=day, counted=counted, confirmed=frozenset({COUNT_DIFFERS}), **moment)


def _tills(branch: Branch, *, by: Actor) -> None:
    TillOperator(branch=branch, code="7", name="Rosane", pin_hash="x").save_as(by)
    device = Device(branch=branch, till="03", install_id="lived-in")
    device.save_as(SYSTEM)
    for number, state in enumerate(OperationState.values, start=1):
        operation = Operation.objects.create(
            op_id=f"lived-in-{number}", device=device, judged_as=device, epoch=1, seq=number, kind="receipt",
            raw='{"a": 5000.0}', state=state,
        )  # fmt: skip
    OperationConflict.objects.create(operation=operation, device=device, content_hash="x", raw="{}")
    RawBatch.objects.create(device=device, body=b"{")
    moment = timezone.now()
    SyncRun.objects.create(
        branch=branch, why="daily", result="built", business_date=moment.date(), began_at=moment, duration_ms=5
    )
    Snapshot.objects.create(
        snapshot_id="s", branch=branch, business_date=moment.date(), page_size=500, cursor="", as_of=moment,
        expires_at=moment,
    )  # fmt: skip
    other = Device(branch=branch, till="05", install_id="lived-in-5")
    other.save_as(SYSTEM)
    change_device_state(device_id=str(other.pk), state=DeviceState.SUSPENDED, reason=REASON, by=by)
    make_pairing_code(branch_code=branch.code, till="04", by=by, now=moment)
