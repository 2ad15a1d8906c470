"""Where each page of the workbench is: the modules below register theirs when they are read."""

from openbenefits.workbench import filters, home, requests, set_up
from openbenefits.workbench.pages import urls

MODULES = (filters, home, requests, set_up)

app_name = "workbench"
urlpatterns = urls()
