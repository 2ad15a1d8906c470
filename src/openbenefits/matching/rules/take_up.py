"""Who takes which plan of a package: the assumption every measure rests on, one named rule.

Whoever is covered today stays covered, in the same tier. Of the plans of a package that are open to him (for
his class, in a network that reaches his home, with a price for him) he takes the one that changes least: his
own plan, else the same carrier and network, else the same carrier; among equals what costs him least, then
the plan's code.

Who has an option that goes on (life by times of pay, an account) has that one. Of what people choose by a
stated share everybody is priced, and that share of it counts.
"""

import polars as pl

from openbenefits.core import money
from openbenefits.matching.candidates import shaped
from openbenefits.matching.rules.prices import MONTHS, place_of_price

STEPS = ("same plan", "same carrier and network", "same carrier", "another carrier")
"""How far a person moves, from 0 on."""

TAKEN = {
    "menu": pl.Int32(),
    "person": pl.Int32(),
    "offer": pl.Int32(),
    "tier": pl.String(),
    "step": pl.Int8(),
    "premium_cents": pl.Int64(),
    "employer_cents": pl.Int64(),
    "employee_cents": pl.Int64(),
    "pay_cents": pl.Int64(),
    "true_cents": pl.Int64(),
    "share_micros": pl.Int64(),
}
"""What each person would have from each menu: offer null where no plan of it is open to him; step null where
nobody knows what he has today; share_micros where a share of people is taken to choose it: amounts are that
share of what one of them costs."""


def takers() -> pl.Expr:
    """Count who takes an offer, in a group of TAKEN: everybody, or the share stated, half up."""
    share = pl.col("share_micros").fill_null(money.HUNDRED_PERCENT)
    return money.divide_half_up(money.total(share), money.HUNDRED_PERCENT)


def open_offers(
    covered: pl.DataFrame, people: pl.DataFrame, offers: pl.DataFrame, networks: pl.DataFrame
) -> pl.DataFrame:
    """List the offers each covered person could have by class and home: person, tier, offer, step.

    Shapes: covered as ASKED, people as PEOPLE, offers as `Packages.offers`, networks: network, zip.
    """
    facts = people.select("person", own_class="benefit_class", zip="zip")
    rows = covered.rename({name: f"own_{name}" for name in ("plan", "option", "carrier", "network")})
    rows = rows.join(facts, on="person", maintain_order="left")
    names = ("offer", "category", "plan", "option", "carrier", "network", "benefit_class")
    wanted = offers.select(*names, is_asked=pl.col("take_up_micros").is_not_null())
    rows = rows.join(wanted, on=["category", "is_asked"], maintain_order="left_right")
    rows = rows.filter((pl.col("own_option") == pl.col("option")).fill_null(value=True))
    is_of_class = pl.col("benefit_class").is_null() | (pl.col("benefit_class") == pl.col("own_class"))
    rows = rows.filter(is_of_class.fill_null(value=False))
    reached = networks.with_columns(is_reached=pl.lit(value=True))
    rows = rows.join(reached, on=["network", "zip"], how="left", maintain_order="left")
    rows = rows.filter(pl.col("network").is_null() | pl.col("is_reached").fill_null(value=False))
    return rows.select("person", "category", "tier", "offer", step=_step())


def _step() -> pl.Expr:
    """How far a move to the offer is; null where today's plan is not known."""
    same_carrier = (pl.col("own_carrier") == pl.col("carrier")).fill_null(value=False)
    same_network = pl.col("own_network").eq_missing(pl.col("network"))
    step = (
        pl.when((pl.col("own_plan") == pl.col("plan")).fill_null(value=False))
        .then(0)
        .when(same_carrier & same_network)
        .then(1)
        .when(same_carrier)
        .then(2)
        .otherwise(3)
    )
    is_known = pl.col("own_plan").is_not_null() | pl.col("own_carrier").is_not_null()
    return pl.when(is_known).then(step).cast(pl.Int8)


def take_up(
    covered: pl.DataFrame,
    reachable: pl.DataFrame,
    offers: pl.DataFrame,
    choices: pl.DataFrame,
    priced: pl.DataFrame,
) -> pl.DataFrame:
    """Let every covered person take a plan of every menu of his category.

    Shapes:  reachable as `open_offers`; choices: menu, offer; priced as PRICED of every (person, key, tier)
             asked. The result as TAKEN, one row per menu and covered person of its category.
    Missing: an offer without a price for the person is not open to him.
    """
    amounts = ("premium_cents", "employer_cents", "employee_cents", "pay_cents")
    asked = offers.select("offer", "key", "true_key", "plan", "seed_cents", share_micros="take_up_micros")
    rows = reachable.join(asked, on="offer", maintain_order="left")
    rows = rows.with_columns(place=place_of_price())
    places = priced.with_columns(place=place_of_price()).drop_nulls("premium_cents")
    rows = rows.join(places.select("place", *amounts), on="place").drop("key").rename({"true_key": "key"})
    rows = rows.with_columns(place=place_of_price())
    rows = rows.join(places.select("place", true_cents="premium_cents"), on="place", how="left")
    rows = rows if asked["share_micros"].is_null().all() else _shared(rows)
    held = choices.group_by("menu").agg(offers=pl.len())
    rows = rows.join(choices.join(held, on="menu"), on="offer")
    single, several = rows.filter(offers=1), rows.filter(pl.col("offers") > 1)
    several = several.sort("menu", "person", "step", "employee_cents", "plan", "offer", nulls_last=True)
    several = several.unique(["menu", "person"], keep="first", maintain_order=True)
    found = shaped(pl.concat([single, several]), TAKEN)
    return pl.concat([found, shaped(_without(found, covered, offers, choices), TAKEN)])


def _shared(rows: pl.DataFrame) -> pl.DataFrame:
    """Count the stated share of what people choose; what the employer puts into an account is his cost."""
    seed = money.divide_half_up(pl.col("seed_cents").fill_null(0), MONTHS)
    is_shared = pl.col("share_micros").is_not_null()

    def share(amount: pl.Expr) -> pl.Expr:
        return pl.when(is_shared).then(money.percent_of(amount, pl.col("share_micros"))).otherwise(amount)

    seeded = {name: share(money.add(pl.col(name), seed)) for name in ("premium_cents", "employer_cents")}
    rows = rows.with_columns(
        **seeded,
        true_cents=share(money.add(pl.col("true_cents"), seed)),
        pay_cents=share(pl.col("pay_cents")),
    )
    return rows.with_columns(employee_cents=money.subtract(pl.col("premium_cents"), pl.col("employer_cents")))


def _without(
    found: pl.DataFrame, covered: pl.DataFrame, offers: pl.DataFrame, choices: pl.DataFrame
) -> pl.DataFrame:
    """Who takes nothing of a menu, though he is covered in its category; most menus leave nobody so."""
    key = ["category", "is_asked"]
    told = offers.select("offer", "category", is_asked=pl.col("take_up_micros").is_not_null())
    menus = choices.join(told, on="offer").select("menu", *key).unique()
    whole = covered.group_by(key).agg(people=pl.len())
    menus = menus.join(whole, on=key)
    placed = found.group_by("menu").agg(placed=pl.len())
    menus = menus.join(placed, on="menu", how="left").filter(pl.col("placed").fill_null(0) < pl.col("people"))
    everybody = menus.select("menu", *key).join(covered.select("person", "tier", *key), on=key)
    return everybody.join(found.select("menu", "person"), on=["menu", "person"], how="anti")
