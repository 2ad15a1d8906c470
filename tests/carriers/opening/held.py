"""What a client holds, written as the full 834 of a carrier by our own writer: the file that opens another."""

from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.carriers.enrollment.arrange import Told, enrollment_file
from openbenefits.carriers.enrollment.coverage import Coverage, Line
from openbenefits.carriers.enrollment.file import Controls
from openbenefits.carriers.enrollment.member import Member, Standing
from openbenefits.carriers.enrollment.person import City, Demographics, Person, Street, insured
from openbenefits.carriers.enrollment.profile import Profile, read_profile
from openbenefits.carriers.enrollment.statements import Dated, Reference
from openbenefits.carriers.enrollment.writer import write_file
from openbenefits.carriers.rules.views import joined
from openbenefits.enrollment.frames import load_all_points, load_covered_dependents
from openbenefits.programs.frames import load_setup
from openbenefits.store import secrets
from openbenefits.store.bulk import copy_out
from openbenefits.workforce.census.comparing import Known

AT = datetime(2025, 10, 2, 2, 0)
CODES = {"10": "HLT", "11": "DEN", "14": "VIS"}
RELATIONS = {"SP": "01", "DP": "53", "CH": "19", "AC": "19", "OD": "38", "NQ": "23", "SS": "01", "XS": "25"}
SSNS = """
SELECT DISTINCT ON (owner) owner, ssn_sealed FROM (
    SELECT person_id AS owner, ssn_sealed, valid_from, version FROM workforce_personfact WHERE client_id = %(client)s
    UNION ALL SELECT -dependent_id, ssn_sealed, valid_from, version FROM workforce_dependentfact
    WHERE client_id = %(client)s) AS f ORDER BY owner, valid_from DESC, version DESC
"""


def profile(plans: pl.DataFrame) -> Profile:
    """Make a carrier's profile that has a code for every plan."""
    lines = "\n".join(
        f'  "{code}": {{insurance: {CODES[plan_type]}, plan: "{code}"}}'
        for code, plan_type in plans.iter_rows()
    )
    return read_profile(f"""
name: every
sender: {{qualifier: "30", id: "123456780", group_id: "123456780"}}
receiver: {{qualifier: ZZ, id: EVERY, group_id: EVERY}}
action: "4"
sponsor: {{name: Harbor, id: "234567891"}}
insurer: {{name: Every Carrier, id: "876543219"}}
plans:
{lines}
tiers: {{"1": EMP, "2": ESP, "12": ESP, "3": ECH, "4": FAM}}
""")


def offered_plans(connection: Any, client_id: int) -> pl.DataFrame:
    """List the plans of the kinds a carrier takes: code, plan_type."""
    setup = load_setup(connection, [client_id])
    options = setup["option"].filter(pl.col("client_id") == client_id).select("plan_id", "plan_type").unique()
    plans = setup["plan"].select("plan_id", "code").join(options, on="plan_id")
    return (
        plans.filter(pl.col("plan_type").is_in(list(CODES))).select("code", "plan_type").unique().sort("code")
    )


def points_of(connection: Any, client_id: int) -> pl.DataFrame:
    """List the points that hold, in words: number, plan_type, begins_on, kind, program, option, members (names)."""
    known = Known.load(client_id)
    people = known.people.select(pl.lit(client_id, pl.Int32).alias("client_id"), "person_id")
    points = load_all_points(connection, people).filter(pl.col("superseded_by_run").is_null())
    setup = load_setup(connection, [client_id])
    own = pl.col("client_id") == client_id
    options = (
        setup["option"]
        .filter(own)
        .select("program_id", "plan_type", "option_id", "plan_id", "coverage_code_id", option="code")
        .unique()
    )
    codes = setup["coverage_code"].select("coverage_code_id", coverage_code="code").unique("coverage_code_id")
    plans = setup["plan"].select("plan_id", plan="code").unique("plan_id")
    programs = setup["program"].filter(own).select("program_id", program="code").unique()
    children = known.dependents.sort("valid_from").unique("dependent_id", keep="last")
    key = ["person_id", "benefit_record", "plan_type", "slot", "begins_on", "version"]
    covered = load_covered_dependents(connection, people).join(children, on="dependent_id")
    members = covered.group_by(key).agg(
        members=pl.col("dependent_id").sort(), names=pl.col("first_name").str.to_uppercase().sort()
    )
    return (
        points.filter(pl.col("plan_type").is_in(list(CODES)))
        .join(options, on=["program_id", "plan_type", "option_id"], how="left")
        .join(codes, on="coverage_code_id", how="left")
        .join(plans, on="plan_id", how="left")
        .join(programs, on="program_id", how="left")
        .join(members, on=key, how="left")
        .join(known.people.select("person_id", "employee_number"), on="person_id")
        .sort("employee_number", "plan_type", "begins_on")
    )


