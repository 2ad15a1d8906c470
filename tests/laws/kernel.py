"""The columnar kernel behind the oracle's door: documents and people in, the oracle's shape of result out.

All people of one set-up are prepared in one call, so that columns are tested as columns.
"""

from collections.abc import Callable, Iterable, Sequence

import polars as pl
from tests.laws.answers import AMOUNTS, FLAGS, code_of, general_credit_of, option_of, rows_of
from tests.laws.columns import CASES, CHOICES, ELECTIONS, IN_FORCE, JOBS, MEMBERS, STATED, Row
from tests.laws.documents import loaded, restrictions_of, schedule_code, with_schedules
from tests.laws.situations import (
    _known_plan_types,
    approved_rows,
    brought_rows,
    contents_of,
    contribution_rows,
    frame_of,
    held_before,
    held_member_rows,
    job_history_rows,
    jobs_of,
    left_rows,
    member_rows,
    price_decision_rows,
)
from tests.oracle.eligibility import JOB_FIELDS

from openbenefits.eligibility.overrides import OVERRIDES
from openbenefits.enrollment.rules.cascades import fall
from openbenefits.enrollment.rules.control import HELD_MEMBERS, LEFT
from openbenefits.enrollment.rules.credits import credit_use as settled_credits
from openbenefits.enrollment.rules.elected import Elected
from openbenefits.enrollment.rules.outcomes import outcomes
from openbenefits.enrollment.rules.prepare import BROUGHT, CONTRIBUTIONS, Prepared, Situation
from openbenefits.enrollment.rules.prepare import prepare as prepare_columns
from openbenefits.enrollment.rules.reinstated import ENDED
from openbenefits.enrollment.rules.settle import Settled, settle
from openbenefits.enrollment.rules.validate import check_elections, locate, missing_elections
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.offers import WAIVE
from openbenefits.programs.rulebook import Rulebook, compile_rulebook
from openbenefits.programs.unsaved import unsaved_tables
from openbenefits.rating.rules.bases import BENEFIT_BASES, JOB_HISTORY
from openbenefits.rating.rules.decided import PRICE_DECISIONS
from openbenefits.rating.rules.price_days import PAY_HISTORY

PROGRAM_PLAN_TYPE = "01"
UNKNOWN_NUMBER = 2**30
DECIDED_BY_RUNS = ("is_final_without_person",)


