"""The columnar kernel behind the oracle's door: documents and people in, the oracle's shape of result out.

All people of one set-up are prepared in one call, so that columns are tested as columns.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec
import polars as pl
from tests.oracle.documents import as_written
from tests.oracle.eligibility import ACTIVE, JOB_FIELDS

from openbenefits.eligibility.overrides import OVERRIDES
from openbenefits.enrollment.rules.cascades import fall
from openbenefits.enrollment.rules.control import HELD_MEMBERS, LEFT
from openbenefits.enrollment.rules.credits import credit_use as settled_credits
from openbenefits.enrollment.rules.elected import BENEFICIARY, Elected
from openbenefits.enrollment.rules.outcomes import outcomes
from openbenefits.enrollment.rules.prepare import Prepared, Situation
from openbenefits.enrollment.rules.prepare import prepare as prepare_columns
from openbenefits.enrollment.rules.reinstated import ENDED
from openbenefits.enrollment.rules.settle import Settled, settle
from openbenefits.enrollment.rules.validate import check_elections, locate, missing_elections
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.loaded import LoadedBundle, load
from openbenefits.programs.offers import WAIVE
from openbenefits.programs.rulebook import Rulebook, compile_rulebook
from openbenefits.programs.unsaved import unsaved_tables
from openbenefits.rating.rules.bases import BENEFIT_BASES
from openbenefits.rating.rules.price_days import PAY_HISTORY

Row = dict[str, Any]

PROGRAM_PLAN_TYPE = "01"
AMOUNTS_OF_A_JOB = ("weekly_hours_hundredths", "annual_pay_cents")
UNKNOWN_NUMBER = 2**30
DECIDED_BY_RUNS = ("is_final_without_person",)
EVENT_MAINTENANCE = "LAWS-EM"

CASES = {
    "case": pl.Int32,
    "client_id": pl.Int32,
    "schedule_id": pl.Int32,
    "event_class_id": pl.Int32,
    "event_on": pl.Date,
    "only_ends_coverage": pl.Boolean,
    "is_open_enrollment": pl.Boolean,
    "received_on": pl.Date,
    "has_job": pl.Boolean,
    "birth_on": pl.Date,
    "sex": pl.String,
    "is_smoker": pl.Boolean,
    "service_on": pl.Date,
    "hire_on": pl.Date,
    "zip": pl.Int32,
    "state": pl.String,
    "is_medicare_entitled": pl.Boolean,
    **dict.fromkeys(JOB_FIELDS, pl.String),
    "weekly_hours_hundredths": pl.Int32,
    "annual_pay_cents": pl.Int64,
    "last_day_employed": pl.Date,
}
MEMBERS = {
    "case": pl.Int32,
    "dependent_id": pl.Int64,
    "person_type": pl.String,
    "birth_on": pl.Date,
    "sex": pl.String,
    "is_smoker": pl.Boolean,
    "is_student": pl.Boolean,
    "student_through": pl.Date,
    "is_disabled": pl.Boolean,
    "is_married": pl.Boolean,
    "is_former": pl.Boolean,
}
JOBS = {
    "case": pl.Int32,
    "job_number": pl.Int16,
    **dict.fromkeys(("is_of_record", "is_primary", "is_for_eligibility", "is_active"), pl.Boolean),
    **dict.fromkeys(JOB_FIELDS, pl.String),
    "weekly_hours_hundredths": pl.Int32,
    "annual_pay_cents": pl.Int64,
}
IN_FORCE = {
    "case": pl.Int32,
    "plan_type": pl.String,
    "slot": pl.Int16,
    "kind": pl.String,
    "program_id": pl.Int32,
    "option_id": pl.Int32,
    "coverage_cents": pl.Int64,
    "requested_coverage_cents": pl.Int64,
    "pledge_cents": pl.Int64,
    "percent_thousandths": pl.Int32,
    "after_tax_thousandths": pl.Int32,
    "hours_hundredths": pl.Int32,
    "is_future": pl.Boolean,
}
ELECTIONS = {
    "case": pl.Int32,
    "plan_type": pl.String,
    "slot": pl.Int16,
    "option_code": pl.String,
    "option_id": pl.Int32,
    "coverage_cents": pl.Int64,
    "pledge_cents": pl.Int64,
    "percent_thousandths": pl.Int32,
    "after_tax_thousandths": pl.Int32,
    "hours_hundredths": pl.Int32,
    "files_separately": pl.Boolean,
    "waive_reason": pl.String,
    "waiver_proof": pl.String,
    "waiver_proof_on": pl.Date,
    "credit_rollover": pl.String,
    "received_on": pl.Date,
    "source": pl.String,
}
COVERED = {"case": pl.Int32, "plan_type": pl.String, "dependent_id": pl.Int64}
INVESTED = {"case": pl.Int32, "plan_type": pl.String, "fund": pl.String, "percent": pl.Int16}
STATED = (
    *("coverage_cents", "pledge_cents", "percent_thousandths", "after_tax_thousandths", "hours_hundredths"),
    *("waive_reason", "waiver_proof", "waiver_proof_on", "credit_rollover"),
)


CHOICES = {"case": pl.Int32, "credit_rollover": pl.String}


class Kernel:
    """The set-up of a PEO and some clients, compiled; it prepares people of any of the clients."""

    def __init__(self, peo: Row, clients: Sequence[Row], people: Sequence[Row]) -> None:
        """Compile the set-up; open-enrolment restrictions of the people become schedules of every client."""
        self.restrictions = _restrictions(people)
        self.peo = _loaded(peo, PeoBundle)
        self.clients = [_loaded(_with_schedules(one, self.restrictions), ClientBundle) for one in clients]
        self.tables, self.numbers = unsaved_tables(self.peo, self.clients)
        self.rulebook: Rulebook = compile_rulebook(self.tables)
        self._event_classes = {row["code"]: row for row in self.tables["event_class"].iter_rows(named=True)}

    def prepare(self, people: Sequence[tuple[int, Row]]) -> list[Row]:
        """Prepare people, each with the number of its client (from 1), in one call."""
        prepared = self.prepared(people)
        return [self._result(prepared, case, client) for case, (client, _) in enumerate(people)]

    def prepared(self, people: Sequence[tuple[int, Row]]) -> Prepared:
        return prepare_columns(self.situation(people), self.rulebook)

    def situation(self, people: Sequence[tuple[int, Row]]) -> Situation:
        rows = [(case, client, person) for case, (client, person) in enumerate(people)]
        return Situation(
            cases=_frame((self._case(*row) for row in rows), CASES),
            members=_frame((one for row in rows for one in _members(row[0], row[2])), MEMBERS),
            in_force=_frame((one for row in rows for one in self._in_force(*row)), IN_FORCE),
            approved=_frame(
                (one for row in rows for one in _approved(row[0], row[2])),
                {"case": pl.Int32, "plan_type": pl.String, "approved_cents": pl.Int64},
            ),
            prior=_frame(
                (one for row in rows for one in self._prior(*row)), {"case": pl.Int32, "option_id": pl.Int32}
            ),
            chosen=pl.DataFrame(schema={"case": pl.Int32, "plan_type": pl.String}),
            chosen_members=pl.DataFrame(
                schema={"case": pl.Int32, "plan_type": pl.String, "dependent_id": pl.Int64}
            ),
            pay_history=_frame(
                ({"case": row[0], **one} for row in rows for one in row[2].get("pay_history") or []),
                PAY_HISTORY,
            ),
            benefit_bases=_frame(
                ({"case": row[0], **one} for row in rows for one in row[2].get("benefit_bases") or []),
                BENEFIT_BASES,
            ),
            jobs=_frame((one for row in rows for one in jobs_of(row[0], row[2])), JOBS),
            overrides=_frame((one for row in rows for one in self._overrides(*row)), OVERRIDES),
            held_members=_frame((one for row in rows for one in _held_members(row[0], row[2])), HELD_MEMBERS),
            left=_frame((one for row in rows for one in _left(row[0], row[2])), LEFT),
            ended=_frame(
                (one for row in rows for one in self._ended(*row)), ENDED | {"is_only_ended": pl.Boolean}
            ),
        )

    def credit_use(self, person: Row, chosen: Sequence[Row], choice: str | None) -> Row | None:
        prepared = self.prepared([(1, person)])
        program = self.rulebook.programs["code"][prepared.cases["program_row"][0]]
        plans = {row["plan_type"]: row["plan"] for row in prepared.plans.to_dicts()}
        results = [
            {
                "case": 0,
                "plan": plans[one["plan_type"]],
                "plan_type": one["plan_type"],
                "kind": one["kind"],
                "option_id": self._number(1, "option", f"{program}/{one['plan_type']}/{one['option']}"),
                "pledge_cents": one.get("pledge_cents"),
                "percent_thousandths": one.get("percent_thousandths"),
            }
            for one in chosen
        ]
        schema = {name: IN_FORCE.get(name, pl.Int32) for name in (*results[0],)}
        choices = pl.DataFrame({"case": [0], "credit_rollover": [choice]}, schema=CHOICES)
        use = settled_credits(_frame(results, schema), choices, prepared, self.rulebook)
        if use.uses.is_empty():
            return None
        row = use.uses.row(0, named=True)
        amounts = {name.removesuffix("_cents"): value for name, value in row.items() if name != "case"}
        rolls = {one["plan_type"]: one["rolled_cents"] for one in use.rolls.to_dicts()}
        return {**amounts, "rolls": rolls}

    # --- elections --------------------------------------------------------------------------------------

    def checked(self, people: Sequence[tuple[int, Row]]) -> list[Row]:
        """Check the elections of people, as `tests.oracle.elections.check` answers them."""
        situation = self.situation(people)
        prepared = prepare_columns(situation, self.rulebook)
        elected, held = self.elected(prepared, people), _held(people)
        said = check_elections(elected, held, situation, prepared, self.rulebook)[1]
        messages = pl.concat([said, missing_elections(prepared, elected.elections)])
        checking = locate(elected, held, situation, prepared, self.rulebook)
        lost = fall(checking, outcomes(checking), with_elected=False).lost
        return [
            {
                "messages": sorted(
                    {(row["code"], row["plan_type"]) for row in _rows(messages, case) if row["code"]}
                ),
                "falls": sorted({row["plan_type"] for row in _rows(lost, case)}),
            }
            for case in range(len(people))
        ]

    def settled(self, people: Sequence[tuple[int, Row]], *, is_finalizing: bool = True) -> Settled:
        """Settle the events of people."""
        situation = self.situation(people)
        prepared = prepare_columns(situation, self.rulebook)
        cases = situation.cases.select("case", is_finalizing=pl.lit(value=is_finalizing))
        elected, held = self.elected(prepared, people), _held(people)
        return settle(cases, prepared, situation, elected, held, self.rulebook)

    def elected(self, prepared: Prepared, people: Sequence[tuple[int, Row]]) -> Elected:
        rows = [(case, client, person) for case, (client, person) in enumerate(people)]
        return Elected(
            elections=_frame((one for row in rows for one in self._elections(prepared, *row)), ELECTIONS),
            **_contents((case, one) for case, _, person in rows for one in person.get("elections") or []),
        )

    def _elections(self, prepared: Prepared, case: int, client: int, person: Row) -> Iterable[Row]:
        row = prepared.cases["program_row"][case]
        program = None if row is None else self.rulebook.programs["code"][row]
        for one in person.get("elections") or []:
            place = f"{program}/{one['plan_type']}/{one['option']}"
            yield {
                "case": case,
                "plan_type": one["plan_type"],
                "slot": 0,
                "option_code": one["option"],
                "option_id": self.numbers[client].own.get(("option", place)),
                **{name: one.get(name) for name in STATED},
                "files_separately": bool(one.get("files_separately")),
                "received_on": person["event"]["event_on"],
                "source": "laws",
            }

    # --- in ---------------------------------------------------------------------------------------------

    def _case(self, case: int, client: int, person: Row) -> Row:
        event, job = person["event"], person.get("job") or {}
        event_class = self._event_classes[event["event_class"]]
        schedule = _schedule_code(self.restrictions, event.get("programs"))
        zip_code = person.get("zip")
        return {
            "case": case,
            "client_id": client,
            "schedule_id": self.numbers[client].of("schedule", schedule),
            "event_class_id": event_class["event_class_id"],
            "event_on": event["event_on"],
            "only_ends_coverage": event_class["only_ends_coverage"],
            "is_open_enrollment": event_class["use"] == "O",
            "received_on": event.get("received_on"),
            "has_job": person.get("job") is not None,
            **{name: person.get(name) for name in ("birth_on", "sex", "is_smoker", "service_on", "hire_on")},
            "zip": None if zip_code is None else int(zip_code),
            "state": person.get("state"),
            "is_medicare_entitled": person.get("is_medicare_entitled"),
            **{name: job.get(name) for name in JOB_FIELDS},
            "weekly_hours_hundredths": job.get("weekly_hours_hundredths"),
            "annual_pay_cents": job.get("annual_pay_cents"),
            "last_day_employed": job.get("last_day_employed"),
        }

    def _in_force(self, case: int, client: int, person: Row) -> Iterable[Row]:
        for entry in person.get("current") or []:
            program, option = entry.get("program"), entry.get("option")
            place = f"{program}/{entry['plan_type']}/{option}"
            yield {
                "case": case,
                "plan_type": entry["plan_type"],
                "slot": entry.get("slot", 0),
                "kind": entry["kind"],
                "program_id": self._number(client, "program", program),
                "option_id": self._number(client, "option", place) if option else None,
                "coverage_cents": entry.get("coverage_cents"),
                "requested_coverage_cents": entry.get("requested_coverage_cents"),
                "pledge_cents": entry.get("pledge_cents"),
                "percent_thousandths": entry.get("percent_thousandths"),
                "after_tax_thousandths": entry.get("after_tax_thousandths"),
                "hours_hundredths": entry.get("hours_hundredths"),
                "is_future": False,
            }

    def _ended(self, case: int, client: int, person: Row) -> Iterable[Row]:
        held = _known_plan_types(person)
        for entry in person.get("ended") or []:
            place = f"{entry.get('program')}/{entry['plan_type']}/{entry.get('option')}"
            yield {
                **{name: entry.get(name) for name in ENDED},
                "case": case,
                "option_id": self._number(client, "option", place) if entry.get("option") else None,
                "is_only_ended": entry["plan_type"] not in held,
            }

    def _overrides(self, case: int, client: int, person: Row) -> Iterable[Row]:
        for one in person.get("overrides") or []:
            option = one.get("option")
            place = f"{one['program']}/{one.get('plan_type')}/{option}"
            yield {
                "case": case,
                "program_id": self._number(client, "program", one["program"]),
                "option_id": self._number(client, "option", place) if option else None,
                "is_eligible": one["eligible"],
                "author": "an analyst",
                "reason": "a test",
            }

    def _number(self, client: int, kind: str, code: str | None) -> int:
        """Number a code; one that no set-up knows (any more) gets a number nobody else has."""
        return self.numbers[client].own.get((kind, code or ""), UNKNOWN_NUMBER)

    def _prior(self, case: int, client: int, person: Row) -> Iterable[Row]:
        """Give the options of the last event in every program that has them, and that event's waivers."""
        prior = person.get("prior_options")
        if prior is None:
            return
        asked = {(plan_type, code) for plan_type, code in prior} | {(kind, WAIVE) for kind, _ in prior}
        yield {"case": case, "option_id": UNKNOWN_NUMBER}  # an event that offered nothing is one, too
        for (kind, place), number in self.numbers[client].own.items():
            if kind == "option" and tuple(place.split("/", 2)[1:]) in asked:
                yield {"case": case, "option_id": number}

    # --- out --------------------------------------------------------------------------------------------

    def _result(self, prepared: Prepared, case: int, client: int) -> Row:
        found = prepared.cases.row(case, named=True)
        assert found["case"] == case
        plans = {row["plan_type"]: row for row in _rows(prepared.plans, case)}
        plan_types = {row["plan"]: row["plan_type"] for row in plans.values()}
        options = [(plan_types[row["plan"]], row) for row in _rows(prepared.options, case)]
        codes = self._codes(client)
        program = None
        if found["program_row"] is not None:
            program = self.rulebook.programs["code"][found["program_row"]]
        by_code = {(kind, codes[row["option_id"]]): _option(row) for kind, row in options}
        assert len(by_code) == len(options)
        return {
            "assignment": found["program_status"],
            "status": found["process_status"],
            "program": program,
            "messages": sorted(self._messages(prepared, case, codes)),
            "plans": {
                kind: self._plan(row, by_code, codes)
                for kind, row in plans.items()
                if kind != PROGRAM_PLAN_TYPE
            },
            "options": {key: row for key, row in by_code.items() if key[0] != PROGRAM_PLAN_TYPE},
            "general_credit": _general_credit(
                [row for kind, row in options if kind == PROGRAM_PLAN_TYPE and row["option_type"] == "G"]
            ),
            "general_deductions": {
                codes[row["option_id"]]: _option(row)
                for kind, row in options
                if kind == PROGRAM_PLAN_TYPE and row["option_type"] == "D"
            },
        }

    def _codes(self, client: int) -> dict[int, str]:
        """Name the options of a client."""
        places = {number: key[1] for key, number in self.numbers[client].own.items() if key[0] == "option"}
        return {number: place.split("/", 2)[2] for number, place in places.items()}

    def _messages(
        self, prepared: Prepared, case: int, codes: dict[int, str]
    ) -> Iterable[tuple[str, str, str]]:
        for row in _rows(prepared.messages, case):
            if row["severity"] == "E" or row["code"] in ("BA1103", "BA1215"):
                yield row["code"], row["plan_type"] or "", codes.get(row["option_id"], "")

    def _plan(self, row: Row, options: dict[tuple[str, str], Row], codes: dict[int, str]) -> Row:
        """Shape a plan row: dates of an end where there is something to end, none where all is ignored."""
        waiver = options.get((row["plan_type"], WAIVE))
        shown = not row["is_ignored"]
        ending = shown and (row["is_in_force"] or row["is_ending"])
        beginning = shown and not row["is_ending"]
        return {
            "coverage_begins_on": row["coverage_begins_on"] if beginning else None,
            "deduction_begins_on": row["deduction_begins_on"] if beginning else None,
            "coverage_ends_on": row["coverage_ends_on"] if ending else None,
            "deduction_ends_on": row["deduction_ends_on"] if ending else None,
            "current_option": _code_of(row["current_option_id"], codes),
            "default_option": _code_of(row["default_option_id"], codes),
            "default_reason": row["default_reason"],
            "offered": row["offered_options"],
            "is_choice": row["is_choice"],
            "is_lost": row["is_lost"],
            "is_ignored": row["is_ignored"],
            "is_waive_allowed": waiver is not None and waiver["is_electable"],
            "is_changed_by_default": row["is_changed_by_default"],
        }


