"""What review offers to the faces: reads that answer frames, and the acts of an administrator."""

from openbenefits.review.controls import ControlRefused, change_control, event_controls
from openbenefits.review.events import event_summary, events_of_client, flagged, schedule_summary
from openbenefits.review.work import work_list
from openbenefits.review.workflows import workflow_lists

__all__ = [
    "ControlRefused",
    "change_control",
    "event_controls",
    "event_summary",
    "events_of_client",
    "flagged",
    "schedule_summary",
    "work_list",
    "workflow_lists",
]
