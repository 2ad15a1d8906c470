"""A small employer, built row by row: one program, a few people, and events wherever a test wants them."""

from copy import copy
from datetime import UTC, date, datetime

import polars as pl
import pytest
from django.apps import apps
from django.db import transaction

from openbenefits.store.bulk import copy_in, schema_of

NOW = datetime(2025, 10, 27, 20, 0, tzinfo=UTC)
NEW_YEAR = date(2026, 1, 1)
OE, EM = 900, 901
PROGRAM = 800
CLASSES = {"OE": 1, "MAR": 2, "TER": 3}
OPTIONS = {
    "BLUE-1": 11,
    "BLUE-4": 12,
    "NHP-1": 13,
    "NOMED": 14,
    "LIFE2": 21,
    "LIFE4": 22,
    "FSA": 31,
    "CREDIT": 41,
}
BLUE, NHP, LIFE, FSA = 71, 72, 73, 74
SETUP = {"release_id": 1, "client_id": 1, "source": "test", "valid_from": date(2025, 1, 1)}
PLAN_TYPE_OF = {
    "BLUE-1": "10",
    "BLUE-4": "10",
    "NHP-1": "10",
    "NOMED": "10",
    "LIFE2": "21",
    "LIFE4": "21",
    "FSA": "60",
    "CREDIT": "01",
}
EVENT_DEFAULTS = {
    "benefit_record": 0,
    "event_number": 0,
    "priority": 500,
    "event_on": NEW_YEAR,
    "source": "OE",
    "is_multi_activity": False,
    "event_status": "O",
    "process_status": "PR",
    "status_at": NOW,
    "process_indicator": "N",
    "finalize_requested": False,
    "program_id": PROGRAM,
    "preparation": 1,
    "window_begins_on": date(2025, 11, 3),
    "window_ends_on": date(2025, 11, 21),
    "is_finalized": False,
    "is_out_of_sequence": False,
    "is_eligibility_changed": False,
    "steps": 0,
}
PLAN_DEFAULTS = {
    "preparation": 1,
    "event_rule_row": 1,
    "coverage_begins_on": NEW_YEAR,
    "deduction_begins_on": NEW_YEAR,
    "default_reason": "nothing",
    "offered_options": 2,
    "is_choice": True,
    "is_lost": False,
    "is_election_required": False,
    "is_ignored": False,
    "is_waive_allowed": True,
}
OPTION_DEFAULTS = {
    "is_electable": True,
    "is_current": False,
    "is_default": False,
    "is_proof_required": False,
    "rule_mask": 0,
}