def prepare(peo: Row, client: Row, person: Row) -> Row:
    """Prepare one person, with the signature of the oracle. Set-ups already seen are not compiled again."""
    key = repr((peo, client, person["event"].get("programs")))
    if key not in _COMPILED:
        _COMPILED[key] = Kernel(peo, [client], [person])
    return _COMPILED[key].prepare([(1, person)])[0]


def check(peo: Row, client: Row, person: Row) -> Row:
    """Check the elections of one person, with the signature of the oracle."""
    return Kernel(peo, [client], [person]).checked([(1, person)])[0]


_COMPILED: dict[str, Kernel] = {}


def credit_use(peo: Row, client: Row, person: Row, chosen: Sequence[Row], choice: str | None) -> Row | None:
    """Settle the credits of one person who holds what is chosen, with the signature of the oracle."""
    return Kernel(peo, [client], [person]).credit_use(person, chosen, choice)


def prepare_all(peo: Row, client: Row, people: Sequence[Row]) -> list[Row]:
    """Prepare people of one client in one call."""
    return Kernel(peo, [client], people).prepare([(1, person) for person in people])


def with_missing_facts(person: Row) -> Row:
    """Poison a person: everything that may be missing is."""
    kept = {name: person[name] for name in ("event", "hire_on", "current", "dependents", "prior_options")}
    return {**kept, "job": dict.fromkeys(JOB_FIELDS), "approved": {}}


