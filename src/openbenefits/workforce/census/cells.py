"""From text to values: what each cell means, and what is wrong with it, never repeating what it says."""

from collections.abc import Mapping

import polars as pl

from openbenefits.core import bad_rows
from openbenefits.core import cells as written
from openbenefits.core.cells import DAY, FLAG, TEXT, WHOLE, Kind, Parse, read_hundredths, read_label
from openbenefits.core.codes import PersonType
from openbenefits.workforce.census.columns import COLUMNS

# fmt: off
STATES = (
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS",
    "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC",
    "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY",
    "AS", "GU", "MP", "PR", "VI", "AA", "AE", "AP",
)
# fmt: on

SEX = {"f": "F", "female": "F", "m": "M", "male": "M", "x": "X", "nonbinary": "X", "non-binary": "X"}
LANGUAGES = {
    "en": "en",
    "english": "en",
    "eng": "en",
    "es": "es",
    "spanish": "es",
    "spa": "es",
    "español": "es",
}
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
    **dict.fromkeys(("same_sex_spouse", "same-sex spouse", "ss"), PersonType.SAME_SEX_SPOUSE),
    **dict.fromkeys(("non_qualified", "non-qualified", "nq"), PersonType.NON_QUALIFIED),
    **dict.fromkeys(("former_spouse", "former spouse", "ex-spouse", "ex spouse", "xs"), PersonType.EX_SPOUSE),
}
RECORD = {
    **dict.fromkeys(("employee", "ee", "e", "subscriber", "self"), "employee"),
    **dict.fromkeys(("dependent", "dep", "d"), "dependent"),
}
JOB_STATUS = {
    **{code.lower(): code for code in ("A", "L", "P", "T", "R", "D", "S", "Q", "U", "V", "W", "X")},
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


def _ssn(text: pl.Expr) -> pl.Expr:
    """Read nine digits; Excel loses one or two leading zeros. One digit nine times is a stand-in."""
    digits = read_label(text).str.replace_all(r"[\s-]", "")
    kept = pl.when(digits.str.contains(r"^\d{7,9}$")).then(digits.str.zfill(9))
    stand_ins = [str(digit) * 9 for digit in range(10)]
    return pl.when(~kept.is_in(stand_ins)).then(kept)


def _zip(text: pl.Expr) -> pl.Expr:
    """Read five digits; of nine the first five, of four with the zero that Excel lost."""
    digits = read_label(text)
    five = digits.str.extract(r"^(\d{5})(?:-?\d{4})?$")
    return pl.coalesce(five, digits.str.extract(r"^(\d{4})$").str.zfill(5))


def _code(values: Mapping[str, object]) -> Parse:
    known = {name: str(value) for name, value in values.items()}
    return lambda text: text.str.to_lowercase().replace_strict(known, default=None, return_dtype=pl.String)


def _state(text: pl.Expr) -> pl.Expr:
    upper = text.str.to_uppercase()
    return pl.when(upper.is_in(STATES)).then(upper)


def _base_type(text: pl.Expr) -> pl.Expr:
    label = read_label(text)
    return pl.when(label.str.contains(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")).then(label)


KINDS: dict[str, Kind] = {
    **dict.fromkeys(COLUMNS, TEXT),
    **dict.fromkeys(
        ("birth_date", "hire_date", "effective_date", "last_day_employed", "student_through", "died_on"), DAY
    ),
    **dict.fromkeys(
        ("smoker", "student", "disabled", "married", "medicare", "primary_job", "eligibility_job"), FLAG
    ),
    **dict.fromkeys(("dependent_number", "job_number", "benefit_record"), WHOLE),
    "record": Kind(parse=_code(RECORD), expected="employee or dependent"),
    "ssn": Kind(parse=_ssn, expected="nine digits", cure="correct the number, or leave it blank"),
    "sex": Kind(parse=_code(SEX), expected="F, M or X"),
    "language": Kind(parse=_code(LANGUAGES), expected="en or es (English or Spanish)"),
    "marital_status": Kind(parse=_code(MARITAL), expected="single, married, divorced, widowed or partnered"),
    "relationship": Kind(
        parse=_code(RELATIONSHIP),
        expected="spouse, same_sex_spouse, domestic_partner, child, adult_child, other, non_qualified or "
        "former_spouse",
    ),
    "state": Kind(parse=_state, expected="the two letters of a state"),
    "zip": Kind(parse=_zip, expected="a zip of five digits"),
    "job_status": Kind(parse=_code(JOB_STATUS), expected="a job status such as A, L, P, T, R or D"),
    "full_part_time": Kind(parse=_code(FULL_PART), expected="F or P"),
    "regular_temporary": Kind(parse=_code(REGULAR), expected="R or T"),
    "weekly_hours": Kind(parse=read_hundredths, expected="hours from 0 to 168 with at most two decimals"),
    **dict.fromkeys(
        ("annual_pay", "base_amount", "base_amount_2", "base_amount_3"),
        Kind(parse=read_hundredths, expected="dollars, with at most two decimals"),
    ),
    **dict.fromkeys(
        ("base_type", "base_type_2", "base_type_3"),
        Kind(parse=_base_type, expected="a code of at most 40 letters, digits, dots, dashes"),
    ),
}


def values_of(cells: pl.DataFrame) -> pl.DataFrame:
    """Answer the values of the cells, null where blank or unreadable; hours and pay in hundredths."""
    return written.values_of(cells, KINDS)


def unreadable(cells: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """List the cells that are filled and could not be read."""
    return bad_rows.unreadable(cells, values, KINDS).with_columns(is_warning=pl.lit(value=False))


def padded(cells: pl.DataFrame) -> pl.DataFrame:
    """Warn of the zips and numbers whose leading zeros were put back."""
    as_text = "put back; format the column as text"
    digits = cells.select(read_label(pl.col("zip", "ssn")))
    short_zip = digits["zip"].str.contains(r"^\d{4}$")
    short_ssn = digits["ssn"].str.replace_all(r"[\s-]", "").str.contains(r"^\d{7,8}$")
    return pl.concat(
        [
            warnings(cells, short_zip, "zip", "five digits", f"a leading zero was {as_text}"),
            warnings(cells, short_ssn, "ssn", "nine digits", f"leading zeros were {as_text}"),
        ]
    )


def problems(
    cells: pl.DataFrame, is_bad: pl.Series, column: str, expected: str, cure: str, *, is_warning: bool = False
) -> pl.DataFrame:
    """List one fault: the rows, what was expected, and the *shape* of what was found, never its text."""
    listed = bad_rows.faults(cells, is_bad, column, expected, cure)
    return listed.with_columns(is_warning=pl.lit(is_warning))


def warnings(cells: pl.DataFrame, is_so: pl.Series, column: str, expected: str, cure: str) -> pl.DataFrame:
    """List something worth saying that stops nothing."""
    return problems(cells, is_so, column, expected, cure, is_warning=True)
