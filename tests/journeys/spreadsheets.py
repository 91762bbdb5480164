"""Spreadsheets of titles as an accountant would bring them (G.25): CSV with semicolons, or XLSX with native cells."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from openpyxl import Workbook
from stdnum.br import cnpj

COLUMNS = (
    "documento", "parcela", "filial_fatura", "filial_emitente", "filial_cobradora", "cliente_documento",
    "cliente_nome", "emissao", "vencimento", "valor", "tipo_cobranca", "produto", "nosso_numero", "conta_reduzida",
    "observacao",
)  # fmt: skip
CUSTOMERS = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One installment of one title; it is due inside the window of the tills (G.9)."""

    document: str
    parcel: str
    branch: str
    customer_document: str
    customer_name: str
    issued_on: date
    due_date: date
    amount: Decimal

    def cells(self) -> list[object]:
        """Give the cells in the order of COLUMNS."""
        return [
            self.document, self.parcel, self.branch, self.branch, self.branch, self.customer_document,
            self.customer_name, self.issued_on, self.due_date, self.amount, "Fatura", "", "", "", "",
        ]  # fmt: skip


def lines_of_titles(count: int, *, branch: str, today: date, prefix: str) -> Iterator[Line]:
    """Make `count` titles of one to three installments, from forty days overdue to due in four weeks."""
    for title in range(count):
        parts = 1 + title % 3
        customer = title % CUSTOMERS
        issued_on = today - timedelta(days=50 + title % 30)
        for part in range(1, parts + 1):
            yield Line(
                document=f"{prefix}-{title + 1:05d}",
                parcel=f"{part}/{parts}",
                branch=branch,
                customer_document=_document(customer),
                customer_name=f"Comércio de Peças {customer + 1:03d} Ltda",
                issued_on=issued_on,
                due_date=today + timedelta(days=(title * 7 + part * 11) % 68 - 40),
                amount=Decimal(5_000 + (title * 7_919 + part * 104_729) % 120_000) / 100,
            )


def _document(customer: int) -> str:
    root = f"{40_000_000 + customer:08d}0001"
    return root + cnpj.calc_check_digits(root)


def write_csv(path: Path, lines: Iterator[Line]) -> None:
    """Write dates and amounts as Brazilians type them."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(COLUMNS)
        writer.writerows([_typed(cell) for cell in line.cells()] for line in lines)


def _typed(cell: object) -> str:
    if isinstance(cell, date):
        return f"{cell:%d/%m/%Y}"
    if isinstance(cell, Decimal):
        return f"{cell:,.2f}".translate(str.maketrans(",.", ".,"))
    return str(cell)


def write_xlsx(path: Path, lines: Iterator[Line]) -> None:
    """Write dates as dates and amounts as numbers, as a spreadsheet holds them."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("títulos")
    sheet.append(COLUMNS)
    for line in lines:
        sheet.append([float(cell) if isinstance(cell, Decimal) else cell for cell in line.cells()])
    book.save(path)