def spans_of(points: pl.DataFrame) -> pl.DataFrame:
    """Turn points into spans of members, joined as a carrier is told them."""
    series = ["person_id", "benefit_record", "plan_type"]
    rows = (
        points.sort("begins_on")
        .with_columns(ends_on=pl.col("begins_on").shift(-1).over(series) - pl.duration(days=1))
        .filter(pl.col("plan").is_not_null())
    )
    own = rows.with_columns(member=pl.col("person_id"))
    theirs = (
        rows.filter(pl.col("members").is_not_null())
        .explode("members")
        .with_columns(member=-pl.col("members"))
    )
    both = pl.concat([own.drop("members"), theirs.drop("members")])
    return joined(
        both.select(
            pl.col("employee_number").alias("subscriber"),
            pl.col("member").cast(pl.String),
            pl.col("plan_type").alias("line"),
            "begins_on",
            "ends_on",
            "plan",
            tier="coverage_code",
            basis=pl.lit("A"),
            amount_cents=pl.lit(None, pl.Int64),
            provider=pl.lit(None, pl.String),
            cause=pl.lit(None, pl.String),
            end_cause=pl.lit(None, pl.String),
        )
    )


def issued(ssn: str | None) -> str:
    """Make a number that may have been issued of one of the sample's, which never were."""
    return f"4{ssn[1:3]}4{ssn[4:]}" if ssn else ""


def full_834(connection: Any, client_id: int, *, on: date, also: dict[str, str] | None = None) -> bytes:
    """Write everybody who is covered on a day or later; `also`: values of REF*17 by employee number."""
    known = Known.load(client_id)
    spans = spans_of(points_of(connection, client_id))
    spans = spans.filter(pl.col("ends_on").is_null() | (pl.col("ends_on") >= on))
    sealed = copy_out(connection, SSNS, {"owner": pl.Int64, "ssn_sealed": pl.Binary}, {"client": client_id})
    ssns = {
        owner: issued(ssn)
        for owner, ssn in zip(sealed["owner"], secrets.decrypt_ssn(sealed["ssn_sealed"]), strict=True)
    }
    told = [
        Told(member=one, values={"employee_number": number})
        for number, one in _members(known, spans, ssns, also or {})
    ]
    made = profile(offered_plans(connection, client_id))
    file = enrollment_file(told, made, reference="F1", controls=Controls(interchange=1, group=1), at=AT)
    return write_file(file, made.form)


def _members(known: Known, spans: pl.DataFrame, ssns: dict[int, str], also: dict[str, str]) -> Any:
    numbers = dict(known.people.select("person_id", "employee_number").iter_rows())
    lines: dict[str, list[dict[str, Any]]] = {}
    for span in spans.iter_rows(named=True):
        lines.setdefault(span["member"], []).append(span)
    hired = dict(
        known.jobs.filter(pl.col("action") == "HIR")
        .group_by("person_id")
        .agg(pl.col("valid_from").min())
        .iter_rows()
    )
    homes = known.addresses.sort("valid_from").unique("person_id", keep="last")
    places = {one["person_id"]: one for one in homes.iter_rows(named=True)}
    for one in known.persons.sort("valid_from").unique("person_id", keep="last").iter_rows(named=True):
        number = numbers[one["person_id"]]
        if any(span["subscriber"] == number for several in lines.values() for span in several):
            own = lines.get(str(one["person_id"]), [])
            yield (
                number,
                _member(
                    one,
                    own,
                    ssns.get(one["person_id"]),
                    "18",
                    hired.get(one["person_id"]),
                    places.get(one["person_id"]),
                    also.get(number),
                ),
            )
    for one in known.dependents.sort("valid_from").unique("dependent_id", keep="last").iter_rows(named=True):
        own = lines.get(str(-one["dependent_id"]), [])
        if own:
            yield (
                numbers[one["person_id"]],
                _member(one, own, ssns.get(-one["dependent_id"]), RELATIONS[one["person_type"]]),
            )


def _member(
    one: dict[str, Any],
    lines: list[dict[str, Any]],
    ssn: str | None,
    relationship: str,
    hired: date | None = None,
    home: dict[str, Any] | None = None,
    also: str | None = None,
) -> Member:
    is_self = relationship == "18"
    return Member(
        standing=Standing(
            subscriber="Y" if is_self else "N",
            relationship=relationship,
            action="030",
            reason="XN",
            benefit_status="A",
            employment="FT" if is_self else "",
            handicapped="Y" if one.get("is_disabled") else "",
        ),
        references=(Reference(kind="17", value=also),) if also else (),
        dates=(Dated(kind="336", on=hired),) if hired else (),
        person=Person(
            name=insured(one["last_name"], one["first_name"], ssn=ssn),
            street=Street(line_1=home["line1"]) if home and home["line1"] else None,
            city=City(city=home["city"] or "", state=home["state"] or "", zip=home["postal_code"] or "")
            if home
            else None,
            demographics=Demographics(born_on=one["birth_on"], gender=one["sex"] or "U"),
        ),
        coverages=tuple(
            Coverage(
                line=Line(action="030", insurance=span["plan"], tier=span["tier"]),
                dates=(
                    Dated(kind="348", on=span["begins_on"]),
                    *([Dated(kind="349", on=span["ends_on"])] if span["ends_on"] else []),
                ),
            )
            for span in lines
        ),
    )
