"""The tills' section of the menu, and the words that screens of the ledger show for what tills do."""

from django.utils.translation import gettext_lazy as _

from pos_sync import words
from pos_sync.models import DeviceState, OperationState
from receivables.admin.explain import MOVES, WORDS
from receivables.admin.menu import MENU, PARAMETERS, Entry, Section

MENU.append(Section(70, _("Tills (POS)"), [
    Entry(_("Monitor"), page="monitor"),
    Entry(_("Tills"), "pos_sync_device"),
    Entry(_("Operators"), "pos_sync_tilloperator"),
    Entry(_("Pairing codes"), "pos_sync_pairingcode"),
    Entry(_("Operations received"), "pos_sync_operation"),
    Entry(_("Import operations"), page="import_operations"),
    Entry(_("Copies with other content"), "pos_sync_operationconflict"),
    Entry(_("Batches kept raw"), "pos_sync_rawbatch"),
    Entry(_("Synchronisations"), "pos_sync_syncrun"),
    Entry(_("Snapshots"), "pos_sync_snapshot"),
], key="v"))  # fmt: skip
PARAMETERS.entries.append(Entry(_("Till policies"), "pos_sync_tillpolicy"))

WORDS.update({choice.value: choice.label for states in (DeviceState, OperationState) for choice in states})
MOVES.update(words.MOVES)
