"""Where each page of the workbench is: the modules below register theirs when they are read."""

from openbenefits.workbench import (
    adhoc,
    batches,
    controls,
    documents,
    filters,
    finalising,
    home,
    rehearsals,
    rehearsals_of_all,
    reports,
    requests,
    runs,
    schedules,
    set_up,
    taking_back,
    work,
)
from openbenefits.workbench.desks import (
    ages,
    approvals,
    cobra,
    evidence,
    imports,
    leaves,
    papers,
    trail,
    users,
)
from openbenefits.workbench.pages import urls
from openbenefits.workbench.person import (
    activity,
    elections,
    eligibility,
    event,
    files,
    leaves,
    lists,
    operations,
    participant,
    people,
    person_operations,
    proposals,
)

MODULES = (
    *(home, work, schedules, finalising, runs, controls, taking_back, rehearsals, rehearsals_of_all),
    *(imports, evidence, papers, leaves, cobra, ages, approvals, users, trail),
    *(reports, adhoc, documents, batches),
    *(home, work, schedules, finalising, runs, controls, taking_back, rehearsals),
    *(
        people,
        elections,
        lists,
        files,
        participant,
        event,
        operations,
        person_operations,
        eligibility,
        leaves,
    ),
    *(activity, proposals),
    *(imports, approvals, users, trail),
    *(reports, documents, batches),
    *(set_up, requests, filters),
)
"""In the order in which the navigation shows their pages within a section."""

app_name = "workbench"
urlpatterns = urls()
