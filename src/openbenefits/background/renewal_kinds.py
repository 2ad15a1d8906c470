"""What is due of batches and plans, asked for on a page: as the night does it."""

from collections.abc import Mapping
from typing import Any

from openbenefits.accounts import clock
from openbenefits.background.services import Work
from openbenefits.renewals.jobs import run_due


def renewal_jobs(work: Work) -> Mapping[str, Any]:
    """Do what is due today; answer how much was done, and what is held by what."""
    done = run_due(work.connection, clock.today(), author=work.request.author, now=work.now)
    held = [f"{one.record}: {one.told}" for one in done if one.is_held]
    return {"done": len(done) - len(held), "held": held}
