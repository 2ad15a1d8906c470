"""Whether elections may stand, and what falls with what (docs/rules.md §11): one person, in plain loops.

A person's `elections` have plan_type, option and, where they matter, coverage_cents, pledge_cents,
percent_thousandths, after_tax_thousandths, hours_hundredths, files_separately, waiver_proof, waiver_proof_on,
dependents (ids), funds ({code: percent}), beneficiaries ([{id, percent_hundredths, is_contingent}]).
"""

from datetime import date
from typing import Any

from openbenefits.core.messages import CATALOGUE

from .control import is_closed, left_out, rule_messages
from .dates import age_years
from .eligibility import (
    KINDS,
    USUAL_RELATIONSHIPS,
    counting_dependents,
    covered_dependents,
    is_in_force,
    kind_of,
    would_count,
)
from .options import NO_LIMIT
from .preparation import WAIVE, Case, is_hsa
from .prepare import prepare
from .rows import Row, Setup, cents, cents_or_none, decimal, half_away, option_of, percent_of, plan_type_of

MEDICAL = "10"
CALENDAR_YEAR = ("dcap_exclusion", "hsa_self", "k401_deferral")
Message = tuple[str, str]


def check(peo: Row, client: Row, person: Row) -> Row:
    """Check a person's elections: {messages: sorted (code, plan type), falls: sorted plan types}.

    `falls`: what would end because the coverage it needs is not there, by default and beside the elections.
    """
    found = Elections(peo, client, person)
    return {"messages": sorted(found.messages()), "falls": sorted(found.falls)}


def kept_pledges(peo: Row, client: Row, person: Row) -> Row:
    """The pledges with which HSAs go on by default once the event is final: an invalid election counts for nothing."""
    said = Elections(peo, client, person).messages()
    wrong = {plan_type for code, plan_type in said if CATALOGUE[code].severity == "E"}
    valid = [one for one in person.get("elections") or [] if one["plan_type"] not in wrong]
    return Elections(peo, client, {**person, "elections": valid}, elected_may_fall=True).kept_pledges()


