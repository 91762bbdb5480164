"""Nova Cobrança Bancária: a slip goes out of use, its installment falls due again, all in one act (S40-S57, G.6, G.12).

Issuing the slip that takes its place is not here: the title is left free for it.
"""

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from receivables.domain.errors import (
    AmountTooLarge,
    ConfirmationRequired,
    InstallmentNotPending,
    NoLiveSlip,
    TitleNotOpen,
    WriteOffNotRequested,
)
from receivables.domain.money import LARGEST, ZERO
from receivables.domain.reissue import ReissueTotals, checked_due_date, exceeds_custom, reissue_totals
from receivables.domain.reversal import checked_reason
from receivables.models import (
    BankCollectionReissue,
    BankSlip,
    Installment,
    InstallmentStatus,
    SlipStatus,
    Title,
    TitleStatus,
)
from receivables.models.audited import Actor, signed_by
from receivables.services.locks import lock_installments_of, lock_live_slip, lock_titles
from receivables.services.moves import move

ABOVE_CUSTOM = "above_custom"


def reissuable(title_id: int) -> QuerySet[Installment]:
    """Give the installments of a title that may get a new bank collection: pending, with a live slip (G.6)."""
    live = BankSlip.objects.filter(installment=OuterRef("pk"), status=SlipStatus.ISSUED)
    rows = Installment.objects.open().filter(Exists(live), title=title_id, status=InstallmentStatus.PENDING)
    return rows.order_by("number")


def preview_reissue(
    *,
    installment_id: int,
    new_due_date: date,
    apply_charges: bool,
    on: date,
    interest_percent: Decimal = ZERO,
    fine_percent: Decimal = ZERO,
) -> ReissueTotals:
    """Compute days, months and reais as the dialogue shows them before Confirmar; nothing is written (S49-S55, G.6).

    `interest_percent` is a day, `fine_percent` a month; both count only with `apply_charges`. Raises
    NewDueDateBeforeToday, PercentNegative, PercentTooLarge, InexactPercent, AmountTooLarge.
    """
    return _totals(
        Installment.objects.get(pk=installment_id),
        new_due_date=checked_due_date(new_due_date, on=on),
        apply_charges=apply_charges,
        interest_percent=interest_percent,
        fine_percent=fine_percent,
    )


def _totals(
    installment: Installment,
    *,
    new_due_date: date,
    apply_charges: bool,
    interest_percent: Decimal,
    fine_percent: Decimal,
) -> ReissueTotals:
    """Compute from the original amount, never from one already increased (G.6)."""
    totals = reissue_totals(
        original_amount=installment.original_amount,
        due_date=installment.due_date,
        new_due_date=new_due_date,
        interest_percent_per_day=interest_percent,
        fine_percent_per_month=fine_percent,
        apply_charges=apply_charges,
    )
    if apply_charges and totals.total > LARGEST:
        raise AmountTooLarge(amount=totals.total, most=LARGEST)
    return totals


@transaction.atomic
def reissue_bank_collection(
    *,
    installment_id: int,
    new_due_date: date,
    reason: str,
    apply_charges: bool,
    write_off_requested: bool,
    by: Actor,
    on: date,
    now: datetime,
    interest_percent: Decimal = ZERO,
    fine_percent: Decimal = ZERO,
    confirmed: Collection[str] = (),
) -> BankCollectionReissue:
    """Put an installment's slip out of use and give it a new due date and total, `on` being today (S40-S57, G.6, G.12).

    Unticked, it returns to its original amount and percents do not count (S50). Raises InstallmentNotPending,
    NoLiveSlip, NewDueDateBeforeToday, ReasonTooShort, ReasonTooLong, WriteOffNotRequested, PercentNegative,
    ConfirmationRequired for percents above the custom, …
    """
    title, installments = _locked(installment_id)
    installment = installments[installment_id]
    slip = _slip_to_supersede(installment)
    reason, new_due_date = checked_reason(reason), checked_due_date(new_due_date, on=on)
    if not write_off_requested:
        raise WriteOffNotRequested(our_number=slip.our_number)
    asked = {"interest_percent": interest_percent, "fine_percent": fine_percent}
    totals = _totals(installment, new_due_date=new_due_date, apply_charges=apply_charges, **asked)
    percents = asked if apply_charges else dict.fromkeys(asked, ZERO)
    _ask_above_custom(percents, confirmed)
    event = BankCollectionReissue(
        installment=installment, slip=slip, our_number=slip.our_number, reissued_on=on,
        old_due_date=installment.due_date, new_due_date=new_due_date, original_amount=installment.original_amount,
        old_amount=installment.amount, new_amount=totals.total, apply_charges=apply_charges, **percents,
        days_late=totals.days_late, months_late=totals.months_late, interest=totals.interest, fine=totals.fine,
        reason=reason, bank_write_off_requested=write_off_requested, posted_at=now, **signed_by(by),
    )  # fmt: skip
    move(slip.supersede, by=by, because=reason)
    _restate(installment, event, by=by)
    title.amount = sum((row.amount for row in installments.values()), ZERO)
    title.save_as(by, because=reason, fields={"amount"})
    event.save()
    return event


def _locked(installment_id: int) -> tuple[Title, dict[int, Installment]]:
    title_id = Installment.objects.values_list("title_id", flat=True).get(pk=installment_id)
    titles = lock_titles([title_id])
    return titles[title_id], lock_installments_of(titles)


def _slip_to_supersede(installment: Installment) -> BankSlip:
    """Give the live slip; once any part is received, or the title cancelled, nothing may change (S4, G.7)."""
    title = installment.title
    if title.status == TitleStatus.CANCELLED:
        raise TitleNotOpen(title=str(title), status=title.get_status_display())
    if installment.status != InstallmentStatus.PENDING:
        raise InstallmentNotPending(installment=str(installment), status=installment.get_status_display())
    slip = lock_live_slip(installment)
    if slip is None:
        raise NoLiveSlip(installment=str(installment))
    return slip


def _ask_above_custom(percents: dict[str, Decimal], confirmed: Collection[str]) -> None:
    above = exceeds_custom(
        interest_percent_per_day=percents["interest_percent"], fine_percent_per_month=percents["fine_percent"]
    )
    if above and ABOVE_CUSTOM not in confirmed:
        raise ConfirmationRequired(codes=[ABOVE_CUSTOM])


def _restate(installment: Installment, event: BankCollectionReissue, *, by: Actor) -> None:
    """Make the installment owe the new total from the new due date on; tills see a new version."""
    installment.due_date = installment.interest_from = event.new_due_date
    installment.amount = installment.balance = event.new_amount
    installment.save_as(by, because=event.reason, fields={"due_date", "interest_from", "amount", "balance"})
