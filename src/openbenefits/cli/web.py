"""The status page of `openbenefits serve`: schedules and runs, and nothing that names anybody."""

from typing import Any

from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.urls import path

from openbenefits.reports.services import schedule_summary
from openbenefits.runs.models import Run

RUNS_SHOWN = 20

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>openbenefits</title><style>
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2733; margin: 2rem auto; max-width: 70rem;
 padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #d5dbe3 }
td.n, th.n { text-align: right } caption { text-align: left; font-weight: 600; padding: .5rem 0 }
</style></head><body>
<h1>openbenefits</h1>
<p>Status only, for now. The administrators' workbench comes later.</p>
<table><caption>Schedules</caption>
<tr><th>Client</th><th>Schedule</th><th class="n">Events</th><th class="n">Open</th><th class="n">Closed</th>
<th class="n">Final</th></tr>
{% for row in schedules %}<tr><td>{{ row.client }}</td><td>{{ row.schedule_name }}</td>
<td class="n">{{ row.events }}</td><td class="n">{{ row.open }}</td><td class="n">{{ row.closed }}</td>
<td class="n">{{ row.percent_final|default_if_none:"" }} %</td></tr>
{% empty %}<tr><td colspan="6">Nothing has been processed yet.</td></tr>{% endfor %}</table>
<table><caption>Last runs</caption>
<tr><th class="n">Run</th><th>Control</th><th>As of</th><th>Through</th><th>State</th><th>Started</th></tr>
{% for run in runs %}<tr><td class="n">{{ run.id }}</td>
<td>{{ run.run_control|default_if_none:"on demand" }}</td>
<td>{{ run.as_of|date:"Y-m-d" }}</td><td>{{ run.through_level }}</td><td>{{ run.state }}</td>
<td>{{ run.started_at|date:"Y-m-d H:i" }} UTC</td></tr>
{% empty %}<tr><td colspan="6">No run yet.</td></tr>{% endfor %}</table>
</body></html>"""

_template = Engine().from_string(PAGE)


def status(request: HttpRequest) -> HttpResponse:
    """Show how far each schedule is, and the last runs."""
    del request
    rows: dict[str, Any] = {
        "schedules": schedule_summary(connection).to_dicts(),
        "runs": Run.objects.order_by("-id")[:RUNS_SHOWN],
    }
    return HttpResponse(_template.render(Context(rows)))


urlpatterns = [path("", status)]


def application() -> Any:
    """Answer the WSGI application, for a process that has booted."""
    return get_wsgi_application()
