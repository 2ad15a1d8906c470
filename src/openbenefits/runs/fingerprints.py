"""Fingerprints: one number per event for everything it was decided from."""

from collections.abc import Mapping
from dataclasses import fields

import polars as pl

from openbenefits.core.columns import cut
from openbenefits.enrollment.rules.elected import Elected
from openbenefits.enrollment.rules.prepare import Situation
from openbenefits.enrollment.services import Known


def fingerprints(known: Known, releases: Mapping[str, int]) -> pl.Series:
    """Answer a fingerprint per case: facts, dependents, coverage, evidence, elections, decisions, set-up.

    Two runs that see the same inputs see the same fingerprint, within one version of the product; another
    version may number otherwise, and then prepares again, which changes nothing but history.
    """
    situation = known.situation
    seed = _seed(releases)
    own = situation.cases[[name for name in situation.cases.columns if name not in _FACTS_LEFT_OUT]]
    told = [pl.DataFrame([situation.cases["case"], own.hash_rows(seed=seed).alias("word")])]
    for number, rows in enumerate(_parts(known).values(), start=1):
        if rows.height:
            said = rows[[name for name in rows.columns if name != "case"]]
            told.append(pl.DataFrame([rows["case"], said.hash_rows(seed=seed + number).alias("word")]))
    folded = pl.concat(told).group_by("case", maintain_order=True).agg(pl.col("word").bitwise_xor())
    return folded["word"].reinterpret(signed=True).alias("fingerprint")


_DERIVED = ("cases", "chosen", "chosen_members")
"""What is folded apart, and what follows from the rest and from how far the event has come."""


def _parts(known: Known) -> dict[str, pl.DataFrame]:
    """Name every frame of rows per case that an event is decided from."""
    found = {
        **{one.name: getattr(known.situation, one.name) for one in fields(Situation)},
        **{f"elected_{one.name}": getattr(known.elected, one.name) for one in fields(Elected)},
    }
    found["in_force"] = cut(found["in_force"], "run_id")  # who made it decides nothing
    return {name: rows for name, rows in found.items() if name not in _DERIVED}


_FACTS_LEFT_OUT = (
    *("case", "is_finalizing", "finalize_requested", "process_indicator", "is_due"),
    *("is_finalized", "entered_status", "is_trying", "is_unasked", "is_strict_order", "is_finalize_allowed"),
    *("process_status", "process_status_before", "status_at", "steps", "preparation", "input_fingerprint"),
    *("event_status", "window_begins_on", "window_ends_on", "place", "is_first", "is_ready", "is_passing"),
    *(
        "is_chosen",
        "waits_for",
        "program_id",
        "option_notified_on",
        "confirm_notified_on",
        "forms",
        "work",
        "is_settling",
    ),
)


def _seed(releases: Mapping[str, int]) -> int:
    """Fold the set-up releases used into a seed."""
    seed = 17
    for bundle, release in sorted(releases.items()):
        seed = (seed * 1_000_003 + int(bundle) * 8_191 + release) % (1 << 62)
    return seed
