"""Tills and what passes between: devices, their inbox, frozen snapshots, the change feed (protocol v1)."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from receivables.models import Branch, ParameterSet, PaymentMethod
from receivables.models.audited import AppendOnlyModel, AuditedModel, StatusField


class TillPolicy(AuditedModel):
    """Ceilings and scope of the tills under one parameter set (G.13)."""

    class Scope(models.TextChoices):
        BRANCH = "branch", _("Own branch")
        COMPANY = "company", _("Whole company")

    parameter_set = models.OneToOneField(
        ParameterSet, models.PROTECT, related_name="till_policy", verbose_name=_("parameter set")
    )
    scope = models.CharField(_("receivables on the till"), max_length=7, choices=Scope, default=Scope.BRANCH)
    max_receipt_cents = models.PositiveBigIntegerField(_("offline ceiling per receipt (cents)"), default=500_000)
    max_pending_cents = models.PositiveBigIntegerField(_("offline ceiling pending (cents)"), default=5_000_000)
    warn_age_hours = models.PositiveIntegerField(_("warn when data is older than (hours)"), default=24)
    stop_age_hours = models.PositiveIntegerField(_("stop when data is older than (hours)"), default=168)
    second_person_above_cents = models.PositiveBigIntegerField(
        _("alone up to (cents)"), default=50_000,
        help_text=_("Above it two persons approve or reject an operation in quarantine."),
    )  # fmt: skip
    offline_methods = models.ManyToManyField(
        PaymentMethod, blank=True, verbose_name=_("means of payment allowed offline")
    )

    class Meta:
        verbose_name = _("till policy")
        verbose_name_plural = _("till policies")
        constraints = [
            models.CheckConstraint(
                condition=Q(stop_age_hours__gte=models.F("warn_age_hours")), name="till_policy_warns_before_it_stops"
            )
        ]

    def __str__(self) -> str:
        return str(self.parameter_set)

    @property
    def sees_company(self) -> bool:
        """Its tills receive for the whole company, not for their own branch alone."""
        return self.scope == self.Scope.COMPANY


class TillOperator(AuditedModel):
    """Operador de caixa: the person at a till, known by code and PIN (only a slow hash of it is kept)."""

    branch = models.ForeignKey(Branch, models.PROTECT, related_name="till_operators", verbose_name=_("branch"))
    code = models.CharField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=80)
    pin_hash = models.CharField(_("PIN hash"), max_length=200, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    is_supervisor = models.BooleanField(
        _("supervisor"), default=False, help_text=_("Releases with his PIN, at the till, what is above its ceilings.")
    )

    class Meta:
        verbose_name = _("till operator")
        verbose_name_plural = _("till operators")
        constraints = [models.UniqueConstraint(fields=["branch", "code"], name="till_operator_code_once")]

    def __str__(self) -> str:
        return f"{self.code} · {self.name}"


class DeviceState(models.TextChoices):
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    REVOKED = "revoked", _("Revoked")
    REPLACED = "replaced", _("Replaced")


class Device(AuditedModel):
    """One device = one branch = one till. Only the SHA-256 of its token is kept."""

    branch = models.ForeignKey(Branch, models.PROTECT, related_name="devices", verbose_name=_("branch"))
    till = models.CharField(_("till"), max_length=10)
    receipt_series = models.CharField(_("receipt series"), max_length=4, blank=True)
    install_id = models.CharField(max_length=64, editable=False)
    software = models.CharField(_("software"), max_length=80, blank=True)
    public_key = models.TextField(null=True, blank=True, editable=False)
    state = StatusField(_("state"), default=DeviceState.ACTIVE, choices=DeviceState)
    state_reason = models.CharField(_("reason"), max_length=500, blank=True, editable=False)
    epoch = models.PositiveIntegerField(_("epoch"), default=1, editable=False)
    paired_at = models.DateTimeField(_("paired at"), default=timezone.now, editable=False)
    replaced_at = models.DateTimeField(_("replaced at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("till device")
        verbose_name_plural = _("till devices")
        ordering = ["branch", "till", "-paired_at"]
        permissions = [("manage_devices", _("Can manage devices"))]
        constraints = [
            models.UniqueConstraint(
                fields=["branch", "till"],
                condition=Q(state__in=[DeviceState.ACTIVE, DeviceState.SUSPENDED]),
                name="device_one_in_use_per_till",
            ),
            models.UniqueConstraint(fields=["branch", "till", "receipt_series"], name="device_series_once"),
            models.CheckConstraint(condition=Q(state__in=DeviceState.values), name="device_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.branch.code} · {self.till}{self.receipt_series}"

    def session_key(self, session_id: str) -> str:
        """Name a cash session: it belongs to the till, whichever device served it."""
        return f"{self.branch_id}/{self.till}/{session_id}"

    @transition(state, source=DeviceState.ACTIVE, target=DeviceState.SUSPENDED, permission="pos_sync.manage_devices")
    def suspend(self, *, reason: str) -> None:
        self.state_reason = reason

    @transition(state, source=[DeviceState.ACTIVE, DeviceState.SUSPENDED, DeviceState.REPLACED],
                target=DeviceState.REVOKED, permission="pos_sync.manage_devices")  # fmt: skip
    def revoke(self, *, reason: str) -> None:
        """Lost or stolen."""
        self.state_reason = reason

    @transition(state, source=[DeviceState.SUSPENDED, DeviceState.REVOKED], target=DeviceState.ACTIVE,
                permission="pos_sync.manage_devices")  # fmt: skip
    def activate(self, *, reason: str) -> None:
        self.state_reason = reason

    @transition(state, source=[DeviceState.ACTIVE, DeviceState.SUSPENDED], target=DeviceState.REPLACED,
                permission="pos_sync.manage_devices")  # fmt: skip
    def replace(self, *, at: Any) -> None:
        """The till was paired again (not the making of the code: the pairing)."""
        self.replaced_at = at


class DeviceToken(models.Model):
    """A bearer token's SHA-256; one device may have several while its answers got lost.

    The first use of a rotated one ends those given before it: they stay, told by their prefix, and open nothing.
    """

    device = models.ForeignKey(Device, models.PROTECT, related_name="tokens")
    token_hash = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=8)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    is_rotated = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, blank=True)

    class Meta:
        verbose_name = _("device token")
        verbose_name_plural = _("device tokens")

    def __str__(self) -> str:
        return f"{self.prefix}…"


class PairingCode(models.Model):
    """A code of 80 bits, stored hashed, shown once, valid for ten minutes and one installation."""

    branch = models.ForeignKey(Branch, models.PROTECT, verbose_name=_("branch"))
    till = models.CharField(_("till"), max_length=10)
    code_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    created_by = models.CharField(_("created by"), max_length=150, editable=False)
    expires_at = models.DateTimeField(_("expires at"), editable=False)
    device = models.ForeignKey(Device, models.PROTECT, null=True, blank=True, editable=False, verbose_name=_("device"))

    class Meta:
        verbose_name = _("pairing code")
        verbose_name_plural = _("pairing codes")

    def __str__(self) -> str:
        return f"{self.branch.code} · {self.till}"


class DeviceContact(models.Model):
    """What a till last told of itself; rewritten at each contact, so it is kept out of the audited row."""

    device = models.OneToOneField(Device, models.PROTECT, related_name="contact", primary_key=True)
    last_contact_at = models.DateTimeField(_("last contact"), null=True)
    snapshot_as_of = models.DateTimeField(_("data as of"), null=True)
    pending_count = models.PositiveBigIntegerField(_("operations pending"), default=0)
    pending_sum_cents = models.PositiveBigIntegerField(_("amount pending (cents)"), default=0)

    class Meta:
        verbose_name = _("device contact")
        verbose_name_plural = _("device contacts")

    def __str__(self) -> str:
        return str(self.device)


class DeviceEpoch(models.Model):
    """The sequence of a device in one epoch: where it starts and how far nothing is missing nor undecided."""

    device = models.ForeignKey(Device, models.PROTECT, related_name="epochs")
    epoch = models.PositiveIntegerField()
    first_seq = models.PositiveBigIntegerField(default=1)
    through_seq = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("device epoch")
        verbose_name_plural = _("device epochs")
        constraints = [models.UniqueConstraint(fields=["device", "epoch"], name="device_epoch_once")]

    def __str__(self) -> str:
        return f"{self.device} · {self.epoch}"


class OperationState(models.TextChoices):
    PENDING = "pending", _("Pending")
    WAITING = "waiting", _("Waiting")
    APPLIED = "applied", _("Applied")
    REVIEW = "review", _("To review")
    HELD = "held", _("Held")
    QUARANTINED = "quarantined", _("Quarantined")
    RESOLVED = "resolved", _("Resolved")


UNDECIDED = [OperationState.PENDING, OperationState.WAITING]
NOT_APPLIED = [state for state in OperationState if state != OperationState.APPLIED]
"""What the till's word alone did not settle: a small part of all, which the monitor reads."""