class Elections:
    """The elections of one event, before the options prepared for it."""

    def __init__(self, peo: Row, client: Row, person: Row, *, elected_may_fall: bool = False) -> None:
        self.elected_may_fall = elected_may_fall
        self.setup = Setup(peo, client)
        self.person = person
        self.prepared = prepare(peo, client, person)
        programs = self.setup.programs_on(person["event"]["event_on"])
        self.program = next((row for row in programs if row["code"] == self.prepared["program"]), None)
        self.elections = {one["plan_type"]: one for one in person.get("elections") or []}
        self.falls: list[str] = []
        self.outcomes = self._outcomes()
        self._fall()

    # --- what would hold --------------------------------------------------------------------------------

    def _outcomes(self) -> dict[str, Row]:
        held = [entry["plan_type"] for entry in self.person.get("current") or []]
        found = {}
        for plan_type in {*self.elections, *self.prepared["plans"], *held}:
            outcome = self._outcome(plan_type)
            if outcome is not None:
                found[plan_type] = outcome
        return found

    def _outcome(self, plan_type: str) -> Row | None:
        plan, election = self.prepared["plans"].get(plan_type), self.elections.get(plan_type)
        if election is not None:
            return self._offered(plan_type, election["option"], "elected", election)
        if plan is None or plan["is_ignored"] or plan["default_reason"] == "untouched":
            return self._standing(plan_type)
        if plan["default_reason"] in ("current", "reinstated", "retiered"):
            held = self._held(plan_type)
            return self._offered(plan_type, plan["default_option"], "kept", held or {})
        return self._offered(plan_type, plan["default_option"], "defaulted", {})

    def _offered(self, plan_type: str, code: str | None, how: str, stated: Row) -> Row | None:
        priced = self.prepared["options"].get((plan_type, code))
        if priced is None or code == WAIVE:
            return None
        option = option_of(plan_type_of(self.program, plan_type), code)
        return {
            "how": how,
            "option": option,
            "coverage": priced["coverage_cents"],
            "pledge": stated.get("pledge_cents"),
            "percent": stated.get("percent_thousandths"),
            "credits": priced["annual_credit_cents"],
            "is_hsa": is_hsa(plan_type, plan_type_of(self.program, plan_type)),
        }

    def _standing(self, plan_type: str) -> Row | None:
        entry = self._held(plan_type)
        if entry is None:
            return None
        option, section = None, None
        for program in sorted(self.setup.rows("programs", entry["program"]), key=lambda row: row["from"]):
            found = option_of(plan_type_of(program, plan_type), entry["option"])
            if found is not None:
                option, section = found, plan_type_of(program, plan_type)
        coverage = entry.get("coverage_cents")
        return {
            "how": "standing",
            "option": option,
            "coverage": coverage,
            "pledge": entry.get("pledge_cents"),
            "percent": entry.get("percent_thousandths"),
            "credits": 0,
            "is_hsa": is_hsa(plan_type, section),
        }

    def _held(self, plan_type: str) -> Row | None:
        plan = self.prepared["plans"].get(plan_type)
        if plan is not None and plan["default_reason"] == "reinstated":
            return next(one for one in self.person["ended"] if one["plan_type"] == plan_type)
        for entry in self.person.get("current") or []:
            if entry["plan_type"] == plan_type and entry.get("slot", 0) == 0 and is_in_force(entry):
                return entry
        return None

    def _members(self, plan_type: str) -> set[int]:
        """The dependents covered in a plan type, if what would hold holds."""
        outcome, plan = self.outcomes[plan_type], self.prepared["plans"].get(plan_type)
        if outcome["how"] == "elected":
            return set(self.elections[plan_type].get("dependents") or [])
        before = set((self._held(plan_type) or {}).get("dependents") or [])
        if outcome["how"] == "standing":
            return before
        section = plan_type_of(self.program, plan_type)
        rule, day = section.get("dependent_rule"), plan["coverage_begins_on"]
        counting = counting_dependents(self.setup, rule, self.person, day)
        if outcome["how"] == "kept":
            return before & {one["id"] for one in counting}
        covered = covered_dependents(self.setup, outcome["option"]["coverage_code"], counting)
        return {one["id"] for one in covered}

    # --- coverage that needs other coverage -------------------------------------------------------------

    def _lacks(self, plan_type: str) -> bool:
        """Whether an outcome lacks the coverage it needs; of an HSA that is nobody's election, its plan, too."""
        is_elected = self.outcomes[plan_type]["how"] == "elected"
        is_unfit = not is_elected and self.outcomes[plan_type]["is_hsa"] and not self._has_hsa_plan()
        return is_unfit or self._unmet(plan_type) is not None

    def _unmet(self, plan_type: str) -> str | None:
        """The code of what is wrong with the coverage an outcome requires."""
        outcome = self.outcomes[plan_type]
        needed = (outcome["option"] or {}).get("requires")
        if needed is None:
            return None
        there = self.outcomes.get(needed["plan_type"])
        if there is None:
            return "BA1311"
        if needed.get("plan") is not None and (there["option"] or {}).get("plan") != needed["plan"]:
            return "BA1312"
        if needed.get("coverage_percent") is not None:
            if outcome["coverage"] is None or there["coverage"] is None:
                return "BA1313"
            if outcome["coverage"] > percent_of(there["coverage"], needed["coverage_percent"]):
                return "BA1313"
        if needed.get("check_dependents") and self._members(plan_type) - self._members(needed["plan_type"]):
            return "BA1314"
        return None

    def _fall(self) -> None:
        """Take away what was not elected and lacks the coverage it needs, until nothing more falls."""
        while True:
            lacking = [one for one in self.outcomes if self._lacks(one) and self._may_fall(one)]
            if not lacking:
                return
            self.falls += lacking
            self.outcomes = {one: what for one, what in self.outcomes.items() if one not in lacking}

    def _may_fall(self, plan_type: str) -> bool:
        how = self.outcomes[plan_type]["how"]
        if how == "elected":
            return self.elected_may_fall
        return how in ("kept", "defaulted") or (how == "standing" and plan_type not in self.prepared["plans"])

    # --- the checks -------------------------------------------------------------------------------------

    def messages(self) -> set[Message]:
        said = set()
        for plan_type, election in self.elections.items():
            for code in self._of_one(plan_type, election):
                said.add((code, plan_type))
            may_choose = (self.program or {}).get("rollover_by_choice", False)
            if election.get("credit_rollover") is not None and not may_choose:
                said.add(("BA1341", plan_type))
        return said | {("BA1301", plan_type) for plan_type in self._not_answered()}

    def _not_answered(self) -> list[str]:
        """The plan types that require an election and have none, once the person has elected something."""
        if not self.elections:
            return []
        return [
            plan_type
            for plan_type, plan in self.prepared["plans"].items()
            if plan["is_choice"] and plan_type not in self.elections and self._must_answer(plan_type)
        ]

    def _must_answer(self, plan_type: str) -> bool:
        section, event = plan_type_of(self.program, plan_type), self.person["event"]
        row = self.setup.event_row(section["event_rule"], event["event_class"], event["event_on"])
        return row["election_required"]

    def _of_one(self, plan_type: str, election: Row) -> list[str]:
        code = election["option"]
        priced = self.prepared["options"].get((plan_type, code))
        section = plan_type_of(self.program, plan_type) if plan_type in self.prepared["plans"] else None
        if code == WAIVE:
            found = self._of_waiver(election, priced, section)
            return found + (self._of_event_rule(plan_type, election, section, None) if priced else [])
        found = []
        if priced is None or not priced["is_electable"]:
            found += self._why_closed(plan_type, section, code) if priced else ["BA1302"]
        if priced is None:
            return found
        option = option_of(section, code)
        stated = election.get("coverage_cents")
        if stated is not None and stated != priced["coverage_cents"]:
            found.append("BA1303")
        if priced["is_proof_required"] and priced["is_electable"]:
            found.append("BA1321")
        unmet = self._unmet(plan_type)
        found += [unmet] if unmet else []
        found += self._of_amount(plan_type, election, section, option, priced)
        found += self._of_dependents(plan_type, election, section, option)
        found += self._of_beneficiaries(plan_type, election, section)
        found += self._of_funds(plan_type, election, section)
        found += self._of_group(plan_type, option)
        found += self._of_exclusions(plan_type, section)
        found += self._of_event_rule(plan_type, election, section, option)
        ignored = left_out(self._case(), section)
        return [code for code in found if code not in ignored]

    def _case(self) -> Case:
        return Case(self.setup, self.person, self.person["event"])

    def _of_event_rule(self, plan_type: str, election: Row, section: Row, option: Row | None) -> list[str]:
        return rule_messages(self._case(), section, self.prepared["plans"][plan_type], election, option)

    def _of_waiver(self, election: Row, priced: Row | None, section: Row | None) -> list[str]:
        found = [] if priced and priced["is_electable"] else ["BA1304"]
        is_proved = election.get("waiver_proof") is not None and election.get("waiver_proof_on") is not None
        if priced and section["waive"] == "with_proof" and not is_proved:
            found.append("BA1305")
        return found

    def _why_closed(self, plan_type: str, section: Row, code: str) -> list[str]:
        """What closes an eligible option, as far as the messages of the event rule do not say it already."""
        if self._is_above_limit(plan_type, code):
            return ["BA1323"]
        case, plan = self._case(), self.prepared["plans"][plan_type]
        return [] if is_closed(case, section, plan, option_of(section, code)) else ["BA1302"]

    def _is_above_limit(self, plan_type: str, code: str) -> bool:
        section, plan = plan_type_of(self.program, plan_type), self.prepared["plans"][plan_type]
        event = self.person["event"]
        row = self.setup.event_row(section["event_rule"], event["event_class"], event["event_on"])
        level = option_of(section, code)["level"]
        if plan["current_option"] is None:
            limit, from_level = row["waived_level_limit"], 0
        else:
            current = option_of(section, plan["current_option"])
            is_here = current is not None and self._held(plan_type)["program"] == self.program["code"]
            if not is_here:
                return False
            limit, from_level = row["level_limit"], current["level"]
        return limit not in NO_LIMIT and level - from_level > limit

    # --- amounts ----------------------------------------------------------------------------------------

    def _of_amount(self, plan_type: str, election: Row, section: Row, option: Row, priced: Row) -> list[str]:
        kind = section.get("amount", "none")
        if kind == "annual_pledge":
            return self._of_pledge(plan_type, election, section, option, priced)
        if kind == "percent_of_pay":
            return self._of_percent(plan_type, election, section, priced)
        if kind == "hours":
            return self._of_hours(election, option)
        return []

    def _of_pledge(self, plan_type: str, election: Row, section: Row, option: Row, priced: Row) -> list[str]:
        pledge = election.get("pledge_cents")
        if pledge is None:
            return ["BA1330", *self._unpublished(plan_type, election, section, priced)]
        found = []
        low, high = cents_or_none(section.get("minimum_pledge")), cents_or_none(section.get("maximum_pledge"))
        if pledge < (1 if low is None else low) or (high is not None and pledge > high):
            found.append("BA1318")
        contributed = self._contributed(plan_type)
        if contributed is None or pledge < contributed:
            found.append("BA1353")
        allowed = self._allowed(plan_type, election, section, priced)
        if allowed is not None and (self._together(plan_type, section) or pledge) > allowed:
            found.append("BA1320" if plan_type.startswith("4") else "BA1318")
        is_spending = plan_type.startswith("6") and not is_hsa(plan_type, section)
        if is_spending and self.program.get("maximum_pledge") is not None:
            together = sum(
                outcome["pledge"] or 0
                for kind, outcome in self.outcomes.items()
                if kind.startswith("6") and not outcome["is_hsa"]
            )
            if together > cents(self.program["maximum_pledge"]):
                found.append("BA1318")
        return found + self._unpublished(plan_type, election, section, priced)

    def _contributed(self, plan_type: str) -> int | None:
        """What pays of the year took of the pledge before its deductions begin; None where one is unknown."""
        day = self.prepared["plans"][plan_type]["deduction_begins_on"]
        taken = 0
        for pay in (self.person.get("contributed") or {}).get(plan_type, []):
            if pay["ends_on"] < day and pay["ends_on"].year == day.year:
                if pay["owed_cents"] is None:
                    return None
                taken += pay["owed_cents"]
        return taken

    def _of_percent(self, plan_type: str, election: Row, section: Row, priced: Row) -> list[str]:
        before, after = election.get("percent_thousandths"), election.get("after_tax_thousandths") or 0
        low, high = _thousandths(section.get("minimum_percent")), _thousandths(section.get("maximum_percent"))
        most_after = _thousandths(section.get("maximum_after_tax_percent")) or 0
        most = _thousandths(section.get("maximum_total_percent"))
        found = []
        if before is None and after == 0:
            found.append("BA1330")
        if before is not None and (
            before < (1 if low is None else low) or (high is not None and before > high)
        ):
            found.append("BA1320")
        if after > most_after or (most is not None and (before or 0) + after > most):
            found.append("BA1320")
        pay = (self.person.get("job") or {}).get("annual_pay_cents")
        allowed = self._allowed(plan_type, election, section, priced)
        is_known = allowed is not None and before is not None and pay is not None
        if is_known and (self._together(plan_type, section) or half_away(pay * before, 100_000)) > allowed:
            found.append("BA1337")
        return found + self._unpublished(plan_type, election, section, priced)

    def _of_hours(self, election: Row, option: Row) -> list[str]:
        hours, limits = election.get("hours_hundredths"), option.get("hours") or {}
        if hours is None:
            return ["BA1330"]
        low, high = cents_or_none(limits.get("minimum")), cents_or_none(limits.get("maximum"))
        found = []
        if hours < (1 if low is None else low) or (high is not None and hours > high):
            found.append("BA1324")
        if (self.person.get("job") or {}).get("annual_pay_cents") is None:
            found.append("BA1209")
        return found

    # --- legal limits -----------------------------------------------------------------------------------

    def _limit(self, code: str, year: int, section: Row) -> int | None:
        """The amount of a year in cents; None where it is not published."""
        rows = [row for row in self.setup.peo.get("annual_limits") or [] if row["code"] == code]
        may_lag = section.get("missing_limit", "refuse") == "last_known"
        known = [row for row in rows if row["year"] == year or (may_lag and row["year"] < year)]
        return cents(max(known, key=lambda row: row["year"])["limit"]) if known else None

    def _limit_year(self, plan_type: str, section: Row) -> int:
        """The year whose limit counts: of the day coverage begins, or in which its plan year began."""
        begins = self.prepared["plans"][plan_type]["coverage_begins_on"]
        is_before = begins.month < section.get("plan_year_month", 1)
        return int(begins.year) - (section["annual_limit"] not in CALENDAR_YEAR and is_before)

    def _whole(self, plan_type: str, election: Row, section: Row) -> int | None:
        """The legal limit of the person's year, catch-up and months considered."""
        code = section["annual_limit"]
        begins = self.prepared["plans"][plan_type]["coverage_begins_on"]
        year = self._limit_year(plan_type, section)
        named, catch_up = code, None
        age = age_years(self.person.get("birth_on"), date(year, 12, 31))
        if code == "dcap_exclusion" and election.get("files_separately"):
            named = "dcap_exclusion_mfs"
        if code == "hsa_self":
            named = "hsa_family" if self._is_family() else "hsa_self"
            catch_up = "hsa_catch_up_55" if age is not None and age >= 55 else None
        if code == "k401_deferral" and age is not None and age >= 50:
            is_higher = 60 <= age <= 63 and year >= 2025
            catch_up = "k401_catch_up_60_63" if is_higher else "k401_catch_up_50"
        whole = self._limit(named, year, section)
        if catch_up is not None and whole is not None:
            more = self._limit(catch_up, year, section)
            whole = None if more is None else whole + more
        if whole is not None and section.get("month_rule"):
            months = sum(1 for month in range(1, 13) if date(begins.year, month, 1) >= begins)
            whole = half_away(whole * months, 12)
        return whole

    def _allowed(self, plan_type: str, election: Row, section: Row, priced: Row) -> int | None:
        if section.get("annual_limit") is None:
            return None
        whole = self._whole(plan_type, election, section)
        if whole is None:
            return None
        if section["annual_limit"] in ("dcap_exclusion", "hsa_self"):
            amounts = [priced["annual_credit_cents"]]
            if len(self._sharing(section)) > 1:
                amounts = [self.outcomes[kind]["credits"] for kind in self._sharing(section)]
            return (
                None if None in amounts else max(whole - sum(amounts) - self._brought(plan_type, section), 0)
            )
        return max(whole - self._brought(plan_type, section), 0)

    def _brought(self, plan_type: str, section: Row) -> int:
        """What was put in at other employers in the limit's year; 0 where it does not count."""
        code = section["annual_limit"]
        counts = section.get("counts_elsewhere")
        if counts is None:
            counts = code in ("dcap_exclusion", "hsa_self", "k401_deferral")
        if not counts:
            return 0
        year = self._limit_year(plan_type, section)
        return int((self.person.get("brought") or {}).get(code, {}).get(year, 0))

    def _sharing(self, section: Row) -> list[str]:
        """The plan types of the program under the same limit in which something would hold."""
        return [
            kind
            for kind in self.outcomes
            if (plan_type_of(self.program, kind) or {}).get("annual_limit") == section["annual_limit"]
        ]

    def _together(self, plan_type: str, section: Row) -> int | None:
        """What somebody puts in, as far as it is said, in all plan types that share the limit of this one."""
        sharing = self._sharing(section)
        if len(sharing) < 2:
            return None
        pay = (self.person.get("job") or {}).get("annual_pay_cents")
        return sum(self._puts_in(kind, self.outcomes[kind], pay) for kind in sharing)

    def _puts_in(self, plan_type: str, outcome: Row, pay: int | None) -> int:
        """What an outcome puts in during a year, as far as it is said."""
        if plan_type_of(self.program, plan_type).get("amount") == "annual_pledge":
            return outcome["pledge"] or 0
        if outcome["percent"] is None or pay is None:
            return 0
        return half_away(pay * outcome["percent"], 100_000)

    def _unpublished(self, plan_type: str, election: Row, section: Row, priced: Row) -> list[str]:
        if section.get("annual_limit") is None:
            return []
        return ["BA1336"] if self._whole(plan_type, election, section) is None else []

    def kept_pledges(self) -> dict[str, int]:
        """The pledges with which HSAs go on by default, at most their limit together (docs/rules.md §11.6)."""
        found: dict[str, int] = {}
        put_in: dict[str, int] = {}
        for plan_type in sorted(self.outcomes):
            section = plan_type_of(self.program, plan_type)
            pledge = self.outcomes[plan_type]["pledge"]
            if self.outcomes[plan_type]["how"] != "kept" or not is_hsa(plan_type, section) or pledge is None:
                continue
            found[plan_type] = pledge
            code = section.get("annual_limit")
            priced = self.prepared["options"][plan_type, self.outcomes[plan_type]["option"]["code"]]
            allowed = self._allowed(plan_type, {}, section, priced) if code else None
            contributed = self._contributed(plan_type)
            if allowed is not None and contributed is not None:
                left = max(allowed - self._put_in_by_others(section) - put_in.get(code, 0), 0)
                found[plan_type] = min(pledge, max(left, contributed))
            put_in[code] = put_in.get(code, 0) + pledge
        return found

    def _put_in_by_others(self, section: Row) -> int:
        """What elections, and what stands, put in under the limit of a plan type."""
        pay = (self.person.get("job") or {}).get("annual_pay_cents")
        amounts = 0
        for kind in self._sharing(section):
            outcome = self.outcomes[kind]
            if outcome["how"] in ("elected", "standing"):
                amounts += self._puts_in(kind, outcome, pay)
        return amounts

    def _is_family(self) -> bool:
        """Whether the medical coverage has a coverage code that covers others, too."""
        medical = (self.outcomes.get(MEDICAL) or {}).get("option") or {}
        code = self.setup.row("coverage_codes", medical.get("coverage_code"))
        return code is not None and any(
            limits["max"] > 0 for kind, limits in code["persons"].items() if kind in KINDS
        )

    # --- people -----------------------------------------------------------------------------------------

    def _of_dependents(self, plan_type: str, election: Row, section: Row, option: Row) -> list[str]:
        collects = section.get("collect") or ("dependents" if plan_type.startswith("1") else "none")
        if collects not in ("dependents", "both"):
            return []
        day = self.prepared["plans"][plan_type]["coverage_begins_on"]
        counting = counting_dependents(self.setup, section.get("dependent_rule"), self.person, day)
        known = {one["id"]: one for one in self.person.get("dependents") or []}
        named = [known.get(number) for number in election.get("dependents") or []]
        found = [self._why_not(section, one, day) for one in named if one not in counting]
        code = self.setup.row("coverage_codes", option.get("coverage_code"))
        for kind in KINDS if code else ():
            limits = code["persons"].get(kind) or {"min": 0, "max": 0}
            count = sum(1 for one in named if one in counting and kind_of(one) == kind)
            found += ["BA1306"] if count < limits["min"] else []
            found += ["BA1307"] if count > limits["max"] else []
        return found

    def _why_not(self, section: Row, dependent: Row | None, day: date) -> str:
        rule = self.setup.row_on("dependent_rules", section.get("dependent_rule"), day) or {}
        allowed = rule.get("relationships", USUAL_RELATIONSHIPS)
        if dependent is None or dependent.get("is_former") or dependent["person_type"] not in allowed:
            return "BA1310"
        is_married = rule.get("married_ineligible", False) and dependent.get("is_married")
        if is_married:
            return "BA1309"
        evidenced = {**dependent, "student_through": day}
        return "BA1352" if would_count(rule, evidenced, day) else "BA1308"

    def _of_beneficiaries(self, plan_type: str, election: Row, section: Row) -> list[str]:
        named = election.get("beneficiaries") or []
        if section.get("collect") not in ("beneficiaries", "both"):
            return ["BA1339"] if named else []
        if not named:
            before = any(
                entry.get("beneficiaries")
                for entry in self.person.get("current") or []
                if entry["plan_type"] == plan_type
            )
            return [] if before else ["BA1338"]
        primary = sum(one["percent_hundredths"] for one in named if not one.get("is_contingent"))
        contingent = [one["percent_hundredths"] for one in named if one.get("is_contingent")]
        is_wrong = primary != 10_000 or (contingent and sum(contingent) != 10_000)
        return ["BA1316"] if is_wrong else []

    def _of_funds(self, plan_type: str, election: Row, section: Row) -> list[str]:
        funds = election.get("funds") or {}
        rows = [*(self.setup.client.get("funds") or []), *(self.setup.peo.get("funds") or [])]
        known = {row["code"] for row in rows if row["plan_type"] == plan_type}
        found = ["BA1334"] if set(funds) - known else []
        if section.get("invested") and sum(funds.values()) != 100:
            found.append("BA1317")
        return found

    # --- several plans ----------------------------------------------------------------------------------

    def _group_of(self, option: Row | None) -> str | None:
        plan = self._plan_of(option)
        return plan.get("coverage_group") if plan else None

    def _plan_of(self, option: Row | None) -> Row | None:
        """Find the version of an option's plan that holds on the event date."""
        return self.setup.row_on("plans", (option or {}).get("plan"), self.person["event"]["event_on"])

    def _of_group(self, plan_type: str, option: Row) -> list[str]:
        group = self._group_of(option)
        day = self.prepared["plans"][plan_type]["coverage_begins_on"]
        row = self.setup.row_on("coverage_groups", group, day)
        if row is None:
            return []
        amounts: list[Any] = [
            outcome["coverage"]
            for outcome in self.outcomes.values()
            if self._group_of(outcome["option"]) == group
        ]
        if None in amounts or sum(amounts) <= cents(row["maximum"]):
            return []
        return ["BA1315"]

    def _of_exclusions(self, plan_type: str, section: Row) -> list[str]:
        found = []
        if is_hsa(plan_type, section) and not self._has_hsa_plan():
            found.append("BA1319")
        for excluded in section.get("excluded_coverage") or []:
            there = self.outcomes.get(excluded["plan_type"])
            wanted = excluded.get("plan")
            if there and (wanted is None or (there["option"] or {}).get("plan") == wanted):
                found.append("BA1319")
        return found

    def _has_hsa_plan(self) -> bool:
        medical = (self.outcomes.get(MEDICAL) or {}).get("option") or {}
        plan = self._plan_of(medical)
        return plan is not None and plan.get("hsa_eligible", False)


def _thousandths(percent: Any) -> int | None:
    return None if percent is None else int(decimal(percent) * 1000)
