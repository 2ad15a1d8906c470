"""Carrier enrolment: partners, feeds, files, answers, worklists, where one person's cover stands."""

from openbenefits.workbench.carriers import home, partners

# isort: split
# the navigation shows pages in the order in which they are read
from openbenefits.workbench.carriers import (
    answers,
    audits,
    feeds,
    file_acts,
    files,
    money,
    opening,
    places,
    portal,
    retelling,
    standing,
)

__all__ = [
    "answers",
    "audits",
    "feeds",
    "file_acts",
    "files",
    "home",
    "money",
    "opening",
    "partners",
    "places",
    "portal",
    "retelling",
    "standing",
]