class Operation(models.Model):
    """The inbox: each operation exactly as it arrived, once for ever, and what became of it.

    `device` is the one whose sequence it belongs to; the state of `judged_as` says whether it is applied by itself.
    """

    op_id = models.CharField(_("operation"), max_length=64, unique=True)
    # Neither has an index of its own: devices are never deleted, and (device, epoch, seq) begins with the device.
    device = models.ForeignKey(
        Device, models.PROTECT, related_name="operations", db_index=False, verbose_name=_("device")
    )
    judged_as = models.ForeignKey(Device, models.PROTECT, related_name="+", db_index=False, verbose_name=_("judged as"))
    epoch = models.PositiveIntegerField(_("epoch"))
    seq = models.PositiveBigIntegerField(_("sequence"), null=True)
    kind = models.CharField(_("kind"), max_length=40)
    content_hash = models.CharField(max_length=64)
    raw = models.TextField(_("raw operation"))
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    state = StatusField(_("state"), default=OperationState.PENDING, choices=OperationState)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    flags = models.JSONField(_("flags"), default=list)
    outcome = models.JSONField(_("outcome"), null=True)
    effective_at = models.DateTimeField(_("taken at"), null=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    failures = models.PositiveIntegerField(_("failures"), default=0)
    changed_at = models.DateTimeField(default=timezone.now)
    approved_at = models.DateTimeField(_("approved at"), null=True, editable=False)
    """A person let it pass: neither the state of its device nor a closing's patience holds it back any more."""

    class Meta:
        verbose_name = _("till operation")
        verbose_name_plural = _("till operations")
        ordering = ["-pk"]
        permissions = [("approve_quarantined_operations", _("Can approve quarantined operations"))]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=OperationState.values), name="operation_state_known")
        ]
        indexes = [
            models.Index(fields=["device", "epoch", "seq"]),
            models.Index(fields=["received_at"]),
            models.Index(fields=["received_at"], condition=Q(state__in=UNDECIDED), name="operation_undecided"),
            models.Index(fields=["device", "state"], condition=Q(state__in=NOT_APPLIED), name="operation_not_applied"),
        ]

    def __str__(self) -> str:
        return self.op_id

    @transition(state, source=UNDECIDED, target=OperationState.WAITING)
    def wait(self) -> None:
        """For an operation that is not here yet."""

    @transition(state, source=UNDECIDED, target=OperationState.APPLIED)
    def apply(self) -> None:
        """Money and allocation exactly as the till said."""

    @transition(state, source=UNDECIDED, target=OperationState.REVIEW)
    def review(self) -> None:
        """Money posted, not all of it where the till said."""

    @transition(state, source=UNDECIDED, target=OperationState.HELD)
    def hold(self) -> None:
        """Some money in suspense."""

    @transition(state, source=UNDECIDED, target=OperationState.QUARANTINED)
    def quarantine(self) -> None:
        """Kept, not in the ledger."""

    @transition(state, source=OperationState.QUARANTINED, target=OperationState.PENDING)
    def retry(self) -> None:
        """After an upgrade, or approved by a person."""

    @transition(
        state,
        source=[OperationState.WAITING, OperationState.REVIEW, OperationState.HELD, OperationState.QUARANTINED],
        target=OperationState.RESOLVED,
    )
    def resolve(self) -> None:
        """A person closed the divergence."""


