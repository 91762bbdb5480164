"""Finding registered codes as a person or a spreadsheet wrote them: branches, products and short accounts (G.25)."""

from collections.abc import Iterable
from typing import Any

from receivables.models import Branch, Customer, LedgerAccount, Product, Title


class CodeTable:
    """Rows by code; a code that lost its left zeros in a spreadsheet still finds its row when only one fits."""

    def __init__(self, rows: Iterable[Any], name: str) -> None:
        self.by_code = {getattr(row, name): row for row in rows}
        self.by_id = {row.pk: code for code, row in self.by_code.items()}
        self.without_zeros: dict[str, list[Any]] = {}
        for code, row in self.by_code.items():
            self.without_zeros.setdefault(code.lstrip("0"), []).append(row)

    def find(self, code: str) -> Any:
        exact = self.by_code.get(code)
        alike = self.without_zeros.get(code.lstrip("0"), [])
        return exact or (alike[0] if len(alike) == 1 else None)


class TitleCodes:
    """The registered codes that rows may name."""

    def __init__(self) -> None:
        self.branches = CodeTable(Branch.objects.select_related("parameter_set"), "code")
        self.products = CodeTable(Product.objects.all(), "code")
        self.accounts = CodeTable(LedgerAccount.objects.all(), "short_code")
        self.of = {
            "entry_branch_id": self.branches,
            "collecting_branch_id": self.branches,
            "product_id": self.products,
            "account_id": self.accounts,
        }

    def told(self, name: str, value: Any) -> Any:
        """Give a value as a person wrote it: the code of a row, the label of a billing type."""
        if name in self.of:
            return self.of[name].by_id.get(value, "")
        if name == "billing_type":
            return Title.BillingType(value).label
        if name == "bill_to_id" and isinstance(value, int):
            return Customer.objects.values_list("document", flat=True).get(pk=value)
        return value
