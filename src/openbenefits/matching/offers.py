"""Packages that stand already: benefits batches of a client (`renewals`), their offered plans as candidates.

Rates, and the employer's part of each, are those the batch would write into set-up
(`renewals.rules.pricing.rates_offered`); what a person pays of them is the kernel's word, as it is then.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from openbenefits.core.codes import RateUnit
from openbenefits.core.money import CENTS_PER_DOLLAR, MICROS_PER_CENT, MICROS_PER_DOLLAR
from openbenefits.matching.book import is_on_pay_of_the_day
from openbenefits.matching.candidates import (
    AMOUNT,
    CANDIDATE,
    NOTES,
    RATES,
    STATED,
    TIERED,
    Candidates,
    NoCandidates,
    shaped,
)
from openbenefits.matching.people import BEGUN
from openbenefits.programs.frames import PEO
from openbenefits.programs.sections.amounts import FormulaPart
from openbenefits.programs.services import loaded_in_force
from openbenefits.renewals.codes import Band
from openbenefits.renewals.comparing import Compared, comparison_of
from openbenefits.renewals.models import Batch, BenefitsPlan
from openbenefits.renewals.rules.pricing import DOLLARS_BOUGHT, MONTHS, PLACE, rates_offered
from openbenefits.renewals.setting_up import options_to_be

_DESIGN = {
    "deductible": ("deductible_cents", CENTS_PER_DOLLAR),
    "out_of_pocket_max": ("out_of_pocket_cents", CENTS_PER_DOLLAR),
    "primary_visit": ("primary_visit_cents", CENTS_PER_DOLLAR),
    "drug": ("drug_cents", CENTS_PER_DOLLAR),
    "coinsurance_percent": ("coinsurance_micros", MICROS_PER_DOLLAR),
}


def code_of(batch: Batch) -> str:
    """The code of the package a batch is."""
    return f"batch-{batch.pk}"


def title_of(batch: Batch) -> str:
    """What people call a batch."""
    return batch.card_title or f"{batch.type} {batch.effective_on}"


def candidates_of(connection: Any, client_id: int, batches: Sequence[int]) -> Candidates:
    """Answer batches of a client as packages: every offer that is not turned down, at its rates.

    With tiers that is a plan for whoever is covered; without, one for each option of set-up that would go on
    under it, for who has that option, at the coverage its formula says. What cannot be compared, or only in
    part, is named in the notes.

    Errors: NoCandidates for a batch that is not the client's, or an offer without rates.
    """
    found = list(Batch.objects.filter(client_id=client_id, pk__in=batches).order_by("pk"))
    if lacking := sorted(set(batches) - {one.pk for one in found}):
        raise NoCandidates(f"expected batches of this client, found {lacking[0]}; correct the number")
    return together([_package(comparison_of(connection, one)) for one in found])


def _package(weighed: Compared) -> Candidates:
    lines, offers = weighed.standing, weighed.standing_offers
    has_rates = ~pl.col("plan_type").is_in(STATED)
    bare = offers.filter(has_rates).join(lines, on="offer_id", how="anti")
    if bare.height:
        row = bare.row(0, named=True)
        raise NoCandidates(
            f"batch {row['batch_id']}, plan {row['unique_code']}: expected rates of a rate group, found none;"
            " choose one"
        )
    offers = offers.with_columns(
        package=pl.lit(code_of(weighed.batch)),
        title=pl.lit(title_of(weighed.batch)),
        category="plan_type",
        plan=pl.when(pl.col("setup_plan") != "").then("setup_plan").otherwise("unique_code"),
    )
    covers = _covers(weighed, offers, lines)
    named = [covers, _unstated(offers, lines), _uncosted(offers, lines)]
    named.append(offers.filter(~has_rates).with_columns(why=pl.lit(THEIRS)))
    return Candidates(
        rows=_rows(offers.join(covers.filter(pl.col("why").is_null()), on="offer_id"), lines),
        rates=_rates(lines, offers),
        notes=pl.concat(_notes(offers, rows) for rows in named),
    )


THEIRS = "people state the amount, which is theirs: who has it is counted, at no cost"
NO_OPTION = "no option of set-up in force stands for it: nobody has it, and how much it covers nobody says"
OTHER_PAY = "formula {} looks at other pay than that of the day, which a census does not say"
UNCOSTED = "its true cost is not known, and so neither is the margin of the package"
UNSTATED = "what the employer gives is not stated, and counts as nothing"


def _covers(weighed: Compared, offers: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Say what each offer covers: offer_id, option and AMOUNT; why, where it cannot be compared.

    One with tiers covers whom its tier says. One without, where no option stands for it yet, covers the
    coverage of a person on average, as the offer says.
    """
    rows: list[dict[str, Any]] = [
        {"offer_id": one} for one in offers.filter(pl.col("plan_type").is_in(TIERED))["offer_id"]
    ]
    options, formulas = options_to_be(weighed), _formulas(weighed.batch)
    for one in offers.filter(~pl.col("plan_type").is_in(TIERED)).iter_rows(named=True):
        mine = options.get(one["offer_id"], [])
        rows += [_cover(one["offer_id"], code, option, formulas) for code, option in mine]
        rows += [] if mine else [_by_volume(one, lines.filter(offer_id=one["offer_id"]))]
    return pl.DataFrame(rows, schema=COVERS)


