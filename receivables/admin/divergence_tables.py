"""What was posted for a divergence: receipt, what it paid, credit and suspense, cash; each with its link."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import written
from receivables.admin.tables import Table, link
from receivables.models import Divergence, Receipt


def posted_tables(row: Divergence) -> Sequence[Table]:
    """Give the tables of what the ledger holds; one empty table where it holds nothing."""
    receipt = row.receipt
    if receipt is None:
        return [Table(_("What was posted"), [_("receipt")], _("Nothing was posted: the ledger does not know of it."))]
    return [_receipt(receipt), _allocations(receipt), _credits(receipt), _movements(receipt)]


def _receipt(receipt: Receipt) -> Table:
    table = Table(
        _("What was posted"),
        [_("receipt"), _("receipt date"), _("cash/bank date"), _("customer"), _("amount"), _("payment method")], "",
    )  # fmt: skip
    means = [str(tender.method) for tender in receipt.tenders.select_related("method").order_by("position")]
    return table.fill(
        [[link(receipt, receipt.label), receipt.received_on, receipt.cash_date, link(receipt.customer), receipt.amount,
          means]]
    )  # fmt: skip


def _allocations(receipt: Receipt) -> Table:
    table = Table(
        _("What it paid"),
        [_("installment"), _("principal"), _("interest"), _("fine"), _("discount"), _("reversed")],
        _("No installment took any of it."), joins=True,
    )  # fmt: skip
    rows = receipt.allocations.select_related("title", "installment__title", "reversal_line").order_by("position")
    return table.fill(
        [link(each.title, each.installment), each.principal, each.interest, each.fine, each.discount,
         hasattr(each, "reversal_line")]
        for each in rows
    )  # fmt: skip


def _credits(receipt: Receipt) -> Table:
    table = Table(
        _("Credit and suspense"), [_("posted at"), _("kind"), _("customer"), _("amount"), _("reason")],
        _("Nothing became credit, nothing is in suspense."), joins=True,
    )  # fmt: skip
    rows = receipt.credits.select_related("customer").order_by("pk")
    return table.fill(
        [link(each, written(each.posted_at)), each.get_kind_display(), link(each.customer) or _("Suspense"),
         each.amount, each.reason]
        for each in rows
    )  # fmt: skip


def _movements(receipt: Receipt) -> Table:
    table = Table(
        _("Cash and banks"), [_("cash/bank date"), _("account"), _("history code"), _("amount"), _("status")],
        _("No movement."), joins=True,
    )  # fmt: skip
    rows = receipt.movements.select_related("account", "history_code").order_by("pk")
    return table.fill(
        [link(each, written(each.cash_date)), each.account, each.history_code, each.amount, each.get_status_display()]
        for each in rows
    )  # fmt: skip
