"""The named SQL that loads set-up: the rows of the releases in force, compiled to a rulebook."""

import re
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any

import polars as pl

from openbenefits.programs import models
from openbenefits.programs.rulebook import Rulebook, compile_rulebook
from openbenefits.store.bulk import copy_out, schema_of
from openbenefits.store.catalogue import fetch, psycopg_connection

PEO = 0
"""The client number of the PEO's own bundle."""

TABLES = (
    *(models.EventClass, models.ActionReason, models.CoverageCode, models.Plan, models.RateTable),
    *(models.CalculationRule, models.RateRow, models.GeographyZip, models.AnnualLimit, models.AgeRate),
    *(models.CreditPlan, models.CobraClass, models.LeavePolicy, models.PayrollTerms),
    *(models.DeductionCode, models.DependentRule),
    *(models.EligibilityRule, models.EligibilityCriterion, models.EligibilityValue, models.EventRule),
    models.PersonChange,
    *(models.Formula, models.FormulaStep, models.AgeReduction, models.Contribution, models.Program),
    *(models.PlanTypeRow, models.Option, models.Cost, models.Fund, models.PayGroup, models.PayPeriod),
    *(models.CoverageGroup, models.ExcludedCoverage, models.Address),
    *(models.BenefitGroup, models.Schedule, models.ScheduleProgram, models.PassiveEvent, models.RunControl),
)

IN_FORCE = """
SELECT client_id, release_id FROM programs_bundle
WHERE release_id IS NOT NULL AND (%(clients)s::int[] IS NULL OR client_id = ANY(%(clients)s::int[]))
ORDER BY client_id
"""
ROWS = "SELECT {columns} FROM {table} WHERE release_id = ANY(%s::bigint[])"
CODES = "SELECT kind, code, id FROM programs_setupkey WHERE client_id = %s AND kind = ANY(%s)"


ENDING_CALENDARS = """
SELECT g.client_id, g.code AS pay_group, max(p.ends_on) AS through,
       (max(p.ends_on) - g.warn_months * interval '1 month')::date AS since
FROM programs_paygroup AS g
JOIN programs_bundle AS b ON b.release_id = g.release_id
JOIN programs_payperiod AS p ON p.release_id = g.release_id AND p.pay_group_id = g.pay_group_id
WHERE g.is_active AND g.client_id = ANY(%(clients)s::int[])
GROUP BY g.client_id, g.code, g.warn_months
HAVING max(p.ends_on) - g.warn_months * interval '1 month' < %(as_of)s::date
ORDER BY g.client_id, g.code
"""
ENDING = {"client_id": pl.Int32(), "pay_group": pl.String(), "through": pl.Date(), "since": pl.Date()}


def load_ending_calendars(connection: Any, client_ids: Sequence[int], as_of: Any) -> pl.DataFrame:
    """List the active pay groups whose calendar ends within the months they want to be warned.

    Shapes: client_id, pay_group, through (the last day of its last period), since (when the warning began).
    """
    given = {"clients": "{" + ",".join(map(str, client_ids)) + "}", "as_of": as_of}
    return copy_out(connection, ENDING_CALENDARS, ENDING, given)


def releases_in_force(connection: Any, client_ids: Sequence[int] | None = None) -> dict[int, int]:
    """Answer the release in force of each client's bundle, and of the PEO's (client 0)."""
    clients = None if client_ids is None else [PEO, *client_ids]
    return dict(fetch(psycopg_connection(connection), IN_FORCE, {"clients": clients}))


def load_tables(connection: Any, releases: Sequence[int]) -> dict[str, pl.DataFrame]:
    """Load every table of set-up for some releases, by its name in snake case."""
    wanted = "{" + ",".join(str(release) for release in releases) + "}"
    loaded = {}
    for model in TABLES:
        schema = schema_of(model)
        query = ROWS.format(columns=", ".join(schema), table=model._meta.db_table)
        loaded[table_key(model.__name__)] = copy_out(connection, query, schema, [wanted])
    loaded["rate_row"] = loaded["rate_row"].rename({"id": "rate_row_id"})
    return loaded


def load_codes(connection: Any, client_id: int, *kinds: str) -> pl.DataFrame:
    """Load the stable numbers of a client's codes, of all releases: kind, code, id.

    The code of an option is program/plan_type/option.
    """
    schema = {"kind": pl.String, "code": pl.String, "id": pl.Int32}
    return copy_out(connection, CODES, schema, [client_id, list(kinds)])


def table_key(name: str) -> str:
    """Turn a model's name into the key of its table: `RateRow` to `rate_row`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def load_rulebook(connection: Any, client_ids: Sequence[int] | None = None) -> Rulebook:
    """Load what the kernel needs to know of some clients (None: all), from the releases in force."""
    return _load(connection, client_ids)[0]


def load_setup(connection: Any, client_ids: Sequence[int] | None = None) -> dict[str, pl.DataFrame]:
    """Load the set-up rows themselves (None: of all clients), for names, schedules and run controls."""
    return _load(connection, client_ids)[1]


Tables = dict[str, pl.DataFrame]
"""The rows of set-up, by table."""

Compiled = tuple[Rulebook, Tables]
"""What the kernel needs to know of some clients, and the rows it was compiled from."""

KEPT_RULEBOOKS = 64
_kept: OrderedDict[tuple[str, tuple[int, ...]], Compiled] = OrderedDict()
"""Rulebooks lately compiled, by database and releases: a release never changes."""
_keeping = Lock()
"""Held while a rulebook is looked up or compiled: partitions of a run ask for the same one at once."""


def _load(connection: Any, client_ids: Sequence[int] | None) -> Compiled:
    return load_releases(connection, tuple(releases_in_force(connection, client_ids).values()))


def load_releases(connection: Any, releases: tuple[int, ...]) -> Compiled:
    """Load the rulebook and the set-up rows of some releases, in force or not."""
    settings = connection.settings_dict
    key = (f"{settings['HOST']}/{settings['PORT']}/{settings['NAME']}", releases)
    with _keeping:
        if key not in _kept:
            tables = load_tables(connection, releases)
            _kept[key] = (compile_rulebook(tables), tables)
        _kept.move_to_end(key)
        while len(_kept) > KEPT_RULEBOOKS:
            _kept.popitem(last=False)
        return _kept[key]
