"""What every row of Quita promises: audited rows are never deleted and keep their history, ledger rows never change.

The rules of the rows themselves live beside their nouns; the database's own guards are in `triggers`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField
from simple_history.models import HistoricalRecords


class AuditBypassed(TypeError):
    """A write that would leave no trace was attempted; use `move()`, `save()` or an opposite entry instead."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and through which channel: `back_office`, `till`, `import` or `system`."""

    name: str
    channel: str
    user_id: int | None = None

    @classmethod
    def person(cls, user: Any, *, channel: str = "back_office") -> Self:
        return cls(name=user.get_username(), channel=channel, user_id=user.pk)


SYSTEM = Actor(name="system", channel="system")


def money_field(label: Any, **options: Any) -> models.DecimalField:
    """Amounts are BRL with two places, up to 10^12 cents and sums of them."""
    return models.DecimalField(label, max_digits=15, decimal_places=2, **options)


class StatusField(FSMField):
    """A status that only transitions change; to the database, and so to migrations, it is a short text."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"protected": True, "editable": False, "max_length": 20} | options)

    def deconstruct(self) -> tuple[Any, ...]:
        name, _path, args, options = super().deconstruct()
        kept = {key: value for key, value in options.items() if key not in ("choices", "protected")}
        return name, "django.db.models.CharField", args, kept


class AuditRow(models.Model):
    """What a history row tells beside the values: the actor, the channel and the move that was made (B6)."""

    actor = models.CharField(_("actor"), max_length=150, default="")
    channel = models.CharField(_("channel"), max_length=20, default="")
    move = models.CharField(_("move"), max_length=30, default="")

    class Meta:
        abstract = True


class AuditTrail(HistoricalRecords):
    """simple-history with actor and channel on each row, and versions that can be looked up."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("bases", [AuditRow])
        options.setdefault("history_change_reason_field", models.TextField(null=True))
        super().__init__(**options)

    def get_meta_options(self, model: type[models.Model]) -> dict[str, Any]:
        options = super().get_meta_options(model)
        options["indexes"] = (*options.get("indexes", ()), models.Index(fields=("actor", "history_date")))
        if any(field.name == "version" for field in model._meta.fields):
            options["indexes"] = (*options["indexes"], models.Index(fields=("id", "version")))
        return options

    def create_historical_record(self, instance: models.Model, history_type: str, using: str | None = None) -> None:
        actor = getattr(instance, "_actor", None) or self._actor_of_request()
        rows = getattr(instance, self.manager_name).model
        values = {field.attname: getattr(instance, field.attname) for field in self.fields_included(instance)}
        # Last: a movement has columns of these names too, which say who posted it, not who changes it.
        values |= {"actor": actor.name, "channel": actor.channel, "move": getattr(instance, "_move", "")}
        rows(
            history_date=timezone.now(),
            history_type=history_type,
            history_user_id=actor.user_id,
            history_change_reason=getattr(instance, "_change_reason", None),
            **values,
        ).save(using=using)

    def _actor_of_request(self) -> Actor:
        user = getattr(getattr(self.context, "request", None), "user", None)
        return Actor.person(user) if user is not None and user.is_authenticated else SYSTEM


class AuditedQuerySet(models.QuerySet):
    """Refuses the writes that history would not see."""

    def update(self, **values: Any) -> int:
        raise AuditBypassed(f"{self.model.__name__}: update() leaves no history; use move() or save()")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AuditBypassed(f"{self.model.__name__}: nothing is deleted; reverse, cancel or deactivate it")

    def bulk_create(self, *args: Any, **options: Any) -> list[Any]:
        raise AuditBypassed(f"{self.model.__name__}: bulk_create() leaves no history; use create_audited()")

    def bulk_update(self, *args: Any, **options: Any) -> int:
        raise AuditBypassed(f"{self.model.__name__}: bulk_update() leaves no history; use move_many()")

    def locked(self) -> Self:
        """Lock the rows for change, in the order of their ids, without blocking foreign keys to them."""
        return self.select_for_update(no_key=True, of=("self",)).order_by("pk")


class AuditedModel(models.Model):
    """A row whose every change is kept in its history with actor, channel and reason."""

    history = AuditTrail(inherit=True)
    objects: ClassVar[Any] = AuditedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        fields = options.get("update_fields")
        if hasattr(self, "version") and not self._state.adding:
            self.version += 1
            if fields is not None:
                options["update_fields"] = {*fields, "version"}
        super().save(*args, **options)

    def save_as(self, actor: Actor, *, because: str = "", fields: Iterable[str] | None = None, move: str = "") -> None:
        """Save with its history row signed by the actor; `move` is the verb of the transition that was made."""
        self._actor, self._change_reason, self._move = actor, because or None, move
        self.save(update_fields=fields if not self._state.adding else None)
        self._move = ""

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        raise AuditBypassed(f"{type(self).__name__}: nothing is deleted; reverse, cancel or deactivate it")

    def refresh_from_db(self, using: str | None = None, fields: Any = None, from_queryset: Any = None) -> None:
        """Let go of protected status fields first: the library would unprotect the shared field object."""
        for field in self._meta.concrete_fields:
            if getattr(field, "protected", False) and (fields is None or field.attname in fields):
                self.__dict__.pop(field.attname, None)
        models.Model.refresh_from_db(self, using=using, fields=fields, from_queryset=from_queryset)


class VersionedModel(AuditedModel):
    """An audited row that tills copy: `version` grows with each change of the row."""

    version = models.PositiveIntegerField(_("version"), default=1, editable=False)

    class Meta:
        abstract = True


class AppendOnlyQuerySet(models.QuerySet):
    def update(self, **values: Any) -> int:
        raise AuditBypassed(f"{self.model.__name__} is append-only: correct it by an opposite entry")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AuditBypassed(f"{self.model.__name__} is append-only: correct it by an opposite entry")


class AppendOnlyModel(models.Model):
    """A ledger row: written once, corrected only by an opposite entry (law: a trigger)."""

    posted_at = models.DateTimeField(_("posted at"), default=timezone.now, editable=False)
    actor = models.CharField(_("actor"), max_length=150, default="", editable=False)
    channel = models.CharField(_("channel"), max_length=20, default="", editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+",
        verbose_name=_("user"),
    )  # fmt: skip

    objects: ClassVar[Any] = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            raise AuditBypassed(f"{type(self).__name__} is append-only: correct it by an opposite entry")
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        raise AuditBypassed(f"{type(self).__name__} is append-only: correct it by an opposite entry")


def signed_by(actor: Actor) -> dict[str, Any]:
    """The columns that sign an append-only row."""
    return {"actor": actor.name, "channel": actor.channel, "user_id": actor.user_id}
