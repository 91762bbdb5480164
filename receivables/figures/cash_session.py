"""A list of sessions with what each counted, and what of the difference is not posted yet (G.11). Money is in reais."""

from typing import Any

from django.db.models import Case, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce, Round

from receivables.domain.money import ZERO
from receivables.models import CashCount, CashMovement
from receivables.reports import MONEY
from receivables.services.cash_session_count import STATION


def with_counts(sessions: QuerySet) -> QuerySet:
    """Annotate what was counted in all, how many supplements there are, and the difference that is not posted yet.

    Without a value where a session was not counted. Sums are of the session: means that cancel each other out are told
    on its own page.
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
