"""Where each page of the workbench is: the modules below register theirs when they are read."""

from openbenefits.workbench import filters, home, requests
from openbenefits.workbench.pages import urls
from openbenefits.workbench.person import (
    activity,
    elections,
    eligibility,
    event,
    files,
    leaves,
    operations,
    participant,
    people,
    proposals,
)

MODULES = (
    *(filters, home, requests),
    *(people, participant, event, operations, eligibility, activity, proposals, elections, files, leaves),
)

app_name = "workbench"
urlpatterns = urls()
