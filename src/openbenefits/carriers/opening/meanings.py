"""What the carrier's codes of coverage are among the options a client offers: candidates, and how many."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from openbenefits.carriers.opening.mapping import Mapping
from openbenefits.programs.frames import load_setup

KINDS = {
    "SP": "spouse",
    "DP": "partner",
    "SS": "same_sex_spouse",
    **dict.fromkeys(("CH", "AC", "OD"), "child"),
    "NQ": "nonqualified",
}
"""How a coverage code counts a person type. Source: program-setup §3."""
COUNTED = tuple(dict.fromkeys(KINDS.values()))

OFFERED = {
    "ours": pl.String,
    "plan_type": pl.String,
    "program": pl.String,
    "option": pl.String,
    "coverage_code": pl.String,
    "covers_employee": pl.Boolean,
    **{f"{kind}_{bound}": pl.Int16 for kind in COUNTED for bound in ("min", "max")},
}
"""An option a client offers: ours is the code of its plan. Missing: an option without a coverage code."""


@dataclass(frozen=True, kw_only=True)
class Meanings:
    """What codes mean.

    Shapes: plans has insurance, plan, ours, option_told; tiers has tier, coverage_code; offered as OFFERED.
    """

    plans: pl.DataFrame
    tiers: pl.DataFrame
    offered: pl.DataFrame


def meanings_of(connection: Any, client_id: int, mapping: Mapping, lines: pl.DataFrame) -> Meanings:
    """Find what the codes of a file's lines may mean, by mapping and set-up in force."""
    tiers = [(theirs.upper(), ours) for theirs, several in mapping.tiers.items() for ours in several]
    return Meanings(
        plans=plans_meant(mapping, lines),
        tiers=pl.DataFrame(
            tiers, schema={"tier": pl.String, "coverage_code": pl.String}, orient="row"
        ).unique(maintain_order=True),
        offered=_offered(connection, client_id),
    )


def plans_meant(mapping: Mapping, lines: pl.DataFrame) -> pl.DataFrame:
    """Answer which plans of ours the codes of lines may mean: insurance, plan, ours, option_told.

    Shapes: lines has insurance and plan. A code the mapping does not know is not among them.
    """
    rows = [(one.insurance.upper(), one.plan.upper(), one.ours, one.option or None) for one in mapping.plans]
    stated = pl.DataFrame(
        rows, schema=dict.fromkeys(("insurance", "plan", "ours", "option_told"), pl.String), orient="row"
    )
    codes = lines.select("insurance", "plan").unique(maintain_order=True).with_row_index("code")
    return _closest(codes, stated)


def _closest(codes: pl.DataFrame, stated: pl.DataFrame) -> pl.DataFrame:
    """Match kinds of insurance and plans with the mapping: both, else one where the other is not stated."""
    filled = codes.with_columns(pl.col("insurance", "plan").fill_null(""))
    both = filled.join(stated, on=["insurance", "plan"], how="inner").with_columns(rank=pl.lit(0))
    by_plan = filled.join(stated.filter(insurance="").drop("insurance"), on="plan", how="inner")
    by_kind = filled.join(stated.filter(plan="").drop("plan"), on="insurance", how="inner")
    columns = ["code", "ours", "option_told", "rank"]
    found = pl.concat(
        [
            both.select(columns),
            by_plan.with_columns(rank=pl.lit(1)).select(columns),
            by_kind.with_columns(rank=pl.lit(2)).select(columns),
        ]
    )
    best = found.filter(pl.col("rank") == pl.col("rank").min().over("code")).drop("rank")
    return codes.join(best.unique(maintain_order=True), on="code", how="inner", maintain_order="left").drop(
        "code"
    )


def _offered(connection: Any, client_id: int) -> pl.DataFrame:
    """List the options of a client's programs with the plan and the people they stand for."""
    setup = load_setup(connection, [client_id])
    own = pl.col("client_id") == client_id
    programs = setup["program"].filter(own).select("program_id", program="code").unique()
    plans = setup["plan"].sort(own).unique("plan_id", keep="last").select("plan_id", ours="code")
    codes = setup["coverage_code"].sort(own).unique("coverage_code_id", keep="last")
    codes = codes.rename({"code": "coverage_code"})
    bounds = [f"{kind}_{bound}" for kind in COUNTED for bound in ("min", "max")]
    options = setup["option"].filter(own & (pl.col("option_type") == "O"))
    options = options.sort("valid_from").unique(["program_id", "plan_type", "option_id"], keep="last")
    found = (
        options.select("program_id", "plan_type", "plan_id", "coverage_code_id", option="code")
        .join(programs, on="program_id")
        .join(plans, on="plan_id")
        .join(
            codes.select("coverage_code_id", "coverage_code", "covers_employee", *bounds),
            on="coverage_code_id",
            how="left",
        )
    )
    columns = [pl.col(name).cast(kind) for name, kind in OFFERED.items()]
    return found.select(columns).unique().sort("ours", "program", "option")
