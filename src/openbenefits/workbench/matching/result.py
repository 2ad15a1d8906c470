"""A comparison: its order, what decides it, what was refused; ordered again; one package; as a workbook."""

from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.core.money import dollars
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.matching import services, sheets
from openbenefits.matching.candidates import ACCOUNTS, CATEGORIES
from openbenefits.matching.rules.ranking import Scale
from openbenefits.reports.files import write_xlsx
from openbenefits.workbench.charts import Bar as OneBar
from openbenefits.workbench.charts import Bars, DrawnBar, Tone
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.matching.asking import MEASURE_NAMES, WeightsForm
from openbenefits.workbench.matching.drawing import scatter
from openbenefits.workbench.matching.places import both, kept_of, place, shown_for, whose
from openbenefits.workbench.pages import act, show
from openbenefits.workbench.sheets import TYPES, Column, sheet

STANDINGS = {"ranked": _("ranked"), "refused": _("refused"), "today": _("today")}
CATEGORY_NAMES = PLAN_TYPES | {
    code: name.replace("_", " ").capitalize() for code, name in CATEGORIES.items() if code not in ACCOUNTS
}
CHEAPER = {True: _("yes"), False: ""}
FAULTS = {
    "birth": _("no birth date"),
    "household": _("the tier covers somebody the census does not name"),
    "coverage": _("no pay"),
    "calendar": _("no pay calendar"),
}
RULES = {
    "network": _("no plan within reach"),
    "affordable": _("too many priced out"),
    "price": _("no price"),
    "participation": _("participation"),
    "contribution": _("employer's contribution"),
    "group size": _("group size"),
    "state": _("state"),
    "carrier": _("carrier's own rule"),
}
MOST_BARS = 12


class OrderForm(WeightsForm):
    """Other weights, and why."""

    scale = forms.ChoiceField(
        label=_("Scale"),
        choices=[
            (str(Scale.REFERENCE), _("against a reference package")),
            (str(Scale.RANGE), _("between the worst and the best")),
        ],
    )
    reference = forms.ChoiceField(label=_("Reference package"), required=False)
    reason = forms.CharField(label=_("Why these weights"), max_length=500)

    def __init__(self, codes: list[str], *parts: Any, **named: Any) -> None:
        """Offer the packages as a reference."""
        super().__init__(*parts, **named)
        self.fields["reference"].choices = [("", "—"), *((code, code) for code in codes)]  # type: ignore[attr-defined]
        self.order_fields([*MEASURE_NAMES, "scale", "reference", "reason"])


@both("<int:number>/", name="match", title=_("Comparison"))
def one(request: Any, number: int, client: str | None = None) -> HttpResponse:
    """Show a comparison: weights, order, pictures, refusals."""
    kept = kept_of(request, client, number)
    codes = kept.table.sort("code")["code"].to_list()
    told = kept.ordering.weights | {"scale": kept.ordering.scale, "reference": kept.ordering.reference}
    form = OrderForm(codes, initial=told, prefix="order")
    status = 200
    if request.method == "POST":
        form = OrderForm(codes, request.POST, prefix="order")
        if form.is_valid():
            return _order(request, client, kept, form)
        status = 422
    return _shown(request, client, kept, form, codes, status)


def _order(request: Any, client: str | None, kept: services.Kept, form: OrderForm) -> HttpResponse:
    said = form.cleaned_data

    def do() -> None:
        services.order_again(
            kept.comparison.client_id,
            kept.comparison.pk,
            form.weights,
            scale=Scale(said["scale"]),
            reference=said["reference"] or None,
            reason=said["reason"],
            made_by=request.user.username,
            now=clock.now(),
        )
        noted(request, "did", "order packages", kept.comparison.client_id, why=said["reason"])

    to = place(client, "match", number=kept.comparison.pk)
    return act(request, do, said=_("Ordered again; the earlier order is kept beside."), to=to)


