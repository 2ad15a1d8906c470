"""Balances kept for the first page: what the ledger says at night, until the next night looks."""

from datetime import date

import pytest
from django.db import connection

from .test_ledger import FIRST, ON, allow, ann, balances, correct, take, write

__all__ = ["ann"]

LATER = date(2026, 2, 3)


def counted(world, on):
    """Let a night look; answer what Today counts."""
    from openbenefits.background.nightly import look_at_balances
    from openbenefits.review.services import today
    from openbenefits.workforce.models import Client

    done = look_at_balances(connection, Client.objects.filter(pk=world.client_id), on=on)
    (row,) = today(connection, [world.client_id], as_of=on).clients.to_dicts()
    assert done == {"acme": row["balances"]}
    return row["balances"], row["balances_on"]


@pytest.mark.usefixtures("ann")
def test_a_night_keeps_what_is_left_and_the_next_one_forgets_what_is_not(world, tmp_path):
    from openbenefits.payroll.open_balances import open_balances

    assert open_balances(connection, world.client_id)[0] is None
    assert counted(world, date(2026, 1, 1)) == (0, date(2026, 1, 1)), "nothing was reported yet"
    take(world, write(tmp_path / "a.csv", ("0007", "10", "B", FIRST, "0")))
    assert counted(world, ON) == (1, ON)
    looked_on, kept = open_balances(connection, world.client_id)
    left = balances(world).filter(balances(world)["correct_cents"] != 0)
    columns = ["plan_type", "kind", "owed_cents", "taken_cents", "correct_cents", "employee_number"]
    assert looked_on == ON
    assert kept.height > 1
    assert kept.select(columns).rows() == left.select(columns).rows()

    allow(world)
    correct(world)
    assert counted(world, LATER) == (0, LATER)
    assert open_balances(connection, world.client_id)[1].is_empty()
