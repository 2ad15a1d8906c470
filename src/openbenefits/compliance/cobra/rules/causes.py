"""Whether a loss of coverage qualifies for continuation, and why (docs/rules.md, Continuation).

Every loss gets one verdict: it qualifies, it does not, or a person has to decide. The first reason that
applies counts; the order of REASONS is the order they are looked at.
"""

from functools import reduce

import polars as pl

from openbenefits.compliance.cobra.rules.losses import EMPLOYEE, FSA
from openbenefits.core import days
from openbenefits.core.codes import CHILD_TYPES, ChangeKind, CobraCause, EventClassUse, PersonType

QUALIFIES, NOT, OPEN = "qualifies", "does not qualify", "to decide"

SPOUSES = (str(PersonType.SPOUSE), str(PersonType.SAME_SEX_SPOUSE))
CHILDREN = tuple(str(one) for one in CHILD_TYPES)
FORMER_SPOUSE = str(PersonType.EX_SPOUSE)
BENEFICIARIES = (*SPOUSES, FORMER_SPOUSE, *CHILDREN)
"""Whom the law knows beside the employee; partners and other non-qualified dependents are not among them."""

_DIVORCE, _CHILD = str(CobraCause.DIVORCE), str(CobraCause.CHILD)

FACTS = ("cause", "event_on", "happened_on", "reported_on", "class_use", "event_class")
"""What is known of the event that ended a coverage."""


def classified(losses: pl.DataFrame) -> pl.DataFrame:
    """Add verdict, cause (core.codes.CobraCause; null: none) and reason to every loss.

    Shapes:  losses as `losses`, with FACTS of the event behind the end (null: none), person_type, is_former,
             died_on, not_member (see `why_not_member`) of the dependent on the first day without, and
             is_covered_before (`was_covered_before` of happened_on).
    Missing: an end without an event, or with a fact that does not say which cause it was, is to be decided.
    """
    verdicts, causes, reasons = (_first(place) for place in range(3))
    rows = losses.with_columns(verdict=verdicts, found_cause=causes, reason=reasons)
    rows = rows.drop("cause").rename({"found_cause": "cause"})
    return _with_day_before(rows)


