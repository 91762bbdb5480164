"""through_seq, applied_above, missing: what has arrived and is decided (contract, GET /changes, POST /operations)."""

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pos_sync.models import UNDECIDED, Device, DeviceEpoch, Operation, OperationArrival, OperationState
from pos_sync.services.sequence import first_seq, read_progress, remember_through
from receivables.models import SYSTEM
from tests.make import make_branch

pytestmark = pytest.mark.django_db


@pytest.fixture
def device():
    device = Device(branch=make_branch(), till="03", install_id="x")
    device.save_as(SYSTEM)
    DeviceEpoch.objects.create(device=device, epoch=1)
    return device


def arrive(device, *seqs, state=OperationState.APPLIED, epoch=1, stored=True):
    """Let operations arrive in a state, or be refused."""
    begin = Operation.objects.count()
    if stored:
        rows = Operation.objects.bulk_create(
            Operation(
                op_id=f"op-{begin + place}", device=device, judged_as=device, epoch=epoch, seq=seq, kind="cash_in",
                content_hash="", raw="{}", state=state,
            )
            for place, seq in enumerate(seqs)
        )  # fmt: skip
    OperationArrival.objects.bulk_create(
        OperationArrival(device=device, epoch=epoch, seq=seq, operation=rows[place] if stored else None)
        for place, seq in enumerate(seqs)
    )


def progress(device, epoch=1):
    read = read_progress(device_id=device.pk, epoch=epoch)
    return read.through_seq, read.applied_above, read.missing


def test_nothing_came(device):
    assert progress(device) == (0, [], [])


def test_an_unbroken_run_is_through(device):
    arrive(device, 1, 2, 3)
    assert progress(device) == (3, [], [])


def test_a_gap_stops_it_and_is_missing(device):
    arrive(device, 1, 2, 4, 5, 8)
    assert progress(device) == (2, [4, 5, 8], [3, 6, 7])


def test_what_came_before_the_first_is_missing(device):
    arrive(device, 3)
    assert progress(device) == (0, [3], [1, 2])


@pytest.mark.parametrize("state", UNDECIDED)
def test_what_is_undecided_stops_it_and_is_not_missing(device, state):
    arrive(device, 1, 3)
    arrive(device, 2, state=state)
    assert progress(device) == (1, [3], [])


@pytest.mark.parametrize("state", [state for state in OperationState if state not in UNDECIDED])
def test_every_decided_state_counts(device, state):
    arrive(device, 1, state=state)
    assert progress(device) == (1, [], [])


def test_what_was_refused_counts(device):
    arrive(device, 1, stored=False)
    arrive(device, 2)
    assert progress(device) == (2, [], [])


def test_of_two_operations_with_one_seq_the_undecided_one_stops_it(device):
    arrive(device, 1, 1)
    arrive(device, 1, state=OperationState.PENDING)
    assert progress(device) == (0, [], [])


def test_a_seq_that_two_operations_brought_is_listed_once(device):
    arrive(device, 2, 2)
    assert progress(device) == (0, [2], [1])


def test_an_epoch_begins_where_the_till_says(device):
    DeviceEpoch.objects.create(device=device, epoch=2, first_seq=58)
    assert progress(device, epoch=2) == (0, [], [])
    arrive(device, 60, epoch=2)
    assert progress(device, epoch=2) == (0, [60], [58, 59])
    arrive(device, 58, 59, epoch=2)
    assert progress(device, epoch=2) == (60, [], [])
    assert first_seq(device_id=device.pk, epoch=2) == 58


def test_epochs_are_counted_apart(device):
    arrive(device, 1, 2)
    arrive(device, 1, epoch=2)
    assert (progress(device)[0], progress(device, epoch=2)[0]) == (2, 1)


def test_it_never_falls(device):
    arrive(device, 1, 2, 3)
    remember_through(device_id=device.pk, epoch=1, through_seq=3)
    remember_through(device_id=device.pk, epoch=1, through_seq=2)
    Operation.objects.filter(seq=2).update(state=OperationState.PENDING)
    assert progress(device) == (3, [], [])


def test_lists_end_at_a_thousand(device):
    arrive(device, *range(3001, 5000, 2))
    through, applied_above, missing = progress(device)
    assert (through, len(applied_above), applied_above[-1]) == (0, 1000, 4999)
    assert missing == list(range(1, 1001))


def test_a_gap_of_any_width_is_listed_from_its_beginning(device):
    arrive(device, 1, 2**53)
    assert progress(device) == (1, [2**53], list(range(2, 1002)))


def test_it_agrees_with_counting_one_by_one(device):
    rng = random.Random(20261123)
    for round_ in range(20):
        epoch = round_ + 1
        came = {seq: rng.choice(["applied", "pending", "waiting", "review"]) for seq in rng.sample(range(1, 30), 22)}
        for state in set(came.values()):
            arrive(device, *[seq for seq, its in came.items() if its == state], state=state, epoch=epoch)
        decided = {seq for seq, state in came.items() if state not in UNDECIDED}
        through = next(seq for seq in range(31) if seq + 1 not in decided)
        above = sorted(seq for seq in decided if seq > through)
        missing = [seq for seq in range(1, max(came)) if seq not in came]
        assert progress(device, epoch=epoch) == (through, above, missing), came


def test_a_long_sequence_is_read_in_as_many_statements_as_a_short_one(device):
    arrive(device, 1)
    with CaptureQueriesContext(connection) as few:
        assert progress(device) == (1, [], [])
    arrive(device, *range(2, 2_001))
    with CaptureQueriesContext(connection) as many:
        assert progress(device) == (2_000, [], [])
    assert len(few) == len(many) == 6
