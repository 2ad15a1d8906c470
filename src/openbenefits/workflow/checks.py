"""Named checks: whether the work behind a record is done, as the data says, and not because somebody said so.

A higher floor declares its own (`register_check`): that payroll reads back what was set up, that the first invoice is
reconciled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.store.bulk import copy_out
from openbenefits.workflow import check_frames

VERDICT = {"key": pl.String(), "is_done": pl.Boolean(), "told": pl.String()}


@dataclass(frozen=True, kw_only=True)
class Check:
    """A named check of records of a kind.

    query: SQL after `FROM asked AS a` (columns key, today) that answers `is_done` and `told` of each record.
    says: when it is done, in words.
    """

    name: str
    title: str
    kind: str
    source: str
    is_done: str
    told: str


CHECKS: dict[str, Check] = {}


def register_check(check: Check) -> None:
    """Declare a check; to declare the same again changes nothing.

    Errors: ValueError where another one has its name.
    """
    if CHECKS.get(check.name, check) != check:
        raise ValueError(f"expected one check of the name '{check.name}', found two; rename one")
    CHECKS[check.name] = check


def verdicts(connection: Any, check: Check, keys: Sequence[str], today: date) -> pl.DataFrame:
    """Ask a check about records.

    Shapes: VERDICT, a row for each record that is there.
    """
    if not keys:
        return pl.DataFrame(schema=VERDICT)
    query = f"""
        WITH asked AS (SELECT DISTINCT key, %(today)s::date AS today FROM unnest(%(keys)s::text[]) AS q (key))
        SELECT a.key, coalesce({check.is_done}, false) AS is_done, {check.told} AS told
        FROM asked AS a {check.source}
    """  # noqa: S608 - SQL of ours
    return copy_out(connection, query, VERDICT, {"keys": list(keys), "today": today})


SHIPPED = tuple(Check(**one) for one in check_frames.CHECKS)
