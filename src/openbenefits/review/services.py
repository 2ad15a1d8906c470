"""What review offers to the faces: pure reads that answer frames, and the acts of an administrator."""

from openbenefits.review.events import event_summary, events_of_client, flagged, schedule_summary

__all__ = ["event_summary", "events_of_client", "flagged", "schedule_summary"]
