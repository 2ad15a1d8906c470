"""An event as it is offered now, priced by the kernel for whom one means to cover. Nothing is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from openbenefits.choosing.drafts import drafts_of
from openbenefits.choosing.names import names_of
from openbenefits.choosing.offered import Choice, Design, Held, Member, Offer, PlanChoice, Stated
from openbenefits.choosing.records import care_children, choice_of, name_of, people_covered, plan_name
from openbenefits.choosing.rules.fitting import with_fitting
from openbenefits.choosing.rules.stated import WAIVER
from openbenefits.core.codes import COVERED_KINDS, AmountKind, OptionType, WaiveRule
from openbenefits.core.columns import with_taken
from openbenefits.core.plan_types import PLAN_TYPES, PROGRAM, is_health, is_hsa
from openbenefits.enrollment.designations import designated_on
from openbenefits.enrollment.rules.beneficiaries import COLLECTING as RECEIVING
from openbenefits.enrollment.rules.elected import BENEFICIARY, Elected
from openbenefits.enrollment.rules.judged import judged_members
from openbenefits.enrollment.rules.members import COLLECTING
from openbenefits.enrollment.rules.prepare import Prepared, Situation, prepare
from openbenefits.enrollment.services import Known, load_known
from openbenefits.events.models import Event
from openbenefits.events.windows import EventPlace
from openbenefits.programs.frames import load_rulebook, load_setup
from openbenefits.programs.limits import DEPENDENT_CARE
from openbenefits.programs.rulebook import Rulebook
from openbenefits.reports.letters import RELATIONSHIPS
from openbenefits.reports.names import SetupNames, held_on, with_option_names
from openbenefits.reports.rules import whole_money_text
from openbenefits.runs.kept import with_kept_programs
from openbenefits.store.bulk import schema_of
from openbenefits.workforce.frames import dependent_names_as_of, dependents_as_of

Row = Mapping[str, Any]
COVERED = [str(kind) for kind in COVERED_KINDS]
_PLAN_ROW = (
    *("amount_kind", "minimum_amount_cents", "maximum_amount_cents", "minimum_percent_thousandths"),
    *("maximum_percent_thousandths", "maximum_after_tax_thousandths", "hours_per_year", "annual_limit"),
    *("is_invested", "collect"),
)
_OPTION_ROW = ("minimum_hours_hundredths", "maximum_hours_hundredths")


class NothingOffered(LookupError):
    """There is no such event of the person, or it was never prepared."""


def offer_of(
    connection: Any,
    place: EventPlace,
    *,
    today: date,
    cover: Mapping[str, Sequence[int]] | None = None,
) -> Offer:
    """Answer what an event offers, priced for whom one means to cover.

    `cover` says, by plan type, the numbers of the dependents to price for; left out: those of the draft, of
    what was submitted, of what is held with whoever came with the event, else everybody who may be covered.

    Errors: NothingOffered.
    """
    event = Event.objects.using(connection.alias).filter(**place.key()).values().first()
    if event is None or not event["preparation"]:
        raise NothingOffered(
            "expected an event with options prepared, found none; the benefits office prepares it first"
        )
    tables = load_setup(connection, [place.client_id])
    rulebook = load_rulebook(connection, [place.client_id])
    cases = _cases(event, tables["event_class"], today)
    known = load_known(connection, cases, rulebook)
    known = replace(known, situation=with_kept_programs(known.situation, cases, rulebook))
    looked = _Looked(
        connection=connection,
        event=event,
        tables=tables,
        rulebook=rulebook,
        names=names_of(connection, place.client_id),
        known=known,
        people=_people(connection, cases),
        designated=designated_on(connection, cases, on=today),
        drafts=drafts_of(connection, place),
    )
    return looked.offer(cover or {})


def _cases(event: Row, classes: pl.DataFrame, today: date) -> pl.DataFrame:
    """The case as a run shapes it that settles the event on what it receives today."""
    schema = schema_of(Event)
    row = pl.DataFrame([{name: event[name] for name in schema}], schema=schema)
    told = classes.select("event_class_id", "use", "only_ends_coverage")
    return row.join(told, on="event_class_id", how="left").with_columns(
        case=pl.lit(0, pl.Int32),
        is_open_enrollment=pl.col("use") == "O",
        is_settling=pl.lit(value=True),
        received_on=pl.coalesce("elected_on", pl.lit(today)),
    )


def _people(connection: Any, cases: pl.DataFrame) -> pl.DataFrame:
    """The dependents of the event's day, with names."""
    asked = cases.select("case", "client_id", "person_id", "benefit_record", as_of="event_on")
    names = dependent_names_as_of(connection, asked).select("dependent_id", "first_name", "last_name")
    return dependents_as_of(connection, asked).join(names, on="dependent_id", how="left").sort("number")


