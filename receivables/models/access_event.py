"""What became of a person's access: groups, branches, password, second factor; told once, never changed (G.19)."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from receivables.models.audited import AppendOnlyModel


class AccessChange(models.TextChoices):
    ADDED = "added", _("Added")
    CHANGED = "changed", _("Changed")
    PASSWORD_SET = "password_set", _("New password")
    DEACTIVATED = "deactivated", _("Deactivated")
    ACTIVATED = "activated", _("Activated again")
    FACTOR_ENROLLED = "factor_enrolled", _("Second factor enrolled")
    FACTOR_REMOVED = "factor_removed", _("Second factor removed")
    CODES_RENEWED = "codes_renewed", _("New recovery codes")
    RECOVERY_CODE_USED = "recovery_code_used", _("Recovery code used")


class AccessEvent(AppendOnlyModel):
    """One change of what a person may do or how he proves who he is; no password, secret or code is kept here."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="access_events", verbose_name=_("person")
    )
    kind = models.CharField(_("what happened"), max_length=20, choices=AccessChange)
    details = models.CharField(_("details"), max_length=500, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("change of access")
        verbose_name_plural = _("changes of access")
        ordering = ["-pk"]
        permissions = [("manage_people", _("Can manage people"))]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=AccessChange.values), name="access_event_kind_known"),
            models.CheckConstraint(
                condition=~Q(kind=AccessChange.DEACTIVATED) | ~Q(reason=""), name="access_event_deactivated_because"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} · {self.get_kind_display()}"
