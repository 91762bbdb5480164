"""Liquidação múltipla: several titles totally, all or none, with the amounts that the person saw (domain.md B)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.http import Http404
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import reais, written
from receivables.admin.forms import MoneyField
from receivables.admin.settlement import DepositForm
from receivables.admin.tables import Table, link
from receivables.admin.transitions import Line
from receivables.domain.errors import (
    BatchChanged,
)
from receivables.domain.money import CENT, ZERO, format_brl
from receivables.models import (
    Branch,
    Receipt,
    Title,
)
from receivables.services import access
from receivables.services.settlement import quote

MOST_AT_ONCE = 200


class SettleManyForm(DepositForm):
    """Liquidação múltipla: each title totally, all or none, with the amounts that the person saw (domain.md B)."""

    confirm = _("Settle all these titles")
    asks_day = True

    def __init__(self, *args: Any, **options: Any) -> None:
        data = options.get("data") or (args[0] if args else None)
        self.titles = _titles_asked(data, query=options["query"], user=options["user"])
        super().__init__(*args, **options)
        self.fields["received_on"].help_text = _("One date for all. After changing it, calculate again.")
        self.dues = self._quote()
        self.seen = [title.pk for title in self.titles] if self.is_bound else list(self.dues)
        for title_id in self.seen:
            self.fields[f"due_{title_id}"] = MoneyField(
                least=CENT, initial=self.dues.get(title_id), widget=forms.HiddenInput()
            )

    def _quote(self) -> dict[int, Decimal]:
        """Give what each open title owes on the receipt date."""
        dues: dict[int, Decimal] = {}
        for each in quote(title_ids=[title.pk for title in self.titles], on=self.on):
            dues[each.installment.title_id] = dues.get(each.installment.title_id, ZERO) + each.total
        return dues

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.seen:
            self.add_error(
                None, _("No title was chosen. Choose titles in the list, then the action that settles them.")
            )
        return cleaned

    def branches(self) -> Sequence[Branch]:
        return [title.collecting_branch for title in self.titles]

    def require(self) -> None:
        by_branches = {(title.collecting_branch_id, title.issuing_branch_id): title for title in self.titles}
        for title in by_branches.values():
            access.require_settlement(self.user, title)

    def what_is(self) -> Sequence[Line]:
        return [
            (_("Titles"), str(len(self.dues))),
            (_("Due on %(day)s") % {"day": written(self.on)}, reais(sum(self.dues.values(), ZERO))),
            (_("Left out, because nothing is open in them"),
             ", ".join(str(title) for title in self.titles if title.pk not in self.dues) or "—"),
        ]  # fmt: skip

    def what_will_be(self) -> Sequence[Line]:
        return [
            (_("Status"), _("Every title fully settled, one receipt each; all or none.")),
            (_("Cash and banks"), _("One credit for each title.")),
        ]

    def tables(self) -> Sequence[Table]:
        table = Table(
            _("Titles"), [_("document number"), _("customer"), _("amount due")],
            _("Choose titles in the list, then the action that settles them."),
        )  # fmt: skip
        open_titles = [title for title in self.titles if title.pk in self.dues]
        return [table.fill([link(title), title.bill_to, self.dues[title.pk]] for title in open_titles)]

    def values(self) -> dict[str, Any]:
        return {
            "expected": {title_id: self.cleaned_data[f"due_{title_id}"] for title_id in self.seen},
            "received_on": self.cleaned_data["received_on"],
            "deposit": self.deposit(),
            "notes": self.cleaned_data["notes"],
        }

    def refuse(self, broken: Any) -> None:
        """Show the amounts as they are now, so that the next click is on what the person sees."""
        super().refuse(broken)
        if isinstance(broken, BatchChanged):
            self.data = self.data.copy()
            for title_id in set(self.seen) - set(self.dues):
                del self.fields[f"due_{title_id}"]
            for title_id, due in self.dues.items():
                self.data[f"due_{title_id}"] = format_brl(due)

    def done(self, result: list[Receipt]) -> str:
        return _("%(count)s titles settled, %(amount)s in all.") % {
            "count": len(result),
            "amount": reais(sum((receipt.amount for receipt in result), ZERO)),
        }


def _titles_asked(data: Any, *, query: Any, user: Any) -> list[Title]:
    if data:
        ids = [name.removeprefix("due_") for name in data if name.startswith("due_")]
    else:
        ids = query.get("ids", "").split(",")
    chosen = [int(pk) for pk in ids if pk.isascii() and pk.isdigit() and len(pk) < 19][:MOST_AT_ONCE]
    rows = Title.objects.visible_to(user).filter(pk__in=chosen)
    titles = list(rows.select_related("bill_to", "collecting_branch", "issuing_branch").order_by("pk"))
    if len(titles) < len(set(chosen)):
        raise Http404(gettext("There is no such row, or it belongs to another branch."))
    return titles
