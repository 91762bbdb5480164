"""Groups and their permissions (G.19), synced after migrate: permission rows do not exist while migrations run."""

from typing import Any

FINANCEIRO = "Financeiro"
TESOURARIA = "Tesouraria"
GERENCIA = "Gerência"
SUPORTE = "Suporte"

_CADASTROS = ("branch", "city", "product", "customer", "holiday", "ledgeraccount", "historycode", "documenttype",
              "paymentmethod", "branchpaymentmethod", "parameterset")  # fmt: skip

GRANTS: dict[str, set[str]] = {
    FINANCEIRO: {
        "receivables.add_title",
        "receivables.change_title",
        "receivables.settle_title",
        "receivables.reverse_receipt",
        "receivables.reissue_bank_collection",
        "receivables.add_customer",
        "receivables.change_customer",
    },
    TESOURARIA: {
        "receivables.settle_title",
        "receivables.reverse_receipt",
        "receivables.reverse_receipt_closed_cash",
        "receivables.close_cash",
        "receivables.use_credit",
        "receivables.add_cashmovement",
    },
    GERENCIA: {
        "receivables.add_title",
        "receivables.change_title",
        "receivables.settle_title",
        "receivables.reverse_receipt",
        "receivables.reverse_receipt_closed_cash",
        "receivables.reverse_without_debit",
        "receivables.reissue_bank_collection",
        "receivables.grant_discount_above_limit",
        "receivables.close_cash",
        "receivables.reopen_cash",
        "receivables.use_credit",
        "receivables.resolve_divergences",
        "receivables.view_audit_log",
        "receivables.manage_people",
        "receivables.add_cashmovement",
        *(f"receivables.{verb}_{noun}" for verb in ("add", "change") for noun in _CADASTROS),
    },
    SUPORTE: {"receivables.view_audit_log"},
}
"""Each app may add its own permissions to a group in its `AppConfig.ready`."""


def sync(**_signal: Any) -> None:
    """Give each group exactly its permissions, and everybody the right to look."""
    from django.contrib.auth.models import Group, Permission

    ours = Permission.objects.filter(content_type__app_label__in=["receivables", "pos_sync"])
    known = {f"{p.content_type.app_label}.{p.codename}": p for p in ours.select_related("content_type")}
    views = {name for name in known if name.split(".")[1].startswith("view_") and not name.endswith("audit_log")}
    for name, grants in GRANTS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set([known[grant] for grant in (grants | views) if grant in known])