# --- documents --------------------------------------------------------------------------------------------


def _loaded(document: Row, kind: type[Any]) -> LoadedBundle:
    written, files = as_written(document)
    bundle, faults = load(msgspec.convert(written, kind), files, {})
    assert not faults, faults
    return bundle


def _restrictions(people: Sequence[Row]) -> list[Row]:
    found: list[Row] = []
    for person in people:
        programs = person["event"].get("programs")
        if programs is not None and programs not in found:
            found.append(programs)
    return found


def _schedule_code(restrictions: list[Row], programs: Row | None) -> str:
    return EVENT_MAINTENANCE if programs is None else f"LAWS-{restrictions.index(programs)}"


def _with_schedules(client: Row, restrictions: list[Row]) -> Row:
    """Add a schedule for each restriction; a program it names that is not there is added, inactive."""
    schedules = [{"code": EVENT_MAINTENANCE, "name": "Event maintenance", "kind": "event_maintenance"}]
    schedules += [
        {"code": f"LAWS-{number}", "name": "Restricted", "kind": "open_enrollment", "programs": programs}
        for number, programs in enumerate(restrictions)
    ]
    known = {program["code"] for program in client["programs"]}
    missing = sorted({code for programs in restrictions for code in programs} - known)
    event_rules = [section["event_rule"] for row in client["programs"] for section in row["plan_types"]]
    stand_ins = [
        {
            "code": code,
            "name": code,
            "from": date(2020, 1, 1),
            "source": "not in the set-up",
            "active": False,
            "plan_types": [{"plan_type": "14", "event_rule": event_rules[0], "options": []}],
        }
        for code in missing
    ]
    return {
        **client,
        "programs": [*client["programs"], *stand_ins],
        "schedules": [*client["schedules"], *schedules],
    }


