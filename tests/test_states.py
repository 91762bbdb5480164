"""Every status of every noun against every move: legal ones lead where the design says, others change nothing."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product

import pytest

from pos_sync.models import Device, DeviceState, Operation, OperationState
from receivables.domain.charges import Standing
from receivables.domain.errors import MoveRefused
from receivables.management.commands.write_states import DOCUMENT, nouns, states_document, transitions
from receivables.models import (
    BankSlip,
    Branch,
    CashDay,
    CashDayStatus,
    CashMovement,
    CashSession,
    Divergence,
    DivergenceStatus,
    Installment,
    InstallmentStatus,
    LedgerAccount,
    MovementStatus,
    Outcome,
    SessionStatus,
    SlipStatus,
    Title,
    TitleStatus,
)
from receivables.services.moves import run

DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
BRANCH = Branch(code="01", name="Matriz")
ACCOUNT = LedgerAccount(short_code="1", name="Caixa", branch=BRANCH)
TITLE = Title(document_number="FAT-1", installment_count=1)
LEFT = Standing(
    balance=Decimal("40.00"), due_date=DAY, interest_from=DAY, fine_charged=False, carried_charges=Decimal(0)
)

# What the design allows, noun by noun: move → (from, to). Whatever is not here must be refused.
T, P, D = TitleStatus, InstallmentStatus, DeviceState
UNDECIDED = {OperationState.PENDING, OperationState.WAITING}
LEGAL = {
    Title: {
        "settle": ({T.PENDING, T.PARTIALLY_SETTLED}, T.SETTLED),
        "settle_part": ({T.PENDING, T.PARTIALLY_SETTLED}, T.PARTIALLY_SETTLED),
        "reopen": ({T.SETTLED, T.PARTIALLY_SETTLED}, T.PENDING),
        "reopen_part": ({T.SETTLED, T.PARTIALLY_SETTLED}, T.PARTIALLY_SETTLED),
        "cancel": ({T.PENDING}, T.CANCELLED),
    },
    Installment: {
        "settle": ({P.PENDING, P.PARTIALLY_SETTLED}, P.SETTLED),
        "settle_part": ({P.PENDING, P.PARTIALLY_SETTLED}, P.PARTIALLY_SETTLED),
        "reopen": ({P.SETTLED, P.PARTIALLY_SETTLED}, P.PENDING),
        "reopen_part": ({P.SETTLED, P.PARTIALLY_SETTLED}, P.PARTIALLY_SETTLED),
    },
    BankSlip: {
        "supersede": ({SlipStatus.ISSUED}, SlipStatus.SUPERSEDED),
        "pay": ({SlipStatus.ISSUED}, SlipStatus.PAID),
    },
    CashMovement: {"reverse": ({MovementStatus.POSTED}, MovementStatus.REVERSED)},
    CashDay: {
        "close": ({CashDayStatus.OPEN}, CashDayStatus.CLOSED),
        "reopen": ({CashDayStatus.CLOSED}, CashDayStatus.OPEN),
    },
    CashSession: {"close": ({SessionStatus.OPEN}, SessionStatus.CLOSED)},
    Divergence: {
        "assign": ({DivergenceStatus.OPEN}, DivergenceStatus.OPEN),
        "propose": ({DivergenceStatus.OPEN}, DivergenceStatus.OPEN),
        "resolve": ({DivergenceStatus.OPEN}, DivergenceStatus.RESOLVED),
    },
    Device: {
        "suspend": ({D.ACTIVE}, D.SUSPENDED),
        "revoke": ({D.ACTIVE, D.SUSPENDED, D.REPLACED}, D.REVOKED),
        "activate": ({D.SUSPENDED, D.REVOKED}, D.ACTIVE),
        "replace": ({D.ACTIVE, D.SUSPENDED}, D.REPLACED),
    },
    Operation: {
        "wait": (UNDECIDED, OperationState.WAITING),
        "apply": (UNDECIDED, OperationState.APPLIED),
        "review": (UNDECIDED, OperationState.REVIEW),
        "hold": (UNDECIDED, OperationState.HELD),
        "quarantine": (UNDECIDED, OperationState.QUARANTINED),
        "retry": ({OperationState.QUARANTINED}, OperationState.PENDING),
        "resolve": (
            {OperationState.WAITING, OperationState.REVIEW, OperationState.HELD, OperationState.QUARANTINED},
            OperationState.RESOLVED,
        ),
    },
}
MADE = {
    Title: {"document_number": "FAT-1"},
    Installment: {"title": TITLE, "number": 1},
    BankSlip: {"our_number": "123"},
    CashMovement: {"account": ACCOUNT, "cash_date": DAY, "amount": Decimal("10.00")},
    CashDay: {"account": ACCOUNT, "day": DAY},
    CashSession: {"branch": BRANCH, "station": "03", "opened_at": NOW},
    Divergence: {"reason": "already_settled"},
    Device: {"branch": BRANCH, "till": "03"},
    Operation: {"op_id": "op-1"},
}
GIVEN = {
    (Title, "settle"): {"received_on": DAY, "cash_date": DAY, "received_amount": Decimal("10.00")},
    (Title, "settle_part"): {"cash_date": DAY, "received_amount": Decimal("10.00")},
    (Title, "reopen_part"): {"cash_date": DAY, "received_amount": Decimal("10.00")},
    (Title, "cancel"): {"reason": "Emitido em duplicidade"},
    **{(Installment, move): {"standing": LEFT} for move in LEGAL[Installment]},
    (CashSession, "close"): {"at": NOW},
    (Divergence, "assign"): {"owner_id": 1},
    (Divergence, "propose"): {"outcome": Outcome.APPROVED, "person_id": 1},
    (Divergence, "resolve"): {
        "outcome": Outcome.REFUNDED,
        "resolution": "Devolvido ao cliente",
        "person_id": 1,
        "at": NOW,
    },
    **{(Device, move): {"reason": "Perdido"} for move in ("suspend", "revoke", "activate")},
    (Device, "replace"): {"at": NOW},
}
STATUS_OF = dict(nouns())
PAIRS = [
    (model, status, move)
    for model, moves in LEGAL.items()
    for status, move in product([value for value, _ in STATUS_OF[model].choices], moves)
]


def named(part):
    return part.__name__ if isinstance(part, type) else str(part)


def values(row):
    return {field.attname: row.__dict__.get(field.attname) for field in row._meta.concrete_fields}


def in_status(model, status):
    """A row in memory; the constructor is the one place where a status may be given."""
    return model(**MADE[model], **{STATUS_OF[model].name: status})


@pytest.mark.parametrize(
    ("model", "status", "move"), [pair for pair in PAIRS if pair[1] in LEGAL[pair[0]][pair[2]][0]], ids=named
)
def test_a_legal_move_leads_to_its_target(model, status, move):
    row = in_status(model, status)
    run(getattr(row, move), **GIVEN.get((model, move), {}))
    assert getattr(row, STATUS_OF[model].name) == LEGAL[model][move][1]


@pytest.mark.parametrize(
    ("model", "status", "move"), [pair for pair in PAIRS if pair[1] not in LEGAL[pair[0]][pair[2]][0]], ids=named
)
def test_any_other_move_is_refused_and_changes_nothing(model, status, move):
    row = in_status(model, status)
    before = values(row)
    with pytest.raises(MoveRefused) as refusal:
        run(getattr(row, move), **GIVEN.get((model, move), {}))
    assert (refusal.value.code, refusal.value.facts["verb"], refusal.value.facts["status"]) == (
        "move_refused", move, status
    )  # fmt: skip
    assert values(row) == before


def test_every_noun_and_every_move_of_the_models_is_walked():
    declared = {model: {transition.name for transition in transitions(model, field)} for model, field in nouns()}
    assert declared == {model: set(moves) for model, moves in LEGAL.items()}


@pytest.mark.parametrize("model", LEGAL, ids=named)
def test_a_status_is_not_assigned(model):
    row, name = in_status(model, STATUS_OF[model].default), STATUS_OF[model].name
    with pytest.raises(AttributeError, match="Direct"):
        setattr(row, name, STATUS_OF[model].default)


def test_the_document_of_states_is_what_the_models_say():
    assert DOCUMENT.read_text(encoding="utf-8") == states_document(), "run: manage.py write_states"
