"""A till made of HTTP and the protocol alone: pairs, downloads, receives offline, uploads over a bad line, compares.

Nothing here knows the server's code: standard library only, so that what it proves is proved from outside (H11-H23).
"""

from pos_sync.simulator.charges import (
    Charges,
    Standing,
    Terms,
    charges_due,
    discount_limit,
    half_up,
    impute,
    next_business_day,
)
from pos_sync.simulator.clock import TillClock, uuid7
from pos_sync.simulator.errors import (
    CallRefused,
    ContractBroken,
    JournalDamaged,
    JournalForeign,
    NothingToReceive,
    OfflineLimitReached,
    ServerSilent,
    SimulationStopped,
)
from pos_sync.simulator.journal import Journal
from pos_sync.simulator.journey import run
from pos_sync.simulator.line import Answer, FaultyLine, Line, LineDown, Request, TillClient
from pos_sync.simulator.report import Report
from pos_sync.simulator.scenario import Scenario
from pos_sync.simulator.snapshot import Installment, PaymentMethod, Snapshot, download_snapshot
from pos_sync.simulator.till import Identity, OfflineTill, PaymentLine, Tender
from pos_sync.simulator.upload import Uploader

__all__ = [
    "Answer",
    "CallRefused",
    "Charges",
    "ContractBroken",
    "FaultyLine",
    "Identity",
    "Installment",
    "Journal",
    "JournalDamaged",
    "JournalForeign",
    "Line",
    "LineDown",
    "NothingToReceive",
    "OfflineLimitReached",
    "OfflineTill",
    "PaymentLine",
    "PaymentMethod",
    "Report",
    "Request",
    "Scenario",
    "ServerSilent",
    "SimulationStopped",
    "Snapshot",
    "Standing",
    "Tender",
    "Terms",
    "TillClient",
    "TillClock",
    "Uploader",
    "charges_due",
    "discount_limit",
    "download_snapshot",
    "half_up",
    "impute",
    "next_business_day",
    "run",
    "uuid7",
]
