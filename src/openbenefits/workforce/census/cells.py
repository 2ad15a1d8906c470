"""From text to values: what each cell means, and what is wrong with it, never repeating what it says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from openbenefits.core.codes import PersonType
from openbenefits.workforce.census.columns import COLUMNS

PROBLEM = {
    "row": pl.Int32(),
    "column": pl.String(),
    "expected": pl.String(),
    "found": pl.String(),
    "cure": pl.String(),
    "is_warning": pl.Boolean(),
}

# fmt: off
STATES = (
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS",
    "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC",
    "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY",
    "AS", "GU", "MP", "PR", "VI", "AA", "AE", "AP",
)
# fmt: on

YES_NO = {
    **dict.fromkeys(("y", "yes", "true", "t", "1", "x"), True),
    **dict.fromkeys(("n", "no", "false", "f", "0"), False),
}
SEX = {"f": "F", "female": "F", "m": "M", "male": "M", "x": "X", "nonbinary": "X", "non-binary": "X"}
MARITAL = {
    **{name: name for name in ("single", "married", "divorced", "widowed", "partnered")},
    "s": "single",
    "m": "married",
    "d": "divorced",
    "w": "widowed",
    "p": "partnered",
    "domestic partner": "partnered",
    "domestic partnership": "partnered",
    "separated": "married",
    "never married": "single",
}
RELATIONSHIP = {
    **dict.fromkeys(("spouse", "husband", "wife", "sp"), PersonType.SPOUSE),
    **dict.fromkeys(("domestic_partner", "domestic partner", "partner", "dp"), PersonType.DOMESTIC_PARTNER),
    **dict.fromkeys(("child", "son", "daughter", "stepchild", "ch"), PersonType.CHILD),
    **dict.fromkeys(("adult_child", "adult child", "ac"), PersonType.ADULT_CHILD),
    **dict.fromkeys(("other", "od"), PersonType.OTHER_QUALIFIED),
    **dict.fromkeys(("former_spouse", "former spouse", "ex-spouse", "ex spouse", "xs"), PersonType.EX_SPOUSE),
}
RECORD = {
    **dict.fromkeys(("employee", "ee", "e", "subscriber", "self"), "employee"),
    **dict.fromkeys(("dependent", "dep", "d"), "dependent"),
}
JOB_STATUS = {
    **{code.lower(): code for code in ("A", "L", "P", "T", "R", "D", "S", "Q", "U", "V", "X")},
    "active": "A",
    "leave": "L",
    "leave of absence": "L",
    "paid leave": "P",
    "terminated": "T",
    "termed": "T",
    "retired": "R",
    "deceased": "D",
    "suspended": "S",
}
FULL_PART = {"f": "F", "ft": "F", "full": "F", "full-time": "F", "full time": "F",
             "p": "P", "pt": "P", "part": "P", "part-time": "P", "part time": "P"}  # fmt: skip
REGULAR = {"r": "R", "regular": "R", "reg": "R", "t": "T", "temporary": "T", "temp": "T"}

DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y", "%m-%d-%Y", "%Y/%m/%d", "%d-%b-%Y", "%b %d, %Y")
EXCEL_DAY_ZERO = date(1899, 12, 30)
EXCEL_DAYS = (1, 73_050)  # to the year 2100
LARGEST_PAY_CENTS = 10**11

Parse = Callable[[pl.Expr], pl.Expr]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of cell: how it is read (null: it cannot be), and what was expected."""

    parse: Parse
    expected: str
    cure: str = "correct the cell"


def _day(text: pl.Expr) -> pl.Expr:
    """Read a day: ISO, American, or an Excel serial number. Years have four digits."""
    has_year = text.str.contains(r"\d{4}|^\d{5}(\.0+)?$")
    stated = pl.coalesce(
        pl.when(has_year).then(text).str.to_date(form, strict=False) for form in DATE_FORMATS
    )
    serial = text.str.extract(r"^(\d{1,5})(?:\.0+)?$").cast(pl.Int32, strict=False)
    zero = (EXCEL_DAY_ZERO - date(1970, 1, 1)).days
    from_serial = pl.when(serial.is_between(*EXCEL_DAYS)).then((serial + zero).cast(pl.Int32).cast(pl.Date))
    return pl.coalesce(stated, from_serial)


def _decimal(text: pl.Expr) -> pl.Expr:
    """Read a plain number with at most two decimals in hundredths; $ and commas are passed over."""
    bare = text.str.replace_all(r"[$\s]", "").str.replace_all(r",(\d{3})", "$1")
    plain = pl.when(bare.str.contains(r"^-?\d{1,12}(\.\d*)?$")).then(bare)
    hundredths = plain.cast(pl.Decimal(30, 6), strict=False) * 100
    return pl.when(hundredths == hundredths.round(0)).then(hundredths).cast(pl.Int64, strict=False)


def _whole(text: pl.Expr) -> pl.Expr:
    return text.str.extract(r"^(\d{1,4})(?:\.0+)?$").cast(pl.Int16, strict=False)


def _label(text: pl.Expr) -> pl.Expr:
    """Read a number or code as text; Excel turns 1001 into 1001.0."""
    return text.str.replace(r"^(\d+)\.0+$", "$1")


def _ssn(text: pl.Expr) -> pl.Expr:
    """Read nine digits; Excel loses one or two leading zeros. One digit nine times is a stand-in."""
    digits = _label(text).str.replace_all(r"[\s-]", "")
    kept = pl.when(digits.str.contains(r"^\d{7,9}$")).then(digits.str.zfill(9))
    stand_ins = [str(digit) * 9 for digit in range(10)]
    return pl.when(~kept.is_in(stand_ins)).then(kept)


