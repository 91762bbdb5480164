"""Sessões de caixa: what each counted against what it should have, and the difference, posted by a person (G.11)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from receivables.admin import cash_session_tables as tables
from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.cash_movement import ClearingForm
from receivables.admin.explain import reais, written
from receivables.admin.forms import show_broken
from receivables.admin.tables import Table, chip
from receivables.admin.transitions import Line, Transition, TransitionAdmin
from receivables.domain.errors import (
    CashDayClosed,
    ChangedMeanwhile,
    DateInFuture,
    SessionDifferencePosted,
    WrongDirection,
)
from receivables.figures.cash_session import that_differ, with_counts
from receivables.models import CashMovement, CashSession, LedgerAccount, SessionStatus
from receivables.services import access
from receivables.services.cash_session_count import AccountDifference, SessionFigures, session_figures
from receivables.services.session_difference import post_session_difference

POSTS = "receivables.add_cashmovement"


class PostSessionDifferenceForm(ClearingForm):
    """Posting, whole, what a session's count leaves in one account: that of the address, or the first."""

    confirm = _("Post the difference")
    error_fields: ClassVar = {
        CashDayClosed.code: "cash_date", DateInFuture.code: "cash_date", WrongDirection.code: "history_code",
        SessionDifferencePosted.code: "account",
    }  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        self.found = _chosen(options["row"], options.get("query") or {})
        super().__init__(*args, **options)
        del self.fields["amount"]
        self.fields["account"] = forms.IntegerField(required=False, initial=self.account.pk, widget=forms.HiddenInput)

    def must_be_seen(self) -> str:
        return written(self.needed)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors and cleaned.get("account") not in (None, self.account.pk):
            show_broken(self, ChangedMeanwhile(what=str(self.row)))
        return cleaned

    def verify(self, result: CashMovement) -> None:
        if result.amount != self.needed:
            raise ChangedMeanwhile(what=str(self.row))

    @property
    def account(self) -> LedgerAccount:
        return self.found.account

    @property
    def needed(self) -> Decimal:
        return self.found.difference

    def what_is(self) -> Sequence[Line]:
        return [
            (_("Session"), self.row), (_("Account"), self.account), (_("Difference now"), reais(self.needed)),
        ]  # fmt: skip

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        key = given.get("form_key")
        return {
            "session_id": self.row.pk, "account_id": self.account.pk, "cash_date": given["cash_date"],
            "history_code_id": given["history_code"].pk, "document_type_id": given["document_type"].pk,
            "notes": given["notes"], "idempotency_key": f"form-{key}" if key else None,
        }  # fmt: skip


def _open_differences(session: CashSession) -> list[AccountDifference]:
    return [each for each in session_figures(session).differences() if each.movement is None and each.difference]


def _chosen(session: CashSession, query: Any) -> AccountDifference:
    found = _open_differences(session)
    return next((each for each in found if str(each.account.pk) == query.get("account")), found[0])


def _may_post(user: Any, session: CashSession | None) -> None:
    access.require(user, POSTS)
    if session is not None:
        access.require_branch(user, session.branch)


def hides_expected(session: CashSession) -> bool:
    """Say whether nothing is told of what a session should have: it is counted blind and was not counted yet (G.13)."""
    return session.status == SessionStatus.OPEN and session.branch.parameter_set.blind_closing


class CountFilter(admin.SimpleListFilter):
    """Sessions whose count asks for a look."""

    title = _("count")
    parameter_name = "count"
    asked: ClassVar = {
        "difference": that_differ,
        "supplements": lambda rows: rows.filter(late_count__gt=0),
        "pending": lambda rows: rows.filter(closing__pending_count__gt=0),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("difference", _("With a difference")), ("supplements", _("With supplements")),
            ("pending", _("Closed with something pending")),
        ]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        narrow = self.asked.get(self.value() or "")
        return narrow(queryset) if narrow else queryset


@admin.register(CashSession)
class CashSessionAdmin(TransitionAdmin, ReadOnlyAdmin):
    branch_lookups = ("branch",)
    list_display = ("status_chip", "place", "operator", "opened_at", "closed_at", "expected", "counted", "difference",
                    "supplements", "pending")  # fmt: skip
    list_display_links = ("place",)
    list_filter = ("status", CountFilter, "branch", "opened_at")
    list_select_related = ("branch__parameter_set", "closing")
    fields = (("branch", "station", "operator", "status_chip"), ("opened_at", "closed_at", "float_amount"))
    transitions: ClassVar = {
        "post-difference": Transition(
            label=_("Post the difference"), form=PostSessionDifferenceForm, service=post_session_difference,
            require=_may_post, applies=lambda session: bool(_open_differences(session)),
        ),
    }  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return with_counts(super().get_queryset(request))

    @admin.display(description=_("status"), ordering="status")
    def status_chip(self, session: CashSession) -> SafeString:
        return chip(session.status, session.get_status_display())

    @admin.display(description=_("station"), ordering="branch__code")
    def place(self, session: CashSession) -> str:
        return f"{session.branch.code} · {session.station}"

    @admin.display(description=_("expected amount"))
    def expected(self, session: CashSession) -> str:
        closing = getattr(session, "closing", None)
        return written(closing.expected_amount if closing else None)

    @admin.display(description=_("counted amount"))
    def counted(self, session: Any) -> str:
        return written(session.counted)

    @admin.display(description=_("difference now"))
    def difference(self, session: Any) -> str:
        return written(session.difference_now)

    @admin.display(description=_("supplements"))
    def supplements(self, session: Any) -> str:
        return written(session.late_count or None)

    @admin.display(description=_("pending"))
    def pending(self, session: CashSession) -> str:
        closing = getattr(session, "closing", None)
        if closing is None or not closing.pending_count:
            return "—"
        return f"{closing.pending_count} · {reais(closing.pending_amount)}"

    def head(self, row: Any) -> dict[str, Any]:
        """Give the session's sums, unless it is to be counted blind first."""
        return super().head(row) | ({} if hides_expected(row) else {"numbers": list(_sums(session_figures(row)))})

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        if hides_expected(row):
            return []
        figures = session_figures(row)
        may_post = request.user.has_perm(POSTS)
        return [
            tables.count_table(figures), tables.later_table(figures),
            tables.differences_table(figures, may_post=may_post), tables.pending_table(row),
            tables.supplements_table(row), tables.movements_table(row),
        ]  # fmt: skip


def _sums(figures: SessionFigures) -> Iterator[Line]:
    yield _("float"), written(figures.session.float_amount)
    yield _("expected now"), written(figures.total("expected_now"))
    yield _("counted amount"), written(figures.total("counted") if figures.is_counted else None)
    yield _("difference now"), written(figures.total("difference_now") if figures.is_counted else None)
