"""The best plan: packages compared for a client, ordered by stated weights, two of them side by side."""

from datetime import date, datetime
from typing import Any, Literal

from django.db import connection, transaction
from ninja import File as Upload
from ninja import Form, Path, Query
from ninja.files import UploadedFile
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.elections import refuse_large
from openbenefits.api.naming import Desk, at
from openbenefits.api.paging import Page, page_of
from openbenefits.api.problems import Problem, not_found
from openbenefits.api.routing import Routes
from openbenefits.api.runs import Asked, ask
from openbenefits.api.shapes import (
    AsOf,
    Body,
    Code,
    Cursor,
    Day,
    Id,
    Limit,
    Number,
    Table,
    Words,
    rows_of,
    table_of,
)
from openbenefits.background.matching_kinds import KIND, MOST_PRICES
from openbenefits.background.order_files import OrderFileRefused, keep
from openbenefits.matching import files, services, sheets
from openbenefits.matching.models import Comparison
from openbenefits.matching.rules.ranking import DEFAULT_WEIGHTS, Scale
from openbenefits.workforce.models import Person

router = Routes("best plan")
PLACE = "/clients/{client}/best-plan"

Weight = int


class Weights(Body):
    """What counts how much, from 0 to 100; 0 ignores a measure."""

    client: Weight = Field(DEFAULT_WEIGHTS["client"], ge=0, le=100)
    employee: Weight = Field(DEFAULT_WEIGHTS["employee"], ge=0, le=100)
    richness: Weight = Field(DEFAULT_WEIGHTS["richness"], ge=0, le=100)
    disruption: Weight = Field(DEFAULT_WEIGHTS["disruption"], ge=0, le=100)
    margin: Weight = Field(DEFAULT_WEIGHTS["margin"], ge=0, le=100)
    pool_risk: Weight = Field(DEFAULT_WEIGHTS["pool_risk"], ge=0, le=100)


class OrderingAsked(Body):
    """Other weights, and why."""

    weights: Weights
    scale: Literal["reference", "range"] | None = None
    reference: Code | None = Field(None, description="The package differences are taken from.")
    reason: Words


class ComparisonShown(BaseModel):
    """A comparison that was made; it never changes."""

    number: int
    title: str
    as_of: date
    prices_on: date
    inputs: str = Field(description="The same for the same census, packages, demands and set-up only.")
    people: int
    packages: int
    made_by: str
    made_at: datetime


class OrderingShown(BaseModel):
    """Packages in an order: amounts are cents a month, points millionths, shares hundredths of a percent."""

    number: int
    ordering: int
    weights: dict[str, int]
    scale: str
    reference: str
    winner: str
    reason: str
    made_by: str
    made_at: datetime
    packages: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    assumed: list[dict[str, Any]] = Field(
        description="What is assumed of plans whose amount people choose: share of people, amount."
    )
    turning: list[dict[str, Any]] = Field(description="Which weight would change the winner.")
    notes: list[dict[str, Any]] = Field(
        description="What of a package is not compared, or only in part, and why."
    )
    left_out: int = Field(description="People who could not be priced, and are in none of the sums.")


