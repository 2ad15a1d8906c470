"""Use cases: compare packages for a client or a prospect, order them again, and look at what was kept."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from io import BytesIO
from typing import Any

import msgspec
import polars as pl
from django.db import connections, transaction

from openbenefits.compliance.services import PERCENT
from openbenefits.core.money import CENTS_PER_DOLLAR, MICROS_PER_DOLLAR
from openbenefits.matching.candidates import CANDIDATE, NOTES, OFFER, Candidates, NoCandidates, Packages
from openbenefits.matching.frames import load_book, load_census
from openbenefits.matching.matched import Priced, Result, Terms, overview, price_packages, rank_packages
from openbenefits.matching.models import Comparison, Ordering
from openbenefits.matching.people import Census, nobody
from openbenefits.matching.rules.filters import Demands
from openbenefits.matching.rules.ranking import Scale
from openbenefits.matching.rules.take_up import TAKEN
from openbenefits.matching.today import price_today
from openbenefits.programs.frames import PEO, releases_in_force
from openbenefits.programs.legal import LimitUnknown, limit_of
from openbenefits.programs.loaded import LoadedBundle, from_document
from openbenefits.programs.models import Bundle
from openbenefits.programs.sections.plans import PlanPart
from openbenefits.store.catalogue import psycopg_connection

FACTORS_OF = "federal"
"""The age curve pool risk goes by: the PEO's of this code, else the first it has."""

LOCK = 0x4D41
"""Held, with a comparison's number, while an ordering gets its own."""

KEPT = ("measured", "plans", "taken", "refused", "left_out", "notes")
KEPT_OF_PACKAGES = ("packages", "menus", "choices", "offers", "prices")
KEPT_OF_CENSUS = {"people": ("person", "number", "benefit_class", "annual_pay_cents", "pay_frequency")}
"""What is kept of people: neither birth dates nor homes, which nothing later looks at."""


