"""The columns of a spreadsheet of titles and what each cell may hold (G.25); one row is one installment.

What rows have to agree on, and what the ledger already knows, is in `services.title_import`.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from .documents import parse_document
from .errors import AmountNotPositive, AmountTooLarge, InvalidAmount, InvalidDocument, RuleBroken
from .money import LARGEST, format_brl, parse_brl, to_cents
from .spreadsheet import (
    AccountRequired,
    DateOutOfRange,
    DueBeforeIssue,
    FormulaNotAllowed,
    InvalidDate,
    InvalidInstallmentNumber,
    InvalidOurNumber,
    InvalidText,
    Problem,
    TextTooLong,
    UnknownBillingType,
    UnprintableText,
    ValueRequired,
)

REQUIRED = (
    "documento", "parcela", "filial_fatura", "filial_emitente", "filial_cobradora", "cliente_documento",
    "cliente_nome", "emissao", "vencimento", "valor", "tipo_cobranca",
)  # fmt: skip
OPTIONAL = ("produto", "nosso_numero", "conta_reduzida", "observacao")
BILLING_TYPES = {"fatura": "invoice", "duplicata": "trade_bill", "fatura/duplicata": "invoice_trade_bill"}

EARLIEST = date(2000, 1, 1)
LATEST_DAYS = 5_500  # FEBRABAN's acceptance window ahead (E.1): no slip can carry a later due date
_LONGEST = {"documento": 30, "cliente_nome": 120, "observacao": 2_000}
_LONGEST_CODE = 20

_DATE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_NUMBER = re.compile(r"0*([1-9][0-9]{0,2})(?:\s*/\s*0*([1-9][0-9]{0,2}))?")
_OUR_NUMBER = re.compile(r"(?=.*[0-9])[0-9A-Z./-]{1,20}")
_EXCEL_ERROR = re.compile(r"#(?:N/A|N/D|REF!|VALUE!|VALOR!|DIV/0!|NAME\?|NOME\?|NUM!|NÚM!|NULL!|NULO!)")

T = TypeVar("T")


@dataclass(frozen=True)
class TitleRow:
    """One installment as its row says it; amounts in reais, codes as written, '' where an optional cell is empty."""

    line: int
    document: str
    number: int
    total: int | None
    entry_branch: str
    issuing_branch: str
    collecting_branch: str
    customer_document: str
    customer_name: str
    issued_on: date
    due_date: date
    amount: Decimal
    billing_type: str
    product: str
    our_number: str
    account: str
    notes: str


def read_row(line: int, cells: Mapping[str, object], *, on: date) -> tuple[TitleRow | None, list[Problem]]:
    """Read the cells of a line by column, with every problem they have; `on` is today.

    Cells hold text, or what a spreadsheet holds natively (numbers, dates); None is an empty cell.
    """
    problems: list[Problem] = []

    def take(field: str, read: Callable[[object], T]) -> T | None:
        try:
            return read(cells.get(field))
        except RuleBroken as broken:
            problems.append(Problem(line, field, broken))
            return None

    number = take("parcela", _installment_number)
    values = {
        "document": take("documento", _text_up_to(_LONGEST["documento"])),
        "entry_branch": take("filial_fatura", _code),
        "issuing_branch": take("filial_emitente", _code),
        "collecting_branch": take("filial_cobradora", _code),
        "customer_document": take("cliente_documento", _customer_document),
        "customer_name": take("cliente_nome", _text_up_to(_LONGEST["cliente_nome"])),
        "issued_on": take("emissao", lambda cell: _near(_day(cell), on=on)),
        "due_date": take("vencimento", lambda cell: _near(_day(cell), on=on)),
        "amount": take("valor", _amount),
        "billing_type": take("tipo_cobranca", _billing_type),
        "product": take("produto", _optional(_code)),
        "our_number": take("nosso_numero", _optional(_our_number)),
        "account": take("conta_reduzida", _optional(_code)),
        "notes": take("observacao", _optional(_text_up_to(_LONGEST["observacao"]))),
    }
    problems += _across(line, values)
    if problems or number is None:
        return None, problems
    return TitleRow(line=line, number=number[0], total=number[1], **values), []  # type: ignore[arg-type]


def _across(line: int, values: Mapping[str, object]) -> list[Problem]:
    """Give the problems of cells that only together are wrong."""
    problems = []
    issued_on, due_date = values["issued_on"], values["due_date"]
    if isinstance(issued_on, date) and isinstance(due_date, date) and due_date < issued_on:
        problems.append(Problem(line, "vencimento", DueBeforeIssue(due_date=due_date, issued_on=issued_on)))
    if values["our_number"] and values["account"] == "":
        problems.append(Problem(line, "conta_reduzida", AccountRequired()))
    return problems


# Cells


def _is_empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _optional(read: Callable[[object], str]) -> Callable[[object], str]:
    return lambda cell: "" if _is_empty(cell) else read(cell)


def _text(cell: object) -> str:
    """Give a cell's text; a whole number loses the `.0` that a spreadsheet gives it."""
    if _is_empty(cell):
        raise ValueRequired
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, bool) or not isinstance(cell, str | int):
        raise InvalidText(text=_told(cell))
    text = str(cell).strip().replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith("=") or _EXCEL_ERROR.fullmatch(text):
        raise FormulaNotAllowed(text=text)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text if character not in "\n\t"):
        raise UnprintableText
    return text


