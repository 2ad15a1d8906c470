"""A column of values as the texts of a file: codes, days, money, letters and width, a step each."""

import re

import polars as pl

from openbenefits.carriers.layouts.layout import ANY_CODE, Column, FileLayout, LayoutRefused
from openbenefits.carriers.x12.writer import LETTERS
from openbenefits.core.money import CENTS_PER_DOLLAR

CODED_SIGNS = ("{ABCDEFGHI", "}JKLMNOPQR")
"""The last digit, 0 to 9, of a positive and a negative amount whose sign is punched into it."""

AMOUNTS = ("money", "number")
CONTROL = r"[\x00-\x1f\x7f-\u{9f}\u{2028}\u{2029}]"


def written(layout: FileLayout, column: Column, values: pl.Series, used: pl.Series) -> pl.DataFrame:
    """Write the values of a column as they stand in the file, but for delimiters and quotes.

    Shapes:  used says where the column's conditions hold. The result has text, and fault: what is wrong with
             the value, in words without it, or null.
    Errors:  LayoutRefused where the values are of another kind than the layout says.
    """
    _check_kind(layout, column, values.dtype)
    frame = pl.DataFrame({"value": values, "used": used}).with_columns(
        value=pl.when("used").then("value"), fault=pl.lit(None, pl.String)
    )
    frame = _amounts(frame, layout, column) if column.kind in AMOUNTS else _texts(frame, layout, column)
    is_missing = pl.col("text").is_null() | (pl.col("text") == "")
    frame = frame.with_columns(
        text=pl.when(is_missing).then(pl.lit(column.empty)).otherwise("text"),
        fault=pl.when(is_missing & pl.col("used") & pl.lit(column.required) & pl.col("fault").is_null())
        .then(pl.lit("expected a value, found none"))
        .otherwise("fault"),
    )
    return _fitted(frame, layout, column).select("text", "fault")


def _check_kind(layout: FileLayout, column: Column, kind: pl.DataType) -> None:
    wanted = {"day": kind == pl.Date, "money": kind.is_integer(), "number": kind.is_integer()}
    if kind != pl.Null and not wanted.get(column.kind, True):
        raise LayoutRefused(
            f"{layout.name}: column {column.name}: expected values of kind {column.kind}, found {kind};"
            " correct the layout"
        )


def _texts(frame: pl.DataFrame, layout: FileLayout, column: Column) -> pl.DataFrame:
    value = pl.col("value")
    if column.kind == "day":
        shifted = value.cast(pl.Date) + pl.duration(days=column.shift_days)
        return frame.with_columns(text=shifted.dt.strftime(column.days))
    frame = frame.with_columns(text=value.cast(pl.String))
    codes = layout.codes[column.codes] if isinstance(column.codes, str) else column.codes
    if codes:
        frame = _coded(frame, codes)
    frame = frame.with_columns(text=_lettered(pl.col("text"), layout, column))
    if column.kind == "digits":
        frame = _digits(frame, column)
    if column.first:
        frame = frame.with_columns(pl.col("text").str.head(column.first))
    if column.last:
        frame = frame.with_columns(pl.col("text").str.tail(column.last))
    return frame


def _coded(frame: pl.DataFrame, codes: dict[str, str]) -> pl.DataFrame:
    known = {ours: theirs for ours, theirs in codes.items() if ours != ANY_CODE}
    text, other = pl.col("text"), pl.lit(codes.get(ANY_CODE), pl.String)
    found = text.replace_strict(list(known), list(known.values()), default=other, return_dtype=pl.String)
    lacking = text.is_not_null() & (text != "") & ~text.is_in(list(known)) & (ANY_CODE not in codes)
    return frame.with_columns(
        text=pl.when(text.is_not_null()).then(found),
        fault=pl.when(lacking).then(
            pl.format("expected a code of the partner for {}, found none; add it to the layout", text)
        ),
    )


def _lettered(text: pl.Expr, layout: FileLayout, column: Column) -> pl.Expr:
    if layout.letters == "plain":
        ours = {chr(one): str(plain) for one, plain in LETTERS.items()}
        text = text.str.replace_many(list(ours), list(ours.values())).str.normalize("NFKD")
        text = text.str.replace_all(r"\p{M}", "").str.replace_all(r"[^\x00-\x7f]", "?")
    text = text.str.replace_all(CONTROL, " ").str.strip_chars()
    case = column.case or layout.case
    return {"upper": text.str.to_uppercase(), "lower": text.str.to_lowercase()}.get(case, text)


