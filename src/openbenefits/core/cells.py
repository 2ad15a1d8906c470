"""What people write into the cells of a file: how each kind is read, and how it is shown without its text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

YES_NO = {
    **dict.fromkeys(("y", "yes", "true", "t", "1", "x"), True),
    **dict.fromkeys(("n", "no", "false", "f", "0"), False),
}
DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y", "%m-%d-%Y", "%Y/%m/%d", "%d-%b-%Y", "%b %d, %Y")
EXCEL_DAY_ZERO = date(1899, 12, 30)
EXCEL_DAYS = (1, 73_050)  # to the year 2100
SHAPE_LENGTH = 24

Parse = Callable[[pl.Expr], pl.Expr]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of cell: how it is read (null: it cannot be), and what was expected."""

    parse: Parse
    expected: str
    cure: str = "correct the cell"


def values_of(cells: pl.DataFrame, kinds: Mapping[str, Kind]) -> pl.DataFrame:
    """Answer the values of the cells, null where blank or unreadable.

    Shapes: cells have `row` and a column of text for each of `kinds`; so has the result.
    """
    return cells.select("row", *(kind.parse(pl.col(name)).alias(name) for name, kind in kinds.items()))


def shape(text: pl.Expr) -> pl.Expr:
    """Show how a text is built and not what it says: digits as 9, letters as x.

    >>> cells = pl.DataFrame({"found": ["123-45-6789", "31/02/2018", None]})
    >>> cells.select(shape(pl.col("found"))).to_series().to_list()
    ['999-99-9999', '99/99/9999', 'blank']
    """
    digits = text.str.replace_all(r"\p{N}", "9").str.replace_all(r"\p{L}", "x")
    return digits.str.slice(0, SHAPE_LENGTH).fill_null("blank")


def read_day(text: pl.Expr) -> pl.Expr:
    """Read a day: ISO, American, or an Excel serial number. Years have four digits."""
    has_year = text.str.contains(r"\d{4}|^\d{5}(\.0+)?$")
    stated = pl.coalesce(
        pl.when(has_year).then(text).str.to_date(form, strict=False) for form in DATE_FORMATS
    )
    serial = text.str.extract(r"^(\d{1,5})(?:\.0+)?$").cast(pl.Int32, strict=False)
    zero = (EXCEL_DAY_ZERO - date(1970, 1, 1)).days
    from_serial = pl.when(serial.is_between(*EXCEL_DAYS)).then((serial + zero).cast(pl.Int32).cast(pl.Date))
    return pl.coalesce(stated, from_serial)


def read_hundredths(text: pl.Expr) -> pl.Expr:
    """Read a plain number with at most two decimals in hundredths; $ and commas are passed over."""
    bare = text.str.replace_all(r"[$\s]", "").str.replace_all(r",(\d{3})", "$1")
    plain = pl.when(bare.str.contains(r"^-?\d{1,12}(\.\d*)?$")).then(bare)
    hundredths = plain.cast(pl.Decimal(30, 6), strict=False) * 100
    return pl.when(hundredths == hundredths.round(0)).then(hundredths).cast(pl.Int64, strict=False)


def read_micros(text: pl.Expr) -> pl.Expr:
    """Read a plain number, not below 0, with at most six decimals in millionths; $ is passed over."""
    bare = text.str.replace_all(r"[$\s]", "")
    plain = pl.when(bare.str.contains(r"^\d{1,9}(\.\d{1,6})?$")).then(bare)
    return (plain.cast(pl.Decimal(30, 6), strict=False) * 1_000_000).cast(pl.Int64, strict=False)


def read_label(text: pl.Expr) -> pl.Expr:
    """Read a number or code as text; Excel turns 1001 into 1001.0."""
    return text.str.replace(r"^(\d+)\.0+$", "$1")


def _whole(text: pl.Expr) -> pl.Expr:
    return text.str.extract(r"^(\d{1,4})(?:\.0+)?$").cast(pl.Int16, strict=False)


def _flag(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().replace_strict(YES_NO, default=None, return_dtype=pl.Boolean)


TEXT = Kind(parse=read_label, expected="text")
DAY = Kind(parse=read_day, expected="a day that exists, as 2018-12-31 or 12/31/2018")
FLAG = Kind(parse=_flag, expected="Y or N")
WHOLE = Kind(parse=_whole, expected="a whole number from 0 to 9999")