def _held(people: Sequence[tuple[int, Row]]) -> Elected:
    """What holds of dependents, funds and beneficiaries before the event."""
    entries = ((case, one) for case, (_, person) in enumerate(people) for one in _held_or_ended(person))
    return Elected(elections=pl.DataFrame(), **_contents(entries))


def _contents(entries: Iterable[tuple[int, Row]]) -> dict[str, pl.DataFrame]:
    """The dependents, funds and beneficiaries of elections, or of what holds."""
    rows = [({"case": case, "plan_type": one["plan_type"]}, one) for case, one in entries]
    shares = (
        {
            **key,
            "dependent_id": share["id"],
            "is_contingent": bool(share.get("is_contingent")),
            "percent_hundredths": share["percent_hundredths"],
        }
        for key, one in rows
        for share in one.get("beneficiaries") or []
    )
    return {
        "members": _frame(
            ({**key, "dependent_id": number} for key, one in rows for number in one.get("dependents") or []),
            COVERED,
        ),
        "funds": _frame(
            (
                {**key, "fund": fund, "percent": percent}
                for key, one in rows
                for fund, percent in (one.get("funds") or {}).items()
            ),
            INVESTED,
        ),
        "beneficiaries": _frame(shares, BENEFICIARY),
    }


# --- people -----------------------------------------------------------------------------------------------