class OperationArrival(models.Model):
    """Each seq received of (device, epoch), with the operation that it brought, if one could be stored."""

    device = models.ForeignKey(Device, models.PROTECT)
    epoch = models.PositiveIntegerField()
    seq = models.PositiveBigIntegerField()
    operation = models.ForeignKey(Operation, models.PROTECT, null=True, related_name="arrivals")

    class Meta:
        verbose_name = _("operation arrival")
        verbose_name_plural = _("operation arrivals")
        constraints = [
            models.UniqueConstraint(fields=["device", "epoch", "seq", "operation"], name="operation_arrival_once"),
            models.UniqueConstraint(
                fields=["device", "epoch", "seq"], condition=Q(operation__isnull=True), name="refused_arrival_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.device} · {self.epoch}/{self.seq}"


class OperationConflict(AppendOnlyModel):
    """A copy with the same op_id and other content, kept beside the first, which stands."""

    operation = models.ForeignKey(Operation, models.PROTECT, related_name="conflicts", verbose_name=_("operation"))
    device = models.ForeignKey(Device, models.PROTECT, verbose_name=_("device"))
    seq = models.PositiveBigIntegerField(_("sequence"), null=True)
    content_hash = models.CharField(max_length=64)
    raw = models.TextField(_("raw operation"))

    class Meta:
        verbose_name = _("operation conflict")
        verbose_name_plural = _("operation conflicts")
        constraints = [
            models.UniqueConstraint(fields=["operation", "content_hash"], name="operation_conflict_content_once")
        ]

    def __str__(self) -> str:
        return str(self.operation)


class RawBatch(AppendOnlyModel):
    """The bytes of a batch in which something could not be stored as an operation."""

    device = models.ForeignKey(Device, models.PROTECT, verbose_name=_("device"))
    body = models.BinaryField()

    class Meta:
        verbose_name = _("raw batch")
        verbose_name_plural = _("raw batches")

    def __str__(self) -> str:
        return f"{self.device} · {timezone.localtime(self.posted_at):%d/%m/%Y %H:%M}"


class Snapshot(models.Model):
    """What was frozen for the tills of a branch: rows, counts and sums of one transaction (H5-H11).

    Served to whoever asks while the branch's feed has nothing newer than its `cursor`; its pages can be read for
    24 hours after it was last served.
    """

    snapshot_id = models.CharField(_("snapshot"), max_length=32, unique=True)
    branch = models.ForeignKey(Branch, models.PROTECT, related_name="snapshots", verbose_name=_("branch"))
    epoch = models.PositiveIntegerField(_("epoch"), default=1)
    business_date = models.DateField(_("business date"))
    page_size = models.PositiveIntegerField(_("rows a page"))
    cursor = models.TextField()
    as_of = models.DateTimeField(_("as of"))
    expires_at = models.DateTimeField(_("expires at"))

    class Meta:
        verbose_name = _("snapshot")
        verbose_name_plural = _("snapshots")
        ordering = ["-as_of"]
        indexes = [models.Index(fields=["branch", "-as_of"])]

    def __str__(self) -> str:
        return self.snapshot_id


class SnapshotPage(models.Model):
    """One page of a snapshot, compressed: all of it but what depends on the device that reads it."""

    snapshot = models.ForeignKey(Snapshot, models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        verbose_name = _("snapshot page")
        verbose_name_plural = _("snapshot pages")
        constraints = [models.UniqueConstraint(fields=["snapshot", "number"], name="snapshot_page_once")]

    def __str__(self) -> str:
        return f"{self.snapshot} · {self.number}"


class SyncRun(models.Model):
    """Each building of a snapshot: when, why, how much, how long, how it ended (the monitor's)."""

    class Why(models.TextChoices):
        DAILY = "daily", _("Daily synchronisation")
        ASKED = "asked", _("Asked for by a till")
        PERSON = "person", _("Asked for by a person")

    class Result(models.TextChoices):
        BUILT = "built", _("Built")
        FAILED = "failed", _("Failed")

    branch = models.ForeignKey(Branch, models.PROTECT, related_name="sync_runs", verbose_name=_("branch"))
    why = models.CharField(_("why"), max_length=10, choices=Why)
    result = models.CharField(_("result"), max_length=10, choices=Result)
    business_date = models.DateField(_("business date"))
    began_at = models.DateTimeField(_("began at"))
    duration_ms = models.PositiveIntegerField(_("duration (ms)"))
    rows = models.PositiveIntegerField(_("rows"), default=0)
    size = models.PositiveIntegerField(_("bytes"), default=0)
    snapshot = models.ForeignKey(
        Snapshot, models.SET_NULL, null=True, blank=True, related_name="runs", verbose_name=_("snapshot")
    )
    error = models.CharField(_("error"), max_length=500, blank=True)
    asked_by = models.CharField(_("asked by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("synchronisation")
        verbose_name_plural = _("synchronisations")
        ordering = ["-began_at", "-pk"]
        indexes = [
            models.Index(fields=["branch", "-began_at"], name="sync_run_newest"),
            models.Index(fields=["branch", "why", "-began_at"], name="sync_run_newest_of_a_kind"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["branch", "business_date"], condition=Q(why="daily", result="built"),
                name="daily_sync_once_a_day",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.branch} · {timezone.localtime(self.began_at):%d/%m/%Y %H:%M}"


class Epoch(models.Model):
    """A life of the database: after a restore a new one begins, because tills may know more than the books do.

    `database` is what the database said of itself; cursors before (`purged_txid`, `purged_id`) lack purged changes.
    """

    number = models.PositiveIntegerField(_("epoch"), primary_key=True)
    key = models.CharField(max_length=16)
    database = models.CharField(max_length=100)
    began_at = models.DateTimeField(_("began at"))
    reason = models.CharField(_("reason"), max_length=200)
    purged_txid = models.BigIntegerField(default=0)
    purged_id = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("epoch")
        verbose_name_plural = _("epochs")

    def __str__(self) -> str:
        return str(self.number)


class ChangeNoun(models.TextChoices):
    INSTALLMENT = "installment"
    CUSTOMER = "customer"
    OPERATION = "operation"
    PARAMETERS = "parameters"
    PAYMENT_METHOD = "payment_method"
    OPERATOR = "operator"
    HOLIDAY = "holiday"


class Change(models.Model):
    """The feed: which row changed, for whom, in which transaction; written by triggers only (`pos_sync.triggers`).

    `branch_id` is whose tills it concerns, `device_id` whose results; without both it concerns all. `was_due` is the
    due date under which a till may hold the installment, null where none can. On SQLite, `txid` is 0.
    """

    id = models.BigAutoField(primary_key=True)
    txid = models.BigIntegerField()
    noun = models.CharField(max_length=20)
    row_id = models.BigIntegerField()
    branch_id = models.BigIntegerField(null=True)
    device_id = models.BigIntegerField(null=True)
    was_due = models.DateField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("change in the books")
        verbose_name_plural = _("changes in the books")
        indexes = [
            models.Index(
                fields=["branch_id", "txid", "id"], condition=Q(branch_id__isnull=False), name="change_branch"
            ),
            models.Index(
                fields=["device_id", "txid", "id"], condition=Q(device_id__isnull=False), name="change_device"
            ),
            models.Index(fields=["txid", "id"], condition=Q(device_id__isnull=True), name="change_company"),
            models.Index(
                fields=["txid", "id"], condition=Q(branch_id__isnull=True, device_id__isnull=True), name="change_common"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.noun} {self.row_id}"
