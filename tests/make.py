"""Small makers of the rows that tests stand on; what moves money goes through the services."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from receivables.models import (
    SYSTEM,
    Actor,
    Branch,
    BranchPaymentMethod,
    CashMovement,
    City,
    Customer,
    Direction,
    DocumentType,
    HistoryCode,
    InterestPeriod,
    LedgerAccount,
    ParameterSet,
    PaymentMethod,
    Terms,
    Title,
)
from receivables.services.cash_movement import record_cash_movement
from receivables.services.settlement import Deposit
from receivables.services.title import Part, issue_title

TODAY = date(2026, 11, 23)  # a Monday
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
REASON = "Lançado em duplicidade pelo caixa"
CASHIER = Actor(name="ana", channel="back_office")

_numbers = count(1)


def _code() -> str:
    return f"{next(_numbers):04d}"


def make_terms(**values: Any) -> Terms:
    usual = {"interest_percent": Decimal("1.00"), "interest_per": InterestPeriod.MONTH30,
             "fine_percent": Decimal("2.00"), "max_discount_percent": Decimal("5.00")}  # fmt: skip
    return Terms.objects.create(**usual | values)


def make_parameter_set(*, terms: Terms | None = None, **values: Any) -> ParameterSet:
    parameter_set = ParameterSet(**{"name": f"Padrão {_code()}", "terms": terms or make_terms()} | values)
    parameter_set.save_as(SYSTEM)
    return parameter_set


def make_account(*, branch: Branch, kind: str = LedgerAccount.Kind.CASH, **values: Any) -> LedgerAccount:
    account = LedgerAccount(**{"short_code": _code(), "name": "Caixa", "branch": branch, "kind": kind} | values)
    account.save_as(SYSTEM)
    return account


def make_history_code(*, direction: str = Direction.CREDIT, **values: Any) -> HistoryCode:
    row = HistoryCode(**{"code": _code(), "name": "Recebimento", "direction": direction} | values)
    row.save_as(SYSTEM)
    return row


def make_document_type(**values: Any) -> DocumentType:
    row = DocumentType(**{"code": _code(), "name": "Recibo"} | values)
    row.save_as(SYSTEM)
    return row


def make_method(code: str, **values: Any) -> PaymentMethod:
    known = PaymentMethod.objects.filter(code=code).first()
    if known:
        return known
    method = PaymentMethod(**{"code": code, "name": code.capitalize(), "gives_change": code == "cash"} | values)
    method.save_as(SYSTEM)
    return method


def set_up_method(branch: Branch, code: str, *, account: LedgerAccount) -> BranchPaymentMethod:
    row = BranchPaymentMethod(
        branch=branch,
        method=make_method(code),
        account=account,
        credit_history=make_history_code(),
        debit_history=make_history_code(direction=Direction.DEBIT, name="Estorno"),
        document_type=make_document_type(),
    )
    row.save_as(SYSTEM)
    return row


def make_branch(*, parameter_set: ParameterSet | None = None, **values: Any) -> Branch:
    """A branch with a cash account, a bank account and the usual means of payment."""
    branch = Branch(
        **{"code": _code(), "name": "Matriz", "parameter_set": parameter_set or make_parameter_set()} | values
    )
    branch.save_as(SYSTEM)
    cash = make_account(branch=branch)
    bank = make_account(branch=branch, kind=LedgerAccount.Kind.BANK, name="Banco", bank_code="341")
    for code in (PaymentMethod.CASH, PaymentMethod.OTHER, PaymentMethod.CREDIT):
        set_up_method(branch, code, account=cash)
    for code in ("pix", "card"):
        set_up_method(branch, code, account=bank)
    return branch


def make_city(**values: Any) -> City:
    city = City(**{"code": _code(), "name": "Curitiba", "state": "PR"} | values)
    city.save_as(SYSTEM)
    return city


def cash_account(branch: Branch) -> LedgerAccount:
    return branch.payment_methods.get(method__code=PaymentMethod.CASH).account


def make_customer(**values: Any) -> Customer:
    number = next(_numbers)
    customer = Customer(**{"document": f"{number:011d}", "name": f"Cliente {number}"} | values)
    customer.save_as(SYSTEM)
    return customer


def make_title(
    *,
    branch: Branch | None = None,
    amounts: tuple[str, ...] = ("1000.00",),
    due_dates: tuple[date, ...] | None = None,
    our_numbers: tuple[str, ...] = (),
    **values: Any,
) -> Title:
    """A title issued 60 days ago, due today unless told otherwise."""
    branch = branch or make_branch()
    due_dates = due_dates or (TODAY,) * len(amounts)
    our_numbers = our_numbers or ("",) * len(amounts)
    fields = {
        "document_number": f"FAT-{_code()}", "entry_branch": branch, "issuing_branch": branch,
        "collecting_branch": branch, "issued_on": date(2026, 9, 1),
        "bill_to": values.pop("bill_to", None) or make_customer(),
        "account": branch.ledgeraccount_set.get(kind=LedgerAccount.Kind.BANK),
    } | values  # fmt: skip
    parts = [
        Part(due_date=due, amount=Decimal(amount), our_number=number)
        for due, amount, number in zip(due_dates, amounts, our_numbers, strict=True)
    ]
    return issue_title(fields=fields, parts=parts, by=SYSTEM)


def record(account: LedgerAccount, amount: str = "100.00", day: date = TODAY, **values: Any) -> CashMovement:
    """A movement that a person records; an amount below zero is a debit."""
    direction = Direction.DEBIT if amount.startswith("-") else Direction.CREDIT
    usual = {"history_code_id": make_history_code(direction=direction).pk,
             "document_type_id": make_document_type().pk, "by": CASHIER, "now": NOW, "on": TODAY}  # fmt: skip
    return record_cash_movement(account_id=account.pk, cash_date=day, amount=abs(Decimal(amount)), **usual | values)


def deposit(*, on: date = TODAY, method: str = PaymentMethod.CASH, **values: Any) -> Deposit:
    return Deposit(method_code=method, cash_date=on, **values)


def make_user(*, group: str = "", branches: tuple[Branch, ...] = (), **values: Any) -> Any:
    user = get_user_model().objects.create_user(
        **{"username": f"user{_code()}", "password": "secret", "is_staff": True} | values
    )
    if group:
        user.groups.add(Group.objects.get(name=group))
    for branch in branches:
        branch.members.add(user)
    return user
