"""Benefits batches as packages: their offered plans at the prices renewals says, beside a file's."""

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest
from django.db import transaction
from tests.renewals.conftest import AUTUMN, Year, hand, make_year, offers_of

from openbenefits.core.plan_types import HEALTH, is_one_of
from openbenefits.matching import offers, services, sheets
from openbenefits.matching.candidates import NoCandidates
from openbenefits.matching.matched import NOBODY
from openbenefits.matching.offers import candidates_of, code_of, together
from openbenefits.matching.rules.ranking import DEFAULT_WEIGHTS
from openbenefits.renewals.codes import Band, bands_of
from openbenefits.renewals.comparing import comparison_of
from openbenefits.renewals.models import Batch
from openbenefits.renewals.plans import rates_of, set_rates, zips_of_peo


@pytest.fixture(scope="module")
def year(database: Any, kept: Any, tmp_path_factory: Any) -> Year:
    found: Year = kept(
        database, ("renewals", 36), lambda: make_year(database, tmp_path_factory.mktemp("quill"))
    )
    return found


def test_a_batch_costs_what_renewals_says_of_each_tier(year: Year, database: Any) -> None:
    batch = Batch.objects.get(pk=year.renewal)
    found = candidates_of(database, year.client_id, [year.batch, year.renewal])
    assert set(found.rows["package"]) == {f"batch-{year.batch}", code_of(batch)}
    asked = services.Asked(
        client_id=year.client_id,
        title="2027",
        as_of=date(2026, 9, 15),
        prices_on=date(2027, 1, 1),
        candidates=found,
        weights=DEFAULT_WEIGHTS,
        affordable_hundredths=996,
    )
    made = services.compare(database, asked, made_by="test", now=AUTUMN)
    kept = services.look(year.client_id, made.comparison_id)
    number = services.package_of(kept, code_of(batch))
    weighed = comparison_of(database, batch)
    offers = weighed.offers.filter(is_one_of(HEALTH)).select("offer_id", plan="setup_plan")
    lines = weighed.lines.join(offers, on="offer_id").select(
        "plan", "tier", said="premium_cents", given="employer_cents"
    )
    menus = kept.priced.packages.menus.filter(is_one_of(HEALTH, "category"), package=number).select("menu")
    taken = kept.priced.taken.join(menus, on="menu").drop_nulls("offer")
    names = kept.priced.packages.offers.select("offer", "plan")
    both = taken.join(names, on="offer").join(lines, on=["plan", "tier"])
    assert both.height == taken.height > 0
    assert both.filter(pl.col("premium_cents") != pl.col("said")).is_empty()
    assert both.filter(pl.col("employer_cents") != pl.col("given")).is_empty()
    assert (kept.table.filter(code=code_of(batch))["premium_cents"] > 0).all()
    today = services.package_of(kept, "today")
    beside = {
        row["category"]: row for row in sheets.beside(kept, today, number, "plan").iter_rows(named=True)
    }
    assert 0 < beside["20"]["premium_cents_now"] < beside["20"]["premium_cents_then"]  # 7 percent dearer
    assert beside["20"]["people_now"] == beside["20"]["people_then"]
    assert "31" not in beside  # it is offered today, and nobody has it
    notes = dict(sheets.notes(kept).filter(code=code_of(batch)).select("category", "why").iter_rows())
    assert set(notes) == {"21", "31", "40", "60", "67"}
    assert set(notes.values()) == {NOBODY}
    assert sheets.workbook(kept)["Not compared"].height == sheets.notes(kept).height


def test_what_of_a_batch_cannot_be_compared_is_named(
    year: Year, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> tuple[set[str], dict[str, str]]:
        found = candidates_of(database, year.client_id, [year.renewal])
        return set(found.rows["category"]), dict(found.notes.select("category", "why").iter_rows())

    with monkeypatch.context() as patched:
        patched.setattr(offers, "_formulas", lambda _batch: {})
        compared, notes = told()
        assert not {"20", "21", "31"} & compared
        assert "BASIC-1X" in notes["20"]
    monkeypatch.setattr(offers, "options_to_be", lambda _weighed: {})
    compared, notes = told()
    assert "20" in compared  # at the coverage of a person on average
    assert not {offers.UNCOSTED, offers.UNSTATED} & set(notes.values())
    (life,) = (one for one in offers_of(year.renewal) if one.plan.plan_type == "20")
    with transaction.atomic():
        life.rate_group.rates.update(cost_micros=1)
        life.tiers.all().delete()
        found = candidates_of(database, year.client_id, [year.renewal]).notes
        transaction.set_rollback(True)
    assert found.filter(category="20")["why"].to_list() == [offers.UNSTATED]
    assert offers.UNCOSTED in found.filter(category="14")["why"].to_list()
    assert {notes[one] for one in ("21", "31", "60")} == {offers.NO_OPTION, offers.THEIRS}


def test_a_batch_by_rating_area_costs_by_the_zip_of_the_home(year: Year, database: Any) -> None:
    offer = next(one for one in offers_of(year.renewal) if one.plan.plan_type == "14")
    known = zips_of_peo().filter(geography="ma-rating-areas")["area"].unique().sort()
    numbers = {area: number for number, area in enumerate(known)}
    rates = [
        replace(one, bands=bands_of({Band.AREA: area}), premium_micros=(number + 1) * 10_000_000)
        for one in rates_of(offer.rate_group)
        for area, number in numbers.items()
    ]
    given: dict[str, Any] = {
        "begins_on": date(2027, 1, 1),
        "source": "letter",
        "by": hand(),
    }
    with transaction.atomic():
        set_rates(offer.plan, offer.rate_group.title, rates, geography="ma-rating-areas", **given)
        priced, _ = services.price_asked(database, _asked(year, database))
        transaction.set_rollback(True)
    (number,) = priced.packages.packages.filter(code=f"batch-{year.renewal}")["package"]
    menus = priced.packages.menus.filter(package=number, category="14").select("menu")
    paid = priced.taken.join(menus, on="menu").drop_nulls("offer")
    people = priced.census.people.select("person", "zip")
    zips = zips_of_peo().filter(geography="ma-rating-areas").with_columns(pl.col("zip").cast(pl.Int32))
    both = paid.join(people, on="person").join(zips, on="zip")
    price = (pl.col("area").replace_strict(numbers, return_dtype=pl.Int64) + 1) * 1_000
    assert both.height == paid.height > 0
    assert both.filter(pl.col("premium_cents") != price).is_empty()
    assert both["premium_cents"].n_unique() > 1


def _asked(year: Year, database: Any) -> services.Asked:
    return services.Asked(
        client_id=year.client_id,
        title="2027",
        as_of=date(2026, 9, 15),
        prices_on=date(2027, 1, 1),
        candidates=candidates_of(database, year.client_id, [year.renewal]),
        weights=DEFAULT_WEIGHTS,
        affordable_hundredths=996,
    )


def test_batches_of_others_are_not_there(year: Year, database: Any) -> None:
    with pytest.raises(NoCandidates, match="found 999999"):
        candidates_of(database, year.client_id, [year.batch, 999_999])
    with pytest.raises(NoCandidates):
        candidates_of(database, year.client_id + 1, [year.batch])


def test_packages_of_several_origins_stand_beside_one_another(year: Year, database: Any) -> None:
    first = candidates_of(database, year.client_id, [year.batch])
    second = candidates_of(database, year.client_id, [year.renewal])
    whole = together([first, second])
    assert whole.rows.height == first.rows.height + second.rows.height
