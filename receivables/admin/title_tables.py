"""What hangs on a title, shown under its form: parcels, receipts, postings (S82), slips."""

from django.db.models import F
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import written
from receivables.admin.receipt_print import print_links
from receivables.admin.tables import Table, chip, link
from receivables.models import (
    BankSlip,
    CashMovement,
    Installment,
    Receipt,
    ReceiptAllocation,
    SlipStatus,
    Title,
)
from receivables.services.reissue import reissuable


def installments_table(title: Title, *, reissue_url: str = "") -> Table:
    """Give the parcels of a title; `reissue_url` is given where the user may make a new bank collection of one."""
    table = Table(
        _("Installments"),
        [_("number"), _("status"), _("due date"), _("amount"), _("balance"), _("our number"),
         *([_("bank collection")] if reissue_url else [])],
        _("Installments appear here when the title is issued."),
    )  # fmt: skip
    anew = set(reissuable(title.pk).values_list("pk", flat=True)) if reissue_url else set()
    slips = dict(
        BankSlip.objects.filter(installment__title=title)
        .exclude(status=SlipStatus.SUPERSEDED)
        .values_list("installment_id", "our_number")
    )
    return table.fill(
        [link(row, row.label), chip(row.status, row.get_status_display()), row.due_date, row.amount, row.balance,
         slips.get(row.pk), *([_reissue_link(row, reissue_url, offered=row.pk in anew)] if reissue_url else [])]
        for row in title.installments.select_related("title").order_by("number")
    )  # fmt: skip


def _reissue_link(row: Installment, url: str, *, offered: bool) -> SafeString | None:
    return format_html('<a href="{}?installment={}">{}</a>', url, row.pk, _("New bank collection")) if offered else None


def allocations_table(title: Title) -> Table:
    """Give what each receipt paid of a title, and what was undone, when and why."""
    table = Table(
        _("Receipts"),
        [_("receipt"), _("receipt date"), _("installment"), _("principal"), _("interest"), _("fine"), _("discount"),
         _("origin"), _("reversal"), pgettext_lazy("paper", "receipt")],
        _("Nothing was received yet. Use Settle."),
    )  # fmt: skip
    rows = ReceiptAllocation.objects.filter(title=title).annotate(
        undone_on=F("reversal_line__reversal__reversed_on"), undone_because=F("reversal_line__reversal__reason")
    )
    return table.fill(
        [link(row.receipt, row.receipt.label), row.receipt.received_on, row.installment.label, row.principal,
         row.interest, row.fine, row.discount, row.receipt.get_origin_display(),
         f"{written(row.undone_on)} · {row.undone_because}" if row.undone_on else None, print_links(row.receipt)]
        for row in rows.select_related("receipt", "installment__title").order_by("pk")
    )  # fmt: skip


def parts_table(title: Title, *, may_reverse: bool) -> Table:
    """Give the parts received so far with their split, newest first by posting; only the newest is undone (G.1)."""
    table = Table(
        _("Parts received so far"),
        [_("receipt"), _("receipt date"), _("installment"), _("principal"), _("interest"), _("fine"), _("discount"),
         _("received amount"), _("reversal")],
        _("Nothing was received yet: this is the first part."),
    )  # fmt: skip
    rows = ReceiptAllocation.objects.live().filter(title=title).select_related("receipt", "installment__title")
    parts = list(rows.order_by("-receipt_id", "-pk"))
    newest = parts[0].receipt_id if parts else None
    return table.fill(
        [link(row.receipt, row.receipt.label), row.receipt.received_on, row.installment.label, row.principal,
         row.interest, row.fine, row.discount, row.money,
         _reversal_told(row, is_newest=row.receipt_id == newest, may_reverse=may_reverse, after=parts[0].receipt)]
        for row in parts
    )  # fmt: skip


def _reversal_told(row: ReceiptAllocation, *, is_newest: bool, may_reverse: bool, after: Receipt) -> SafeString | str:
    if not is_newest:
        return gettext("After %(receipt)s") % {"receipt": after.label}
    if not may_reverse:
        return ""
    url = reverse("admin:receivables_title_reverse-part", args=[row.title_id])
    return format_html('<a href="{}?receipt_id={}">{}</a>', url, row.receipt_id, _("Reverse this part"))


def slips_table(title: Title) -> Table:
    """Give the bank slips of a title, superseded ones as well (G.12)."""
    table = Table(
        _("Bank slips"),
        [_("our number"), _("installment"), _("status"), _("due date"), _("amount"), _("short account")],
        _("No bank collection was made of this title."),
    )  # fmt: skip
    rows = BankSlip.objects.filter(installment__title=title).select_related("installment__title", "account")
    return table.fill(
        [link(row, row.our_number), row.installment.label, chip(row.status, row.get_status_display()), row.due_date,
         row.amount, row.account]
        for row in rows.order_by("-pk")
    )  # fmt: skip


def movements_table(title: Title) -> Table:
    """Give the postings of a title in cash and banks, reversal debits included (S82)."""
    table = Table(
        _("Cash and banks"),
        [
            _("cash/bank date"),
            _("short account"),
            _("history code"),
            _("amount"),
            _("status"),
            _("receipt"),
            _("notes"),
        ],
        _("Nothing was posted for this title. A settlement posts here."),
    )
    rows = CashMovement.objects.filter(title=title).select_related("account", "history_code", "receipt")
    return table.fill(
        [link(row, written(row.cash_date)), row.account, row.history_code, row.amount, row.get_status_display(),
         link(row.receipt), row.notes]
        for row in rows.order_by("cash_date", "pk")
    )  # fmt: skip