@dataclass(frozen=True, kw_only=True)
class _Looked:
    """Everything that was looked up about one event."""

    connection: Any
    event: Row
    tables: Mapping[str, pl.DataFrame]
    rulebook: Rulebook
    names: SetupNames
    known: Known
    people: pl.DataFrame
    designated: pl.DataFrame
    drafts: Mapping[str, Stated]

    def offer(self, cover: Mapping[str, Sequence[int]]) -> Offer:
        prepared = prepare(self._situation(cover), self.rulebook)
        plans = with_taken(prepared.plans, self.rulebook.plan_rows, "plan_row", *_PLAN_ROW)
        plans = plans.filter(~pl.col("is_ignored") & (pl.col("plan_type") != PROGRAM))
        plans = held_on(
            plans.with_columns(
                event_on=pl.lit(self.event["event_on"]), program_id=pl.lit(prepared.cases["program_id"][0])
            ),
            self.names.plan_types.select("program_id", "plan_type", "valid_from", "plan_order"),
            "program_id",
            "plan_type",
        ).sort("plan_order", "plan_type", nulls_last=True)
        members = self._members(plans)
        options = self._options(prepared, plans, members, cover)
        rows = [
            self._plan(row, options.get(row["plan_type"], ()), members, cover)
            for row in plans.iter_rows(named=True)
        ]
        return self._told(tuple(rows), prepared)

    def _told(self, plans: tuple[PlanChoice, ...], prepared: Prepared) -> Offer:
        classes = self.tables["event_class"].filter(event_class_id=self.event["event_class_id"])
        schedule = self.names.schedules.filter(schedule_id=self.event["schedule_id"])
        kind = classes.row(0, named=True) if classes.height else {}
        return Offer(
            event_class=kind.get("code", ""),
            event_name=kind.get("name", ""),
            schedule_name=str(schedule["schedule_name"].first() or ""),
            is_open_enrollment=kind.get("use") == "O",
            event_on=self.event["event_on"],
            begins_on=self.event["window_begins_on"],
            ends_on=self.event["window_ends_on"],
            process_status=self.event["process_status"],
            event_status=self.event["event_status"],
            window_action=kind.get("window_action", ""),
            annual_pay_cents=prepared.cases["annual_pay_cents"][0],
            plans=plans,
            care_children=care_children(self.people, self.event["event_on"]),
            numbers={row["number"]: name_of(row) for row in self.people.iter_rows(named=True)},
        )

    # --- whom to cover --------------------------------------------------------------------------------------

    def _situation(self, cover: Mapping[str, Sequence[int]]) -> Situation:
        """Let prices count whom the drafts, or the page, would cover."""
        covering = {kind: one for kind, one in self.drafts.items() if not one.is_waiver}
        asked = {kind: tuple(one.dependents) for kind, one in covering.items()} | dict(cover)
        asked |= {kind: self._usual(kind) for kind in self._unsettled() if kind not in asked}
        situation = self.known.situation
        if not asked:
            return situation
        named = pl.DataFrame(
            [(0, kind, self._id(number)) for kind, numbers in asked.items() for number in numbers],
            schema={"case": pl.Int32, "plan_type": pl.String, "dependent_id": pl.Int64},
            orient="row",
        )
        kept = ~pl.col("plan_type").is_in(list(asked))
        chosen = pl.DataFrame({"plan_type": list(asked)}).select(
            pl.lit(0, pl.Int32).alias("case"), "plan_type"
        )
        return replace(
            situation,
            chosen=pl.concat([situation.chosen.filter(kept), chosen]),
            chosen_members=pl.concat(
                [situation.chosen_members.filter(kept), named.select(situation.chosen_members.columns)]
            ),
        )

    def _unsettled(self) -> list[str]:
        """The health plan types held that prices are not for yet: declined, or the family has grown."""
        elections = self.known.elected.elections
        declined = set(elections.filter(option_code=WAIVER)["plan_type"])
        submitted = set(elections["plan_type"]) - declined
        held = self.known.situation.in_force.filter(pl.col("kind").is_in(COVERED))["plan_type"]
        changed = [kind for kind in held if kind in declined or self._new()]
        return [kind for kind in changed if is_health(kind) and kind not in submitted]

    def _new(self) -> tuple[int, ...]:
        """The numbers of the dependents who came with the event: known, or born, since its day."""
        if self._is_open_enrollment():
            return ()
        came = (pl.col("birth_on") == self.event["event_on"]) | (
            pl.col("known_from") == self.event["event_on"]
        )
        rows = self.people.join(self._known_from(), on="dependent_id", how="left")
        return tuple(rows.filter(came.fill_null(value=False) & ~pl.col("is_former"))["number"])

    def _known_from(self) -> pl.DataFrame:
        from openbenefits.workforce.models import DependentFact

        facts = DependentFact.objects.using(self.connection.alias).filter(
            client_id=self.event["client_id"], person_id=self.event["person_id"], is_deleted=False
        )
        rows = list(facts.order_by("-valid_from").values_list("dependent_id", "valid_from"))
        first = dict(rows)  # the earliest day comes last
        return pl.DataFrame(
            list(first.items()), schema={"dependent_id": pl.Int64, "known_from": pl.Date}, orient="row"
        )

    def _is_open_enrollment(self) -> bool:
        classes = self.tables["event_class"].filter(event_class_id=self.event["event_class_id"])
        return bool(classes.height) and classes["use"][0] == "O"

    def _usual(self, plan_type: str) -> tuple[int, ...]:
        """Whom a plan type held covers, and who came with the event."""
        held = self._numbers(self.known.held.members.filter(plan_type=plan_type)["dependent_id"])
        return tuple(sorted({*held, *self._new()}))

    def _id(self, number: int) -> int:
        found = self.people.filter(number=number)["dependent_id"]
        return int(found[0]) if found.len() else -1

    def _numbers(self, ids: pl.Series) -> tuple[int, ...]:
        return tuple(self.people.filter(pl.col("dependent_id").is_in(ids.implode()))["number"])

    def _members(self, plans: pl.DataFrame) -> dict[str, tuple[Member, ...]]:
        """Say of each plan type that names dependents who may be covered."""
        naming = plans.filter(pl.col("collect").is_in(COLLECTING) & pl.col("price_on").is_not_null())
        living = self.people.filter(~pl.col("is_former"))
        everybody = naming.select("case", "plan_type").join(living.select("case", "dependent_id"), on="case")
        judged = judged_members(naming, everybody, self.known.situation.members, self.rulebook)
        new = self._new()
        names = self.people.select("dependent_id", "first_name", "last_name")
        rows = judged.join(names, on="dependent_id", how="left").sort("number")
        found: dict[str, tuple[Member, ...]] = {}
        for row in rows.iter_rows(named=True):
            if row["person_type"] not in RELATIONSHIPS:
                continue
            one = Member(
                number=row["number"],
                name=name_of(row),
                relationship=row["person_type"],
                birth_on=row["birth_on"],
                why_not=row["why_not"],
                is_new=row["number"] in new,
            )
            found[row["plan_type"]] = (*found.get(row["plan_type"], ()), one)
        return found

    def _may_receive(self) -> tuple[tuple[int, str], ...]:
        """Everybody on file on the event's day: whoever is covered, and who only receives."""
        living = self.people.filter(~pl.col("is_former")).sort("number")
        return tuple((row["number"], name_of(row)) for row in living.iter_rows(named=True))

    def _cover(
        self, plan_type: str, members: Sequence[Member], cover: Mapping[str, Sequence[int]]
    ) -> tuple[int, ...]:
        if plan_type in cover:
            return tuple(cover[plan_type])
        stated = self.drafts.get(plan_type) or self._submitted(plan_type)
        if stated is not None and not stated.is_waiver:
            return stated.dependents
        allowed = tuple(one.number for one in members if one.why_not is None)
        if self._is_covered(plan_type):
            usual = self._usual(plan_type)
            return tuple(number for number in allowed if number in usual)
        return allowed

    # --- options --------------------------------------------------------------------------------------------

    def _options(
        self,
        prepared: Prepared,
        plans: pl.DataFrame,
        members: Mapping[str, tuple[Member, ...]],
        cover: Mapping[str, Sequence[int]],
    ) -> dict[str, tuple[Choice, ...]]:
        columns = plans.select("plan", "plan_type")
        rows = prepared.options.join(columns, on="plan").with_columns(event_on=pl.lit(self.event["event_on"]))
        rows = with_taken(rows, self.rulebook.options, "option_row", *_OPTION_ROW)
        covered = {kind: self._cover(kind, members.get(kind, ()), cover) for kind in columns["plan_type"]}
        rows = with_fitting(rows, self.rulebook, people_covered(covered, self.people))
        rows = with_option_names(rows.drop("plan_id", "option_type", strict=False), self.names)
        rows = rows.with_columns(amount=whole_money_text(pl.col("coverage_cents")))
        found: dict[str, tuple[Choice, ...]] = {}
        ordered = rows.sort("plan_type", "option_order", "option_id")
        held = {kind: self._held_option(kind) for kind in columns["plan_type"]}
        for row in ordered.iter_rows(named=True):
            kind = row["plan_type"]
            if row["option_type"] in (OptionType.GENERAL_CREDIT, OptionType.GENERAL_DEDUCTION):
                continue
            one = choice_of(row, is_held=row["option_id"] == held[kind], design=self._design(row["plan_id"]))
            found[kind] = (*found.get(kind, ()), one)
        return found

    def _design(self, plan_id: int | None) -> Design | None:
        if plan_id is None:
            return None
        on = self.event["event_on"]
        rows = self.tables["plan"].filter((pl.col("plan_id") == plan_id) & (pl.col("valid_from") <= on))
        if rows.is_empty():
            return None
        row = rows.sort("valid_from").row(-1, named=True)
        if row["design_source"] is None:
            return None
        return Design(**{name: row[name] for name in Design.__dataclass_fields__})

    # --- plan types -----------------------------------------------------------------------------------------

    def _plan(
        self,
        row: Row,
        options: tuple[Choice, ...],
        members: Mapping[str, tuple[Member, ...]],
        cover: Mapping[str, Sequence[int]],
    ) -> PlanChoice:
        kind = row["plan_type"]
        mine = members.get(kind, ())
        return PlanChoice(
            plan_type=kind,
            name=PLAN_TYPES[kind],
            begins_on=row["coverage_begins_on"],
            deduction_begins_on=row["deduction_begins_on"],
            ends_on=row["coverage_ends_on"],
            is_choice=bool(row["is_choice"]),
            is_required=bool(row["is_election_required"]),
            is_waiver_proved=row["waive_rule"] == WaiveRule.WITH_PROOF,
            default_option_id=row["default_option_id"],
            default_reason=row["default_reason"] or "nothing",
            amount_kind=row["amount_kind"] or str(AmountKind.NONE),
            minimum_cents=row["minimum_amount_cents"],
            maximum_cents=row["maximum_amount_cents"],
            minimum_thousandths=row["minimum_percent_thousandths"],
            maximum_thousandths=row["maximum_percent_thousandths"],
            maximum_after_tax_thousandths=row["maximum_after_tax_thousandths"],
            hours_per_year=row["hours_per_year"] or 0,
            pays_care=row["annual_limit"] == DEPENDENT_CARE or kind == "61",
            is_hsa=is_hsa(kind, row["annual_limit"]),
            is_invested=bool(row["is_invested"]),
            names_dependents=row["collect"] in COLLECTING,
            names_beneficiaries=row["collect"] in RECEIVING,
            funds=self._funds(kind) if row["is_invested"] else (),
            members=mine,
            may_receive=self._may_receive() if row["collect"] in RECEIVING else (),
            cover=self._cover(kind, mine, cover),
            held=self._held(kind),
            submitted=self._submitted(kind),
            draft=self.drafts.get(kind),
            options=options,
        )

    def _funds(self, plan_type: str) -> tuple[tuple[str, str], ...]:
        rows = self.names.funds.filter(plan_type=plan_type).sort("fund_name")
        return tuple((row["fund"], row["fund_name"]) for row in rows.iter_rows(named=True))

    def _point(self, plan_type: str) -> Row | None:
        rows = self.known.situation.in_force.filter(
            (pl.col("plan_type") == plan_type) & (pl.col("slot") == 0)
        )
        rows = rows.filter(~pl.col("is_future"))
        return rows.row(0, named=True) if rows.height else None

    def _is_covered(self, plan_type: str) -> bool:
        point = self._point(plan_type)
        return point is not None and point["kind"] in COVERED

    def _held_option(self, plan_type: str) -> int | None:
        point = self._point(plan_type)
        return point["option_id"] if point is not None and point["kind"] in COVERED else None

    def _held(self, plan_type: str) -> Held | None:
        point = self._point(plan_type)
        if point is None:
            return None
        told: Row = {}
        if point["option_id"] is not None:
            row = pl.DataFrame(
                {"option_id": [point["option_id"]], "event_on": [self.event["event_on"]]},
                schema={"option_id": pl.Int32, "event_on": pl.Date},
            )
            told = with_option_names(row, self.names).row(0, named=True)
        stated = None
        if point["kind"] in COVERED and told:
            stated = self._as_stated(plan_type, told["option_code"], point, self._held_contents(plan_type))
        return Held(
            kind=point["kind"],
            option_id=point["option_id"],
            name=plan_name(told),
            tier=told.get("coverage_name") or "",
            coverage_cents=point["coverage_cents"],
            requested_cents=point["requested_coverage_cents"],
            since=point["begins_on"],
            stated=stated,
        )

    def _held_contents(self, plan_type: str) -> Elected:
        """What belongs to what is held; who receives is the last word, in an enrolment or outside."""
        place = {"plan_type": plan_type, "benefit_record": self.event["benefit_record"]}
        said = self.designated.filter(**place)
        if said.is_empty():
            return self.known.held
        last = said.select(pl.lit(0, pl.Int32).alias("case"), *list(BENEFICIARY)[1:])
        return replace(self.known.held, beneficiaries=last)

    def _submitted(self, plan_type: str) -> Stated | None:
        rows = self.known.elected.elections.filter((pl.col("plan_type") == plan_type) & (pl.col("slot") == 0))
        rows = rows.filter(pl.col("source") != "pre-entered")
        if rows.is_empty():
            return None
        row = rows.row(0, named=True)
        return self._as_stated(plan_type, row["option_code"], row, self.known.elected)

    def _as_stated(self, plan_type: str, code: str, row: Row, contents: Any) -> Stated:
        members = contents.members.filter(plan_type=plan_type)["dependent_id"]
        funds = contents.funds.filter(plan_type=plan_type).sort("fund")
        shares = contents.beneficiaries.filter(plan_type=plan_type).join(
            self.people.select("dependent_id", "number"), on="dependent_id"
        )
        shares = shares.sort("number")

        def received(is_contingent: bool) -> tuple[tuple[int, int], ...]:
            rows = shares.filter(is_contingent=is_contingent)
            return tuple(rows.select("number", "percent_hundredths").iter_rows())

        return Stated(
            option_code=code,
            pledge_cents=row["pledge_cents"],
            percent_thousandths=row["percent_thousandths"],
            after_tax_thousandths=row["after_tax_thousandths"],
            hours_hundredths=row["hours_hundredths"],
            files_separately=bool(row.get("files_separately")),
            dependents=self._numbers(members),
            funds=tuple(funds.select("fund", "percent").iter_rows()),
            beneficiaries=received(is_contingent=False),
            contingent_beneficiaries=received(is_contingent=True),
            waive_reason=row.get("waive_reason") if code == WAIVER else None,
            waiver_proof=row.get("waiver_proof"),
            waiver_proof_on=row.get("waiver_proof_on"),
        )
