"""Whether agreements have a word for everything clients offer: found before the first file would need it."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import polars as pl

from openbenefits.carriers.agreements.partners import Partner, partners_of_each
from openbenefits.carriers.layouts.layout import ANY_CODE, FileLayout
from openbenefits.programs.frames import load_setup

PLAN, TIER, CARRIER = "plan", "tier", "carrier"

UNCODED = {
    "client_id": pl.Int32,
    "partner": pl.String,
    "what": pl.String,
    "code": pl.String,
    "cure": pl.String,
}
"""What an agreement lacks: a plan or tier a client offers without a code of the partner's, or a carrier of
whose plans no partner is told (partner is null).
"""

OFFERED = {"client_id": pl.Int32, "plan_type": pl.String, "plan": pl.String, "carrier": pl.String}


def uncoded(connection: Any, client_ids: Sequence[int]) -> pl.DataFrame:
    """List what the agreements of some clients lack, as UNCODED; empty: every plan offered has its words.

    Source: users-want pain 5 (carrier profiles without plan mapping).
    """
    offered = _offered(connection, client_ids)
    found: list[tuple[int, str | None, str, str, str]] = []
    for client_id, partners in partners_of_each(client_ids).items():
        rows = offered.filter(client_id=client_id)
        for code, partner in partners.items():
            found += [(client_id, code, *lack) for lack in _lacks(partner, rows)]
        told = {name for partner in partners.values() for name in partner.carriers}
        found += [(client_id, None, *lack) for lack in _untold(rows, told)]
    return (
        pl.DataFrame(found, schema=UNCODED, orient="row")
        .unique()
        .sort("client_id", "partner", "what", "code")
    )


def _offered(connection: Any, client_ids: Sequence[int]) -> pl.DataFrame:
    """What clients offer by their latest set-up: OFFERED, with tier (null where an option has none)."""
    setup = load_setup(connection, client_ids)
    plans = setup["plan"].sort("valid_from").unique("plan_id", keep="last").filter("is_active")
    programs = setup["program"].sort("valid_from").unique("program_id", keep="last").filter("is_active")
    options = setup["option"].sort("valid_from").unique("option_id", keep="last")
    tiers = setup["coverage_code"].select("coverage_code_id", tier="code").unique("coverage_code_id")
    rows = options.join(programs.select("program_id"), on="program_id", how="semi")
    rows = rows.select("client_id", "plan_id", "plan_type", "coverage_code_id").join(
        plans.select("plan_id", "carrier", plan="code"), on="plan_id"
    )
    rows = rows.join(tiers, on="coverage_code_id", how="left")
    return rows.select(*OFFERED, "tier").unique()


def _lacks(partner: Partner, offered: pl.DataFrame) -> Iterator[tuple[str, str, str]]:
    rows = offered.filter(pl.col("carrier").is_in(list(partner.carriers)))
    if partner.plan_types:
        rows = rows.filter(pl.col("plan_type").is_in(list(partner.plan_types)))
    plans, tiers = (sorted(rows[name].drop_nulls().unique()) for name in (PLAN, TIER))
    if partner.kind == "834" and partner.profile is not None:
        profile = partner.profile
        yield from _missing(PLAN, plans, profile.plans, "add it under plans of the profile")
        if profile.tier_on != "nobody":
            yield from _missing(TIER, tiers, profile.tiers, "add it under tiers of the profile")
    if partner.kind == "file" and partner.layout is not None:
        for name, wanted in ((PLAN, plans), (TIER, tiers)):
            for column, codes in _coded(partner.layout, name):
                yield from _missing(name, wanted, codes, f"add it to the codes of column {column}")


def _missing(
    what: str, wanted: Collection[str], known: Collection[str], cure: str
) -> Iterator[tuple[str, str, str]]:
    if ANY_CODE not in known:
        yield from ((what, code, cure) for code in wanted if code not in known)


def _coded(layout: FileLayout, value: str) -> Iterator[tuple[str, Collection[str]]]:
    """Answer the columns of a layout that put a value into the partner's codes, with those codes."""
    for record in layout.records:
        for column in record.columns:
            if column.value == value and column.codes:
                codes = column.codes
                yield column.name, layout.codes.get(codes, {}) if isinstance(codes, str) else codes


def _untold(offered: pl.DataFrame, told: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Answer the carriers of whose plans nobody is told."""
    for carrier in sorted(offered["carrier"].drop_nulls().unique()):
        if carrier not in told:
            yield CARRIER, carrier, "load an agreement with it, or tell it otherwise"
