"""One run of everything due is as many runs of one event each (users-want 1, rulings §1.2 and §1.3)."""

from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.laws.test_kernel_agrees import IS_FUZZING

from openbenefits.core.codes import Level

from .single import assert_one_run_is_as_many
from .test_histories import SUMMER, changes, world
from .twins import record
from .worlds import LATER

__all__ = ["world"]

LAW = settings(
    max_examples=20 if IS_FUZZING else 3,
    deadline=None,
    derandomize=not IS_FUZZING,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@LAW
@given(changes(1, most=5), changes(11, most=5), st.booleans())
def test_one_run_is_as_many_runs_of_one_event_each(
    fresh_database, world, first, later, is_finalizing
) -> None:
    employer, twins = world
    order = employer.order(
        schedule_id=employer.event_maintenance,
        as_of=SUMMER,
        through=Level.ELECTIONS,
        is_finalizing=is_finalizing,
    )
    with transaction.atomic():
        for change in first:
            record(twins, change, of="both", now=LATER)
        runs = assert_one_run_is_as_many(fresh_database, employer, order)
        assert runs >= 2, "the last of many runs finds nothing to do"
        for change in later:  # some of them earlier than what waits by now
            record(twins, change, of="tried", now=LATER)
        assert_one_run_is_as_many(fresh_database, employer, order)
        transaction.set_rollback(True)
