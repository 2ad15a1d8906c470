"""Why coverage begins or ends, in words of `maintenance`: from the event that made a change point.

What an event is follows from set-up: what its class is used for, what it gives under COBRA, the job action
behind it. Codes that say more than that are named here; any other code is "no cause known".
"""

import polars as pl

from openbenefits.core.codes import ActionSource, ChangeKind, CobraCause, EventClassUse

EVENT_KEY = ("client_id", "person_id", "benefit_record", "schedule_id", "event_number")

CLASS_BEGINS = {
    "HIR": "hire",
    "BIR": "birth",
    "ADO": "adoption",
    "ADP": "adoption",
    "MAR": "marriage",
    "DIS": "disability",
}
ACTION_BEGINS = {"HIR": "hire", "REH": "rehire", "RFL": "return from leave", "XFR": "transfer"}
CLASS_ENDS = {"DIV": "divorce", "SEP": "separation", "DEA": "death", "RET": "retirement", "TER": "employment"}
ACTION_ENDS = {
    "RET": "retirement",
    "DEA": "death",
    "LOA": "leave",
    "LAY": "layoff",
    "SUS": "suspended",
    "XFR": "transfer",
}
COBRA_ENDS = {
    str(CobraCause.TERMINATION): "employment",
    str(CobraCause.MISCONDUCT): "dismissed",
    str(CobraCause.HOURS): "hours",
    str(CobraCause.LEAVE): "leave",
    str(CobraCause.DEATH): "death",
    str(CobraCause.DIVORCE): "divorce",
    str(CobraCause.MEDICARE): "ineligible",
    str(CobraCause.CHILD): "over age",
}
SOURCE_BEGINS = {str(ActionSource.ADDRESS): "move"}
SOURCE_ENDS = {str(ActionSource.PASSIVE_BIRTH): "over age"}
JOBS = (str(ActionSource.JOB), str(ActionSource.MULTI_JOB), str(ActionSource.EXPLODED))
OPEN_ENROLMENT, TAKEN_OVER, WAIVED, INELIGIBLE = "open enrolment", "initial", "waived", "ineligible"
CONTINUING = {"retirement": "employment", "transfer": "employment", "suspended": "hours"}
"""What an end is called where coverage goes on under COBRA."""


def causes_of(
    events: pl.DataFrame, classes: pl.DataFrame, reasons: pl.DataFrame, jobs: pl.DataFrame
) -> pl.DataFrame:
    """Say of each event why coverage begins, and why it ends, by it: EVENT_KEY, begins_by, ends_by.

    Shapes:  events has EVENT_KEY, event_class_id, event_on, source; classes has event_class_id, code, use,
             cobra_action; reasons has action, reason ('' any), cobra_action; jobs has person_id,
             benefit_record, valid_from, sequence, action, reason.
    Missing: null where nothing is known.
    """
    said = classes.select("event_class_id", "use", class_code="code", class_cobra="cobra_action")
    rows = events.join(said.unique("event_class_id"), on="event_class_id", how="left")
    acts = jobs.sort("sequence").unique(["person_id", "benefit_record", "valid_from"], keep="last")
    acts = acts.select("person_id", "benefit_record", "action", "reason", event_on="valid_from")
    rows = rows.join(acts, on=["person_id", "benefit_record", "event_on"], how="left")
    is_job = pl.col("source").is_in(JOBS)
    rows = rows.with_columns(action=pl.when(is_job).then("action"), reason=pl.when(is_job).then("reason"))
    told = reasons.filter(pl.col("cobra_action") != "").unique(["action", "reason"])
    exact = told.select("action", "reason", by_reason="cobra_action")
    plain = told.filter(pl.col("reason") == "").select("action", by_action="cobra_action")
    rows = rows.join(exact, on=["action", "reason"], how="left").join(plain, on="action", how="left")
    of_class = pl.when(pl.col("class_cobra") != "").then("class_cobra")
    rows = rows.with_columns(cobra=pl.coalesce("by_reason", "by_action", of_class))
    is_open = pl.col("use") == str(EventClassUse.OPEN_ENROLLMENT)
    begins = pl.coalesce(
        pl.when(is_open).then(pl.lit(OPEN_ENROLMENT)),
        _word("action", ACTION_BEGINS),
        _word("class_code", CLASS_BEGINS),
        _word("source", SOURCE_BEGINS),
    )
    ends = pl.coalesce(
        pl.when(is_open).then(pl.lit(OPEN_ENROLMENT)),
        _word("action", ACTION_ENDS),
        _word("cobra", COBRA_ENDS),
        _word("class_code", CLASS_ENDS),
        _word("source", SOURCE_ENDS),
    )
    return rows.select(*EVENT_KEY, begins_by=begins, ends_by=ends).unique(EVENT_KEY)


def end_word(next_kind: str, ends_by: str) -> pl.Expr:
    """Say why a span ends: by the event; what was given up in an enrolment is waived; else by its kind."""
    kind, by = pl.col(next_kind), pl.col(ends_by)
    is_open = (by == OPEN_ENROLMENT).fill_null(value=False)
    waives = kind == str(ChangeKind.WAIVED)
    return (
        pl.when(kind.is_null())
        .then(pl.lit(None, dtype=pl.String))
        .when(by.is_not_null() & ~is_open)
        .then(by)
        .when(waives)
        .then(pl.lit(WAIVED))
        .when(kind == str(ChangeKind.INELIGIBLE))
        .then(pl.lit(INELIGIBLE))
        .otherwise(pl.lit(None, dtype=pl.String))
    )


def _word(column: str, words: dict[str, str]) -> pl.Expr:
    return pl.col(column).replace_strict(words, default=None, return_dtype=pl.String)