COVERS = {"offer_id": pl.Int64(), "option": pl.String(), **AMOUNT, "why": pl.String()}


def _formulas(batch: Batch) -> dict[str, FormulaPart]:
    """The formulas that hold when a batch begins, the client's own before the PEO's."""
    found: dict[str, FormulaPart] = {}
    for owner in (PEO, batch.client_id):
        loaded = loaded_in_force(owner)
        known = loaded.parts.formulas if loaded is not None else ()
        begun = [one for one in known if one.valid_from <= batch.effective_on]
        found |= {one.code: one for one in sorted(begun, key=lambda one: one.valid_from)}
    return found


def _cover(
    offer_id: int, code: str, option: Mapping[str, Any], formulas: Mapping[str, FormulaPart]
) -> dict[str, Any]:
    named = [str(option[name]) for name in ("formula", "premium_formula") if option.get(name)]
    other = [one for one in named if one not in formulas or not is_on_pay_of_the_day(formulas[one])]
    rules = [one.get("calculation_rule") for one in option.get("costs") or ()]
    return {
        "offer_id": offer_id,
        "option": code,
        "formula": option.get("formula"),
        "premium_formula": option.get("premium_formula"),
        "coverage_cents": _amount(option.get("coverage_amount"), CENTS_PER_DOLLAR),
        "calculation_rule": rules[0] if rules else None,
        "why": OTHER_PAY.format(other[0]) if other else None,
    }


def _by_volume(offer: Mapping[str, Any], lines: pl.DataFrame) -> dict[str, Any]:
    """Cover what the batch says a person has on average; a price by pay or for all needs no coverage."""
    cents = lines["volume_cents"].drop_nulls().first()
    is_bought = lines["unit"].is_in(list(BOUGHT)).any()
    is_told = offer["plan_type"] in BEGUN and (cents is not None or not is_bought)
    why = None if is_told else NO_OPTION
    return {"offer_id": offer["offer_id"], "coverage_cents": cents if is_bought else None, "why": why}


BOUGHT = (str(RateUnit.PER_HUNDRED), str(RateUnit.PER_THOUSAND))


