"""What reports offer to the faces: counts, reports, statements."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from openbenefits.reports import frames, rules
from openbenefits.reports.issuing import (
    StatementResult,
    issue_confirmations,
    issue_enrollment_statements,
    reprint,
)
from openbenefits.reports.names import load_schedules
from openbenefits.reports.reporting import (
    COUNTING_TO_TODAY,
    OF_OPEN_ENROLLMENT,
    REPORTS,
    PagedReport,
    Report,
    ReportKind,
    ReportRefused,
    Selection,
    find_schedules,
    make_report,
    page_report,
    report_tables,
    save_report,
)

__all__ = [
    "COUNTING_TO_TODAY",
    "OF_OPEN_ENROLLMENT",
    "REPORTS",
    "PagedReport",
    "Report",
    "ReportKind",
    "ReportRefused",
    "Selection",
    "StatementResult",
    "find_schedules",
    "issue_confirmations",
    "issue_enrollment_statements",
    "make_report",
    "page_report",
    "report_tables",
    "reprint",
    "save_report",
    "schedule_summary",
    "status_counts",
]


def status_counts(
    connection: Any, schedule_ids: Sequence[int] | None = None, *, run_id: int | None = None
) -> pl.DataFrame:
    """Count who stands at each process status, per schedule, and who passed through it in a run.

    Shapes: as `rules.count_statuses`; None counts all schedules.
    """
    standing = frames.load_standing(connection, schedule_ids)
    passed = None if run_id is None else frames.load_passed(connection, schedule_ids, run_id)
    return rules.count_statuses(standing, passed, load_schedules(connection))


def schedule_summary(connection: Any, schedule_ids: Sequence[int] | None = None) -> pl.DataFrame:
    """Count each schedule's events by process status, event status and flag; say what percentage is final."""
    return rules.summarise_schedules(status_counts(connection, schedule_ids))
