"""What review offers to the faces: reads that answer frames, and the acts of an administrator."""

from openbenefits.review.controls import ControlRefused, change_control, event_controls
from openbenefits.review.debugging import eligibility_debugging, passive_events
from openbenefits.review.demand import (
    Asked,
    DemandRefused,
    Done,
    actions_of,
    issue_statement,
    prepare_activity,
    prepare_event,
    reprocess_event,
    settle_event,
)
from openbenefits.review.drilldown import drill_down
from openbenefits.review.events import event_summary, events_of_client, flagged, schedule_summary
from openbenefits.review.today import (
    Defaults,
    Progress,
    Today,
    defaults_of,
    listed_events,
    progress_of,
    today,
)
from openbenefits.review.work import work_list
from openbenefits.review.workflows import workflow_lists

__all__ = [
    "Asked",
    "ControlRefused",
    "Defaults",
    "DemandRefused",
    "Done",
    "Progress",
    "Today",
    "actions_of",
    "change_control",
    "defaults_of",
    "drill_down",
    "eligibility_debugging",
    "event_controls",
    "event_summary",
    "events_of_client",
    "flagged",
    "issue_statement",
    "listed_events",
    "passive_events",
    "prepare_activity",
    "prepare_event",
    "progress_of",
    "reprocess_event",
    "schedule_summary",
    "settle_event",
    "today",
    "work_list",
    "workflow_lists",
]