def _zip(text: pl.Expr) -> pl.Expr:
    """Read five digits; of nine the first five, of four with the zero that Excel lost."""
    digits = _label(text)
    five = digits.str.extract(r"^(\d{5})(?:-?\d{4})?$")
    return pl.coalesce(five, digits.str.extract(r"^(\d{4})$").str.zfill(5))


def _code(values: Mapping[str, object]) -> Parse:
    known = {name: str(value) for name, value in values.items()}
    return lambda text: text.str.to_lowercase().replace_strict(known, default=None, return_dtype=pl.String)


def _flag(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().replace_strict(YES_NO, default=None, return_dtype=pl.Boolean)


def _state(text: pl.Expr) -> pl.Expr:
    upper = text.str.to_uppercase()
    return pl.when(upper.is_in(STATES)).then(upper)


_TEXT = Kind(parse=_label, expected="text")
_DAY = Kind(parse=_day, expected="a day that exists, as 2018-12-31 or 12/31/2018")
_FLAG = Kind(parse=_flag, expected="Y or N")
_WHOLE = Kind(parse=_whole, expected="a whole number from 0 to 9999")
KINDS: dict[str, Kind] = {
    **dict.fromkeys(COLUMNS, _TEXT),
    **dict.fromkeys(("birth_date", "hire_date", "effective_date", "last_day_employed"), _DAY),
    **dict.fromkeys(("smoker", "student", "disabled", "married", "primary_job"), _FLAG),
    **dict.fromkeys(("dependent_number", "job_number", "benefit_record"), _WHOLE),
    "record": Kind(parse=_code(RECORD), expected="employee or dependent"),
    "ssn": Kind(parse=_ssn, expected="nine digits", cure="correct the number, or leave it blank"),
    "sex": Kind(parse=_code(SEX), expected="F, M or X"),
    "marital_status": Kind(parse=_code(MARITAL), expected="single, married, divorced, widowed or partnered"),
    "relationship": Kind(
        parse=_code(RELATIONSHIP),
        expected="spouse, domestic_partner, child, adult_child, other or former_spouse",
    ),
    "state": Kind(parse=_state, expected="the two letters of a state"),
    "zip": Kind(parse=_zip, expected="a zip of five digits"),
    "job_status": Kind(parse=_code(JOB_STATUS), expected="a job status such as A, L, P, T, R or D"),
    "full_part_time": Kind(parse=_code(FULL_PART), expected="F or P"),
    "regular_temporary": Kind(parse=_code(REGULAR), expected="R or T"),
    "weekly_hours": Kind(parse=_decimal, expected="hours from 0 to 168 with at most two decimals"),
    "annual_pay": Kind(parse=_decimal, expected="dollars, with at most two decimals"),
}


def values_of(cells: pl.DataFrame) -> pl.DataFrame:
    """Answer the values of the cells, null where blank or unreadable; hours and pay in hundredths."""
    return cells.select("row", *(KINDS[name].parse(pl.col(name)).alias(name) for name in COLUMNS))


def unreadable(cells: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """List the cells that are filled and could not be read."""
    found = [
        problems(
            cells,
            cells[name].is_not_null() & values[name].is_null(),
            name,
            KINDS[name].expected,
            KINDS[name].cure,
        )
        for name in COLUMNS
    ]
    return pl.concat(found)


def padded(cells: pl.DataFrame) -> pl.DataFrame:
    """Warn of the zips and numbers whose leading zeros were put back."""
    short_zip = cells.select(_label(pl.col("zip")).str.contains(r"^\d{4}$"))["zip"]
    short_ssn = cells.select(_label(pl.col("ssn")).str.replace_all(r"[\s-]", "").str.contains(r"^\d{7,8}$"))[
        "ssn"
    ]
    return pl.concat(
        [
            warnings(
                cells,
                short_zip,
                "zip",
                "five digits",
                "a leading zero was put back; format the column as text",
            ),
            warnings(
                cells,
                short_ssn,
                "ssn",
                "nine digits",
                "leading zeros were put back; format the column as text",
            ),
        ]
    )


def problems(
    cells: pl.DataFrame, is_bad: pl.Series, column: str, expected: str, cure: str, *, is_warning: bool = False
) -> pl.DataFrame:
    """List one fault: the rows, what was expected, and the *shape* of what was found, never its text."""
    shown = column if column in cells.columns else None
    return cells.filter(is_bad.fill_null(False)).select(
        "row",
        pl.lit(column).alias("column"),
        pl.lit(expected).alias("expected"),
        (shape(pl.col(shown)) if shown else pl.lit("")).alias("found"),
        pl.lit(cure).alias("cure"),
        pl.lit(is_warning).alias("is_warning"),
    )


def warnings(cells: pl.DataFrame, is_so: pl.Series, column: str, expected: str, cure: str) -> pl.DataFrame:
    """List something worth saying that stops nothing."""
    return problems(cells, is_so, column, expected, cure, is_warning=True)


def no_problems() -> pl.DataFrame:
    return pl.DataFrame(schema=PROBLEM)


def shape(text: pl.Expr) -> pl.Expr:
    """Show how a text is built and not what it says: digits as 9, letters as x.

    >>> cells = pl.DataFrame({"found": ["123-45-6789", "31/02/2018", None]})
    >>> cells.select(shape(pl.col("found"))).to_series().to_list()
    ['999-99-9999', '99/99/9999', 'blank']
    """
    digits = text.str.replace_all(r"\p{N}", "9").str.replace_all(r"\p{L}", "x")
    return digits.str.slice(0, 24).fill_null("blank")