class World:
    """Writes rows of the present client; each method states what matters and takes the rest as keywords."""

    def __init__(self, connection):
        from openbenefits.workforce import (
            services,
        )  # its models need Django, which this file is loaded before

        self.services = services
        self.connection = connection
        self.client_id = (
            apps.get_model("workforce.Client").objects.create(code="harbor", name="Harbor Foods").pk
        )
        self.people = {}

    def write(self, model, *rows):
        """Write rows with the table's types; columns not stated take their defaults, or null."""
        found = apps.get_model(model)
        schema = {name: kind for name, kind in schema_of(found).items() if any(name in row for row in rows)}
        copy_in(self.connection, found._meta.db_table, pl.DataFrame(list(rows), schema=schema))

    def person(self, number, first, last, *, address=True, department="Stores", **facts):
        home = {"line1": f"{number} Pier Street", "city": "Salem", "state": "MA", "postal_code": "01970"}
        recorded = self.services.hire(
            self.client_id,
            employee_number=number,
            first_name=first,
            last_name=last,
            on=date(2015, 3, 2),
            job={
                "department": department,
                "pay_group": "HBW",
                "annual_pay_cents": 5_200_000,
                "weekly_hours_hundredths": 4000,
            },
            person={"birth_on": date(1980, 5, 17), **facts},
            address=home if address else None,
            made_by="test",
            now=NOW,
        )
        self.people[number] = recorded.person_id
        return recorded.person_id

    def dependent(self, number, first, last, person_type, born):
        return self.services.add_dependent(
            self.client_id,
            self.people[number],
            on=born,
            first_name=first,
            last_name=last,
            person_type=person_type,
            dependent={"birth_on": born},
            made_by="test",
            now=NOW,
        ).dependent_id

    def event(self, number, *, event_class="OE", schedule_id=OE, **columns):
        key = self.key(number, schedule_id, columns.get("event_number", 0))
        stated = EVENT_DEFAULTS | key | {"event_class_id": CLASSES[event_class]} | columns
        self.write("events.Event", stated)
        return key

    def key(self, number, schedule_id=OE, event_number=0):
        owner = {"client_id": self.client_id, "person_id": self.people[number], "benefit_record": 0}
        return owner | {"schedule_id": schedule_id, "event_number": event_number}

    def plan(self, key, plan_type, **columns):
        menu = {"menu_id": apps.get_model("enrollment.EventPlan").objects.count() + 1}
        self.write("enrollment.EventPlan", PLAN_DEFAULTS | menu | key | {"plan_type": plan_type} | columns)

    def option(self, key, code, pay=None, *, employer=0, credit=0, **columns):
        """Write a priced option: `pay` is taken before tax, 26 times a year."""
        priced = (
            {}
            if pay is None
            else {
                "pay_before_tax_cents": pay,
                "pay_after_tax_cents": 0,
                "annual_before_tax_cents": pay * 26,
                "annual_after_tax_cents": 0,
                "annual_employer_cents": employer,
                "annual_credit_cents": credit * 26,
                "pay_credit_cents": credit,
            }
        )
        plan = apps.get_model("enrollment.EventPlan").objects.get(**key, plan_type=PLAN_TYPE_OF[code])
        stated = {"option_id": OPTIONS[code], "menu_id": plan.menu_id} | priced | columns
        self.write("enrollment.MenuOption", OPTION_DEFAULTS | {"client_id": self.client_id} | stated)

    def offer(self, key):
        """Write what everybody is offered: medical, life, a spending account, a general credit."""
        self.plan(
            key,
            "10",
            current_option_id=OPTIONS["BLUE-1"],
            default_option_id=OPTIONS["BLUE-1"],
            default_reason="current",
        )
        self.option(key, "BLUE-1", 7_500, employer=650_000, is_current=True, is_default=True)
        self.option(key, "BLUE-4", 21_050, employer=1_200_000)
        self.option(key, "NHP-1", 6_025, employer=610_000)
        self.option(key, "NOMED", 0, credit=2_500)
        self.plan(key, "21", default_reason="nothing")
        self.option(key, "LIFE2", 800, coverage_cents=10_000_000)
        self.option(key, "LIFE4", 1_600, coverage_cents=20_000_000, is_proof_required=True)
        self.plan(key, "60", default_reason="nothing", is_election_required=True)
        self.option(key, "FSA")
        self.plan(key, "01", is_choice=False)
        self.option(key, "CREDIT", 0, credit=1_846, is_electable=False)

    def coverage(self, number, code, *, kind="E", begins_on=date(2025, 1, 1), event=None, **columns):
        made = {"schedule_id": event["schedule_id"], "event_number": event["event_number"]} if event else {}
        owner = {
            name: value
            for name, value in self.key(number).items()
            if name not in ("schedule_id", "event_number")
        }
        row = owner | {
            "slot": 0,
            "version": 1,
            "kind": kind,
            "basis": "eligible",
            "rule": "test",
            "made_at": NOW,
        }
        plan_type = {"plan_type": PLAN_TYPE_OF[code], "option_id": OPTIONS[code], "begins_on": begins_on}
        self.write("enrollment.Coverage", row | plan_type | made | columns)
        return owner | {"slot": 0, "version": 1, "plan_type": PLAN_TYPE_OF[code], "begins_on": begins_on}

    def covers(self, point, *dependents):
        self.write("enrollment.CoverageDependent", *(point | {"dependent_id": one} for one in dependents))

    def election(self, key, code, *, dependents=(), submission=1, **columns):
        row = key | {"plan_type": PLAN_TYPE_OF[code], "slot": 0, "submission": submission}
        stated = {
            "option_code": code,
            "received_on": date(2025, 11, 5),
            "elector": "employee",
            "source": "file",
        }
        self.write(
            "enrollment.Election", row | stated | {"is_withdrawn": False, "files_separately": False} | columns
        )
        if dependents:
            self.write("enrollment.ElectionDependent", *(row | {"dependent_id": one} for one in dependents))

    def message(self, key, code, *, severity="E", number=1, expected="a choice", found="none", **columns):
        row = {
            "run_id": 7,
            "number": number,
            "code": code,
            "severity": severity,
            "expected": expected,
            "found": found,
        }
        self.write("events.Message", key | row | {"is_current": True} | columns)

    def step(self, key, step, to_status, *, from_status=None, run_id=7):
        row = {
            "step": step,
            "run_id": run_id,
            "actor": "run",
            "from_status": from_status,
            "to_status": to_status,
        }
        self.write("events.EventStep", key | row | {"event_status": "O", "cause": "run", "moved_at": NOW})

    def rows(self, query, *params):
        with self.connection.cursor() as cursor:
            cursor.execute(query, params)
            return cursor.fetchall()