class Kernel:
    """The set-up of a PEO and some clients, compiled; it prepares people of any of the clients."""

    def __init__(self, peo: Row, clients: Sequence[Row], people: Sequence[Row]) -> None:
        """Compile the set-up; open-enrolment restrictions of the people become schedules of every client."""
        self.restrictions = restrictions_of(people)
        self.peo = loaded(peo, PeoBundle)
        self.clients = [loaded(with_schedules(one, self.restrictions), ClientBundle) for one in clients]
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
            cases=frame_of((self._case(*row) for row in rows), CASES),
            members=frame_of((one for row in rows for one in member_rows(row[0], row[2])), MEMBERS),
            in_force=frame_of((one for row in rows for one in self._in_force(*row)), IN_FORCE),
            approved=frame_of(
                (one for row in rows for one in approved_rows(row[0], row[2])),
                {"case": pl.Int32, "plan_type": pl.String, "approved_cents": pl.Int64},
            ),
            prior=frame_of(
                (one for row in rows for one in self._prior(*row)), {"case": pl.Int32, "option_id": pl.Int32}
            ),
            chosen=pl.DataFrame(schema={"case": pl.Int32, "plan_type": pl.String}),
            chosen_members=pl.DataFrame(
                schema={"case": pl.Int32, "plan_type": pl.String, "dependent_id": pl.Int64}
            ),
            pay_history=frame_of(
                ({"case": row[0], **one} for row in rows for one in row[2].get("pay_history") or []),
                PAY_HISTORY,
            ),
            benefit_bases=frame_of(
                ({"case": row[0], **one} for row in rows for one in row[2].get("benefit_bases") or []),
                BENEFIT_BASES,
            ),
            jobs=frame_of((one for row in rows for one in jobs_of(row[0], row[2])), JOBS),
            overrides=frame_of((one for row in rows for one in self._overrides(*row)), OVERRIDES),
            price_decisions=frame_of(
                (one for row in rows for one in self._price_decisions(*row)), PRICE_DECISIONS
            ),
            held_members=frame_of(
                (one for row in rows for one in held_member_rows(row[0], row[2])), HELD_MEMBERS
            ),
            left=frame_of((one for row in rows for one in left_rows(row[0], row[2])), LEFT),
            ended=frame_of(
                (one for row in rows for one in self._ended(*row)), ENDED | {"is_only_ended": pl.Boolean}
            ),
            job_history=frame_of(
                (one for row in rows for one in job_history_rows(row[0], row[2])), JOB_HISTORY
            ),
            contributions=frame_of(
                (one for row in rows for one in contribution_rows(row[0], row[2])), CONTRIBUTIONS
            ),
            brought=frame_of((one for row in rows for one in brought_rows(row[0], row[2])), BROUGHT),
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
        use = settled_credits(frame_of(results, schema), choices, prepared, self.rulebook)
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
        elected, held = self.elected(prepared, people), held_before(people)
        said = check_elections(elected, held, situation, prepared, self.rulebook)[1]
        messages = pl.concat([said, missing_elections(prepared, elected.elections)])
        checking = locate(elected, held, situation, prepared, self.rulebook)
        lost = fall(checking, outcomes(checking), with_elected=False).lost
        return [
            {
                "messages": sorted(
                    {(row["code"], row["plan_type"]) for row in rows_of(messages, case) if row["code"]}
                ),
                "falls": sorted({row["plan_type"] for row in rows_of(lost, case)}),
            }
            for case in range(len(people))
        ]

    def settled(self, people: Sequence[tuple[int, Row]], *, is_finalizing: bool = True) -> Settled:
        """Settle the events of people."""
        situation = self.situation(people)
        prepared = prepare_columns(situation, self.rulebook)
        cases = situation.cases.select("case", is_finalizing=pl.lit(value=is_finalizing))
        elected, held = self.elected(prepared, people), held_before(people)
        return settle(cases, prepared, situation, elected, held, self.rulebook)

    def covered(self, people: Sequence[tuple[int, Row]]) -> list[Row]:
        """Settle the events of people, and name whom each plan type then covers, by number."""
        members = self.settled(people).members.sort("case", "plan_type", "dependent_id")
        found: list[Row] = [{} for _ in people]
        for case, plan_type, dependent in members.select("case", "plan_type", "dependent_id").rows():
            found[case].setdefault(plan_type, []).append(dependent)
        return found

    def elected(self, prepared: Prepared, people: Sequence[tuple[int, Row]]) -> Elected:
        rows = [(case, client, person) for case, (client, person) in enumerate(people)]
        return Elected(
            elections=frame_of((one for row in rows for one in self._elections(prepared, *row)), ELECTIONS),
            **contents_of((case, one) for case, _, person in rows for one in person.get("elections") or []),
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
        schedule = schedule_code(self.restrictions, event.get("programs"))
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
                "is_to_begin": entry.get("is_to_begin", False),
                **{name: entry.get(name) for name in ("begins_on", "deduction_begins_on")},
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

    def _price_decisions(self, case: int, client: int, person: Row) -> Iterable[Row]:
        for one in price_decision_rows(person, lambda place: self._number(client, "option", place)):
            yield {"case": case, **one}

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
        plans = {row["plan_type"]: row for row in rows_of(prepared.plans, case)}
        plan_types = {row["plan"]: row["plan_type"] for row in plans.values()}
        options = [(plan_types[row["plan"]], row) for row in rows_of(prepared.options, case)]
        codes = self._codes(client)
        program = None
        if found["program_row"] is not None:
            program = self.rulebook.programs["code"][found["program_row"]]
        by_code = {(kind, codes[row["option_id"]]): option_of(row) for kind, row in options}
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
            "general_credit": general_credit_of(
                [row for kind, row in options if kind == PROGRAM_PLAN_TYPE and row["option_type"] == "G"]
            ),
            "general_deductions": {
                codes[row["option_id"]]: option_of(row)
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
        for row in rows_of(prepared.messages, case):
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
            "current_option": code_of(row["current_option_id"], codes),
            "default_option": code_of(row["default_option_id"], codes),
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


class Together:
    """Cases of many set-ups, those of one PEO in one call: each client is answered beside all the others."""

    def __init__(self, asked: Iterable[tuple[Row, Row, Row]], answer: Callable[..., list[Row]]) -> None:
        """Take cases, each a PEO, a client, a person; `answer` is a method of Kernel, as `Kernel.prepare`."""
        self.answer = answer
        self.groups: dict[str, list[tuple[Row, Row, Row]]] = {}
        self.found: dict[str, dict[str, Row]] = {}
        for one in asked:
            self.groups.setdefault(self._group(*one), []).append(one)

    def __call__(self, peo: Row, client: Row, person: Row) -> Row:
        """Answer one case, with the signature of the oracle."""
        group = self._group(peo, client, person)
        if group not in self.found:
            self.found[group] = self._answered(self.groups[group])
        return self.found[group][repr((client, person))]

    def _group(self, peo: Row, _client: Row, person: Row) -> str:
        return repr((peo, person["event"].get("programs")))

    def _answered(self, asked: list[tuple[Row, Row, Row]]) -> dict[str, Row]:
        clients = {repr(client): client for _, client, _ in asked}
        number = {key: place for place, key in enumerate(clients, 1)}
        people = [(number[repr(client)], person) for _, client, person in asked]
        kernel = Kernel(asked[0][0], list(clients.values()), [person for _, person in people])
        keys = [repr((client, person)) for _, client, person in asked]
        return dict(zip(keys, self.answer(kernel, people), strict=True))


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


__all__ = [
    "AMOUNTS",
    "DECIDED_BY_RUNS",
    "ELECTIONS",
    "FLAGS",
    "Kernel",
    "Together",
    "credit_use",
    "prepare",
    "prepare_all",
    "with_missing_facts",
]
