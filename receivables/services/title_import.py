"""Import of titles from a spreadsheet: checked as a whole, written as a whole, the same again is known (G.25).

What a cell may hold is in `domain.title_import`; here rows meet each other and the ledger.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from receivables.domain.errors import ChangedMeanwhile, DuplicateTitle, InactiveCode
from receivables.domain.spreadsheet import (
    CustomerNamedOtherwise,
    DiffersFromKnown,
    InstallmentMissing,
    InstallmentTotalDiffers,
    LinesDisagree,
    MissingColumn,
    NotABankAccount,
    OurNumberTaken,
    Problem,
    RepeatedInstallment,
    UnknownCode,
    UnknownColumn,
    UnknownInstallment,
)
from receivables.domain.title_import import OPTIONAL, REQUIRED, TitleRow, read_row
from receivables.models import BankSlip, Branch, Customer, Installment, LedgerAccount, Product, Title
from receivables.models.audited import Actor
from receivables.services.codes import CodeTable, TitleCodes
from receivables.services.moves import create_audited
from receivables.services.spreadsheet import Spreadsheet
from receivables.services.title import Part, issue_titles

CHUNK = 500

_HEADER = {
    "filial_fatura": "entry_branch_id",
    "filial_cobradora": "collecting_branch_id",
    "cliente_documento": "bill_to_id",
    "emissao": "issued_on",
    "tipo_cobranca": "billing_type",
    "produto": "product_id",
    "conta_reduzida": "account_id",
    "observacao": "notes",
}
"""The columns that belong to the title: every row of a document repeats them."""
_PART = {"vencimento": "due_date", "valor": "amount"}


@dataclass(slots=True)
class TitleImport:
    """What a spreadsheet holds: rows are installments; nothing is written while there is a problem."""

    rows: int = 0
    new: int = 0
    known: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    applied: bool = False


def import_titles(
    *, spreadsheet: Spreadsheet, by: Actor, on: date, apply: bool = False, because: str = ""
) -> TitleImport:
    """Check every row and, with `apply` and no problem, issue the new titles: all or nothing; `on` is today (G.25).

    Unique by (issuing branch, documento, parcela): the same again is known, other content is a problem. Never raises
    for what a file may hold: each problem has its line and column.
    """
    check = _Check(spreadsheet, on=on)
    check.run()
    if apply and not check.report.problems:
        _apply(check, by=by, because=because)
    check.report.problems.sort(key=lambda problem: problem.line)
    return check.report


def _apply(check: "_Check", *, by: Actor, because: str) -> None:
    try:
        with transaction.atomic():
            check.write(by=by, because=because)
    except (DuplicateTitle, IntegrityError):
        check.report.problems.append(Problem(0, "", ChangedMeanwhile(what=because)))
    else:
        check.report.applied = True


@dataclass(slots=True)
class _Line:
    """A row whose codes were found; `header` holds the title's columns as the ledger would."""

    row: TitleRow
    issuing: Branch
    entry: Branch
    collecting: Branch
    product: Product | None
    account: LedgerAccount | None
    header: dict[str, Any]


@dataclass(slots=True)
class _Document:
    lines: list[_Line]
    is_broken: bool = False
    known: Title | None = None

    @property
    def first(self) -> _Line:
        return self.lines[0]

    @property
    def name(self) -> str:
        return self.first.row.document


