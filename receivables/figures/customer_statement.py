"""Extrato do cliente: what he owes today with its charges, what was received of him in a period, what credit he has."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from receivables.domain.money import round_half_up
from receivables.figures.receipt import masked
from receivables.figures.sheet import Column, Named, Part, Sheet, added, left_out, period_of
from receivables.models import Branch, Customer, CustomerCredit, Receipt, ReceiptAllocation, Reversal, Title
from receivables.models.installment import in_time_since
from receivables.reports import MONEY, of_branches, summed
from receivables.services.settlement import Quote, quote

SPLIT = ("principal", "interest", "fine", "discount")


def customer_statement(user: Any, *, customer: Customer, first: date, last: date, today: date, most: int) -> Sheet:
    """Tell a customer's open installments as due today and the receipts of a period, both ends included."""
    owed = _owed(user, customer, today)
    receipts = _receipts(user, customer, first, last)
    paid = _paid(receipts)
    credit = CustomerCredit.objects.filter(customer=customer).available()
    return Sheet(
        code="customer-statement",
        title=_("Customer statement"),
        about=[
            (_("Customer"), customer.name), (_("CNPJ/CPF"), masked(customer.document)), period_of(first, last),
            (_("Charges until"), f"{today:%d/%m/%Y}"),
        ],
        numbers=[
            (pgettext("amount", "Open"), added(each.installment.balance for each in owed)),
            (_("To pay today, with charges"), added(each.total for each in owed)),
            (_("Received in the period"), paid["amount"] - paid["undone"]), (_("Credit available"), credit),
        ],
        parts=[
            _open_part(owed[:most], owed, today),
            _received_part(receipts.order_by("received_on", "pk")[:most], paid),
        ],
        notes=[_whose(user), *left_out(most, there_are=max(len(owed), paid["count"]))],
    )  # fmt: skip


def _whose(user: Any) -> str:
    if user.is_superuser:
        return _("Titles and receipts of all branches; the credit is the customer’s in the whole company.")
    codes = ", ".join(Branch.objects.filter(members=user).values_list("code", flat=True))
    text = _("Titles and receipts of the branches %(branches)s; the credit is the customer’s in the whole company.")
    return text % {"branches": codes or "—"}


# What is open


def _owed(user: Any, customer: Customer, today: date) -> list[Quote]:
    titles = Title.objects.visible_to(user).open().filter(bill_to=customer).values_list("pk", flat=True)
    return quote(title_ids=list(titles), on=today)


def _open_part(shown: Sequence[Quote], owed: Sequence[Quote], today: date) -> Part:
    in_time = in_time_since(today)
    columns = [
        Column(_("Title")), Column(_("Installment"), width=15), Column(_("Due date"), "day", 18),
        Column(_("Days late"), "count", 14), Column(_("Amount"), "amount", 21), Column(_("Balance"), "amount", 21),
        Column(_("Interest"), "amount", 18), Column(_("Fine"), "amount", 18), Column(_("To pay today"), "amount", 22),
    ]  # fmt: skip
    return Part(
        title=_("Open installments"), columns=columns, rows=[_open_line(each, today, in_time) for each in shown],
        empty=_("Nothing is open."),
        total=[
            _("Total"), "", "", "", added(each.installment.amount for each in owed),
            added(each.installment.balance for each in owed), added(each.charges.interest_due for each in owed),
            added(each.charges.fine for each in owed), added(each.total for each in owed),
        ],
    )  # fmt: skip


def _open_line(each: Quote, today: date, in_time: date) -> list[Any]:
    """What is still payable without charges, due on a weekend or holiday, is not late (G.17)."""
    row = each.installment
    days = (today - row.due_date).days if row.due_date < in_time else 0
    return [
        Named(row.title.document_number, "title", row.title_id), row.label, row.due_date, days or None, row.amount,
        row.balance, each.charges.interest_due or None, each.charges.fine or None, each.total,
    ]  # fmt: skip


# What was received


def _receipts(user: Any, customer: Customer, first: date, last: date) -> QuerySet:
    """Find the receipts of the customer, and those that paid a title of his, as far as the user may see them."""
    titles = Title.objects.visible_to(user).filter(bill_to=customer)
    paying = ReceiptAllocation.objects.filter(title__in=titles).values("receipt")
    his = of_branches(Receipt.objects.filter(customer=customer), user, "branch").order_by().values("pk")
    rows = Receipt.objects.filter(pk__in=paying.union(his), received_on__range=(first, last)).select_related("branch")
    return rows.annotate(
        undone=_of_each(Reversal, "amount"), **{name: _of_each(ReceiptAllocation, name) for name in SPLIT}
    )


def _of_each(model: Any, column: str) -> Subquery:
    """Add up a column of the rows of each receipt, apart from one another so that no join repeats them."""
    rows = model.objects.filter(receipt=OuterRef("pk")).order_by().values("receipt")
    return Subquery(rows.annotate(sum=summed(column)).values("sum"), output_field=MONEY)


def _paid(receipts: QuerySet) -> dict[str, Any]:
    asked = {name: summed(name) for name in ("amount", "undone", *SPLIT)}
    found = receipts.order_by().aggregate(count=Count("pk"), **{f"sum_{name}": each for name, each in asked.items()})
    return {"count": found["count"], **{name: round_half_up(found[f"sum_{name}"]) for name in asked}}


def _received_part(receipts: QuerySet, paid: dict[str, Any]) -> Part:
    columns = [
        Column(_("Receipt")), Column(_("Date"), "day", 18), Column(_("Branch"), width=13),
        *(Column(head, "amount", 19) for head in (_("Principal"), _("Interest"), _("Fine"), _("Discount"))),
        Column(_("Received"), "amount", 21), Column(_("Reversed"), "amount", 21),
    ]  # fmt: skip
    rows = [
        [Named(row.label, "receipt", row.pk), row.received_on, row.branch.code,
         *(_whole(getattr(row, name)) for name in SPLIT), row.amount, _whole(row.undone)]
        for row in receipts
    ]  # fmt: skip
    return Part(
        title=_("Receipts of the period"), columns=columns, rows=rows,
        empty=_("Nothing was received of this customer in the period."),
        total=[_("Total"), "", "", *(paid[name] for name in SPLIT), paid["amount"], paid["undone"]],
    )  # fmt: skip


def _whole(amount: Decimal | None) -> Decimal | None:
    return round_half_up(amount) if amount else None