class NoComparison(LookupError):
    """There is no such comparison, ordering or package."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A comparison asked for.

    client_id: whose; the PEO (0) for a prospect, whose census comes with it.
    affordable_hundredths: the share of pay that is affordable; None: the legal one of the year of the prices.
    """

    client_id: int
    title: str
    as_of: date
    prices_on: date
    candidates: Candidates
    weights: Mapping[str, int]
    census: Census | None = None
    scale: Scale | None = None
    reference: str | None = None
    affordable_hundredths: int | None = None
    demands: Demands = field(default_factory=Demands)
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A comparison as it was kept, with one of its orderings.

    table: every package, as `matched.overview`; turning as `rules.ranking.SENSITIVITY`.
    """

    comparison: Comparison
    ordering: Ordering
    priced: Priced
    result: Result
    table: pl.DataFrame


def compare(connection: Any, asked: Asked, *, made_by: str, now: datetime) -> Ordering:
    """Price packages for everybody, order them, and keep both.

    Errors: NoCandidates; BadWeights; LimitUnknown where no legal share of pay is known for the year.
    """
    priced, inputs = price_asked(connection, asked)
    terms = terms_of(asked, _affordable(asked, _bundle(PEO)))
    result = rank_packages(priced, terms)
    with transaction.atomic():
        comparison = Comparison.objects.create(
            client_id=asked.client_id,
            title=asked.title,
            as_of=asked.as_of,
            prices_on=asked.prices_on,
            inputs=inputs,
            people=priced.census.people.height,
            packages=priced.packages.packages.height,
            terms={"affordable_hundredths": terms.affordable_hundredths, "demands": asdict(terms.demands)},
            frames=packed(priced),
            made_by=made_by,
            made_at=now,
        )
        return _keep(comparison, priced, result, terms, asked.reason, made_by, now)


def price_asked(connection: Any, asked: Asked) -> tuple[Priced, str]:
    """Price what is asked for without keeping anything; also answer the fingerprint of all that went in.

    Errors: as `compare`.
    """
    client = None if asked.client_id == PEO else _bundle(asked.client_id)
    peo = _with_formulas(_bundle(PEO), client, asked)
    today = None
    census = asked.census
    if census is None:
        if asked.client_id == PEO:
            raise NoCandidates("expected a census for a prospect, found none; hand one in")
        census, held = load_census(connection, asked.client_id, asked.as_of)
        if not asked.candidates.rows["is_current"].any():
            today = price_today(census, held, load_book(connection, asked.client_id, asked.as_of))
    if census.people.is_empty():
        raise NoCandidates(
            "expected people to compare packages for, found nobody; check the census and its day"
        )
    terms = terms_of(asked, _affordable(asked, peo))
    candidates = with_master_plans(asked.candidates, peo)
    priced = price_packages(census, candidates, peo, _factors(peo), terms, today, client)
    return priced, _fingerprint(connection, census, asked, today)


def terms_of(asked: Asked, affordable_hundredths: int) -> Terms:
    """Answer what a comparison goes by."""
    return Terms(
        on=asked.prices_on,
        affordable_hundredths=affordable_hundredths,
        weights=dict(asked.weights),
        scale=asked.scale,
        reference=asked.reference,
        demands=asked.demands,
    )


def order_again(
    client_id: int,
    number: int,
    weights: Mapping[str, int],
    *,
    scale: Scale | None = None,
    reference: str | None = None,
    reason: str,
    made_by: str,
    now: datetime,
) -> Ordering:
    """Order the packages of a comparison by other weights; the prices stay those that were kept.

    Errors: NoComparison; BadWeights.
    """
    comparison = _comparison(client_id, number)
    priced = unpacked(comparison)
    terms = Terms(
        on=comparison.prices_on,
        affordable_hundredths=comparison.terms["affordable_hundredths"],
        weights=dict(weights),
        scale=scale,
        reference=reference,
    )
    with transaction.atomic():
        connection = connections["default"]
        psycopg_connection(connection).execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, comparison.pk])
        return _keep(comparison, priced, rank_packages(priced, terms), terms, reason, made_by, now)


def look(client_id: int, number: int, ordering: int | None = None) -> Kept:
    """Answer a comparison with one of its orderings, the last one if none is named.

    Errors: NoComparison.
    """
    comparison = _comparison(client_id, number)
    orderings = comparison.orderings.order_by("-number")
    found = orderings.first() if ordering is None else orderings.filter(number=ordering).first()
    if found is None:
        raise NoComparison(f"comparison {number}: expected an ordering {ordering}, found none")
    priced = unpacked(comparison)
    terms = Terms(
        on=comparison.prices_on,
        affordable_hundredths=comparison.terms["affordable_hundredths"],
        weights=found.weights,
        scale=Scale(found.scale),
        reference=found.reference or None,
    )
    result = rank_packages(priced, terms)
    return Kept(
        comparison=comparison,
        ordering=found,
        priced=priced,
        result=result,
        table=overview(priced, result),
    )


def package_of(kept: Kept, code: str) -> int:
    """Answer the number of a package by its code.

    Errors: NoComparison.
    """
    found = kept.priced.packages.packages.filter(code=code)
    if found.is_empty():
        raise NoComparison(f"expected a package of comparison {kept.comparison.pk}, found {code}")
    return int(found["package"][0])


def _comparison(client_id: int, number: int) -> Comparison:
    found = Comparison.objects.filter(client_id=client_id, pk=number).first()
    if found is None:
        raise NoComparison(f"expected a comparison of this client, found no number {number}")
    return found


def _keep(
    comparison: Comparison,
    priced: Priced,
    result: Result,
    terms: Terms,
    reason: str,
    made_by: str,
    now: datetime,
) -> Ordering:
    codes = priced.packages.packages.select("package", "code")
    named = result.ranked.join(codes, on="package", maintain_order="left")
    order = [list(row) for row in named.select("code", "score").iter_rows()]
    told = dict(codes.iter_rows())
    turning = [
        row | {name: told.get(row[name]) for name in ("below_winner", "above_winner")}
        for row in result.turning.iter_rows(named=True)
    ]
    reference = result.ranking.reference if result.ranking.scale is Scale.REFERENCE else None
    return Ordering.objects.create(
        client_id=comparison.client_id,
        comparison=comparison,
        number=comparison.orderings.count() + 1,
        weights=dict(terms.weights),
        scale=str(result.ranking.scale),
        reference=reference["code"] if reference else "",
        winner=order[0][0] if order else "",
        order=order,
        turning=turning,
        reason=reason,
        made_by=made_by,
        made_at=now,
    )


# --- what goes in -------------------------------------------------------------------------------------------


def _bundle(client_id: int) -> LoadedBundle | None:
    """The set-up applied for a client, or for the PEO."""
    found = Bundle.objects.filter(client_id=client_id, release__isnull=False).select_related("release")
    bundle = found.first()
    return None if bundle is None or bundle.release is None else from_document(bundle.release.document)


def _with_formulas(
    peo: LoadedBundle | None, client: LoadedBundle | None, asked: Asked
) -> LoadedBundle | None:
    """Put the client's own formulas and calculation rules before the PEO's, where candidates name any."""
    named = asked.candidates.rows.select(pl.coalesce("formula", "premium_formula", "calculation_rule"))
    if peo is None or client is None or named.to_series().drop_nulls().is_empty():
        return peo
    merged = {}
    for section in ("formulas", "calculation_rules"):
        own = getattr(client.parts, section)
        codes = {one.code for one in own}
        others = (one for one in getattr(peo.parts, section) if one.code not in codes)
        merged[section] = [*own, *others]
    return replace(peo, parts=msgspec.structs.replace(peo.parts, **merged))


def with_master_plans(candidates: Candidates, peo: LoadedBundle | None) -> Candidates:
    """Fill in, from the PEO's plans of the same code, what candidates do not say: name, carrier, design."""
    if peo is None:
        return candidates
    known = {part.code: _told(part) for part in sorted(peo.parts.plans, key=lambda part: part.valid_from)}
    schema = {"plan": pl.String(), **{f"_{name}": CANDIDATE[name] for name in MASTER}}
    masters = pl.DataFrame([{"plan": code, **told} for code, told in known.items()], schema=schema)
    rows = candidates.rows.join(masters, on="plan", how="left", maintain_order="left")
    named = pl.when(pl.col("plan_title") == pl.col("plan")).then(None).otherwise("plan_title")
    rows = rows.with_columns(pl.coalesce(named, "_plan_title", "plan_title").alias("plan_title"))
    rows = rows.with_columns(
        pl.coalesce(name, f"_{name}").alias(name) for name in MASTER if name != "plan_title"
    )
    return replace(candidates, rows=rows.select(CANDIDATE.keys()))


