"""Pages about people: whom to find, one person's story, what may be done about an event, elections."""

from openbenefits.workbench.person import (
    activity,
    carriers,
    elections,
    eligibility,
    event,
    files,
    lists,
    operations,
    participant,
    people,
    person_operations,
    proposals,
    providers,
    receivers,
)

__all__ = [
    "activity",
    "carriers",
    "elections",
    "eligibility",
    "event",
    "files",
    "lists",
    "operations",
    "participant",
    "people",
    "person_operations",
    "proposals",
    "providers",
    "receivers",
]
