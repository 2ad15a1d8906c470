"""Carrier enrolment: partners, feeds, files, answers, worklists, where one person's cover stands."""

from openbenefits.workbench.carriers import home, partners

# isort: split
# the navigation shows pages in the order in which they are read
from openbenefits.workbench.carriers import answers, feeds, file_acts, files, places, portal

__all__ = ["answers", "feeds", "file_acts", "files", "home", "partners", "places", "portal"]
