"""What review offers to the faces: pure reads that answer frames, and the acts of an administrator."""

from openbenefits.review.events import event_summary, events_of_client, flagged, schedule_summary
from openbenefits.review.work import work_list
from openbenefits.review.workflows import workflow_lists

__all__ = ["event_summary", "events_of_client", "flagged", "schedule_summary", "work_list", "workflow_lists"]
