"""What each noun of the ledger tells: what its moves are called when they are done, and what it knows of the others."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from receivables.admin.explain import reais, written
from receivables.admin.history import Change
from receivables.admin.trail import ACTIONS, LOOKUPS
from receivables.admin.trail.sources import DEEDS, PARTS, LedgerSource, Told, add_source
from receivables.models import (
    BankCollectionReissue,
    BankSlip,
    CashCount,
    CashDay,
    CashDayClosing,
    CashDayCount,
    CashDayCountLine,
    CashDayReopening,
    CashMovement,
    CashSession,
    CashSessionClosing,
    ClosedCashReversal,
    Customer,
    CustomerCredit,
    Divergence,
    ExportedList,
    FileFormat,
    Installment,
    KnownDifferenceAssignment,
    Receipt,
    ReceiptAllocation,
    ReceiptTender,
    Reversal,
    ReversalLine,
    Title,
)
from receivables.services.people import seen_by

PARTS |= {ReceiptAllocation, ReceiptTender, ReversalLine, CashCount, CashDayCountLine}

DEEDS.update({
    "receivables.title.+": gettext_lazy("issued title %(row)s"),
    "receivables.title.~": gettext_lazy("changed title %(row)s"),
    "receivables.title.settle": gettext_lazy("settled title %(row)s"),
    "receivables.title.settle_part": gettext_lazy("settled title %(row)s in part"),
    "receivables.title.reopen": gettext_lazy("reversed what title %(row)s had received"),
    "receivables.title.reopen_part": gettext_lazy("reversed a part of what title %(row)s had received"),
    "receivables.title.cancel": gettext_lazy("cancelled title %(row)s"),
    "receivables.installment.settle": gettext_lazy("settled installment %(row)s"),
    "receivables.installment.settle_part": gettext_lazy("settled installment %(row)s in part"),
    "receivables.installment.reopen": gettext_lazy("opened installment %(row)s again"),
    "receivables.installment.reopen_part": gettext_lazy("opened a part of installment %(row)s again"),
    "receivables.cashmovement.+": gettext_lazy("posted movement %(row)s"),
    "receivables.cashmovement.reverse": gettext_lazy("reversed movement %(row)s"),
    "receivables.cashday.close": gettext_lazy("closed cash day %(row)s"),
    "receivables.cashday.reopen": gettext_lazy("reopened cash day %(row)s"),
    "receivables.cashsession.+": gettext_lazy("opened till session %(row)s"),
    "receivables.cashsession.close": gettext_lazy("closed till session %(row)s"),
    "receivables.bankslip.+": gettext_lazy("issued bank slip %(row)s"),
    "receivables.bankslip.supersede": gettext_lazy("put bank slip %(row)s out of use"),
    "receivables.bankslip.pay": gettext_lazy("settled bank slip %(row)s"),
    "receivables.divergence.+": gettext_lazy("opened divergence %(row)s"),
    "receivables.divergence.assign": gettext_lazy("named who answers for divergence %(row)s"),
    "receivables.divergence.propose": gettext_lazy("proposed how divergence %(row)s ends"),
    "receivables.divergence.resolve": gettext_lazy("resolved divergence %(row)s"),
})  # fmt: skip

ACTIONS.update({
    "export": pgettext_lazy("action", "Export"),
    "log_in": pgettext_lazy("action", "Log in"),
    "log_in_refused": pgettext_lazy("action", "Log in, refused"),
})  # fmt: skip

LOOKUPS.update({
    Title: {Title: ("id",), Customer: ("bill_to",)},
    Installment: {Installment: ("id",), Title: ("title",), Customer: ("title__bill_to",)},
    BankSlip: {
        Installment: ("installment",), Title: ("installment__title",), Customer: ("installment__title__bill_to",),
    },
    BankCollectionReissue: {
        Installment: ("installment",), Title: ("installment__title",), Customer: ("installment__title__bill_to",),
    },
    Receipt: {
        Receipt: ("id",), CashSession: ("session",), Title: ("allocations__title",),
        Installment: ("allocations__installment",), Customer: ("customer", "allocations__title__bill_to"),
    },
    Reversal: {
        Reversal: ("id",), Receipt: ("receipt",), CashSession: ("receipt__session",),
        Title: ("lines__allocation__title",), Installment: ("lines__allocation__installment",),
        Customer: ("receipt__customer", "title__bill_to"),
    },
    ClosedCashReversal: {
        ClosedCashReversal: ("id",), Receipt: ("reversal__receipt",), CashSession: ("reversal__receipt__session",),
        Title: ("reversal__lines__allocation__title",),
        Installment: ("reversal__lines__allocation__installment",), Customer: ("reversal__receipt__customer",),
    },
    KnownDifferenceAssignment: {
        Receipt: ("record__reversal__receipt",), Title: ("record__reversal__lines__allocation__title",),
    },
    CashMovement: {
        CashMovement: ("id",), Receipt: ("receipt",), CashSession: ("session",), Title: ("title",),
        Installment: ("receipt__allocations__installment",), Customer: ("receipt__customer", "title__bill_to"),
    },
    CustomerCredit: {
        CustomerCredit: ("id",), Customer: ("customer",), Receipt: ("receipt",), CashSession: ("receipt__session",),
        Title: ("receipt__allocations__title",), Installment: ("receipt__allocations__installment",),
    },
    Divergence: {
        Divergence: ("id",), Customer: ("customer",), Receipt: ("receipt",), CashSession: ("receipt__session",),
        Installment: ("installment",), Title: ("installment__title", "receipt__allocations__title"),
    },
})  # fmt: skip


# What rows that are written once tell


def _receipt(row: Receipt) -> Told:
    paid = [
        _("%(installment)s: principal %(principal)s, interest %(interest)s, fine %(fine)s, discount %(discount)s") % {
            "installment": each.installment, "principal": written(each.principal), "interest": written(each.interest),
            "fine": written(each.fine), "discount": written(each.discount),
        }
        for each in row.allocations.all()
    ]  # fmt: skip
    means = [f"{each.method} {reais(each.amount)}" for each in row.tenders.all()]
    return Told(
        deed=_("received by receipt %(row)s") % {"row": row},
        facts=_some(reais(row.amount), row.customer),
        details=[*paid, *means],
        where=" ".join(_some(row.station and _("till %(till)s") % {"till": row.station}, row.operator)),
    )


def _reversal(row: Reversal) -> Told:
    return Told(
        deed=_("reversed receipt %(row)s") % {"row": row.receipt},
        facts=_some(reais(row.amount), row.title and _("title %(row)s") % {"row": row.title}, row.get_kind_display()),
    )


def _closed_cash(row: ClosedCashReversal) -> Told:
    return Told(
        deed=_("left a known difference in %(account)s") % {"account": row.account},
        facts=[reais(row.known_difference), _("receipt %(row)s") % {"row": row.reversal.receipt}],
    )


def _assignment(row: KnownDifferenceAssignment) -> Told:
    return Told(
        deed=_("made %(person)s responsible for a known difference") % {"person": row.owner},
        facts=_some(str(row.record), row.notes),
    )


def _credit(row: CustomerCredit) -> Told:
    return Told(
        deed=_("posted a customer credit"),
        facts=_some(row.get_kind_display(), reais(row.amount), row.customer or _("Suspense"),
                    row.receipt and _("receipt %(row)s") % {"row": row.receipt}),
    )  # fmt: skip


def _reissue(row: BankCollectionReissue) -> Told:
    changes = [
        Change(_("Due date"), written(row.old_due_date), written(row.new_due_date)),
        Change(_("Amount"), written(row.old_amount), written(row.new_amount)),
        Change(_("Our number"), row.our_number, "—"),
    ]
    return Told(
        deed=_("made a new bank collection of installment %(row)s") % {"row": row.installment},
        facts=_some(row.interest and _("interest %(amount)s") % {"amount": reais(row.interest)},
                    row.fine and _("fine %(amount)s") % {"amount": reais(row.fine)}),
        changes=[each for each in changes if each.old != each.new],
    )  # fmt: skip


def _day_closing(row: CashDayClosing) -> Told:
    counted = row.counted_amount is not None and _("counted %(amount)s") % {"amount": reais(row.counted_amount)}
    return Told(
        deed=_("closed the cash of %(row)s") % {"row": row.cash_day},
        facts=_some(_("total of the day %(amount)s") % {"amount": reais(row.total)}, counted),
        address=_page(row.cash_day),
    )


def _day_reopening(row: CashDayReopening) -> Told:
    day = row.closing.cash_day
    return Told(deed=_("reopened the cash of %(row)s") % {"row": day}, address=_page(day))


def _day_count(row: CashDayCount) -> Told:
    return Told(
        deed=_("counted the cash of %(row)s") % {"row": row.cash_day},
        facts=[
            _("expected %(amount)s") % {"amount": reais(row.expected_amount)},
            _("counted %(amount)s") % {"amount": reais(row.counted_amount)},
        ],
        address=_page(row.cash_day),
    )


def _session_closing(row: CashSessionClosing) -> Told:
    counted = [
        _("counted: %(method)s %(amount)s") % {"method": each.method, "amount": reais(each.amount)}
        for each in row.counts.all()
    ]
    return Told(
        deed=_("closed the till session %(row)s") % {"row": row.session},
        facts=[_("expected %(amount)s") % {"amount": reais(row.expected_amount)}],
        details=counted,
        address=_page(row.session),
    )


def _exported(row: ExportedList) -> Told:
    deed = _("made the PDF “%(noun)s”") if row.file_format == FileFormat.PDF else _("exported the list “%(noun)s”")
    rows = _("1 row") if row.row_count == 1 else _("%(count)s rows") % {"count": f"{row.row_count:,}".replace(",", ".")}
    return Told(
        deed=deed % {"noun": exported_noun(row.noun)},
        facts=_some(rows, row.get_file_format_display(), row.is_cut and _("cut at the limit")),
        details=_some(row.query and _("filters: %(query)s") % {"query": row.query}),
    )


def exported_noun(name: str) -> str:
    """Name what an export gave out as the screens do; `name` is `app.model`, a report's or that of another page."""
    from receivables.admin.report_pages import REPORTS

    papers = {"audit": _("trail"), "receipt_a4": _("Receipt as PDF"), "receipt_80mm": _("Receipt 80 mm")}
    papers |= {f"reports.{code}": report.label for code, report in REPORTS.items()}
    if name in papers:
        return str(papers[name])
    try:
        return str(apps.get_model(name)._meta.verbose_name_plural)
    except (LookupError, ValueError):
        return name