def _unstated(offers: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The offers of which nobody said what the employer gives."""
    silent = lines.filter(pl.col("stated_cents").is_null() & pl.col("stated_percent_micros").is_null())
    return offers.join(silent, on="offer_id", how="semi").with_columns(why=pl.lit(UNSTATED))


def _uncosted(offers: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The offers without a true cost, where others have one; where none has, nobody asks for the margin."""
    is_unknown = pl.col("cost_micros").is_null()
    silent = lines.filter(is_unknown) if lines["cost_micros"].count() else lines.clear()
    return offers.join(silent, on="offer_id", how="semi").with_columns(why=pl.lit(UNCOSTED))


def _notes(offers: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """What cannot be compared of some offers, and why: NOTES."""
    told = rows.drop_nulls("why").select("offer_id", "why").unique(maintain_order=True)
    return shaped(told.join(offers, on="offer_id", maintain_order="left"), NOTES)


def _rows(offers: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    told = lines.group_by("offer_id").agg(
        is_cost_known=pl.col("cost_micros").is_not_null().all(), is_by_age=pl.col("age").is_not_null().any()
    )
    rows = offers.join(told, on="offer_id", how="left").join(_designs(offers), on="plan_id", how="left")
    rows = rows.with_columns(
        is_current=pl.lit(value=False),
        plan_title="plan_name",
        rate_table=pl.when(pl.col("is_cost_known").is_not_null()).then(_table("premium")),
        true_table=pl.when("is_cost_known").then(_table("cost")),
        benefit_class=pl.when(pl.col("benefit_group") != "").then("benefit_group"),
        is_pooled=pl.col("is_of_peo") & ~pl.col("is_by_age"),  # what its rates stand for nobody says
    )
    return shaped(rows, CANDIDATE)


def _table(what: str) -> pl.Expr:
    return pl.format("OFFER-{}-{}", "offer_id", pl.lit(what))


def _designs(offers: pl.DataFrame) -> pl.DataFrame:
    """The design of plans that say one of their own, and whether they are the PEO's: plan_id, is_of_peo."""
    plans = BenefitsPlan.objects.filter(pk__in=offers["plan_id"].unique().to_list())
    rows = [
        {
            "plan_id": pk,
            "is_of_peo": client_id == PEO,
            **{column: _amount(said.get(name), unit) for name, (column, unit) in _DESIGN.items()},
        }
        for pk, client_id, said in plans.values_list("pk", "client_id", "design")
    ]
    schema = {
        "plan_id": pl.Int64(),
        "is_of_peo": pl.Boolean(),
        **{column: pl.Int64() for column, _ in _DESIGN.values()},
    }
    return pl.DataFrame(rows, schema=schema)


def _amount(said: Any, unit: int) -> int | None:
    return None if said is None else int(Decimal(str(said)) * unit)


def _rates(lines: pl.DataFrame, offers: pl.DataFrame) -> pl.DataFrame:
    """A table of premiums and one of true costs for each offer, by the bands of its rate group.

    Premiums state what of them the employer pays, as set-up would have them.
    """
    known = rates_offered(lines).rename({"rate_micros": "offered_micros"})
    rows = lines.join(known, on=PLACE, nulls_equal=True)
    is_tiered = pl.col("plan_type").is_in(TIERED)
    rows = rows.join(offers.select("offer_id", "plan_type"), on="offer_id").with_columns(
        tier=pl.when(is_tiered).then("tier"),
        cost=pl.when(pl.col("unit").is_in(list(DOLLARS_BOUGHT)))
        .then("cost_micros")
        .otherwise(pl.col("cost_cents") * MICROS_PER_CENT),
        is_per_member=pl.lit(value=False),
        **{column: pl.col(band) * times for band, (column, times) in _COLUMNS.items()},
    )
    bare = pl.lit(None, pl.Int64)
    parts = [
        rows.with_columns(table=_table(what), rate_micros=pl.col(rate), employer_micros=employer)
        for what, rate, employer in (
            ("premium", "offered_micros", pl.col("employer_micros")),
            ("cost", "cost", bare),
        )
    ]
    return pl.concat(shaped(one, RATES) for one in parts).drop_nulls("rate_micros")


_COLUMNS = {
    Band.AGE: ("age_from", 1),
    Band.SERVICE: ("service_months_from", MONTHS),
    Band.PAY: ("annual_pay_from_cents", CENTS_PER_DOLLAR),
}
"""The column of RATES of kinds of band that are named otherwise there, and how many of its unit one is."""


def together(parts: Sequence[Candidates]) -> Candidates:
    """Put packages of several origins beside one another."""
    return Candidates(
        rows=pl.concat([one.rows for one in parts]),
        rates=pl.concat([one.rates for one in parts]).unique(),
        notes=pl.concat([one.notes for one in parts]),
    )