class _Check:
    """One spreadsheet against the ledger."""

    def __init__(self, spreadsheet: Spreadsheet, *, on: date) -> None:
        self.spreadsheet, self.on = spreadsheet, on
        self.report = TitleImport(problems=list(spreadsheet.problems))
        self.documents: dict[tuple[int, str], _Document] = {}
        self.customers: dict[str, Customer] = {}
        self.codes = TitleCodes()

    def run(self) -> None:
        missing = [column for column in REQUIRED if column not in self.spreadsheet.columns]
        if self.spreadsheet.columns:
            self.report.problems += [Problem(1, column, MissingColumn(column=column)) for column in missing]
        if missing:
            return
        extra = [column for column in self.spreadsheet.columns if column not in (*REQUIRED, *OPTIONAL)]
        self.report.notes += [Problem(1, column, UnknownColumn(column=column)) for column in extra]
        self.report.rows = len(self.spreadsheet.rows)
        rows = self._read_rows()
        self._find_customers(rows)
        self._gather(rows)
        self._check_documents()
        self._check_our_numbers()
        self._count()

    def refuse(self, line: int, column: str, rule: Any) -> None:
        self.report.problems.append(Problem(line, column, rule))

    # Rows

    def _read_rows(self) -> list[TitleRow]:
        rows = []
        self.unread: set[tuple[str, str]] = set()
        for line, cells in self.spreadsheet.rows:
            row, problems = read_row(line, cells, on=self.on)
            self.report.problems += problems
            if row is None:
                self.unread.add((_plain(cells.get("filial_emitente")), _plain(cells.get("documento"))))
            else:
                rows.append(row)
        return rows

    def _find_customers(self, rows: Sequence[TitleRow]) -> None:
        names: dict[str, TitleRow] = {}
        for row in rows:
            names.setdefault(row.customer_document, row)
        for customer in Customer.objects.filter(document__among=names):
            self.customers[customer.document] = customer
        for document, row in names.items():
            known = self.customers.get(document)
            if known is not None and known.name != row.customer_name:
                self.report.notes.append(Problem(row.line, "cliente_nome", CustomerNamedOtherwise(known=known.name)))

    def _gather(self, rows: Sequence[TitleRow]) -> None:
        """Group the rows into documents of their issuing branch, each line with the codes it names."""
        for row in rows:
            line = self._resolved(row)
            if line is None:
                self.unread.add((row.issuing_branch, row.document))
                continue
            document = self.documents.setdefault((line.issuing.pk, row.document), _Document([]))
            document.lines.append(line)
        for document in self.documents.values():
            document.is_broken = any(
                (line.row.issuing_branch, line.row.document) in self.unread for line in document.lines
            )

    def _resolved(self, row: TitleRow) -> _Line | None:
        before = len(self.report.problems)
        entry = self._code(row, "filial_fatura", self.codes.branches, row.entry_branch)
        issuing = self._code(row, "filial_emitente", self.codes.branches, row.issuing_branch)
        collecting = self._code(row, "filial_cobradora", self.codes.branches, row.collecting_branch)
        product = self._code(row, "produto", self.codes.products, row.product)
        account = self._code(row, "conta_reduzida", self.codes.accounts, row.account)
        if account is not None and row.our_number and account.kind != LedgerAccount.Kind.BANK:
            self.refuse(row.line, "conta_reduzida", NotABankAccount(account=account))
        if len(self.report.problems) > before:
            return None
        customer = self.customers.get(row.customer_document)
        header = {
            "entry_branch_id": entry.pk,
            "collecting_branch_id": collecting.pk,
            "bill_to_id": customer.pk if customer else row.customer_document,
            "issued_on": row.issued_on,
            "billing_type": row.billing_type,
            "product_id": product and product.pk,
            "account_id": account and account.pk,
            "notes": row.notes,
        }
        return _Line(row, issuing, entry, collecting, product, account, header)

    def _code(self, row: TitleRow, column: str, table: CodeTable, text: str) -> Any:
        if not text:
            return None
        found = table.find(text)
        if found is None:
            self.refuse(row.line, column, UnknownCode(text=text))
        elif not found.is_active:
            self.refuse(row.line, column, InactiveCode(code=found))
        return found

    # Documents

    def _check_documents(self) -> None:
        for document in self.documents.values():
            self._refuse_repeated(document)
            document.lines.sort(key=lambda line: line.row.number)
            self._compare_lines(document)
        self._find_known()
        for document in self.documents.values():
            if document.known is None and not document.is_broken:
                self._check_numbers(document)
        self._compare_known([document for document in self.documents.values() if document.known is not None])

    def _refuse_repeated(self, document: _Document) -> None:
        lines: dict[int, _Line] = {}
        for line in document.lines:
            first = lines.setdefault(line.row.number, line)
            if first is not line:
                rule = RepeatedInstallment(number=line.row.number, document=document.name, line=first.row.line)
                self.refuse(line.row.line, "parcela", rule)
        document.lines = list(lines.values())

    def _compare_lines(self, document: _Document) -> None:
        """The columns of the title are the same on each of its lines."""
        first = min(document.lines, key=lambda line: line.row.line)
        for line in document.lines:
            for column, name in _HEADER.items():
                value, other = line.header[name], first.header[name]
                if value != other:
                    rule = LinesDisagree(
                        value=self.codes.told(name, value), other=self.codes.told(name, other), line=first.row.line
                    )
                    self.refuse(line.row.line, column, rule)

    def _check_numbers(self, document: _Document) -> None:
        """The parcels of a new document are 1..n, and say the same n where they say one."""
        numbers = {line.row.number for line in document.lines}
        count = max([*numbers, *(line.row.total or 0 for line in document.lines)])
        missing = [number for number in range(1, count + 1) if number not in numbers]
        if missing:
            rule = InstallmentMissing(document=document.name, missing=missing)
            self.refuse(document.lines[-1].row.line, "parcela", rule)
        self._check_totals(document, count)

    def _check_totals(self, document: _Document, count: int) -> None:
        for line in document.lines:
            if line.row.total not in (None, count):
                rule = InstallmentTotalDiffers(document=document.name, said=line.row.total, count=count)
                self.refuse(line.row.line, "parcela", rule)

    def _find_known(self) -> None:
        for title in Title.objects.filter(document_number__among={name for _, name in self.documents}):
            document = self.documents.get((title.issuing_branch_id, title.document_number))
            if document is not None:
                document.known = title

    def _compare_known(self, documents: Sequence[_Document]) -> None:
        """A line is known when it says what the title says now, or said when it was issued."""
        for chunk in _chunks(documents):
            ledger = _Ledger.of([document.known.pk for document in chunk if document.known])
            for document in chunk:
                self._compare_document(document, ledger)

    def _compare_document(self, document: _Document, ledger: "_Ledger") -> None:
        title = document.known
        assert title is not None
        self._check_totals(document, title.installment_count)
        self._refuse_differences(document, document.first, _HEADER, document.first.header, ledger.titles[title.pk])
        for line in document.lines:
            versions = ledger.installments.get((title.pk, line.row.number))
            if versions is None:
                rule = UnknownInstallment(document=document.name, count=title.installment_count, number=line.row.number)
                self.refuse(line.row.line, "parcela", rule)
                continue
            said = {"due_date": line.row.due_date, "amount": line.row.amount}
            self._refuse_differences(document, line, _PART, said, versions)
            self._compare_our_number(document, line, ledger.slips.get(versions[0].id, set()))

    def _refuse_differences(
        self, document: _Document, line: _Line, columns: dict[str, str], said: dict[str, Any], versions: Sequence[Any]
    ) -> None:
        for column, name in columns.items():
            if not any(getattr(version, name) == said[name] for version in versions):
                known = getattr(versions[0], name)
                rule = DiffersFromKnown(
                    document=document.name,
                    known=self.codes.told(name, known),
                    value=self.codes.told(name, said[name]),
                )
                self.refuse(line.row.line, column, rule)

    def _compare_our_number(self, document: _Document, line: _Line, slips: set[tuple[int, str]]) -> None:
        """A slip that was put aside by a new collection is still the one that was imported (G.12)."""
        if line.row.our_number and line.account and _slip_key(line.account.pk, line.row.our_number) not in slips:
            known = ", ".join(sorted(number for _, number in slips))
            rule = DiffersFromKnown(document=document.name, known=known, value=line.row.our_number)
            self.refuse(line.row.line, "nosso_numero", rule)

    # Slips

    def _check_our_numbers(self) -> None:
        seen: dict[tuple[int, str], _Line] = {}
        fresh: dict[tuple[int, str], _Line] = {}
        for document in self.documents.values():
            for line in document.lines:
                if line.row.our_number and line.account:
                    key = _slip_key(line.account.pk, line.row.our_number)
                    first = seen.setdefault(key, line)
                    if first is not line:
                        self._refuse_taken(line, owner=f"{first.row.document} {first.row.number}")
                    elif document.known is None:
                        fresh[key] = line
        self._refuse_slips_in_ledger(fresh)

    def _refuse_slips_in_ledger(self, fresh: dict[tuple[int, str], _Line]) -> None:
        numbers = {line.row.our_number for line in fresh.values()} | {number for _, number in fresh}
        slips = BankSlip.objects.filter(our_number__among=numbers).select_related("installment__title")
        for slip in slips:
            line = fresh.get(_slip_key(slip.account_id, slip.our_number))
            if line is not None:
                self._refuse_taken(line, owner=str(slip.installment))

    def _refuse_taken(self, line: _Line, *, owner: str) -> None:
        rule = OurNumberTaken(our_number=line.row.our_number, account=line.account, owner=owner)
        self.refuse(line.row.line, "nosso_numero", rule)

    # What is to be done

    def _count(self) -> None:
        wrong = {problem.line for problem in self.report.problems}
        for document in self.documents.values():
            right = sum(line.row.line not in wrong for line in document.lines)
            if document.known is None:
                self.report.new += right
            else:
                self.report.known += right

    def fresh(self) -> list[_Document]:
        return [document for document in self.documents.values() if document.known is None]

    def write(self, *, by: Actor, because: str) -> None:
        """Create the customers, then the titles with their installments and slips."""
        documents = self.fresh()
        names = {
            row.customer_document: row.customer_name
            for document in reversed(documents)
            for row in (line.row for line in reversed(document.lines))
            if row.customer_document not in self.customers
        }
        customers = [Customer(document=document, name=name) for document, name in names.items()]
        for customer in create_audited(customers, by=by, because=because):
            self.customers[customer.document] = customer
        for chunk in _chunks(documents):
            issue_titles([self._to_issue(document) for document in chunk], by=by, because=because)

    def _to_issue(self, document: _Document) -> tuple[dict[str, Any], list[Part]]:
        first = document.first
        fields = {
            "document_number": first.row.document,
            "entry_branch": first.entry,
            "issuing_branch": first.issuing,
            "collecting_branch": first.collecting,
            "bill_to": self.customers[first.row.customer_document],
            "issued_on": first.row.issued_on,
            "billing_type": first.row.billing_type,
            "product": first.product,
            "account": first.account,
            "notes": first.row.notes,
        }
        parts = [Part(line.row.due_date, line.row.amount, line.row.our_number) for line in document.lines]
        return fields, parts