def _page(row: Any) -> str:
    from receivables.admin.trail import address_of

    return address_of(type(row), row.pk)


def _some(*facts: Any) -> Sequence[str]:
    """Leave out what there is not."""
    return [str(fact) for fact in facts if fact]


def _by_colleagues(request: HttpRequest, rows: Any) -> Any:
    """Limit rows to what people of one's branches did."""
    user = request.user
    return rows if getattr(user, "is_superuser", False) else rows.filter(user__in=seen_by(user).values("pk"))


_REVERSE = ("receivables.title.reopen", "receivables.title.reopen_part")

for _source in (
    LedgerSource(
        Receipt, tells=_receipt, reads=("customer",), moves=("receivables.title.settle",),
        brings=("allocations__installment__title", "tenders__method"),
    ),
    LedgerSource(Reversal, tells=_reversal, reads=("receipt", "title"), moves=_REVERSE),
    LedgerSource(ClosedCashReversal, tells=_closed_cash, reads=("account", "reversal__receipt"), moves=_REVERSE),
    LedgerSource(
        KnownDifferenceAssignment, tells=_assignment, reads=("owner", "record__reversal__receipt"),
        noun=ClosedCashReversal, within="record",
    ),
    LedgerSource(CustomerCredit, tells=_credit, reads=("customer", "receipt")),
    LedgerSource(
        BankCollectionReissue, tells=_reissue, reads=("installment__title",), moves=("receivables.bankslip.supersede",)
    ),
    LedgerSource(
        CashDayClosing, tells=_day_closing, reads=("cash_day__account",), moves=("receivables.cashday.close",),
        noun=CashDay, within="cash_day",
    ),
    LedgerSource(
        CashDayReopening, tells=_day_reopening, reads=("closing__cash_day__account",),
        moves=("receivables.cashday.reopen",), noun=CashDay, within="closing__cash_day",
    ),
    LedgerSource(
        CashDayCount, tells=_day_count, reads=("cash_day__account",), noun=CashDay, within="cash_day",
    ),
    LedgerSource(
        CashSessionClosing, tells=_session_closing, reads=("session__branch",), brings=("counts__method",),
        moves=("receivables.cashsession.close",), noun=CashSession, within="session",
    ),
    LedgerSource(ExportedList, tells=_exported, moves=("export",), sees=_by_colleagues),
):  # fmt: skip
    add_source(_source)
