"""Crédito do cliente: using it to pay an installment and refunding it; each an entry of its own (G.5, B11)."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from receivables.domain.due_dates import check_cash_date
from receivables.domain.errors import (
    AmountNotPositive,
    CreditIsSpentByItself,
    CreditNotEnough,
    PaymentMethodNotSetUp,
)
from receivables.domain.money import to_cents
from receivables.domain.reversal import checked_reason
from receivables.models import (
    Branch,
    BranchPaymentMethod,
    CreditKind,
    Customer,
    CustomerCredit,
    Direction,
    PaymentMethod,
    Receipt,
    Title,
)
from receivables.models.audited import Actor, signed_by
from receivables.services.cash_day import Landing, land
from receivables.services.cash_movement import post_movement
from receivables.services.locks import lock_customer
from receivables.services.settlement import Deposit, check_codes, settle_installment


@transaction.atomic
def use_credit(
    *, installment_id: int, amount: Decimal, cash_date: date, by: Actor, now: datetime, on: date, reason: str = ""
) -> Receipt:
    """Pay an installment with the credit of its customer, in reais.

    The account of the means `customer_credit` shows both legs on `cash_date`: the credit leaves, the receipt enters.
    Raises CreditNotEnough, AmountAboveBalance, CashDayClosed, PaymentMethodNotSetUp.
    """
    receipt = settle_installment(
        installment_id=installment_id, received=amount, received_on=cash_date, by=by, now=now, on=on, notes=reason,
        deposit=Deposit(method_code=PaymentMethod.CREDIT, cash_date=cash_date, spends_credit=True),
    )  # fmt: skip
    # Whose credit it is, and where, is read once the title is locked.
    title = Title.objects.select_related("bill_to", "collecting_branch").get(installments=installment_id)
    usual = _usual(title.collecting_branch, PaymentMethod.CREDIT)
    landing = land(wanted=[(usual.account, cash_date)], by=by)[usual.account_id, cash_date]
    _spend(
        customer=title.bill_to, branch=title.collecting_branch, usual=usual, landing=landing, amount=amount,
        kind=CreditKind.USED, receipt=receipt, reason=reason, by=by, now=now,
    )  # fmt: skip
    return receipt


@transaction.atomic
def refund_credit(
    *,
    customer_id: int,
    branch_id: int,
    amount: Decimal,
    method_code: str,
    cash_date: date,
    reason: str,
    by: Actor,
    now: datetime,
    on: date,
) -> CustomerCredit:
    """Give a customer's credit back in money, in reais; `on` is today.

    Raises CreditNotEnough, CashDayClosed, DateTooFarAhead, ReasonTooShort, CreditIsSpentByItself.
    """
    reason = checked_reason(reason)
    check_cash_date(cash_date, on=on)
    if method_code == PaymentMethod.CREDIT:
        raise CreditIsSpentByItself
    branch = Branch.objects.get(pk=branch_id)
    usual = _usual(branch, method_code)
    landing = land(wanted=[(usual.account, cash_date)], by=by)[usual.account_id, cash_date]
    return _spend(
        customer=Customer.objects.get(pk=customer_id), branch=branch, usual=usual, landing=landing, amount=amount,
        kind=CreditKind.REFUNDED, receipt=None, reason=reason, by=by, now=now,
    )  # fmt: skip


def _spend(
    *, customer: Customer, branch: Branch, usual: BranchPaymentMethod, landing: Landing, amount: Decimal, kind: str,
    receipt: Receipt | None, reason: str, by: Actor, now: datetime,
) -> CustomerCredit:  # fmt: skip
    if amount <= 0:
        raise AmountNotPositive(field="Valor")
    to_cents(amount)
    lock_customer(customer.pk)
    available = CustomerCredit.objects.filter(customer=customer).available()
    if amount > available:
        raise CreditNotEnough(available=available, asked=amount)
    check_codes(account=usual.account, history_code=usual.debit_history, document_type=usual.document_type,
                direction=Direction.DEBIT)  # fmt: skip
    movement = post_movement(
        account=usual.account, landing=landing, amount=amount, history_code=usual.debit_history,
        document_type=usual.document_type, notes=reason, by=by, now=now,
    )  # fmt: skip
    return CustomerCredit.objects.create(
        customer=customer, branch=branch, kind=kind, amount=amount, receipt=receipt, movement=movement,
        reason=reason, posted_at=now, **signed_by(by),
    )  # fmt: skip


def _usual(branch: Branch, method_code: str) -> BranchPaymentMethod:
    found = (
        BranchPaymentMethod.objects.filter(branch=branch, method__code=method_code)
        .select_related("account__branch__parameter_set", "debit_history", "document_type")
        .first()
    )
    if found is None:
        raise PaymentMethodNotSetUp(method=method_code, branch=str(branch))
    return found
