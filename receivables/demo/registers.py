"""The demonstration's registers: parameter sets, branches, accounts, codes, means of payment and people."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from receivables.models import (
    SYSTEM,
    Actor,
    Branch,
    BranchPaymentMethod,
    City,
    Direction,
    DocumentType,
    HistoryCode,
    InterestPeriod,
    LedgerAccount,
    ParameterSet,
    PaymentMethod,
    Product,
    Terms,
)
from receivables.models.audited import signed_by
from receivables.services import groups

PASSWORD = "quita-demo-2026"
LOGINS = (
    ("financeiro", "Ana", "Ribeiro", groups.FINANCEIRO),
    ("tesouraria", "Paulo", "Kowalski", groups.TESOURARIA),
    ("gerencia", "Carla", "Menezes", groups.GERENCIA),
    ("diretoria", "Helena", "Bastos", groups.GERENCIA),
    ("suporte", "Davi", "Nakamura", groups.SUPORTE),
)

CITIES = (
    ("4106902", "Curitiba", "PR"),
    ("4113700", "Londrina", "PR"),
    ("4209102", "Joinville", "SC"),
    ("4115200", "Maringá", "PR"),
    ("4104808", "Cascavel", "PR"),
    ("4119905", "Ponta Grossa", "PR"),
    ("4202404", "Blumenau", "SC"),
    ("4205407", "Florianópolis", "SC"),
    ("4314902", "Porto Alegre", "RS"),
    ("3550308", "São Paulo", "SP"),
    ("3509502", "Campinas", "SP"),
    ("3304557", "Rio de Janeiro", "RJ"),
)
PRODUCTS = (
    ("FRAC", "Frete carga fracionada"),
    ("LOTA", "Frete carga lotação"),
    ("COLE", "Coleta e entrega urbana"),
    ("ARMZ", "Armazenagem"),
    ("MUDA", "Mudança em parcelas"),
)
HISTORY_CODES = (
    ("101", "Recebimento ou suprimento em dinheiro", Direction.CREDIT),
    ("102", "Recebimento em cartão", Direction.CREDIT),
    ("103", "Recebimento por Pix", Direction.CREDIT),
    ("104", "Recebimento em cheque", Direction.CREDIT),
    ("105", "Liquidação de cobrança bancária", Direction.CREDIT),
    ("106", "Outros recebimentos", Direction.CREDIT),
    ("107", "Utilização de crédito do cliente", Direction.CREDIT),
    ("110", "Suprimento de caixa", Direction.CREDIT),
    ("111", "Depósito", Direction.CREDIT),
    ("201", "Estorno ou sangria em dinheiro", Direction.DEBIT),
    ("202", "Estorno de recebimento em cartão", Direction.DEBIT),
    ("203", "Estorno de recebimento por Pix", Direction.DEBIT),
    ("204", "Estorno de recebimento em cheque", Direction.DEBIT),
    ("205", "Estorno de cobrança bancária", Direction.DEBIT),
    ("206", "Estorno de outros recebimentos", Direction.DEBIT),
    ("207", "Baixa de crédito do cliente", Direction.DEBIT),
    ("210", "Sangria de caixa", Direction.DEBIT),
    ("211", "Tarifa bancária", Direction.DEBIT),
    ("212", "Juros e multas bancárias", Direction.DEBIT),
)
DOCUMENT_TYPES = (
    ("REC", "Recibo"),
    ("CAR", "Comprovante de cartão"),
    ("PIX", "Comprovante de Pix"),
    ("CHQ", "Cheque"),
    ("BOL", "Boleto"),
    ("CRE", "Crédito de cliente"),
    ("AVI", "Aviso bancário"),
    ("OUT", "Outros"),
)

CASH, BANK, CLEARING = "cash", "bank", "clearing"
# code, name, gives change, needs reference, account, credit history, debit history, document type
METHODS = (
    ("cash", "Dinheiro", True, False, CASH, "101", "201", "REC"),
    ("card", "Cartão", False, True, BANK, "102", "202", "CAR"),
    ("pix", "Pix", False, False, BANK, "103", "203", "PIX"),
    ("cheque", "Cheque", False, False, CASH, "104", "204", "CHQ"),
    ("boleto", "Boleto bancário", False, False, BANK, "105", "205", "BOL"),
    ("outros", "Outros", False, False, CASH, "106", "206", "OUT"),
    ("customer_credit", "Crédito do cliente", False, False, CLEARING, "107", "207", "CRE"),
)

STANDARD, WITHOUT_CONTROL = "Padrão", "Sem controle de fechamento"


@dataclass(frozen=True, slots=True)
class ParameterPlan:
    """A parameter set and its terms, rates in percent."""

    name: str
    is_default: bool
    cash_closing_control: bool
    interest_percent: str
    interest_per: InterestPeriod
    fine_percent: str
    max_discount_percent: str


PARAMETER_SETS = (
    ParameterPlan(STANDARD, True, True, "1.00", InterestPeriod.MONTH30, "2.00", "5.00"),  # noqa: FBT003
    ParameterPlan(WITHOUT_CONTROL, False, False, "0.0333", InterestPeriod.DAY, "2.00", "10.00"),  # noqa: FBT003
)


@dataclass(frozen=True, slots=True)
class BranchPlan:
    """A branch, its parameter set, and the short codes of its accounts."""

    code: str
    name: str
    document: str
    city: str
    parameter_set: str
    cash: str
    bank: str
    clearing: str
    bank_code: str
    bank_name: str


BRANCHES = (
    BranchPlan("001", "Araucária Transportes · Matriz Curitiba", "27865757000102", "4106902", STANDARD,
               "1101", "1201", "1301", "341", "Itaú"),
    BranchPlan("002", "Araucária Transportes · Londrina", "27865757000285", "4113700", STANDARD,
               "1102", "1202", "1302", "237", "Bradesco"),
    BranchPlan("003", "Araucária Transportes · Joinville", "27865757000366", "4209102", WITHOUT_CONTROL,
               "1103", "1203", "1303", "001", "Banco do Brasil"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Staff:
    """Who signs what the demonstration did."""

    finance: Actor
    treasury: Actor
    management: Actor


def register() -> Staff:
    """Make what is missing of the registers and of the people; what is there stays as it is."""
    for parameters in PARAMETER_SETS:
        _parameter_set(parameters)
    for code, name, state in CITIES:
        City.objects.get_or_create(code=code, defaults={"name": name, "state": state})
    for code, name in PRODUCTS:
        Product.objects.get_or_create(code=code, defaults={"name": name})
    for code, name, direction in HISTORY_CODES:
        HistoryCode.objects.get_or_create(code=code, defaults={"name": name, "direction": direction})
    for code, name in DOCUMENT_TYPES:
        DocumentType.objects.get_or_create(code=code, defaults={"name": name})
    branches = [_branch(plan) for plan in BRANCHES]
    _payment_methods(branches)
    return _staff(branches)


def _parameter_set(plan: ParameterPlan) -> None:
    if ParameterSet.objects.filter(name=plan.name).exists():
        return
    terms = Terms.objects.create(
        interest_percent=Decimal(plan.interest_percent),
        interest_per=plan.interest_per,
        fine_percent=Decimal(plan.fine_percent),
        max_discount_percent=Decimal(plan.max_discount_percent),
        allow_partial=True,
        **signed_by(SYSTEM),
    )
    is_first = not ParameterSet.objects.filter(is_default=True).exists()
    ParameterSet.objects.create(
        name=plan.name,
        is_default=plan.is_default and is_first,
        cash_closing_control=plan.cash_closing_control,
        terms=terms,
    )


def _branch(plan: BranchPlan) -> Branch:
    branch, _ = Branch.objects.get_or_create(
        code=plan.code,
        defaults={
            "name": plan.name,
            "document": plan.document,
            "city": City.objects.get(code=plan.city),
            "parameter_set": ParameterSet.objects.get(name=plan.parameter_set),
        },
    )
    place = plan.name.rsplit(" ", 1)[-1]
    for short_code, name, kind, bank_code in (
        (plan.cash, f"Caixa {place}", LedgerAccount.Kind.CASH, ""),
        (plan.bank, f"{plan.bank_name} {place}", LedgerAccount.Kind.BANK, plan.bank_code),
        (plan.clearing, f"Créditos de clientes {place}", LedgerAccount.Kind.CASH, ""),
    ):
        LedgerAccount.objects.get_or_create(
            short_code=short_code, defaults={"name": name, "branch": branch, "kind": kind, "bank_code": bank_code}
        )
    return branch


def _payment_methods(branches: list[Branch]) -> None:
    for code, name, gives_change, needs_reference, purse, credit, debit, document_type in METHODS:
        method, _ = PaymentMethod.objects.get_or_create(
            code=code, defaults={"name": name, "gives_change": gives_change, "needs_reference": needs_reference}
        )
        for branch, plan in zip(branches, BRANCHES, strict=True):
            BranchPaymentMethod.objects.get_or_create(
                branch=branch,
                method=method,
                defaults={
                    "account": LedgerAccount.objects.get(short_code=getattr(plan, purse)),
                    "credit_history": HistoryCode.objects.get(code=credit),
                    "debit_history": HistoryCode.objects.get(code=debit),
                    "document_type": DocumentType.objects.get(code=document_type),
                },
            )


def _staff(branches: list[Branch]) -> Staff:
    people = {login: _user(login, first, last, group) for login, first, last, group in LOGINS}
    for branch in branches:
        branch.members.add(*people.values())
    return Staff(
        finance=Actor.person(people["financeiro"]),
        treasury=Actor.person(people["tesouraria"]),
        management=Actor.person(people["gerencia"]),
    )


def _user(login: str, first: str, last: str, group: str) -> Any:
    users = get_user_model().objects
    user = users.filter(username=login).first()
    if user is None:
        user = users.create_user(login, password=PASSWORD, first_name=first, last_name=last, is_staff=True)
        user.groups.add(Group.objects.get(name=group))
    return user
