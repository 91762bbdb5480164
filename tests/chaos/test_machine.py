"""Whatever tills, people and faults do, in whatever order: the model foretells it, and the books are clean."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.machine import BooksAndTills

pytestmark = pytest.mark.django_db

SHORT = settings(
    max_examples=12, stateful_step_count=14, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def test_every_cent_is_where_the_model_says_after_every_step():
    """Short and always the same in CI; `--hypothesis-profile=chaos` walks far, and elsewhere each time."""
    is_long = settings.get_current_profile_name() == "chaos"
    run_state_machine_as_test(BooksAndTills, settings=settings.get_profile("chaos") if is_long else SHORT)
