"""Limits of runs: each states something, and no two speak of the same schedule from the same day."""

from collections.abc import Iterator

from openbenefits.programs.audit.context import Audited, numbered
from openbenefits.programs.findings import Finding

STATED = ("terminations", "dropped_dependents", "dollars_per_pay", "events_of_an_import")


def run_limits(audited: Audited) -> Iterator[Finding]:
    """Find limits of runs that limit nothing, name no schedule there is, or contradict another."""
    client = audited.client
    if client is None:
        return
    schedules = {part.code for part in client.schedules}
    seen = set()
    for path, part in numbered(client.run_limits, "run_limits"):
        if all(getattr(part, name) is None for name in STATED):
            expected = "at least one limit: " + ", ".join(STATED)
            yield audited.finding(path, "empty_run_limit", expected, "none", "State one, or leave it out.")
        if part.schedule is not None and part.schedule not in schedules:
            expected, found = "a schedule of the client", part.schedule
            yield audited.finding(path, "limit_schedule", expected, found, "Correct the code.")
        if (part.schedule, part.valid_from) in seen:
            expected = "one limit of a schedule from a day"
            found = f"another of {part.schedule or 'every schedule'} from {part.valid_from}"
            yield audited.finding(path, "repeated_run_limit", expected, found, "Leave one out.")
        seen.add((part.schedule, part.valid_from))
