"""Snapshots and synchronisations: what tills were given, when and why it was built."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from pos_sync.models import Snapshot, SyncRun
from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.tables import chip


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    branch_lookups = ("branch",)
    list_display = ("as_of", "branch", "business_date", "page_size", "expires_at", "snapshot_id")
    list_filter = ("branch",)
    list_select_related = ("branch",)
    fields = (("snapshot_id", "branch", "epoch"), ("business_date", "page_size"), ("as_of", "expires_at"))


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    branch_lookups = ("branch",)
    list_display = ("began_at", "branch", "why", "told_result", "rows", "size", "duration_ms", "error")
    list_filter = ("result", "why", "branch")
    list_select_related = ("branch",)
    fields = (("began_at", "branch", "business_date"), ("why", "told_result", "error"), ("rows", "size", "duration_ms"),
              "snapshot")  # fmt: skip

    @admin.display(description=_("result"), ordering="result")
    def told_result(self, run: SyncRun) -> SafeString:
        tone = "applied" if run.result == SyncRun.Result.BUILT else "quarantined"
        return chip(tone, run.get_result_display())
