"""One comparison from census and candidates to an order of packages: everything but reading and keeping."""

from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from openbenefits.core import days, money
from openbenefits.matching.book import make_book
from openbenefits.matching.candidates import (
    MEDICAL,
    NOTES,
    SELF_ONLY,
    Candidates,
    NoCandidates,
    Packages,
    shaped,
    share,
)
from openbenefits.matching.people import ASKED, Census, with_assumed
from openbenefits.matching.rules.filters import Demands, refusals
from openbenefits.matching.rules.measures import measure
from openbenefits.matching.rules.prices import Book, place_of_price, price, prices_at
from openbenefits.matching.rules.ranking import Ranking, Scale, rank, sensitivity
from openbenefits.matching.rules.take_up import open_offers, take_up
from openbenefits.matching.today import with_today
from openbenefits.programs.loaded import LoadedBundle

LOST = ("birth", "coverage", "calendar", "calculation", "nobody", "household")
"""Faults that are the person's: no package can be priced for him, so that he is left out of all alike."""
NOBODY = "nobody has it today, and how many would choose it nobody says: it counts nothing"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a comparison goes by: the day prices begin, the affordable share of pay, demands, weights."""

    on: date
    affordable_hundredths: int
    weights: dict[str, int]
    scale: Scale | None = None  # none: against the current package, if there is one
    reference: str | None = None  # none: the current package
    demands: Demands = field(default_factory=Demands)


@dataclass(frozen=True, kw_only=True)
class Priced:
    """What packages come to, whatever the weights; notes as NOTES: what of them is not compared.

    measured: `rules.measures.Measured.packages`; plans: its plans; taken as TAKEN; refused as REFUSED.
    left_out: person, number, fault: who could not be priced, and is in none of the sums.
    """

    packages: Packages
    census: Census
    measured: pl.DataFrame
    plans: pl.DataFrame
    taken: pl.DataFrame
    refused: pl.DataFrame
    left_out: pl.DataFrame
    notes: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class Result:
    """Packages in their order, with what would change it. Shapes: see `rules.ranking`."""

    ranking: Ranking
    ranked: pl.DataFrame
    turning: pl.DataFrame


def price_packages(
    census: Census,
    candidates: Candidates,
    peo: LoadedBundle | None,
    factors: pl.DataFrame,
    terms: Terms,
    today: pl.DataFrame | None = None,
    client: LoadedBundle | None = None,
) -> Priced:
    """Price every package for every person, through the kernel.

    Shapes: factors: age, factor_micros (of the age curve pool risk goes by); today as TODAY, if what people
            have is priced by a set-up of its own: it becomes the package `today`; client: whose set-up says
            where companies and places of work are. A category that no package
            offers is left out of both sides; an untiered one that nobody has covers everybody.
    Errors: NoCandidates.
    """
    packages = share(candidates.rows)
    if today is not None and packages.packages["is_current"].any():
        raise NoCandidates(
            "expected one package in force today, found the client's own and a candidate; keep one"
        )
    offered = packages.menus["category"].unique().to_list()
    census = with_assumed(census, packages.offers)
    book = make_book(packages.prices, candidates.rates, peo, terms.on, client)
    reachable, everybody = _reachable(census, packages, book)
    priced = price(census, _asked(reachable, everybody, packages, census), book)
    lost = _left_out(priced, census)
    census = _without(census, lost)
    reachable = reachable.join(lost, on="person", how="anti", maintain_order="left")
    everybody = everybody.join(lost, on="person", how="anti", maintain_order="left")
    taken = take_up(census.covered, reachable, packages.offers, packages.choices, priced)
    least, per_offer = _self_only(everybody, packages, priced)
    if today is not None and not today.is_empty():
        today = today.filter(pl.col("category").is_in(offered))
        packages, own = with_today(packages, today.join(lost, on="person", how="anti"))
        taken = pl.concat([taken, own])
    of_people = _factors(census, factors, terms.on)
    measured = measure(packages, census, taken, least, of_people, terms.affordable_hundredths)
    refused = refusals(packages, measured.packages, taken, census, per_offer, terms.demands)
    return Priced(
        packages=packages,
        census=census,
        measured=measured.packages,
        plans=measured.plans,
        taken=taken,
        refused=refused,
        left_out=lost,
        notes=_notes(candidates, census),
    )


def _notes(candidates: Candidates, census: Census) -> pl.DataFrame:
    """What is not compared, or only in part: also what goes on with those who have it, where nobody has."""
    is_held = pl.col("category").is_in(census.covered["category"].unique().implode())
    bare = candidates.rows.filter(pl.col("option").is_not_null() & ~is_held)
    unheld = shaped(bare.with_columns(why=pl.lit(NOBODY)), NOTES)
    plan = ["package", "category", "plan"]
    others = candidates.notes.unique(maintain_order=True).join(unheld, on=plan, how="anti")
    return pl.concat([unheld.unique(), others]).sort(plan, maintain_order=True)


def _reachable(census: Census, packages: Packages, book: Book) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The offers open to those who are covered; and to everybody, for self-only prices."""
    reachable = open_offers(census.covered, census.people, packages.offers, book.networks)
    asking = packages.offers.filter(
        (pl.col("category") == MEDICAL) | (pl.col("min_contribution_micros") > 0).fill_null(value=False)
    )
    wanted = asking.select("category", is_asked=pl.col("take_up_micros").is_not_null()).unique()
    whole = census.people.select("person", tier=pl.lit(SELF_ONLY)).join(wanted, how="cross")
    everybody = open_offers(shaped(whole, ASKED), census.people, asking, book.networks)
    return reachable, everybody