def _told(cell: object) -> str:
    return f"{cell:%d/%m/%Y}" if isinstance(cell, date) else str(cell)


def _text_up_to(most: int) -> Callable[[object], str]:
    def read(cell: object) -> str:
        text = _text(cell)
        if len(text) > most:
            raise TextTooLong(length=len(text), most=most)
        return text

    return read


_code = _text_up_to(_LONGEST_CODE)


def _installment_number(cell: object) -> tuple[int, int | None]:
    if isinstance(cell, date | float) and not (isinstance(cell, float) and cell.is_integer()):
        raise InvalidInstallmentNumber(text=_told(cell))
    text = _text(cell)
    match = _NUMBER.fullmatch(text)
    if match is None or (match[2] and int(match[1]) > int(match[2])):
        raise InvalidInstallmentNumber(text=text)
    return int(match[1]), int(match[2]) if match[2] else None


def _customer_document(cell: object) -> str:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _numeric_document(_text(cell))
    return _parsed(_text(cell))


def _numeric_document(digits: str) -> str:
    """Put back the left zeros that a spreadsheet takes from a number, where only one document can have lost them."""
    padded = {digits.zfill(length) for length in (11, 14) if len(digits) <= length}
    found = [document for document in sorted(padded) if _is_document(document)]
    if len(found) > 1:
        raise InvalidText(text=digits)
    return found[0] if found else _parsed(digits)


def _is_document(text: str) -> bool:
    try:
        return bool(_parsed(text))
    except InvalidDocument:
        return False


@lru_cache(maxsize=50_000)
def _parsed(text: str) -> str:
    return parse_document(text)


def _day(cell: object) -> date:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if _is_empty(cell):
        raise ValueRequired
    match = _DATE.fullmatch(_text(cell)) if isinstance(cell, str) else None
    if match is None:
        raise InvalidDate(text=_told(cell))
    try:
        return date(int(match[3]), int(match[2]), int(match[1]))
    except ValueError:
        raise InvalidDate(text=_told(cell)) from None


def _near(day: date, *, on: date) -> date:
    last = on + timedelta(LATEST_DAYS)
    if not EARLIEST <= day <= last:
        raise DateOutOfRange(day=day, first=EARLIEST, last=last)
    return day


def _amount(cell: object) -> Decimal:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        amount = _native_amount(cell)
    else:
        amount = parse_brl(_text(cell))
    if amount <= 0:
        raise AmountNotPositive(field="valor")
    return amount


def _native_amount(number: float) -> Decimal:
    """Read a number as the spreadsheet shows it, with 15 digits; raises InexactAmount below the cent."""
    amount = Decimal(f"{number:.15g}")
    to_cents(amount)
    if amount > LARGEST:
        raise AmountTooLarge(amount=number, most=format_brl(LARGEST))
    if amount < -LARGEST:
        raise InvalidAmount(text=str(number))
    return amount.quantize(Decimal("0.01"))


def _billing_type(cell: object) -> str:
    text = _text(cell)
    found = BILLING_TYPES.get(re.sub(r"\s*/\s*", "/", text.casefold()))
    if found is None:
        raise UnknownBillingType(text=text)
    return found


def _our_number(cell: object) -> str:
    text = _text(cell).upper()
    if not _OUR_NUMBER.fullmatch(text):
        raise InvalidOurNumber(text=text)
    return text