def _frame(rows: Iterable[Row], schema: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def _members(case: int, person: Row) -> Iterable[Row]:
    for one in person.get("dependents") or []:
        yield {
            "case": case,
            "dependent_id": one["id"],
            **{
                name: one.get(name)
                for name in ("person_type", "birth_on", "sex", "is_smoker", "student_through")
            },
            **{
                name: bool(one.get(name)) for name in ("is_student", "is_disabled", "is_married", "is_former")
            },
        }


def jobs_of(case: int, person: Row) -> Iterable[Row]:
    """Give the primary job and the others of a person."""
    primary = person.get("job")
    jobs = [] if primary is None else [primary]
    for number, job in enumerate([*jobs, *(person.get("more_jobs") or [])]):
        status = job.get("job_status")
        yield {
            "case": case,
            "job_number": number,
            "is_of_record": job.get("is_of_record", True),
            "is_primary": job is primary,
            "is_for_eligibility": job.get("is_for_eligibility", True),
            "is_active": None if status is None else status in ACTIVE,
            **{name: job.get(name) for name in JOBS if name in (*JOB_FIELDS, *AMOUNTS_OF_A_JOB)},
        }


def _known_plan_types(person: Row) -> set[str]:
    """The plan types in which something is in force, or elected."""
    current = [one for one in person.get("current") or [] if one["kind"] in ("E", "D")]
    return {one["plan_type"] for one in (*current, *(person.get("elections") or []))}


def _held_or_ended(person: Row) -> list[Row]:
    """What holds before the event, and what ended and is not in force."""
    known = _known_plan_types(person)
    ended = [one for one in person.get("ended") or [] if one["plan_type"] not in known]
    return [*(person.get("current") or []), *ended]


def _held_members(case: int, person: Row) -> Iterable[Row]:
    for entry in _held_or_ended(person):
        for number in entry.get("dependents") or []:
            yield {"case": case, "plan_type": entry["plan_type"], "dependent_id": number}


def _left(case: int, person: Row) -> Iterable[Row]:
    for plan_type, left_on in (person.get("left_on") or {}).items():
        yield {"case": case, "plan_type": plan_type, "left_on": left_on}


def _approved(case: int, person: Row) -> Iterable[Row]:
    for plan_type, cents in (person.get("approved") or {}).items():
        yield {"case": case, "plan_type": plan_type, "approved_cents": cents}


# --- results ----------------------------------------------------------------------------------------------

FLAGS = ("is_electable", "is_current", "is_default", "is_proof_required")
AMOUNTS = (
    *("coverage_cents", "approved_coverage_cents", "premium_coverage_cents"),
    *("month_total_cents", "month_employer_cents"),
    *("annual_before_tax_cents", "annual_after_tax_cents", "annual_employer_cents", "annual_credit_cents"),
    *("pay_before_tax_cents", "pay_after_tax_cents", "pay_credit_cents"),
    *("annual_imputed_cents", "pay_imputed_cents"),
)


def _rows(frame: pl.DataFrame, case: int) -> list[Row]:
    return frame.filter(pl.col("case") == case).to_dicts()


MONTHS = {"month_total_cents": "year_total_cents", "month_employer_cents": "annual_employer_cents"}
"""What is shown of a month is a twelfth of the year, rounded."""


def _option(row: Row) -> Row:
    months = {month: _twelfth(row[year]) for month, year in MONTHS.items()}
    return {name: months[name] if name in months else row[name] for name in (*FLAGS, *AMOUNTS)}


def _twelfth(year: int | None) -> int | None:
    return None if year is None else (year + 6) // 12


def _code_of(number: int | None, codes: dict[int, str]) -> str | None:
    return None if number is None else codes.get(number, "(unknown)")


def _general_credit(rows: list[Row]) -> Row | None:
    if not rows:
        return None

    def total(name: str) -> int | None:
        amounts = [row[name] for row in rows]
        return None if None in amounts else sum(amounts)

    return {name: total(name) for name in ("annual_credit_cents", "pay_credit_cents")}
