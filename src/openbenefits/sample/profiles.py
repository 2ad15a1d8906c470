"""Who works for the sample's clients: their jobs, pay, groups and homes. All of it is invented."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Job:
    """A kind of job: the groups that come with it, and how many and what it pays."""

    code: str
    weight: float
    median_pay: int
    company: str
    benefit_group: str
    pay_group: str
    employee_class: str
    department: str
    location: str
    flsa_status: str = "E"
    full_part_time: str = "F"
    regular_temporary: str = "R"
    weekly_hours: float = 40
    union_code: str | None = None
    spread: float = 0.28


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One client: its share of the people, its jobs, and how its files look."""

    code: str
    prefix: str  # of employee numbers
    share: float
    jobs: tuple[Job, ...]
    home_zips: tuple[str, ...]  # how the zips begin where most of its people live
    begins: Literal["event", "month_after", "month_on_or_after"] = "month_on_or_after"
    waiting_days: int = 0
    census_format: Literal["csv", "xlsx"] = "csv"
    faults: tuple[str, ...] = field(default=())


def _harbor(code: str, weight: float, pay: int, **more: object) -> Job:
    groups: dict[str, object] = {
        "company": "HFM",
        "benefit_group": "SAL",
        "pay_group": "HBW",
        "employee_class": "SALARIED",
        "department": "OFFICE",
        "location": "WORCESTER",
    }
    return Job(code=code, weight=weight, median_pay=pay, **(groups | more))  # type: ignore[arg-type]


_HOURLY = {
    "benefit_group": "HRL",
    "pay_group": "HWK",
    "employee_class": "HOURLY",
    "flsa_status": "N",
    "department": "PLANT",
}
_UNION = _HOURLY | {"employee_class": "UNION", "union_code": "L88"}
_SERVICES = {"company": "HFS", "pay_group": "HSB", "department": "SERVICE", "location": "SPRINGFIELD"}

HARBOR = Profile(
    code="harbor",
    prefix="H",
    share=0.60,
    home_zips=("016", "015", "011", "010", "014", "027"),
    waiting_days=60,
    faults=(
        "two_programs",
        "no_pay",
        "no_rating_area",
        "closed_pay_group",
        "lost_eligibility",
        "out_of_area",
    ),
    jobs=(
        _harbor("PRESS-OP", 22, 49_000, **_UNION),
        _harbor("WELDER", 16, 56_000, **_UNION),
        _harbor("ASSEMBLER", 18, 43_000, **_HOURLY),
        _harbor("DRIVER", 6, 47_000, **_HOURLY),
        _harbor("PACKER-PT", 5, 36_000, **_HOURLY, full_part_time="P", weekly_hours=24),
        _harbor("SEASONAL", 3, 35_000, **_HOURLY, regular_temporary="T"),
        _harbor("CLERK", 7, 52_000, flsa_status="N", weekly_hours=37.5),
        _harbor("ENGINEER", 10, 98_000, department="ENGINEERING"),
        _harbor("SUPERVISOR", 5, 82_000, department="PLANT"),
        _harbor("MANAGER", 3, 128_000),
        _harbor("FIELD-TECH", 5, 68_000, **_SERVICES, flsa_status="N"),
    ),
)


def _beacon(code: str, weight: float, pay: int, **more: object) -> Job:
    groups: dict[str, object] = {
        "company": "BCN",
        "benefit_group": "ALL",
        "pay_group": "BSM",
        "employee_class": "STAFF",
        "department": "PRODUCT",
        "location": "BOSTON",
        "spread": 0.22,
    }
    return Job(code=code, weight=weight, median_pay=pay, **(groups | more))  # type: ignore[arg-type]


BEACON = Profile(
    code="beacon",
    prefix="B",
    share=0.28,
    home_zips=("021", "022", "024", "018", "017"),
    begins="event",
    faults=("no_pay", "no_rating_area", "unknown_pay_group", "lost_eligibility"),
    jobs=(
        _beacon("DEVELOPER", 40, 138_000),
        _beacon("DESIGNER", 10, 112_000),
        _beacon("SUPPORT", 18, 71_000, department="SUPPORT", flsa_status="N"),
        _beacon("SALES", 14, 96_000, department="SALES", spread=0.35),
        _beacon("MANAGER", 8, 182_000),
        _beacon("WRITER-PT", 4, 78_000, full_part_time="P", weekly_hours=24),
        _beacon("TESTER-PT", 2, 62_000, full_part_time="P", weekly_hours=16, flsa_status="N"),
        _beacon("INTERN", 4, 52_000, employee_class="INTERN", regular_temporary="T", flsa_status="N"),
    ),
)


def _quill(code: str, weight: float, pay: int, **more: object) -> Job:
    groups: dict[str, object] = {
        "company": "QSP",
        "benefit_group": "QOF",
        "pay_group": "QMO",
        "employee_class": "OFFICE",
        "department": "EDITORIAL",
        "location": "NORTHAMPTON",
        "weekly_hours": 37.5,
    }
    return Job(code=code, weight=weight, median_pay=pay, **(groups | more))  # type: ignore[arg-type]


_WAREHOUSE = {
    "benefit_group": "QWH",
    "pay_group": "QBW",
    "employee_class": "WAREHOUSE",
    "department": "WAREHOUSE",
    "location": "HOLYOKE",
    "flsa_status": "N",
}

QUILL = Profile(
    code="quill",
    prefix="Q",
    share=0.12,
    home_zips=("010", "012", "013"),
    begins="month_after",
    census_format="xlsx",
    faults=("no_pay", "no_rating_area", "lost_eligibility"),
    jobs=(
        _quill("EDITOR", 34, 64_000),
        _quill("DESIGNER", 12, 61_000),
        _quill("ACCOUNTS", 8, 58_000, department="FINANCE"),
        _quill("DIRECTOR", 4, 135_000),
        _quill("PICKER", 28, 41_000, **_WAREHOUSE, weekly_hours=40),
        _quill("PICKER-PT", 9, 39_000, **_WAREHOUSE, full_part_time="P", weekly_hours=20),
        _quill("PRINTER", 5, 55_000, **_WAREHOUSE, weekly_hours=40),
    ),
)

SAMPLE_CLIENTS = (HARBOR, BEACON, QUILL)