MASTER = (
    *("plan_title", "carrier", "deductible_cents", "out_of_pocket_cents", "coinsurance_micros"),
    *("primary_visit_cents", "drug_cents"),
)
"""What candidates take from a master plan of the same code, unless they say it themselves."""


def _told(part: PlanPart) -> dict[str, Any]:
    design = part.design
    told = {
        "deductible_cents": design.deductible if design else None,
        "out_of_pocket_cents": design.out_of_pocket_max if design else None,
        "primary_visit_cents": design.primary_visit if design else None,
        "drug_cents": design.drug if design else None,
    }
    cents = {
        f"_{name}": None if value is None else int(value * CENTS_PER_DOLLAR) for name, value in told.items()
    }
    share = None if design is None else int(design.coinsurance_percent * MICROS_PER_DOLLAR)
    return cents | {"_plan_title": part.name, "_carrier": part.carrier, "_coinsurance_micros": share}


def _affordable(asked: Asked, peo: LoadedBundle | None) -> int:
    """The share stated, else that of the law for the year of the prices."""
    if asked.affordable_hundredths is not None:
        return asked.affordable_hundredths
    if peo is None:
        raise LimitUnknown(
            "expected an affordable share of pay, found none; state it, or apply the PEO's limits"
        )
    return limit_of(peo.limits, PERCENT, asked.prices_on).amount


def _factors(peo: LoadedBundle | None) -> pl.DataFrame:
    """The factors of the age curve, by its latest version: age, factor_micros."""
    schema = {"age": pl.Int16, "factor_micros": pl.Int64}
    if peo is None or peo.curves.is_empty():
        return pl.DataFrame(schema=schema)
    codes = peo.curves["curve"].unique(maintain_order=True)
    named = [code for code in codes if FACTORS_OF in code.lower()]
    rows = peo.curves.filter(curve=named[0] if named else codes[0])
    rows = rows.filter(pl.col("valid_from") == pl.col("valid_from").max())
    return rows.select("age", "factor_micros").unique("age").sort("age")


def _fingerprint(connection: Any, census: Census, asked: Asked, today: pl.DataFrame | None) -> str:
    """Answer what is the same for the same census, candidates, day and set-up only."""
    parts = [census.people, census.covered, census.excused, census.dependents]
    parts += [asked.candidates.rows, asked.candidates.rates]
    parts += [] if today is None else [today]
    digest = hashlib.sha256()
    for frame in parts:
        digest.update(frame.write_csv().encode())
    told = {
        "prices_on": asked.prices_on.isoformat(),
        "demands": asdict(asked.demands),
        "affordable": asked.affordable_hundredths,
        "releases": sorted(releases_in_force(connection, [asked.client_id]).items()),
    }
    digest.update(json.dumps(told, sort_keys=True).encode())
    return digest.hexdigest()


# --- what is kept -------------------------------------------------------------------------------------------


def packed(priced: Priced) -> bytes:
    """Pack the frames of a comparison, for `unpacked`."""
    frames = {f"packages.{name}": getattr(priced.packages, name) for name in KEPT_OF_PACKAGES}
    frames |= {name: getattr(priced, name) for name in KEPT}
    frames |= {name: getattr(priced.census, name).select(columns) for name, columns in KEPT_OF_CENSUS.items()}
    return msgspec.msgpack.encode({name: _bytes(frame) for name, frame in frames.items()})


def unpacked(comparison: Comparison) -> Priced:
    """Answer what a comparison kept; of its people only who they are, their class and pay."""
    kept = msgspec.msgpack.decode(bytes(comparison.frames), type=dict[str, bytes])
    frames = {name: pl.read_ipc(BytesIO(data), use_pyarrow=False) for name, data in kept.items()}
    frames["packages.offers"] = _with_later(frames["packages.offers"], OFFER)
    frames["taken"] = _with_later(frames["taken"], TAKEN)
    frames.setdefault("notes", pl.DataFrame(schema=NOTES))
    own = {name: frames[f"packages.{name}"] for name in KEPT_OF_PACKAGES}
    empty = nobody()
    return Priced(
        packages=Packages(**own),
        census=Census(
            people=frames["people"],
            covered=empty.covered,
            excused=empty.excused,
            dependents=empty.dependents,
        ),
        **{name: frames[name] for name in KEPT},
    )


def _with_later(frame: pl.DataFrame, schema: Mapping[str, Any]) -> pl.DataFrame:
    """Add the columns that a frame kept long ago lacks, with nothing in them."""
    absent = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in frame.columns]
    return frame.with_columns(absent)


def _bytes(frame: pl.DataFrame) -> bytes:
    held = BytesIO()
    frame.write_ipc(held, compression="zstd")
    return held.getvalue()
