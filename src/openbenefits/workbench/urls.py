"""Where each page of the workbench is: the modules below register theirs when they are read."""

from openbenefits.workbench import (
    adhoc,
    batches,
    carriers,
    casework,
    channels,
    controls,
    desks,
    documents,
    filters,
    finalising,
    home,
    matching,
    person,
    platform,
    reconcile,
    rehearsals,
    rehearsals_of_all,
    renewals,
    reports,
    requests,
    runs,
    schedules,
    set_up,
    taking_back,
    work,
)
from openbenefits.workbench.pages import urls

MODULES = (
    *(home, casework, work, person, schedules, finalising, runs, controls, taking_back),
    *(rehearsals, rehearsals_of_all, channels),
    *(
        desks,
        reconcile,
        carriers,
        platform,
        reports,
        adhoc,
        documents,
        batches,
        renewals,
        matching,
        set_up,
        requests,
        filters,
    ),
)
"""In the order in which the navigation shows their pages within a section."""

app_name = "workbench"
urlpatterns = urls()
