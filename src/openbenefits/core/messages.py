"""The catalogue of messages: what can stand in the way of an event, and how it is cured.

A message names who (the event's participant), what was expected and what was found; the catalogue says
how severe it is, whose record cures it, and what to change. No message carries personal data beyond the
participant's own key. Codes: event-processing §13.3; those from BA1330 on are ours.
"""

from dataclasses import dataclass

from openbenefits.core.codes import Owner, Severity


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """One kind of message: its level, severity, owner, meaning and cure."""

    code: str
    level: str  # schedule, program, option, election, load
    severity: Severity
    owner: Owner
    title: str
    cure: str


def _entry(code: str, level: str, severity: Severity, owner: Owner, title: str, cure: str) -> CatalogueEntry:
    return CatalogueEntry(code=code, level=level, severity=severity, owner=owner, title=title, cure=cure)


_E, _W = Severity.ERROR, Severity.WARNING
_SETUP, _HR, _ELECT, _PROCESS = Owner.SETUP, Owner.HR_DATA, Owner.ELECTION, Owner.PROCESS

CATALOGUE: dict[str, CatalogueEntry] = {
    entry.code: entry
    for entry in (
        _entry(
            "BA1001", "schedule", _E, _HR, "No job on the event date", "Add the job row, or void the event."
        ),
        _entry(
            "BA1002",
            "schedule",
            _W,
            _PROCESS,
            "Processed out of sequence",
            "Review the later event and reprocess it.",
        ),
        _entry(
            "BA1003",
            "schedule",
            _W,
            _PROCESS,
            "Facts changed since the event was processed",
            "Review and reprocess.",
        ),
        _entry(
            "BA1006",
            "schedule",
            _E,
            _SETUP,
            "The schedule takes no new events",
            "Use another schedule, or open this one.",
        ),
        _entry(
            "BA1007",
            "schedule",
            _E,
            _SETUP,
            "Not exactly one default event class",
            "Give one event class the use 'default'.",
        ),
        _entry(
            "BA1008",
            "schedule",
            _W,
            _ELECT,
            "The proof of the life event is not recorded",
            "Record the proof that was seen; until then nothing of the event is final.",
        ),
        _entry(
            "BA1101",
            "program",
            _E,
            _SETUP,
            "Eligible for more than one program",
            "Correct the job, or make the programs' rules exclude each other.",
        ),
        _entry(
            "BA1102",
            "program",
            _W,
            _HR,
            "Eligible for no program",
            "Correct the job if the person should have benefits.",
        ),
        _entry(
            "BA1103",
            "program",
            _W,
            _SETUP,
            "The program is not part of this open enrolment or snapshot",
            "Add the program to the schedule.",
        ),
        _entry(
            "BA1105",
            "program",
            _E,
            _HR,
            "Program eligibility cannot be decided",
            "Fill in the missing field.",
        ),
        _entry(
            "BA1201",
            "option",
            _E,
            _SETUP,
            "No event rule for this plan type and event class",
            "Add a row for the class, or one with a blank class.",
        ),
        _entry(
            "BA1202",
            "option",
            _E,
            _SETUP,
            "No rate for this option and person",
            "Add the missing rate, or correct the keys of the table.",
        ),
        _entry(
            "BA1203",
            "option",
            _E,
            _SETUP,
            "No calculation rule on the day",
            "Give the calculation rule a row that holds on the day coverage begins.",
        ),
        _entry(
            "BA1205",
            "option",
            _E,
            _SETUP,
            "No pay calendar",
            "Correct the job's pay group, activate it, or extend its calendar.",
        ),
        _entry(
            "BA1206",
            "option",
            _E,
            _SETUP,
            "A default is required and none is eligible",
            "Flag an eligible option as the default, or change the default method.",
        ),
        _entry(
            "BA1207",
            "option",
            _E,
            _SETUP,
            "More than one default option at the lowest level",
            "Flag one of them only, or give them different levels.",
        ),
        _entry(
            "BA1209", "option", _E, _HR, "Coverage cannot be calculated", "Fill in the annual pay of the job."
        ),
        _entry(
            "BA1210",
            "option",
            _W,
            _SETUP,
            "The present option is not in the program",
            "Nothing, if the coverage is to end; else add the option.",
        ),
        _entry(
            "BA1211",
            "option",
            _E,
            _HR,
            "Eligibility for an option cannot be decided",
            "Fill in the missing field.",
        ),
        _entry(
            "BA1212",
            "option",
            _E,
            _HR,
            "No rating area for the home zip",
            "Correct the zip, or complete the geography.",
        ),
        _entry("BA1213", "option", _E, _HR, "Birth date missing", "Fill in the birth date."),
        _entry(
            "BA1214",
            "option",
            _E,
            _SETUP,
            "Nobody whose age the price looks at",
            "Offer the option only where there is such a dependent, or correct the calculation rule.",
        ),
        _entry(
            "BA1215",
            "option",
            _W,
            _PROCESS,
            "Coverage goes on without eligibility: the event ignores its plan type",
            "Decide whether it ends, by an event that does not ignore the plan type.",
        ),
        _entry(
            "BA1216",
            "option",
            _W,
            _PROCESS,
            "Coverage in force is no longer offered, as a snapshot finds",
            "Decide whether it ends, or correct eligibility.",
        ),
        _entry("BA1301", "election", _E, _ELECT, "An election is required", "Enter a choice or a waiver."),
        _entry(
            "BA1302",
            "election",
            _E,
            _ELECT,
            "The chosen option is not offered",
            "Choose one of the options offered.",
        ),
        _entry(
            "BA1303",
            "election",
            _E,
            _ELECT,
            "Coverage amount outside the limits",
            "Enter an amount within the limits.",
        ),
        _entry("BA1304", "election", _E, _ELECT, "Waiving is not allowed", "Choose an option."),
        _entry(
            "BA1305",
            "election",
            _E,
            _ELECT,
            "Waiving needs proof of other coverage",
            "Record what was seen of the other coverage, and when, with the waiver.",
        ),
        _entry(
            "BA1306",
            "election",
            _E,
            _ELECT,
            "Too few dependents for the coverage",
            "Name the missing dependent, or choose another coverage.",
        ),
        _entry(
            "BA1307",
            "election",
            _E,
            _ELECT,
            "Too many dependents for the coverage",
            "Drop a dependent, or choose another coverage.",
        ),
        _entry(
            "BA1308", "election", _E, _ELECT, "A dependent is over the age limit", "Leave the dependent out."
        ),
        _entry(
            "BA1309",
            "election",
            _E,
            _ELECT,
            "A married dependent is not eligible",
            "Leave the dependent out.",
        ),
        _entry(
            "BA1310",
            "election",
            _E,
            _ELECT,
            "Not an allowed dependent",
            "Leave the person out, or correct the relationship.",
        ),
        _entry(
            "BA1311",
            "election",
            _E,
            _ELECT,
            "The coverage it needs is not elected",
            "Choose an option of the plan type named, or waive this one.",
        ),
        _entry(
            "BA1312",
            "election",
            _E,
            _ELECT,
            "The plan it needs is not elected",
            "Choose the plan named, or another option here.",
        ),
        _entry(
            "BA1313",
            "election",
            _E,
            _ELECT,
            "Coverage above the percentage allowed of other coverage",
            "Choose less here, or more there.",
        ),
        _entry(
            "BA1314",
            "election",
            _E,
            _ELECT,
            "A dependent is not covered where that is needed",
            "Leave the dependent out here, or cover them there.",
        ),
        _entry(
            "BA1315",
            "election",
            _E,
            _ELECT,
            "Coverage of several plans above their maximum together",
            "Choose less in one of the plans of the group.",
        ),
        _entry(
            "BA1316",
            "election",
            _E,
            _ELECT,
            "Shares of beneficiaries do not add up to 100 %",
            "Correct the shares of the primary, or of the contingent beneficiaries.",
        ),
        _entry(
            "BA1317", "election", _E, _ELECT, "Investments do not add up to 100 %", "Correct the percentages."
        ),
        _entry(
            "BA1318",
            "election",
            _E,
            _ELECT,
            "Annual amount outside the plan's limits",
            "Enter an amount within the limits.",
        ),
        _entry(
            "BA1319",
            "election",
            _E,
            _ELECT,
            "Other coverage stands in the way of the account",
            "Choose an HSA-eligible medical plan and none of the coverage excluded, or waive the account.",
        ),
        _entry(
            "BA1320",
            "election",
            _E,
            _ELECT,
            "Savings outside the limits",
            "Enter a percentage, or an amount, within the limits.",
        ),
        _entry(
            "BA1321",
            "election",
            _W,
            _ELECT,
            "Evidence of insurability required",
            "Decide the evidence; until then the approved amount holds.",
        ),
        _entry(
            "BA1323",
            "election",
            _E,
            _ELECT,
            "The option is more levels up than one may rise",
            "Choose an option within the levels the event rule allows.",
        ),
        _entry(
            "BA1324",
            "election",
            _E,
            _ELECT,
            "Hours bought or sold outside the limits",
            "Enter hours within the limits of the option.",
        ),
        _entry(
            "BA1322",
            "election",
            _E,
            _ELECT,
            "The event does not allow this change of covered persons",
            "Choose a coverage, and persons, that the event allows.",
        ),
        _entry(
            "BA1351",
            "election",
            _E,
            _ELECT,
            "The event does not allow this change of the pledge",
            "Enter an amount in the direction the event allows.",
        ),
        _entry(
            "BA1352",
            "election",
            _E,
            _ELECT,
            "A dependent is a student without evidence",
            "Record until when student status is evidenced, or leave the dependent out.",
        ),
        _entry(
            "BA1350",
            "election",
            _E,
            _ELECT,
            "Too early to enter the plan type again",
            "Choose it from the day on which it may be entered again.",
        ),
        _entry(
            "BA1330",
            "election",
            _E,
            _ELECT,
            "The amount of the choice is missing",
            "Enter the annual amount, the percentage or the hours.",
        ),
        _entry(
            "BA1331",
            "election",
            _W,
            _PROCESS,
            "The default was applied",
            "Nothing; the confirmation says so.",
        ),
        _entry(
            "BA1332",
            "election",
            _W,
            _PROCESS,
            "All coverage would end",
            "Acknowledge the ending, or correct the job.",
        ),
        _entry(
            "BA1335",
            "election",
            _W,
            _PROCESS,
            "Ends with the coverage it needs",
            "Nothing; to keep it, choose the coverage it needs.",
        ),
        _entry(
            "BA1336",
            "election",
            _E,
            _SETUP,
            "The legal limit of the year is not published",
            "Add the limit of the year, or let the plan type use the last one known.",
        ),
        _entry(
            "BA1337",
            "election",
            _W,
            _ELECT,
            "Contributions will stop at the limit",
            "Nothing, if that is wanted; else enter a lower percentage.",
        ),
        _entry(
            "BA1338",
            "election",
            _W,
            _ELECT,
            "No beneficiary named",
            "Name who is to receive, with shares that add up to 100 %.",
        ),
        _entry(
            "BA1339",
            "election",
            _W,
            _ELECT,
            "The plan takes no beneficiaries",
            "Nothing; they are not kept.",
        ),
        _entry(
            "BA1340",
            "election",
            _W,
            _PROCESS,
            "Left in force without the coverage it needs",
            "Decide whether it may stay: the event rule leaves this plan type alone.",
        ),
        _entry(
            "BA1341",
            "election",
            _W,
            _ELECT,
            "A choice about credits left over that the program does not offer",
            "Leave it out: the program's own rule holds.",
        ),
        _entry(
            "BA1342",
            "election",
            _W,
            _ELECT,
            "A choice made before costs more now, and goes back to the person",
            "Ask the person: the choice as it is, or another one.",
        ),
        _entry("BA1334", "election", _E, _ELECT, "Not a fund of the plan", "Choose one of the plan's funds."),
        _entry(
            "BA1333",
            "election",
            _E,
            _PROCESS,
            "Not finalised",
            "Cure the error named beside it; errors are never finalised by force.",
        ),
    )
}
"""Every code a run can write, by code."""