def _asked(
    reachable: pl.DataFrame, everybody: pl.DataFrame, packages: Packages, census: Census
) -> pl.DataFrame:
    """Each price once: premiums and true costs in the own tier, premiums for the employee alone."""
    keys = packages.offers.select("offer", "category", "key", "true_key")
    own = reachable.select("person", "tier", "offer").join(keys, on="offer")
    true = keys.select("category", key="true_key").drop_nulls().unique()
    true = census.covered.select("person", "tier", "category").join(true, on="category")
    alone = everybody.select("person", "tier", "offer").join(keys, on="offer")
    places = [rows.select(place=place_of_price()) for rows in (own, true, alone)]
    return prices_at(pl.concat(places)["place"].unique().sort())


def _left_out(priced: pl.DataFrame, census: Census) -> pl.DataFrame:
    """Who lacks a fact that a price of his looks at: person, number, fault."""
    faulty = priced.filter(pl.col("fault").is_in(LOST)).select("person", "fault")
    first = faulty.group_by("person").agg(pl.col("fault").min())
    return first.join(census.people.select("person", "number"), on="person").sort("person")


def _without(census: Census, lost: pl.DataFrame) -> Census:
    if lost.is_empty():
        return census
    kept = {
        name: getattr(census, name).join(lost, on="person", how="anti", maintain_order="left")
        for name in ("people", "covered", "excused", "dependents")
    }
    return replace(census, **kept)


def _self_only(
    everybody: pl.DataFrame, packages: Packages, priced: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The least each person would pay for himself alone in a medical menu; and each offer's sums."""
    rows = everybody.join(packages.offers.select("offer", "key"), on="offer")
    amounts = priced.select("premium_cents", "employer_cents", "employee_cents", place=place_of_price())
    rows = rows.with_columns(place=place_of_price()).join(amounts.drop_nulls(), on="place")
    medical = rows.filter(category=MEDICAL).join(packages.choices, on="offer")
    least = medical.group_by("menu", "person").agg(least_cents=pl.col("employee_cents").min())
    per_offer = rows.group_by("offer").agg(pl.col("premium_cents", "employer_cents").sum())
    return least, per_offer


def _factors(census: Census, factors: pl.DataFrame, on: date) -> pl.DataFrame:
    """The factor of each employee's age; ages beyond the curve take its ends."""
    if factors.is_empty():
        return census.people.select("person", factor_micros=pl.lit(None, pl.Int64))
    low, high = pl.lit(factors["age"].min()), pl.lit(factors["age"].max())
    ages = census.people.select(
        "person", age=days.age_years(pl.col("birth_on"), pl.lit(on)).clip(low, high).cast(pl.Int64)
    )
    known = factors.select(pl.col("age").cast(pl.Int64), "factor_micros")
    return ages.join(known, on="age", how="left", maintain_order="left").select("person", "factor_micros")


def rank_packages(priced: Priced, terms: Terms) -> Result:
    """Order the packages that nothing keeps from being chosen; what is in force today is their yardstick.

    Errors: BadWeights; NoCandidates for a reference package nobody knows.
    """
    ranking = ranking_of(priced.measured, terms)
    refused = priced.refused.select("package").unique()
    rows = priced.measured.filter(~pl.col("is_current"))
    rows = rows.join(refused, on="package", how="anti", maintain_order="left")
    return Result(ranking=ranking, ranked=rank(rows, ranking), turning=sensitivity(rows, ranking))


def ranking_of(measured: pl.DataFrame, terms: Terms) -> Ranking:
    """Answer how packages are ordered: against the reference named, else today's package, else by range.

    Errors: BadWeights; NoCandidates for a reference package nobody knows.
    """
    found = measured.filter(code=terms.reference) if terms.reference else measured.filter("is_current")
    if terms.reference and found.is_empty():
        raise NoCandidates(
            f"reference package: expected one of the packages, found {terms.reference}; correct it"
        )
    row = found.row(0, named=True) if found.height else None
    scale = terms.scale
    if scale is None:
        scale = Scale.REFERENCE if row and row["premium_cents"] else Scale.RANGE
    return Ranking(weights=terms.weights, scale=scale, reference=row)


def overview(priced: Priced, result: Result) -> pl.DataFrame:
    """Every package, none hidden: in its rank, then those refused, then what is in force today.

    Shapes: `Priced.measured` with rank and score (null: not ranked), standing (ranked, refused, today), the
            change of amounts against today's package (<amount>_change; null without one), and
            is_cheaper_for_client: it costs the client less than the first.
    """
    rows = priced.measured.join(result.ranked.select("package", "rank", "score"), on="package", how="left")
    refused = pl.col("package").is_in(priced.refused["package"].unique().implode())
    standing = pl.when("is_current").then(pl.lit("today")).when(refused).then(pl.lit("refused"))
    today = rows.filter("is_current")
    first = rows.filter(rank=1)
    base = {name: today[name][0] if today.height else None for name in CHANGES}
    least = first["employer_cents"][0] if first.height else None
    rows = rows.with_columns(
        standing=standing.otherwise(pl.lit("ranked")),
        is_cheaper_for_client=(pl.col("employer_cents") < pl.lit(least, pl.Int64)).fill_null(value=False),
        **{
            f"{name.removesuffix('_cents')}_change": money.subtract(
                pl.col(name), pl.lit(base[name], pl.Int64)
            )
            for name in CHANGES
        },
    )
    order = pl.col("standing").replace_strict({"ranked": 0, "refused": 1, "today": 2}, return_dtype=pl.Int8)
    return rows.sort(order, "rank", "employer_cents", "code", nulls_last=True)


CHANGES = ("premium_cents", "employer_cents", "employee_cents")
