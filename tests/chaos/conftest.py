"""Full buckets and no broker, as at the tills' door; `--hypothesis-profile=chaos` makes the walks long."""

from hypothesis import settings

from tests.pos_sync.conftest import fresh_neighbours

__all__ = ["fresh_neighbours"]

settings.register_profile("chaos", max_examples=100, stateful_step_count=50, deadline=None, print_blob=True)