def _shown(
    request: Any, client: str | None, kept: services.Kept, form: OrderForm, codes: list[str], status: int
) -> HttpResponse:
    number = kept.comparison.pk
    hrefs = {code: place(client, "match_package", number=number, code=code) for code in codes}
    tables = [_packages(request, kept, hrefs), _refused(request, kept, hrefs), _turning(request, kept)]
    if (assumed := sheets.assumed(kept)).height:
        tables.append(_assumed(request, assumed, hrefs))
    if (notes := sheets.notes(kept)).height:
        tables.append(_notes(request, notes, hrefs))
    if kept.priced.left_out.height:
        tables.append(_left_out(request, kept))
    for table in tables:
        if (file := table.export()) is not None:
            return file
    cheaper = kept.table.filter("is_cheaper_for_client")
    return show(
        request,
        "workbench/matching/result.html",
        title=kept.comparison.title,
        status=status,
        **shown_for(request, client),
        kept=kept,
        form=form,
        tables=tables,
        bars=_bars(kept, hrefs),
        scatter=scatter(
            kept.table,
            "employer_cents",
            "margin_cents",
            caption=_("Client cost (across) and PEO margin (up), a month"),
        ),
        cheaper=[(code, hrefs[code]) for code in cheaper["code"]],
        orderings=kept.comparison.orderings.order_by("number"),
        codes=codes,
        beside=place(client, "match_beside", number=number),
        workbook=place(client, "match_workbook", number=number),
    )


def _bars(kept: services.Kept, hrefs: dict[str, str]) -> Bars:
    """What the client pays, of the first packages and of what is in force."""
    rows = kept.table.filter(standing="today").vstack(kept.table.filter(standing="ranked").head(MOST_BARS))
    rows = rows.drop_nulls("employer_cents")
    longest = int(str(rows["employer_cents"].max() or 0))
    drawn = []
    for row in rows.iter_rows(named=True):
        tone: Tone = "waiting" if row["standing"] == "today" else "good" if row["rank"] == 1 else "plain"
        one = OneBar(row["code"], row["employer_cents"], hrefs[row["code"]], tone)
        width = 100 * row["employer_cents"] // longest if longest else 0
        drawn.append(DrawnBar(one, width, dollars(row["employer_cents"])))
    return Bars(_("Client cost a month"), drawn)


def _packages(request: Any, kept: services.Kept, hrefs: dict[str, str]) -> Any:
    columns = (
        Column("rank", _("Rank"), kind="number"),
        Column("code", _("Package"), href=lambda row: hrefs[row["code"]]),
        Column("title", _("Title")),
        Column("standing", _("Stands"), kind="status", words=STANDINGS),
        Column("points", _("Score")),
        Column("employer_cents", _("Client cost"), kind="money"),
        Column("employer_change", _("Change"), kind="money"),
        Column("employee_cents", _("Employee cost"), kind="money"),
        Column("premium_cents", _("Premium"), kind="money"),
        Column("margin_cents", _("PEO margin"), kind="money"),
        Column("richness", _("Richness")),
        Column("disruption", _("Disruption")),
        Column("pool_risk_cents", _("Pool risk"), kind="money"),
        Column("priced_out", _("Priced out"), kind="number"),
        Column("unaffordable", _("Self-only not affordable"), kind="number"),
        Column("unplaced", _("Without a plan"), kind="number"),
        Column("is_cheaper_for_client", _("Cheaper than the first"), words=CHEAPER),
    )
    rows = sheets.with_words(sheets.packages(kept))
    caption = _("Packages, a month; none is hidden")
    return sheet(request, rows, columns, name="packages", caption=caption)


def _refused(request: Any, kept: services.Kept, hrefs: dict[str, str]) -> Any:
    columns = (
        Column("code", _("Package"), href=lambda row: hrefs[row["code"]]),
        Column("rule", _("Because of"), words=RULES),
        Column("plan", _("Plan")),
        Column("expected", _("Expected")),
        Column("found", _("Found")),
    )
    empty = _("No package was refused.")
    caption = _("Refused, and why")
    return sheet(request, sheets.refused(kept), columns, name="refused", caption=caption, empty=empty)


def _assumed(request: Any, rows: Any, hrefs: dict[str, str]) -> Any:
    columns = (
        Column("code", _("Package"), href=lambda row: hrefs[row["code"]]),
        Column("category", _("Category"), words=CATEGORY_NAMES),
        Column("plan", _("Plan")),
        Column("take_up", _("Taken by")),
        Column("people", _("People"), kind="number"),
        Column("coverage_cents", _("Each covers"), kind="money"),
        Column("formula", _("Each covers, by formula")),
        Column("pledge_cents", _("Each puts in, a year"), kind="money"),
        Column("seed_cents", _("The employer puts in, a year"), kind="money"),
    )
    caption = _("Assumed of plans whose amount people choose; what they put in is theirs, and no cost")
    return sheet(request, rows, columns, name="assumed", caption=caption)