@router.get(PLACE, response=Page[ComparisonShown], summary="List comparisons of packages")
def list_comparisons(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List the comparisons made for a client, the last one first."""
    desk = at(request, client, Permission.SETUP)
    rows = Comparison.objects.filter(client_id=desk.client_id).defer("frames")
    return page_of(rows, _comparison, cursor=cursor, limit=limit, is_last_first=True)


def _comparison(row: Comparison) -> dict[str, Any]:
    names = ("title", "as_of", "prices_on", "inputs", "people", "packages", "made_by", "made_at")
    return {"number": row.pk, **{name: getattr(row, name) for name in names}}


@router.get(PLACE + "/{number}", response=OrderingShown, summary="Look at a comparison")
def show_comparison(
    request: Any, client: Path[Code], number: Path[Id], ordering: Number | None = None
) -> Any:
    """Answer the packages in the order last made, or in the one named; none is left out."""
    desk = at(request, client, Permission.SETUP)
    return _ordering(_kept(desk, number, ordering))


@router.get(PLACE + "/{number}/beside", response=Table, summary="Put two packages side by side")
def put_beside(
    request: Any,
    client: Path[Code],
    number: Path[Id],
    first: Code,
    second: Code,
    by: Literal["plan", "tier", "person"] = Query("plan"),
) -> Any:
    """Compare two packages by plan, tier or person, in cents a month and a pay; `today`: what is in force."""
    desk = at(request, client, Permission.SETUP)
    kept = _kept(desk, number, None)
    try:
        both = [services.package_of(kept, code) for code in (first, second)]
    except services.NoComparison:
        raise not_found("the code of a package", f"see the comparison {number}") from None
    rows = sheets.beside(kept, both[0], both[1], by)
    if by == "person":
        desk.saw("packages by person")
    return table_of(f"{first} and {second} by {by}", rows)


@router.post(PLACE, response={200: OrderingShown, 202: Asked}, summary="Compare packages")
def compare(
    request: Any,
    client: Path[Code],
    packages: Upload[UploadedFile],
    as_of: AsOf,
    title: Words = Form(...),
    prices_on: Day = Form(...),
) -> Any:
    """Price candidate packages (CSV, XLSX: a row per plan) for everybody at work; order by usual weights.

    More than 300,000 prices (plans × people) are left to the worker and answered 202 with where to follow
    them; the result names the comparison to look at.
    """
    desk = at(request, client, Permission.SETUP)
    refuse_large(packages)
    name, content = packages.name or "packages.csv", packages.read()
    read = files.read_candidates(name, content)
    if read.bad_rows.height:
        told = "; ".join(
            f"row {row['row']}, {row['column']}: expected {row['expected']}, found {row['found']}"
            for row in read.bad_rows.head(5).iter_rows(named=True)
        )
        raise Problem(422, "file-refused", f"{name}: {told}")
    people = Person.objects.filter(client_id=desk.client_id).count()
    if read.found.rows.height * people > MOST_PRICES:
        days = {"as_of": (as_of or desk.today).isoformat(), "prices_on": prices_on.isoformat()}
        return _left(desk, name, content, {"title": title, "weights": DEFAULT_WEIGHTS} | days)
    asked = services.Asked(
        client_id=desk.client_id,
        title=title,
        as_of=as_of or desk.today,
        prices_on=prices_on,
        candidates=read.found,
        weights=DEFAULT_WEIGHTS,
    )
    with transaction.atomic():
        made = services.compare(connection, asked, made_by=desk.author, now=desk.now)
        desk.did("compare packages")
    return _ordering(_kept(desk, made.comparison_id, None))


def _left(desk: Desk, name: str, content: bytes, asked_for: dict[str, Any]) -> Any:
    """Leave a comparison to the worker: the packages are kept, sealed, until it is made."""
    try:
        kept = keep(desk.access, KIND, name, content, client_id=desk.client_id, now=desk.now)
    except OrderFileRefused as refused:
        raise Problem(422, "file-refused", str(refused)) from None
    return ask(desk, KIND, asked_for | {"packages": kept.pk})


@router.post(PLACE + "/{number}/orderings", response=OrderingShown, summary="Order packages again")
def order_again(request: Any, client: Path[Code], number: Path[Id], said: OrderingAsked) -> Any:
    """Order the packages of a comparison by other weights; prices and earlier orderings stay as they are."""
    desk = at(request, client, Permission.SETUP)
    _kept(desk, number, None)
    with transaction.atomic():
        services.order_again(
            desk.client_id,
            number,
            said.weights.model_dump(),
            scale=None if said.scale is None else Scale(said.scale),
            reference=said.reference,
            reason=said.reason,
            made_by=desk.author,
            now=desk.now,
        )
        desk.did("order packages", reason=said.reason)
    return _ordering(_kept(desk, number, None))


def _kept(desk: Desk, number: int, ordering: int | None) -> services.Kept:
    try:
        return services.look(desk.client_id, number, ordering)
    except services.NoComparison:
        raise not_found("the number of a comparison", "see /api/v1/clients/{client}/best-plan") from None


def _ordering(kept: services.Kept) -> dict[str, Any]:
    one = kept.ordering
    names = ("weights", "scale", "reference", "winner", "reason", "made_by", "made_at")
    return {
        "number": kept.comparison.pk,
        "ordering": one.number,
        **{name: getattr(one, name) for name in names},
        "packages": rows_of(sheets.packages(kept)),
        "refused": rows_of(sheets.refused(kept)),
        "assumed": rows_of(sheets.assumed(kept)),
        "turning": rows_of(sheets.turning(kept)),
        "notes": rows_of(sheets.notes(kept)),
        "left_out": kept.priced.left_out.height,
    }