def _digits(frame: pl.DataFrame, column: Column) -> pl.DataFrame:
    frame = frame.with_columns(text=pl.col("text").str.replace_all(r"\D", ""))
    if not column.mask:
        return frame
    parts = re.findall(r"#+|[^#]+", column.mask)
    pattern = "".join(rf"(\d{{{len(one)}}})" for one in parts if one.startswith("#"))
    numbers = iter(range(1, len(parts) + 1))
    shown = "".join(f"${{{next(numbers)}}}" if one.startswith("#") else one for one in parts)
    wanted = column.mask.count("#")
    text = pl.col("text")
    wrong = text.is_not_null() & (text != "") & (text.str.len_chars() != wanted)
    return frame.with_columns(
        text=text.str.replace(f"^{pattern}$", shown),
        fault=pl.when(wrong)
        .then(pl.format(f"expected {wanted} digits, found {{}}", text.str.len_chars()))
        .otherwise("fault"),
    )


def _amounts(frame: pl.DataFrame, layout: FileLayout, column: Column) -> pl.DataFrame:
    frame = frame.with_columns(pl.col("value").cast(pl.Int64)).with_columns(
        size=pl.col("value").abs(), is_negative=pl.col("value") < 0
    )
    digits = pl.col("size").cast(pl.String)
    if column.kind == "money" and column.money == "decimals":
        rest = (pl.col("size") % CENTS_PER_DOLLAR).cast(pl.String).str.zfill(2)
        whole = (pl.col("size") // CENTS_PER_DOLLAR).cast(pl.String)
        digits = pl.concat_str(whole, pl.lit("."), rest)
    frame = frame.with_columns(digits=digits, sign=_sign(layout, column))
    if layout.form == "fixed" and (column.pad or "0") == "0" and column.align != "left":
        frame = _filled(frame, column)
    refused = pl.col("is_negative") & pl.lit(column.sign == "none")
    return frame.with_columns(
        text=_signed(column),
        fault=pl.when(refused).then(pl.lit("expected no negative amount, found one")).otherwise("fault"),
    )


def _sign(layout: FileLayout, column: Column) -> pl.Expr:
    """What stands for the sign; after an amount of fixed width its place is kept."""
    kept = " " if column.sign == "trailing" and layout.form == "fixed" else ""
    positive = "+" if column.plus else kept
    shown = column.sign in ("leading", "trailing")
    negative = pl.lit("-" if shown else "")
    return pl.when("is_negative").then(negative).otherwise(pl.lit(positive if shown else ""))


def _filled(frame: pl.DataFrame, column: Column) -> pl.DataFrame:
    """Fill with zeros to the width, less what the sign needs."""
    room = pl.col("sign").str.len_chars()
    if column.sign == "parentheses":
        room = pl.when("is_negative").then(2).otherwise(0)
    width = pl.max_horizontal(pl.lit(0), pl.lit(column.length) - room.cast(pl.Int64))
    return frame.with_columns(digits=pl.col("digits").str.pad_start(width.cast(pl.UInt32), "0"))


def _signed(column: Column) -> pl.Expr:
    digits, sign = pl.col("digits"), pl.col("sign")
    if column.sign == "trailing":
        return pl.concat_str(digits, sign)
    if column.sign == "parentheses":
        return pl.when("is_negative").then(pl.format("({})", digits)).otherwise(digits)
    if column.sign == "overpunch":
        body, end = digits.str.head(-1), digits.str.tail(1)
        ends = [
            end.replace_strict(list("0123456789"), list(marks), return_dtype=pl.String)
            for marks in CODED_SIGNS
        ]
        return body + pl.when("is_negative").then(ends[1]).otherwise(ends[0])
    return pl.concat_str(sign, digits)


def _fitted(frame: pl.DataFrame, layout: FileLayout, column: Column) -> pl.DataFrame:
    """Cut, or refuse, what is too long; fill what is too short."""
    if not column.length:
        return frame
    size = pl.col("text").str.len_chars()
    if column.too_long == "cut" and column.kind not in AMOUNTS:
        frame = frame.with_columns(text=pl.col("text").str.head(column.length))
    words = pl.format(f"expected at most {column.length} characters, found {{}}", size)
    frame = frame.with_columns(
        fault=pl.coalesce("fault", pl.when(size > column.length).then(words)),
    )
    if layout.form != "fixed":
        return frame
    pad = column.pad or " "
    to_right = column.align == "right" or (not column.align and column.kind in AMOUNTS)
    is_empty = pl.col("text") == column.empty  # nothing is no number: it is never filled with zeros
    pads = pl.col("text").str.pad_start if to_right else pl.col("text").str.pad_end
    filled = pads(column.length, pad)
    blank = pl.col("text").str.pad_end(column.length, " ")
    return frame.with_columns(text=pl.when(is_empty & (pad == "0")).then(blank).otherwise(filled))
