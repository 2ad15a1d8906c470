"""Where each page of the workbench is: the modules below register theirs when they are read."""

from openbenefits.workbench import (
    controls,
    filters,
    finalising,
    home,
    rehearsals,
    requests,
    runs,
    schedules,
    taking_back,
    work,
)
from openbenefits.workbench.desks import approvals, evidence, imports, papers, trail, users
from openbenefits.workbench.pages import urls

MODULES = (
    *(home, work, schedules, finalising, runs, controls, taking_back, rehearsals),
    *(imports, evidence, papers, approvals, users, trail),
    *(requests, filters),
)
"""In the order in which the navigation shows their pages within a section."""

app_name = "workbench"
urlpatterns = urls()
