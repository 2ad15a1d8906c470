"""The causes of differences, as data: which leg, how grave, whose they are to mend, in words."""

from dataclasses import dataclass
from typing import Literal

Owner = Literal["carrier", "payroll", "us", "client"]


@dataclass(frozen=True)
class Cause:
    """A cause. grave: H money leaves or somebody is uncovered, M a wrong amount, L data."""

    code: str
    leg: str
    grave: Literal["H", "M", "L"]
    owner: Owner
    title: str
    cure: str


_CAUSES = (
    Cause("UNMATCHED_PERSON", "A", "M", "us", "Person not recognised", "Say who it is; it is remembered"),
    Cause("INV_UNALLOCATED", "A", "M", "us", "Subgroup of no client", "Say which client the subgroup is"),
    Cause("INV_DUPLICATE", "A", "H", "carrier", "Billed twice", "Ask the carrier to merge and credit"),
    Cause(
        "INV_TERMED_BILLED",
        "A",
        "H",
        "carrier",
        "Billed after coverage ended",
        "Send the termination, claim the credit",
    ),
    Cause("INV_NO_ENROLL", "A", "H", "carrier", "Billed, never enrolled", "Dispute"),
    Cause("INV_WAIVED_BILLED", "A", "H", "carrier", "Billed though waived or ineligible", "Dispute"),
    Cause(
        "COBRA_ON_ACTIVE",
        "A",
        "M",
        "carrier",
        "Continues coverage, on the group's invoice",
        "Have it billed directly",
    ),
    Cause(
        "INV_MISSING",
        "A",
        "H",
        "carrier",
        "Enrolled, not billed",
        "Send the enrolment again: the person may be uncovered",
    ),
    Cause(
        "COBRA_MISSING",
        "A",
        "M",
        "carrier",
        "Continues coverage, not billed",
        "Send the continuation to the carrier",
    ),
    Cause("INV_WRONG_PLAN", "A", "M", "carrier", "Billed for another plan", "Have the plan corrected"),
    Cause(
        "INV_EFF_DATE",
        "A",
        "M",
        "carrier",
        "Month of beginning or end",
        "Check the rule of part months; claim or pay",
    ),
    Cause(
        "INV_TIER",
        "A",
        "M",
        "carrier",
        "Another coverage tier",
        "Have the tier corrected, with its past months",
    ),
    Cause(
        "DEP_OVERAGE",
        "A",
        "M",
        "us",
        "A dependent past the limit of age is billed",
        "Send the dependent's end",
    ),
    Cause(
        "DEP_MISSING", "A", "M", "carrier", "A covered dependent is not billed", "Send the dependent again"
    ),
    Cause(
        "DEP_EXTRA",
        "A",
        "M",
        "carrier",
        "A dependent is billed who is not covered",
        "Send the dependent's end",
    ),
    Cause(
        "INV_AGE_BAND",
        "A",
        "M",
        "carrier",
        "Rate of another age",
        "Check the birth date, and how the carrier counts ages",
    ),
    Cause(
        "INV_VOLUME",
        "A",
        "M",
        "carrier",
        "Another volume of coverage",
        "Send the salaries or the approved coverage",
    ),
    Cause("INV_TOBACCO", "A", "M", "carrier", "Rate of the other tobacco status", "Send the tobacco status"),
    Cause("INV_AREA", "A", "M", "carrier", "Rate of another area", "Send the address"),
    Cause("INV_RATE", "A", "M", "carrier", "Another rate", "Dispute the rate"),
    Cause("INV_PRORATION", "A", "L", "carrier", "Part of a month charged", "Check the rule of part months"),
    Cause("RETRO_MISSING", "A", "M", "carrier", "A past month is not put right", "Follow up"),
    Cause(
        "RETRO_UNEXPECTED",
        "A",
        "M",
        "carrier",
        "A past month is changed without a reason of ours",
        "Ask the carrier why",
    ),
    Cause("RETRO_AMOUNT", "A", "M", "carrier", "A past month is put right by another amount", "Follow up"),
    Cause(
        "INV_BALANCE",
        "A",
        "M",
        "us",
        "Balance carried that we do not owe",
        "Ask accounting; have the payment applied",
    ),
    Cause("INV_COUNT", "A", "M", "carrier", "Another number of people", "Ask the carrier for the names"),
    Cause(
        "DED_MISSING",
        "B",
        "H",
        "payroll",
        "Deduction not taken",
        "Start the deduction; recover what was missed",
    ),
    Cause("DED_AFTER_TERM", "B", "H", "payroll", "Taken after coverage ended", "Refund"),
    Cause("DED_ORPHAN", "B", "H", "payroll", "Taken without coverage", "Refund, and stop the deduction"),
    Cause("DED_DOUBLE", "B", "H", "payroll", "Taken twice", "Refund"),
    Cause("DED_TAX", "B", "M", "payroll", "Taken in the other tax class", "Recode"),
    Cause(
        "DED_FREQUENCY",
        "B",
        "M",
        "payroll",
        "Taken in too many or too few pays",
        "Correct the deduction's periods",
    ),
    Cause("DED_AMOUNT", "B", "M", "payroll", "Another amount taken", "Correct the amount; adjust"),
    Cause(
        "ER_CONTRIB",
        "B",
        "M",
        "us",
        "Another share of the employer",
        "Correct the contribution rule, or the client's bill",
    ),
    Cause(
        "ENR_CLASS",
        "B",
        "M",
        "us",
        "Employer's share of another class",
        "Assign the person to the right class; adjust",
    ),
    Cause("BILL_MISSING", "D", "H", "us", "Client not billed", "Bill the client by an adjustment"),
    Cause("BILL_EXTRA", "D", "H", "us", "Client billed without coverage", "Give the client credit"),
    Cause("BILL_AMOUNT", "D", "H", "us", "Client billed another amount", "Adjust; correct code or rate"),
    Cause("ADJ_UNBILLED", "D", "M", "us", "A past month is not settled with the client", "Settle it"),
    Cause(
        "MARGIN_NEGATIVE",
        "D",
        "M",
        "us",
        "The client pays less than the carrier is owed",
        "Correct the rates, or the rules of part months",
    ),
    Cause(
        "MONEY_UNEXPLAINED",
        "C",
        "M",
        "us",
        "Pays do not bring what the month costs",
        "Look at the person's pays, shares and prices",
    ),
    Cause("UNEXPLAINED", "C", "H", "us", "Not explained", "Investigate"),
)
CAUSES: dict[str, Cause] = {one.code: one for one in _CAUSES}
OWNERS: dict[str, str] = {one.code: one.owner for one in _CAUSES}
LEGS: dict[str, str] = {one.code: one.leg for one in _CAUSES}
GRAVE: dict[str, str] = {one.code: one.grave for one in _CAUSES}
TITLES: dict[str, str] = {one.code: one.title for one in _CAUSES}