class _Ledger:
    """Known titles and installments, each as it is now and as it was issued, and every slip they ever had."""

    def __init__(self) -> None:
        self.titles: dict[int, list[Any]] = {}
        self.installments: dict[tuple[int, int], list[Any]] = {}
        self.slips: dict[int, set[tuple[int, str]]] = {}

    @classmethod
    def of(cls, ids: Sequence[int]) -> "_Ledger":
        ledger = cls()
        for title in [*Title.objects.filter(pk__in=ids), *_as_issued(Title).filter(id__in=ids)]:
            ledger.titles.setdefault(title.id, []).append(title)
        rows = [*Installment.objects.filter(title__in=ids), *_as_issued(Installment).filter(title_id__in=ids)]
        for row in rows:
            ledger.installments.setdefault((row.title_id, row.number), []).append(row)
        for slip in BankSlip.objects.filter(installment__title__in=ids):
            ledger.slips.setdefault(slip.installment_id, set()).add(_slip_key(slip.account_id, slip.our_number))
        return ledger


def _as_issued(model: Any) -> QuerySet[Any]:
    return model.history.filter(history_type="+")


def _slip_key(account_id: int, our_number: str) -> tuple[int, str]:
    """Nosso Números are compared without their left zeros only (E.3)."""
    return account_id, our_number.lstrip("0")


def _plain(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()


def _chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]
