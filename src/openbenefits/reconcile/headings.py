"""What carriers call the columns of an invoice, as data."""

from collections.abc import Mapping, Sequence

NOT_READ = "-"
"""In a carrier's layout: this heading is of no column of ours."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "member_id": (
        *("memberid", "member", "membernumber", "memberno", "subscriberid", "subscribernumber"),
        *("subscriberno", "certificate", "certificatenumber", "certno", "contract", "contractnumber"),
        *("contractid", "enrolleeid", "insuredid"),
    ),
    "ssn": (
        "ssn",
        "socialsecuritynumber",
        "subscriberssn",
        "memberssn",
        "ssnlast4",
        "last4ssn",
        "last4ofssn",
    ),
    "employee_number": (
        *("employeeid", "employeenumber", "employeeno", "employee", "empid", "empno", "eeid"),
        *("payrollid", "associateid"),
    ),
    "last_name": (
        *("lastname", "subscriberlastname", "memberlastname", "employeelastname", "insuredlastname"),
        *("last", "surname"),
    ),
    "first_name": (
        *("firstname", "subscriberfirstname", "memberfirstname", "employeefirstname", "insuredfirstname"),
        "first",
    ),
    "full_name": (
        *("name", "membername", "subscribername", "subscriber", "employeename", "insuredname", "insured"),
        *("enrolleename", "participantname", "participant"),
    ),
    "birth_on": ("dob", "birthdate", "dateofbirth", "birth", "memberdob", "subscriberdob"),
    "relationship": ("relationship", "relation", "rel", "relationshipcode"),
    "subgroup": (
        *("subgroup", "division", "location", "billinggroup", "class", "client", "groupdivision"),
        *("divisionname", "subgroupname", "subgroupid", "billingdivision", "locationcode"),
    ),
    "plan": (
        *("plancode", "planid", "plan", "benefitplan", "product", "benefit", "coverage", "planname"),
        *("plandescription", "productname", "coveragetype", "benefittype", "lineofcoverage"),
    ),
    "tier": (
        *("tiercode", "tier", "coveragetier", "coveragelevel", "contracttype", "ratingtier", "familytier"),
        *("enrollmenttier", "tiername"),
    ),
    "dependents": ("dependents", "dependentcount", "numberofdependents", "noofdependents", "deps"),
    "people": (
        *("people", "lives", "count", "employees", "subscribers", "contracts", "enrolled", "headcount"),
        "numberoflives",
    ),
    "employer": ("employershare", "employerpart", "employercontribution", "ercontribution", "ershare"),
    "volume": (
        *("volume", "coverageamount", "benefitamount", "amountofinsurance", "coveragevolume"),
        *("benefitvolume", "insuredamount", "faceamount", "coveredpayroll"),
    ),
    "rate": ("rate", "unitrate"),
    "age": ("age", "ageband", "attainedage"),
    "premium": (
        *(
            "premium",
            "amount",
            "charge",
            "charges",
            "totalpremium",
            "premiumamount",
            "billedamount",
            "billed",
        ),
        *("monthlypremium", "currentpremium", "currentcharge", "currentcharges", "currentamount"),
        *("premiumdue", "premiumbilled", "billedpremium", "amountbilled"),
    ),
    "credit": ("credit", "credits", "creditamount"),
    "adjustment": (
        *("adjustment", "adjustments", "adjustmentamount", "retro", "retroamount", "retroadjustment"),
        *("retroadjustments", "retroactiveadjustment", "retroactiveadjustments"),
    ),
    "line_class": ("type", "lineclass", "transaction", "chargetype", "transactiontype"),
    "month": (
        *("coveragemonth", "month", "billperiod", "billingperiod", "billingmonth", "coverageperiod"),
        *("premiummonth", "coveragedates", "period", "coveragefrom", "periodfrom", "periodstart"),
    ),
    "month_through": ("coveragethrough", "coverageto", "periodend", "periodto", "periodthrough"),
    "reason": ("reason", "adjustmentreason", "comment", "comments", "description", "remarks"),
}
"""Column of ours -> what it is called, without blanks and punctuation, the most telling first."""

MONEY = ("premium", "credit", "adjustment", "employer", "volume")
"""Of these no heading is chosen before another: somebody says which one is meant."""


def meanings(headings: Sequence[str], layout: Mapping[str, str]) -> dict[str, str]:
    """Answer which heading is which column: what the carrier's layout says, else what carriers call it.

    Of several for one column the most telling is taken; of amounts all are, so that they are refused.
    """
    wanted = {_plain(heading): column for heading, column in layout.items()}
    said = {one: wanted[_plain(one)] for one in headings if _plain(one) in wanted}
    found = {one: column for one, column in said.items() if column != NOT_READ}
    taken = set(found.values())
    for column, words in COLUMNS.items():
        names = (_plain(column), *words)
        called = [one for one in headings if one not in said and _plain(one) in names]
        if not called or (column in taken and column not in MONEY):
            continue
        best = called if column in MONEY else [min(called, key=lambda one: names.index(_plain(one)))]
        found |= dict.fromkeys((one for one in best if one not in found), column)
    return found


def _plain(heading: str) -> str:
    return "".join(letter for letter in heading.casefold() if letter.isalnum())
