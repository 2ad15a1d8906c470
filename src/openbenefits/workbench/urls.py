"""Where each page of the workbench is: the modules below register theirs when they are read."""

from openbenefits.workbench import home
from openbenefits.workbench.pages import urls

MODULES = (home,)

app_name = "workbench"
urlpatterns = urls()