@pytest.fixture
def world(fresh_database, kept):
    return _put_world(fresh_database, kept)


@pytest.fixture(scope="module")
def lasting_world(database, kept):
    return _put_world(database, kept)


@pytest.fixture
def passing_world(lasting_world):
    """The world in a transaction: what a test writes is gone after it; no other connection sees it."""
    own = copy(lasting_world)
    own.people = dict(lasting_world.people)
    with transaction.atomic():
        yield own
        transaction.set_rollback(True)


def _put_world(connection, kept):
    def build():
        world = World(connection)
        _set_up(world)
        return world

    return kept(connection, "reports", build)


@pytest.fixture
def ann(world):
    """Ann Moss: husband and son, medical for herself at present, open enrolment prepared."""
    world.person("1001", "Ann", "Moss", marital_status="married")
    world.husband = world.dependent("1001", "Ben", "Moss", "SP", date(1979, 8, 2))
    world.son = world.dependent("1001", "Cal", "Moss", "CH", date(2012, 2, 29))
    world.coverage("1001", "BLUE-1")
    key = world.event("1001")
    world.offer(key)
    return key


def _set_up(world):
    add = _adder(world)
    schedule = {"company": "", "benefit_group": "", "is_closed_to_new_events": False}
    add(
        "Schedule", schedule | {"schedule_id": OE, "code": "OE26", "name": "Open enrolment 2026", "kind": "O"}
    )
    add("Schedule", schedule | {"schedule_id": EM, "code": "EM", "name": "Event maintenance", "kind": "E"})
    add("EventClass", *(_event_class(code, number) for code, number in CLASSES.items()))
    add("Program", {"program_id": PROGRAM, "code": "HARBOR", "name": "Harbor benefits", "is_active": True})
    add("PlanTypeRow", *(_plan_type(*row) for row in PLAN_TYPES))
    plan = {"carrier": "A carrier", "is_hsa_eligible": False}
    for one, (kind, name) in PLANS.items():
        add("Plan", plan | {"plan_id": one, "code": str(one), "plan_type": kind, "name": name})
    for number, code, name in ((61, "1", "Employee only"), (64, "4", "Family")):
        add("CoverageCode", NOBODY | {"coverage_code_id": number, "code": code, "name": name})
    before_tax = {"code": "B", "name": "Before", "tax_class": "B", "period_flags": 31}
    add("DeductionCode", {"deduction_code_id": 51} | before_tax)
    add("RateTable", {**_rate_table(), "rate_table_id": 55, "code": "LIFE", "unit": "per_thousand"})
    for order, (code, (plan_id, coverage_code_id)) in enumerate(PLACES.items()):
        add("Option", _option(code, order) | {"plan_id": plan_id, "coverage_code_id": coverage_code_id})
        key = {"kind": "option", "code": f"HARBOR/{PLAN_TYPE_OF[code]}/{code}"}
        setup_keys = apps.get_model("programs.SetupKey").objects
        setup_keys.create(id=OPTIONS[code], client_id=world.client_id, **key)
    for code in ("LIFE2", "LIFE4"):
        add("Cost", {"option_id": OPTIONS[code], "number": 1, "cost_type": "P", "rate_table_id": 55})


