"""`openbenefits match`: packages of plans priced for a census, ordered, and looked at side by side."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.faults import Refused
from openbenefits.cli.options import AsOf, By, On, parse_day
from openbenefits.cli.screen import console, say, table_of

if TYPE_CHECKING:
    from openbenefits.matching.services import Asked, Kept

app = typer.Typer(
    no_args_is_help=True,
    help="The best plan for client, staff and PEO: price packages, order them by visible weights, compare.",
    epilog="Example: openbenefits match rank sample/matching/packages.csv"
    " --census sample/matching/prospect.csv --prices-on 2026-01-01",
)

Client = Annotated[
    str | None,
    typer.Option("--client", "-c", metavar="CODE", help="The client; not of a prospect.", show_default=False),
]
Packages = Annotated[
    Path | None,
    typer.Argument(exists=True, dir_okay=False, help="Candidate packages: CSV or XLSX, a row per plan."),
]
Batches = Annotated[
    list[int] | None,
    typer.Option("--batch", help="A benefits batch of the client, as a package; may be said again."),
]
CensusFile = Annotated[
    Path | None,
    typer.Option("--census", exists=True, dir_okay=False, help="A prospect's census.", show_default=False),
]
PricesOn = Annotated[
    date,
    typer.Option(
        "--prices-on", parser=parse_day, metavar="YYYY-MM-DD", help="The day the packages would begin."
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="NAME=0..100,…",
        help="client, employee, richness, disruption, margin, pool_risk; those left out are 0.",
        show_default=False,
    ),
]
ScaleOption = Annotated[
    str | None,
    typer.Option(
        "--scale", help="reference or range; reference where something is in force.", show_default=False
    ),
]
Reference = Annotated[
    str | None, typer.Option("--reference", help="The package others are taken against.", show_default=False)
]
Share = Annotated[
    str | None,
    typer.Option(
        "--affordable", metavar="PERCENT", help="The affordable share of pay; the law's unless told."
    ),
]
Xlsx = Annotated[Path | None, typer.Option("--xlsx", dir_okay=False, help="Write a workbook, too.")]
Number = Annotated[int, typer.Argument(help="The number of the comparison.")]
Title = Annotated[str, typer.Option("--title", help="What the comparison is called.")]
Reason = Annotated[str, typer.Option("--reason", help="Why these weights; it is kept.")]


@app.command()
def price(
    as_of: AsOf,
    prices_on: PricesOn,
    packages: Packages = None,
    client: Client = None,
    batch: Batches = None,
    census: CensusFile = None,
    affordable: Share = None,
) -> None:
    """Price packages and keep nothing: what each comes to a month, and what keeps it from being chosen."""
    connection = open_database()
    from openbenefits.matching import services

    asked = _asked((packages, batch), client, census, "", as_of, prices_on, None, None, None, affordable, "")
    priced, _ = services.price_asked(connection, asked)
    amounts = ("premium_cents", "employer_cents", "employee_cents", "margin_cents", "people", "unplaced")
    console.print(table_of(_dollars(priced.measured.select("code", *amounts)), title="A month"))
    if priced.refused.height:
        codes = priced.packages.packages.select("package", "code")
        why = priced.refused.join(codes, on="package").select("code", "rule", "plan", "expected", "found")
        console.print(table_of(why, title="Cannot be chosen"))
    _show_notes(priced.notes)


@app.command()
def rank(
    as_of: AsOf,
    prices_on: PricesOn,
    packages: Packages = None,
    client: Client = None,
    batch: Batches = None,
    census: CensusFile = None,
    title: Title = "Packages compared",
    weights: Weights = None,
    scale: ScaleOption = None,
    reference: Reference = None,
    affordable: Share = None,
    reason: Reason = "",
    by: By = "administrator",
    xlsx: Xlsx = None,
) -> None:
    """Price packages, order them, and keep the comparison with its weights."""
    connection = open_database()
    from openbenefits.matching import services

    asked = _asked(
        (packages, batch),
        client,
        census,
        title,
        as_of,
        prices_on,
        weights,
        scale,
        reference,
        affordable,
        reason,
    )
    made = services.compare(connection, asked, made_by=by, now=now())
    _show(services.look(asked.client_id, made.comparison_id), xlsx)


@app.command()
def again(
    number: Number,
    weights: Weights,
    reason: Reason,
    client: Client = None,
    scale: ScaleOption = None,
    reference: Reference = None,
    by: By = "administrator",
    xlsx: Xlsx = None,
) -> None:
    """Order the packages of a comparison by other weights; its prices stay as they were kept."""
    open_database()
    from openbenefits.matching import services

    client_id = _client_id(client)
    services.order_again(
        client_id,
        number,
        _weights(weights),
        scale=_scale(scale),
        reference=reference,
        reason=reason,
        made_by=by,
        now=now(),
    )
    _show(services.look(client_id, number), xlsx)


@app.command()
def show(
    number: Number,
    client: Client = None,
    ordering: Annotated[int | None, typer.Option(help="Which ordering; the last unless told.")] = None,
    xlsx: Xlsx = None,
) -> None:
    """Show a comparison as it was kept."""
    open_database()
    from openbenefits.matching import services

    _show(services.look(_client_id(client), number, ordering), xlsx)


@app.command()
def compare(
    number: Number,
    first: Annotated[str, typer.Argument(help="A package, by its code; `today` is what is in force.")],
    second: Annotated[str, typer.Argument(help="Another package.")],
    client: Client = None,
    by: Annotated[str, typer.Option("--by", help="plan, tier or person.")] = "plan",
) -> None:
    """Put two packages side by side: by plan, tier or person, a month and a pay."""
    open_database()
    from openbenefits.matching import services, sheets

    if by not in ("plan", "tier", "person"):
        raise typer.BadParameter(f"expected plan, tier or person, found {by}", param_hint="--by")
    kept = services.look(_client_id(client), number)
    both = (services.package_of(kept, first), services.package_of(kept, second))
    rows = sheets.beside(kept, *both, by)
    shown = [name for name in rows.columns if not name.startswith(("premium", "true"))]
    console.print(table_of(_dollars(rows.select(shown)), title=f"{first} (now) and {second} (then) by {by}"))


@app.command()
def tier(
    on: On,
    bands: Annotated[
        Path, typer.Option("--bands", exists=True, dir_okay=False, help="The tier table: a CSV of bands.")
    ],
    rates: Annotated[
        Path, typer.Option("--rates", exists=True, dir_okay=False, help="Single rates by tier: a CSV.")
    ],
    client: Client = None,
    census: CensusFile = None,
    single_rate: Annotated[
        str | None, typer.Option("--single-rate", metavar="DOLLARS", help="The single rate of today.")
    ] = None,
    max_discount: Annotated[
        str | None, typer.Option("--max-discount", metavar="PERCENT", help="The greatest discount.")
    ] = None,
    override: Annotated[str | None, typer.Option("--override", help="Another tier; wants a reason.")] = None,
    title: Annotated[str, typer.Option("--title", help="What the recommendation is called.")] = "Risk tier",
    reason: Reason = "",
    by: By = "administrator",
) -> None:
    """Recommend a risk tier: by the rate of today and by age and sex, the riskier of both; it is kept."""
    connection = open_database()
    from openbenefits.matching import files, tiering
    from openbenefits.matching.frames import load_census

    if (client is None) == (census is None):
        raise typer.BadParameter("expected a client or a prospect's census, found both or neither")
    client_id = _client_id(client)
    people = (
        load_census(connection, client_id, on)[0]
        if census is None
        else _taken(census, files.read_census(census.name, census.read_bytes()))
    )
    asked = tiering.TierAsked(
        client_id=client_id,
        title=title,
        on=on,
        census=people,
        bands=_taken(bands, tiering.read_bands(bands.name, bands.read_bytes())),
        rates=_taken(rates, tiering.read_rates(rates.name, rates.read_bytes())),
        provided_single_cents=_hundredths(single_rate),
        max_discount_micros=(_hundredths(max_discount) or 0) * MICROS_OF_HUNDREDTH,
        override=override,
        reason=reason,
    )
    made = tiering.keep_recommendation(asked, made_by=by, now=now())
    age, men = made.average_age_hundredths, made.male_percent_hundredths
    say(f"{made.people} people, average age {_decimal(age)}, men {_decimal(men)} %")
    say(f"Control tier {made.control or 'not known'}, calculated tier {made.calculated or 'not known'}")
    say(f"Final tier {made.final}" + (f", set to {made.override}: {made.reason}" if made.override else ""))


MICROS_OF_HUNDREDTH = 10_000


def _decimal(hundredths: int | None) -> str:
    return "not known" if hundredths is None else f"{hundredths // 100}.{hundredths % 100:02d}"


def _asked(
    packages: tuple[Path | None, list[int] | None],
    client: str | None,
    census: Path | None,
    title: str,
    as_of: date,
    prices_on: date,
    weights: str | None,
    scale: str | None,
    reference: str | None,
    affordable: str | None,
    reason: str,
) -> "Asked":
    from openbenefits.matching import files, services
    from openbenefits.matching.rules.ranking import DEFAULT_WEIGHTS

    if (client is None) == (census is None):
        raise typer.BadParameter("expected a client or a prospect's census, found both or neither")
    candidates = _candidates(*packages, _client_id(client))
    people = None if census is None else _taken(census, files.read_census(census.name, census.read_bytes()))
    return services.Asked(
        client_id=_client_id(client),
        title=title,
        as_of=as_of,
        prices_on=prices_on,
        candidates=candidates,
        weights=DEFAULT_WEIGHTS if weights is None else _weights(weights),
        census=people,
        scale=_scale(scale),
        reference=reference,
        affordable_hundredths=_hundredths(affordable),
        reason=reason,
    )


def _candidates(file: Path | None, batches: list[int] | None, client_id: int) -> Any:
    """Read the packages of a file, and take the batches named, which are packages that stand already."""
    from django.db import connection

    from openbenefits.matching import files
    from openbenefits.matching.offers import candidates_of, together

    if file is None and not batches:
        raise typer.BadParameter("expected a file of packages or --batch, found neither")
    parts = []
    if file is not None:
        parts.append(_taken(file, files.read_candidates(file.name, file.read_bytes())))
    if batches:
        parts.append(candidates_of(connection, client_id, batches))
    return together(parts)


def _taken(file: Path, read: Any) -> Any:
    if read.unknown_headings:
        say(
            f"{file.name}: columns left out, as nothing is known by these names:"
            f" {', '.join(read.unknown_headings)}"
        )
    if read.bad_rows.height:
        console.print(table_of(read.bad_rows, title=f"{file.name}: cells that cannot be taken"))
        raise Refused(f"{file.name}: expected every cell to be readable; correct those listed and try again")
    return read.found


def _client_id(code: str | None) -> int:
    from openbenefits.programs.frames import PEO

    return PEO if code is None else find_client(code).pk


def _weights(text: str | None) -> dict[str, int]:
    found = {}
    for part in (text or "").split(","):
        name, _, number = part.strip().partition("=")
        if not number.strip().isdecimal():
            raise typer.BadParameter(f"expected NAME=0..100, found {part.strip()}", param_hint="--weights")
        found[name.strip()] = int(number)
    return found


def _scale(text: str | None) -> Any:
    from openbenefits.matching.rules.ranking import Scale

    if text is not None and text not in set(Scale):
        raise typer.BadParameter(f"expected one of {', '.join(Scale)}, found {text}", param_hint="--scale")
    return None if text is None else Scale(text)


def _hundredths(text: str | None) -> int | None:
    if text is None:
        return None
    whole, _, part = text.partition(".")
    if not whole.isdecimal() or not (part or "0").isdecimal() or len(part) > 2:
        raise typer.BadParameter(
            f"expected a percentage such as 9.96, found {text}", param_hint="--affordable"
        )
    return int(whole) * 100 + int(part.ljust(2, "0"))


def _dollars(rows: pl.DataFrame) -> pl.DataFrame:
    from openbenefits.matching.sheets import in_dollars

    return in_dollars(rows)


def _show_notes(notes: pl.DataFrame) -> None:
    if notes.height:
        console.print(table_of(notes, title="Not compared, or only in part"))


def _show(kept: "Kept", xlsx: Path | None) -> None:
    from openbenefits.matching import sheets
    from openbenefits.reports.files import write_xlsx

    one = kept.comparison
    told = ", ".join(f"{name} {weight}" for name, weight in kept.ordering.weights.items())
    title = (
        f"Comparison {one.pk}, ordering {kept.ordering.number}: {one.title} ({kept.ordering.scale}; {told})"
    )
    names = ("rank", "code", "standing", "score", "employer_cents", "employee_cents")
    more = ("employer_change", "margin_cents", "priced_out", "is_cheaper_for_client")
    console.print(table_of(_dollars(sheets.packages(kept).select(*names, *more)), title=title))
    refused = sheets.refused(kept)
    if refused.height:
        console.print(table_of(refused, title="Cannot be chosen"))
    if (assumed := sheets.assumed(kept)).height:
        console.print(table_of(_dollars(assumed), title="Assumed of plans whose amount people choose"))
    console.print(table_of(sheets.turning(kept), title="Weights that would change the winner"))
    _show_notes(kept.priced.notes)
    if kept.priced.left_out.height:
        console.print(table_of(kept.priced.left_out.select("number", "fault"), title="Left out of all sums"))
    if xlsx is not None:
        write_xlsx(xlsx, sheets.workbook(kept))
        say(f"Written to {xlsx}.")