def _notes(request: Any, rows: Any, hrefs: dict[str, str]) -> Any:
    columns = (
        Column("code", _("Package"), href=lambda row: hrefs[row["code"]]),
        Column("category", _("Category"), words=CATEGORY_NAMES),
        Column("plan", _("Plan")),
        Column("why", _("Why")),
    )
    caption = _("Not compared, or only in part")
    return sheet(request, rows, columns, name="notes", caption=caption)


def _turning(request: Any, kept: services.Kept) -> Any:
    columns = (
        Column("measure", _("Measure"), words=MEASURE_NAMES),
        Column("weight", _("Weight now"), kind="number"),
        Column("below", _("Changes at or below"), kind="number"),
        Column("below_winner", _("To, below")),
        Column("above", _("Changes at or above"), kind="number"),
        Column("above_winner", _("To, above")),
    )
    caption = _("Which weight would change the first")
    return sheet(request, sheets.turning(kept), columns, name="turning", caption=caption)


def _left_out(request: Any, kept: services.Kept) -> Any:
    columns = (Column("number", _("Employee")), Column("fault", _("Because of"), words=FAULTS))
    caption = _("Left out of every sum")
    return sheet(request, kept.priced.left_out, columns, name="left", caption=caption)


@both("<int:number>/packages/<str:code>", name="match_package", title=_("Package"))
def package(request: Any, number: int, code: str, client: str | None = None) -> HttpResponse:
    """Show one package: its plans by tier, its points, why it was refused."""
    kept = kept_of(request, client, number)
    rows = kept.table.filter(code=code)
    if rows.is_empty():
        raise Http404
    row = rows.row(0, named=True)
    columns = (
        Column("category", _("For"), words=CATEGORY_NAMES),
        Column("plan_title", _("Plan")),
        Column("carrier", _("Carrier")),
        Column("tier", _("Tier")),
        Column("people", _("People"), kind="number"),
        Column("premium_cents", _("Premium"), kind="money"),
        Column("employer_cents", _("Employer"), kind="money"),
        Column("employee_cents", _("Employees"), kind="money"),
        Column("pay_cents", _("Employees, a pay"), kind="money"),
        Column("true_cents", _("True cost"), kind="money"),
    )
    caption = _("Plans by tier, a month")
    table = sheet(request, sheets.plans(kept, row["package"]), columns, name="plans", caption=caption)
    if (file := table.export()) is not None:
        return file
    found = sheets.points(kept).filter(code=code)
    points = found.row(0, named=True) if found.height else {}
    weights = kept.ordering.weights
    return show(
        request,
        "workbench/matching/package.html",
        title=row["title"] or code,
        **shown_for(request, client, (kept.comparison.title, place(client, "match", number=number))),
        row=row,
        standing=STANDINGS[row["standing"]],
        amounts=[
            (title, dollars(row[name]) if row[name] is not None else _("not known"))
            for name, title in AMOUNTS.items()
        ],
        points=[
            (title, sheets.share(points[name]), weights.get(name, 0))
            for name, title in MEASURE_NAMES.items()
            if points
        ],
        reasons=sheets.refused(kept).filter(code=code).to_dicts(),
        table=table,
        beside=place(client, "match_beside", number=number),
        others=[one for one in kept.table.sort("code")["code"].to_list() if one != code],
    )


AMOUNTS = {
    "premium_cents": _("Premium a month"),
    "employer_cents": _("Client cost"),
    "employee_cents": _("Employee cost"),
    "true_cents": _("True cost"),
    "margin_cents": _("PEO margin"),
    "pool_risk_cents": _("Pool risk"),
}


@both("<int:number>/workbook", name="match_workbook", title=_("Workbook"))
def workbook(request: Any, number: int, client: str | None = None) -> HttpResponse:
    """Answer all sheets of a comparison as a workbook."""
    kept = kept_of(request, client, number)
    noted(request, "saw", "comparison as a workbook", whose(request, client))
    with TemporaryDirectory() as folder:
        made = write_xlsx(Path(folder) / "packages.xlsx", sheets.workbook(kept))[0]
        data = BytesIO(made.read_bytes())
    answer = HttpResponse(data.getvalue(), content_type=TYPES["xlsx"])
    answer["Content-Disposition"] = f'attachment; filename="packages-{number}.xlsx"'
    return answer
