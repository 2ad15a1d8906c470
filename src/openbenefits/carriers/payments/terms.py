"""How one receiver wants its 820 (005010X218), as data: ends, money, names, identifiers, dates."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from openbenefits.carriers.enrollment.profile import LINE_ENDS, End, Marks
from openbenefits.carriers.x12.reader import Delimiters
from openbenefits.carriers.x12.writer import Form


class Party(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who receives (1000A) or pays (1000B): name, kind of id and id, address (N3, N4) where it is wanted."""

    name: str
    id_kind: str = ""
    id: str = ""
    street: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""


class Bank(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The account money leaves from, or goes to.

    number_kind: 01 a routing number, 04 a Canadian one. Number and account are names of values told with the
    payment: no account stands in an agreement.
    """

    number_kind: Literal["01", "02", "04"] = "01"
    number: str
    account_kind: Literal["DA", "SG", "ALC"] = "DA"
    account: str


class PremiumTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One receiver's 820.

    handling: BPR01 (C with the money, I remittance only, D money only …). method: BPR04. payer_id: BPR10, one
    digit and the tax id. trace: 1 belongs to the money's own trace, 3 to this file only. references: kinds of
    REF of the head (14, 17, 18, 2F, 38, 72, LB) and the names of values. dates: which of process (009),
    delivered (035), created (097) are said. person_id: ENT03 (34 SSN, EI the employee's number, II ours).
    role: NM101. member_id: NM108 (none, the SSN, or the employee's number) in NM109. policy_kind: RMR01.
    policies: our plan as the receiver names the policy;
    plans not named are not paid, but where none is. billed: whether RMR05 says what was
    billed. persons: whether each person is told of, or only sums by policy with head
    counts (2000A). organization: ENT02 there. shares: whether what the employer gives
    is paid, too.
    """

    name: str
    note: str = ""
    sender: End
    receiver: End
    usage: Literal["T", "P"] = "T"
    wants_ta1: bool = False
    marks: Marks = Marks()
    line_end: Literal["none", "lf", "crlf"] = "none"
    case: Literal["upper", "as_is"] = "upper"
    handling: Literal["C", "D", "I", "P", "U", "X"] = "I"
    method: Literal["ACH", "BOP", "CHK", "FWT", "NON", "SWT"] = "NON"
    format: Literal["", "CCP", "CTX"] = ""
    from_bank: Bank | None = None
    to_bank: Bank | None = None
    payer_id: Annotated[str, Meta(min_length=10, max_length=10)]
    trace: Literal["1", "3"] = "3"
    payee: Party
    payer: Party
    references: dict[Literal["14", "17", "18", "2F", "38", "72", "LB"], str] = {}
    dates: tuple[Literal["009", "035", "097"], ...] = ()
    person_id: Literal["34", "EI", "II"] = "EI"
    role: Literal["DO", "EY", "IL", "QE"] = "EY"
    member_id: Literal["", "34", "EI", "N"] = "N"
    policy_kind: Literal["11", "1L", "9J", "AZ", "B7", "CT", "ID", "IG", "IK", "KW"] = "IK"
    policies: dict[str, str] = {}
    billed: bool = True
    persons: bool = True
    shares: Literal["employee", "all"] = "employee"
    organization: Literal["2L", "AG", "NH", "RGA", "UN"] = "2L"

    @property
    def form(self) -> Form:
        """Answer how its files are written. Errors: NotWritable."""
        marks = Delimiters(
            element=self.marks.element,
            component=self.marks.component,
            segment=self.marks.segment,
            repetition=self.marks.repetition,
        )
        return Form(delimiters=marks, line_end=LINE_ENDS[self.line_end], is_upper=self.case == "upper")
