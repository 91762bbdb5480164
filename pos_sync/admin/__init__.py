"""Caixas (PDV) in the back office: one file per noun; no rule lives here: a page asks, one service acts."""

from pos_sync import import_page, trail
from pos_sync.admin import device, divergence, menu, monitor, operation, operator, pairing, policy, snapshot

__all__ = [
    "device",
    "divergence",
    "import_page",
    "menu",
    "monitor",
    "operation",
    "operator",
    "pairing",
    "policy",
    "snapshot",
    "trail",
]
