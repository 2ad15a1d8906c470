"""Where each page of the workbench is: the modules below register theirs when they are read."""

from openbenefits.workbench import adhoc, batches, documents, filters, home, reports, requests
from openbenefits.workbench.pages import urls

MODULES = (filters, home, reports, documents, batches, adhoc, requests)

app_name = "workbench"
urlpatterns = urls()
