"""A list of sessions with what each counted, and what of the difference is not posted yet (G.11). Money is in reais."""

from typing import Any

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Round

from receivables.domain.money import ZERO
from receivables.models import CashCount, CashMovement, CashSession, PaymentMethod
from receivables.reports import MONEY
from receivables.services.cash_session_count import STATION


def with_counts(sessions: QuerySet) -> QuerySet:
    """Annotate what was counted in all, how many supplements there are, and the difference that is not posted yet.

    Without a value where a session was not counted. Sums are of the session: `that_differ` looks at each of its means.
    """
    counts = CashCount.objects.filter(closing__session=OuterRef("pk")).order_by().values("closing__session")
    of_closing = {"session_supplement_of__session": OuterRef("pk")}
    late = CashMovement.objects.filter(**of_closing).order_by().values("session_supplement_of__session")
    differences: Any = CashMovement.objects.posted().filter(
        session_difference_of__session=OuterRef("pk"), reverses=None
    )
    posted = differences.order_by().values("session_difference_of__session")
    counted = Coalesce(Subquery(counts.annotate(of=Sum("amount")).values("of")), Value(ZERO), output_field=MONEY)
    come = Coalesce(
        Subquery(late.filter(channel=STATION).annotate(of=Sum("amount")).values("of")), Value(ZERO), output_field=MONEY
    )
    done = Coalesce(Subquery(posted.annotate(of=Sum("amount")).values("of")), Value(ZERO), output_field=MONEY)
    is_closed = Q(closing__isnull=False)
    return sessions.annotate(
        counted=Case(When(is_closed, then=counted), output_field=MONEY),
        late_count=Coalesce(Subquery(late.annotate(of=Count("pk")).values("of")), Value(0)),
        difference_now=Case(
            When(is_closed, then=Round(counted - F("closing__expected_amount") - come - done, precision=2)),
            output_field=MONEY,
        ),
    )  # fmt: skip


def that_differ(counted: QuerySet) -> QuerySet:
    """Select, of sessions `with_counts`, those in which a means of payment differs from what it should have brought.

    Where a person posted a difference, the session's sum says whether something is left.
    """
    posted: Any = CashMovement.objects.posted().filter(session_difference_of__session=OuterRef("pk"), reverses=None)
    is_left = ~Q(difference_now=0) & Q(difference_now__isnull=False)
    return counted.filter(Q(pk__in=_unlike_their_means(counted)) & ~Exists(posted) | is_left & Exists(posted))


def _unlike_their_means(sessions: QuerySet) -> RawSQL:
    """Give the keys of the closed sessions in which a means' count, float and movements do not even out."""
    ids = sessions.filter(closing__isnull=False).order_by().values("pk")
    said = CashCount.objects.filter(closing__session__in=ids).values_list("closing__session", "method__code", "amount")
    of_the_count = Q(session_supplement_of=None) | Q(channel=STATION)
    moved = CashMovement.objects.filter(of_the_count, session__in=ids).with_method().order_by()
    floats = CashSession.objects.filter(pk__in=ids).order_by()
    rows = said.order_by().union(
        moved.values_list("session", "code", -F("amount")),
        floats.values_list("pk", Value(PaymentMethod.CASH), -F("float_amount")), all=True,
    )  # fmt: skip
    sql, given = rows.query.sql_with_params()
    grouped = f"WITH each_(session, code, amount) AS ({sql}) SELECT session FROM each_ GROUP BY session, code"
    return RawSQL(f"{grouped} HAVING ROUND(SUM(amount), 2) <> 0", given)  # noqa: S611 - values are parameters
