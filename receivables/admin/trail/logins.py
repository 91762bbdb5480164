"""Logins and refused logins of the people whom one sees, from where they came."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from axes.models import AccessFailureLog, AccessLog
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from receivables.admin.history import CHANNELS, Names
from receivables.admin.trail import ACTIONS, Line, Source
from receivables.admin.trail.sources import add_source
from receivables.services.people import seen_by

DESK = "back_office"


class LoginSource(Source):
    """What the guard of the login page wrote down; a name that is nobody's is an administrator's to see."""

    at = "attempt_time"
    actor = "username"

    def __init__(self, model: Any, *, action: str) -> None:
        super().__init__(model)
        self.action = action

    @property
    def actions(self) -> frozenset[str]:
        return frozenset({self.action})

    def seen(self, request: HttpRequest, rows: QuerySet) -> QuerySet | None:
        user = request.user
        if getattr(user, "is_superuser", False):
            return rows
        return rows.filter(username__in=seen_by(user).values("username"))

    def through(self, rows: QuerySet, channel: str) -> QuerySet:
        return rows if channel == DESK else rows.none()

    def tell(self, rows: Sequence[Any], names: Names) -> Iterator[Line]:
        deeds = {"log_in": _("logged in"), "log_in_refused": _("was refused at the login page")}
        for row in rows:
            yield Line(
                at=row.attempt_time, actor=row.username or "", user_id=None, channel=CHANNELS[DESK], noun=self.label,
                action=ACTIONS[self.action], deed=deeds[self.action], where=row.ip_address or "",
            )  # fmt: skip

    def done(self, rows: QuerySet, actions: Collection[str]) -> QuerySet | None:
        return rows if self.action in actions else None


for _model, _action in ((AccessLog, "log_in"), (AccessFailureLog, "log_in_refused")):
    add_source(LoginSource(_model, action=_action))
