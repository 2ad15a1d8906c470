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
from openbenefits.review.work import work_list
from openbenefits.review.workflows import workflow_lists

__all__ = [
    "Asked",
    "ControlRefused",
    "DemandRefused",
    "Done",
    "actions_of",
    "change_control",
    "drill_down",
    "eligibility_debugging",
    "event_controls",
    "event_summary",
    "events_of_client",
    "flagged",
    "issue_statement",
    "passive_events",
    "prepare_activity",
    "prepare_event",
    "reprocess_event",
    "schedule_summary",
    "settle_event",
    "work_list",
    "workflow_lists",
]
