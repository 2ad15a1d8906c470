"""What a new fact triggers: the source of each activity, and its copies. Pure decisions on columns.

Sources: event-processing §3.2, §3.3, §5.1; docs/rules.md §15.
"""

import polars as pl

from openbenefits.core.codes import ActionSource
from openbenefits.core.columns import joined, where

PERSON = ("client_id", "person_id")
RECORD = (*PERSON, "benefit_record")
FLAGS = ("is_primary", "is_for_eligibility")
DATES = ("birth_on", "service_on")
JOB_SOURCES = [str(source) for source in (ActionSource.JOB, ActionSource.UNION, ActionSource.MULTI_JOB)]
"""Activity that a job row triggers."""


def with_what_changed(jobs: pl.DataFrame) -> pl.DataFrame:
    """Add to each job row whether its union code and its multi-job flags differ from the row before.

    Shapes:  jobs has client_id, person_id, job_number, valid_from, sequence, union_code, is_primary and
             is_for_eligibility; adds is_union_changed and are_flags_changed, false in the first row of a job.
    Missing: an unknown union code differs from a known one.
    """
    ordered = jobs.sort(*PERSON, "job_number", "valid_from", "sequence")
    job = [*PERSON, "job_number"]
    follows = pl.int_range(pl.len()).over(job) > 0

    def differs(name: str) -> pl.Expr:
        return pl.col(name).ne_missing(pl.col(name).shift(1).over(job))

    return ordered.with_columns(
        is_union_changed=follows & differs("union_code"),
        are_flags_changed=follows & pl.any_horizontal(differs(name) for name in FLAGS),
    )


def job_source(mapped: str = "mapped_action") -> pl.Expr:
    """Say what an inserted job row is activity of.

    An action with a class of its own speaks for the row; else the union, else the flags, else the job.
    """
    is_blank = pl.col(mapped) == ""
    return (
        pl.when(is_blank & pl.col("is_union_changed"))
        .then(pl.lit(str(ActionSource.UNION)))
        .when(is_blank & pl.col("are_flags_changed"))
        .then(pl.lit(str(ActionSource.MULTI_JOB)))
        .otherwise(pl.lit(str(ActionSource.JOB)))
    )


def copies(classified: pl.DataFrame, classes: pl.DataFrame, jobs: pl.DataFrame) -> pl.DataFrame:
    """Copy the activity of job rows to the person's other benefit records, where the class says so.

    Shapes:  classified as `rules.classify` answers it; classes has event_class_id and
             is_copied_to_other_records; jobs the job rows (client_id, person_id, benefit_record, valid_from).
             Answers rows like `classified`, with source EX.
    A record without a job row by that day gets no copy, nor one with activity of that day and class.
    """
    wanted = where(classes, "is_copied_to_other_records")[["event_class_id"]]
    originals = joined(classified.filter(pl.col("source").is_in(JOB_SOURCES)), wanted, "event_class_id")
    if originals.is_empty():
        return classified.head(0)
    others = jobs.group_by(*PERSON, other="benefit_record").agg(begins_on=pl.col("valid_from").min())
    pairs = joined(originals, others, PERSON, maintain_order="left").filter(
        (pl.col("other") != pl.col("benefit_record")) & (pl.col("begins_on") <= pl.col("event_on"))
    )
    copied = pairs.with_columns(benefit_record="other", source=pl.lit(str(ActionSource.EXPLODED)))
    own = [*RECORD, "event_on", "event_class_id"]
    fresh = joined(copied.select(classified.columns), classified, own, how="anti", maintain_order="left")
    return fresh.unique([*own, "bas_action", "sequence"], keep="first", maintain_order=True)


FACT_OF = {
    **dict.fromkeys([*JOB_SOURCES, str(ActionSource.EXPLODED)], "job"),
    str(ActionSource.ADDRESS): "address",
    str(ActionSource.BENEFITS_PERSON): "person",
    str(ActionSource.MANUAL): "life_event",
}
"""Which fact activity of a source came of."""


def of_facts(activities: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Name the activities that came of facts of the feed, with the facts' reported_on.

    A job row is known by its job and sequence, a life event by its class.
    """
    day = ["client_id", "person_id", "fact", "event_on"]
    told = facts.select(
        *day[:3],
        "event_class",
        "reported_on",
        event_on="valid_from",
        job="job_number",
        place=pl.col("sequence").fill_null(0),
    )
    came = joined(
        activities.with_columns(
            fact=pl.col("source").replace_strict(FACT_OF, default=None, return_dtype=pl.String)
        ),
        told,
        day,
    )
    is_row = (pl.col("job_number") == pl.col("job")) & (pl.col("sequence") == pl.col("place"))
    is_report = pl.col("bas_action") == pl.col("event_class")
    fact = pl.col("fact")
    is_it = pl.when(fact == "job").then(is_row).when(fact == "life_event").then(is_report).otherwise(True)
    return came.filter(is_it)


def redated(feed: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    """Name the inserted person rows that state another birth or service date than the row before.

    Shapes: feed as `frames.load_feed` answers it; persons the person rows (client_id, person_id, valid_from,
            birth_on, service_on). Answers rows of the feed. They make no event; those from the day on that
            relied on the old date are flagged.
    """
    ordered = persons.sort(*PERSON, "valid_from")
    follows = pl.int_range(pl.len()).over(PERSON) > 0
    another = [pl.col(name).ne_missing(pl.col(name).shift(1).over(PERSON)) for name in DATES]
    changed = ordered.filter(follows & pl.any_horizontal(another))[[*PERSON, "valid_from"]]
    return joined(feed.filter(fact="person", operation="I"), changed, [*PERSON, "valid_from"], how="semi")