def decided(rows: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Put what people decided in place of what was open. A decision on what the rules decide has no effect.

    Shapes: decisions has the key of a loss, decided_cause ('' = it does not qualify) and decided_reason.
    """
    key = [name for name in decisions.columns if not name.startswith("decided_")]
    joined = rows.join(decisions, on=key, how="left", maintain_order="left")
    is_decided = (pl.col("verdict") == OPEN) & pl.col("decided_cause").is_not_null()
    qualifies = pl.col("decided_cause") != ""
    verdict = pl.when(qualifies).then(pl.lit(QUALIFIES)).otherwise(pl.lit(NOT))
    return joined.with_columns(
        verdict=pl.when(is_decided).then(verdict).otherwise("verdict"),
        cause=pl.when(is_decided).then(pl.when(qualifies).then("decided_cause")).otherwise("cause"),
        reason=pl.when(is_decided).then(pl.format("decided: {}", "decided_reason")).otherwise("reason"),
    ).drop("decided_cause", "decided_reason")


# --- the reasons, in the order they are looked at ---------------------------------------------------------


def _is_employee() -> pl.Expr:
    return pl.col("dependent_id") == EMPLOYEE


def _is(column: str, *values: str) -> pl.Expr:
    return pl.col(column).is_in(list(values)).fill_null(value=False)


def _goes_on() -> pl.Expr:
    """The employee goes on being covered; only the dependent is left out."""
    covers = _is("next_kind", str(ChangeKind.ELECTED), str(ChangeKind.DEFAULTED))
    return ~_is_employee() & covers


def _waives() -> pl.Expr:
    return _is("next_kind", str(ChangeKind.WAIVED))


Reason = tuple[pl.Expr, str, str | None, str]
"""When it applies, the verdict, the cause, and the reason in words."""


def _beforehand() -> list[Reason]:
    """What qualifies nobody, or cannot be told, whatever the event."""
    is_other = ~_is_employee() & ~_is("person_type", *BENEFICIARIES)
    is_year = (pl.col("cover") == FSA) & _is("class_use", str(EventClassUse.OPEN_ENROLLMENT))
    return [
        (pl.col("is_moved"), NOT, None, "coverage of the same kind goes on from the same day"),
        (is_other, NOT, None, "no qualified beneficiary: neither spouse nor child"),
        (pl.col("died_on").is_not_null(), NOT, None, "the dependent died"),
        (
            pl.col("schedule_id").is_null(),
            OPEN,
            None,
            "taken over: nothing says why the coverage ended",
        ),
        (is_year, NOT, None, "the plan year of the account ended"),
    ]


def _of_the_event() -> list[Reason]:
    """Causes that end the coverage of everybody at once."""
    partial = _is("cause", str(CobraCause.HOURS), str(CobraCause.LEAVE))
    words = {
        CobraCause.TERMINATION: "employment ended",
        CobraCause.HOURS: "hours of work were reduced",
        CobraCause.LEAVE: "a leave began",
    }
    misconduct = str(CobraCause.MISCONDUCT)
    told = "employment ended; a person decides whether for gross misconduct"
    return [
        (partial & _waives(), NOT, None, "given up by choice"),
        (_is("cause", misconduct), OPEN, str(CobraCause.TERMINATION), told),
        *(
            (_is("cause", str(one)) & ~(partial & _goes_on()), QUALIFIES, str(one), text)
            for one, text in words.items()
        ),
        (
            _is("cause", str(CobraCause.DEATH)) & _is_employee(),
            NOT,
            None,
            "the employee died; only the dependents may continue",
        ),
        (_is("cause", str(CobraCause.DEATH)), QUALIFIES, str(CobraCause.DEATH), "the employee died"),
    ]


def _is_former() -> pl.Expr:
    return pl.col("is_former").fill_null(value=False)


def _of_the_dependent() -> list[Reason]:
    """Causes that lie in the dependent who loses coverage."""
    is_spouse = _is("person_type", *SPOUSES, FORMER_SPOUSE)
    divorced = (_is("cause", _DIVORCE) & is_spouse) | _is("person_type", FORMER_SPOUSE)
    is_child = _is("person_type", *CHILDREN)
    out = pl.col("not_member").is_not_null() & ~_is_former()
    ceased = is_child & (out | _is("cause", _CHILD))
    stepchild = is_child & _is_former() & _is("cause", _DIVORCE)
    gone = "is no longer a dependent; a person decides whether by death or else"
    return [
        (divorced, QUALIFIES, _DIVORCE, "the marriage ended"),
        (stepchild, QUALIFIES, _CHILD, "ceased to be a dependent by the divorce"),
        (ceased, QUALIFIES, _CHILD, "ceased to qualify as a child"),
        (~_is_employee() & _is_former(), OPEN, None, gone),
    ]


def _of_choice() -> list[Reason]:
    """What is left: Medicare of the employee, choices, the end of eligibility by something else."""
    medicare = _is("cause", str(CobraCause.MEDICARE))
    at_renewal = _is("class_use", str(EventClassUse.OPEN_ENROLLMENT))
    other = "ended by an event that is no cause of continuation"
    return [
        (
            medicare & _is_employee(),
            NOT,
            None,
            "the employee has Medicare; only the dependents may continue",
        ),
        (
            medicare & ~_goes_on(),
            QUALIFIES,
            str(CobraCause.MEDICARE),
            "the employee became entitled to Medicare",
        ),
        (_waives(), NOT, None, "given up by choice"),
        (_goes_on(), NOT, None, "left out by choice, though still eligible"),
        (at_renewal, NOT, None, "not chosen again at open enrolment"),
        (pl.lit(value=True), NOT, None, other),
    ]


def _reasons() -> list[Reason]:
    return [*_beforehand(), *_of_the_event(), *_of_the_dependent(), *_of_choice()]


def _first(place: int) -> pl.Expr:
    """Take the verdict (0), cause (1) or words (2) of the first reason that applies."""

    def value(reason: Reason) -> pl.Expr:
        return pl.lit(reason[1 + place], pl.String)

    *others, last = _reasons()
    return reduce(
        lambda rest, reason: pl.when(reason[0]).then(value(reason)).otherwise(rest),
        reversed(others),
        value(last),
    )


def _with_day_before(rows: pl.DataFrame) -> pl.DataFrame:
    """Whoever was not covered the day before the event is no beneficiary.

    Coverage that ended earlier than the event may have been ended in view of it, which a person decides.
    """
    is_early = pl.col("lost_on") <= days.day_before(pl.col("happened_on"))
    concerns = (pl.col("verdict") == QUALIFIES) & ~pl.col("is_covered_before").fill_null(value=True)
    early = concerns & is_early
    return rows.with_columns(
        verdict=pl.when(early).then(pl.lit(OPEN)).when(concerns).then(pl.lit(NOT)).otherwise("verdict"),
        cause=pl.when(concerns & ~is_early).then(None).otherwise("cause"),
        reason=pl.when(early)
        .then(pl.lit("ended before the event; a person decides whether in view of it"))
        .when(concerns)
        .then(pl.lit("not covered on the day before the event"))
        .otherwise("reason"),
    )