PLAN_TYPES = (("01", 1, "none"), ("10", 10, "none"), ("21", 30, "none"), ("60", 40, "annual_pledge"))
PLEDGE = {"minimum_amount_cents": 10_000, "maximum_amount_cents": 340_000}
PLANS = {
    BLUE: ("10", "Blue Basic Saver"),
    NHP: ("10", "Neighborhood Prime"),
    LIFE: ("21", "Term life"),
    FSA: ("60", "Health care account"),
}
NOBODY = dict.fromkeys(
    ("spouse_min", "spouse_max", "partner_min", "partner_max", "child_min", "child_max"), 0
)
PLACES = {
    "BLUE-1": (BLUE, 61),
    "BLUE-4": (BLUE, 64),
    "NHP-1": (NHP, 61),
    "LIFE2": (LIFE, None),
    "LIFE4": (LIFE, None),
    "FSA": (FSA, None),
    "NOMED": (None, None),
    "CREDIT": (None, None),
}
"""Plan and coverage code of each option."""


def _adder(world):
    """Release the set-up, and answer what adds rows to it."""
    bundle = apps.get_model("programs.Bundle").objects.create(
        client_id=world.client_id, code="harbor", name="Harbor"
    )
    release = apps.get_model("programs.Release").objects.create(
        bundle=bundle, number=1, fingerprint="", document={}, applied_at=NOW, applied_by="test"
    )
    bundle.release = release
    bundle.save()
    base = SETUP | {"release_id": release.pk, "client_id": world.client_id}

    def add(model, *rows):
        found = apps.get_model("programs", model)
        fields = {field.column for field in found._meta.concrete_fields}
        found.objects.bulk_create(
            found(**{name: value for name, value in (base | row).items() if name in fields}) for row in rows
        )

    return add


def _plan_type(plan_type, order, kind):
    return {
        "program_id": PROGRAM,
        "plan_type": plan_type,
        "display_order": order,
        "event_rule_id": 1,
        "waive_rule": "Y",
        "amount_kind": kind,
        "is_invested": False,
        "is_price_locked": False,
        **(PLEDGE if kind == "annual_pledge" else {}),
    }


def _option(code, order):
    return {
        "program_id": PROGRAM,
        "option_id": OPTIONS[code],
        "code": code,
        "name": "Harbor credit" if code == "CREDIT" else "",
        "option_type": {"NOMED": "W", "CREDIT": "G"}.get(code, "O"),
        "plan_type": PLAN_TYPE_OF[code],
        "display_order": order,
        "level": 1,
        "is_default": False,
        "deduction_code_id": 51,
    }


def _event_class(code, number):
    names = {"OE": "Open enrolment", "MAR": "Marriage", "TER": "Termination"}
    return {
        "event_class_id": number,
        "code": code,
        "name": names[code],
        "use": "S",
        "priority": 500,
        "is_manual_allowed": True,
        "only_ends_coverage": code == "TER",
        "is_full_termination_guarded": False,
        "process_ahead_days": 0,
        "window_days": 30,
        "window_action": "finalize",
        "window_start": "notice" if code == "MAR" else "event",
    }


def _rate_table():
    flags = (
        "is_per_member",
        "by_age",
        "by_area",
        "by_coverage_code",
        "by_smoker",
        "by_sex",
        "by_service",
        "by_pay",
    )
    return {"frequency": "M", **dict.fromkeys(flags, False)}
