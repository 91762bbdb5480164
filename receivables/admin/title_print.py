"""A title on paper, for its customer: what it is, what is open, what was received; never its Observação (S39)."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import written
from receivables.admin.tables import Table
from receivables.domain.documents import format_document
from receivables.models import BankSlip, ReceiptAllocation, SlipStatus, Title

Line = tuple[Any, str]


def sheet_of(title: Title) -> dict[str, Any]:
    """Give what the paper says; reasons, codes and notes stay in the house."""
    return {
        "issuer": title.issuing_branch,
        "issuer_document": format_document(title.issuing_branch.document) if title.issuing_branch.document else "",
        "lines": _lines(title),
        "amounts": _amounts(title),
        "tables": [_installments(title), _receipts(title)],
    }


def _lines(title: Title) -> Sequence[Line]:
    told: Sequence[Line] = [
        (_("bill to"), written(str(title.bill_to))),
        (_("sender"), written(title.sender and str(title.sender))),
        (_("recipient"), written(title.recipient and str(title.recipient))),
        (_("issue date"), written(title.issued_on)),
        (_("billing type"), title.get_billing_type_display()),
        (_("pre-invoice number"), written(title.pre_invoice_number)),
        (_("product"), written(title.product and str(title.product))),
        (_("origin city"), written(title.origin_city and str(title.origin_city))),
        (_("destination city"), written(title.destination_city and str(title.destination_city))),
        (_("payment city"), written(title.payment_city and str(title.payment_city))),
        (_("payable on presentation"), gettext("Yes") if title.payable_on_presentation else "—"),
        (_("number of freight bills"), str(title.freight_bill_count)),
    ]
    return [line for line in told if line[1] not in ("—", "0")]


def _amounts(title: Any) -> Sequence[Line]:
    amounts = [
        (_("invoice amount"), title.amount), (_("received"), title.received_amount), (_("balance"), title.open_balance),
        (_("insurance amount"), title.insurance_amount), (_("ICMS amount"), title.icms_amount),
    ]  # fmt: skip
    return [(label, written(amount)) for label, amount in amounts]


def _installments(title: Title) -> Table:
    table = Table(
        _("Installments"), [_("number"), _("due date"), _("our number"), _("status"), _("amount"), _("balance")], ""
    )
    slips = dict(
        BankSlip.objects.filter(installment__title=title)
        .exclude(status=SlipStatus.SUPERSEDED)
        .values_list("installment_id", "our_number")
    )
    return table.fill(
        [row.label, row.due_date, slips.get(row.pk), row.get_status_display(), row.amount, row.balance]
        for row in title.installments.select_related("title").order_by("number")
    )


def _receipts(title: Title) -> Table:
    table = Table(
        _("Receipts"),
        [_("receipt"), _("receipt date"), _("installment"), _("principal"), _("interest"), _("fine"), _("discount"),
         _("received amount")],
        _("Nothing was received yet."),
    )  # fmt: skip
    rows = ReceiptAllocation.objects.live().filter(title=title).select_related("receipt", "installment__title")
    return table.fill(
        [row.receipt.label, row.receipt.received_on, row.installment.label, row.principal, row.interest, row.fine,
         row.discount, row.money]
        for row in rows.order_by("pk")
    )  # fmt: skip
