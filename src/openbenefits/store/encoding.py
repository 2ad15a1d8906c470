"""Frames in COPY's binary form, refused where their types are not those of the table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder
from pgpq.encoders import LargeStringEncoderBuilder
from pgpq.schema import Jsonb

BATCH_ROWS = 65_536


class ColumnMismatch(TypeError):
    """The columns of a frame are not those of the table or query."""


def encoded(frame: pl.DataFrame, table: str, types: Mapping[str, str]) -> Iterator[bytes]:
    """Encode a frame for `COPY table (its columns) FROM STDIN (FORMAT binary)`, piece by piece.

    Errors: ColumnMismatch, at once, if a column is not among the table's `types` or of another type.
    """
    refuse(table, [f"{name}: no such column" for name in frame.columns if name not in types])
    arrow = _arrow(frame, types)
    return _pieces(arrow, _encoder(arrow.schema, table, types))


_fitting: set[tuple[Any, ...]] = set()
"""Tables and schemas of frames found to fit: what is written is written again and again."""


def check(frame: pl.DataFrame, table: str, types: Mapping[str, str]) -> None:
    """Refuse a frame as `encoded` does, without encoding it; a schema is looked at once.

    Errors: ColumnMismatch.
    """
    refuse(table, [f"{name}: no such column" for name in frame.columns if name not in types])
    key = (table, *((name, dtype, types[name]) for name, dtype in frame.schema.items()))
    if key not in _fitting:
        _encoder(_arrow(frame.head(0), types).schema, table, types)
        _fitting.add(key)


def refuse(table: str, problems: Sequence[str]) -> None:
    """Raise ColumnMismatch if there are problems, naming all of them."""
    if problems:
        raise ColumnMismatch(f"{table}: " + "; ".join(problems))


def _pieces(arrow: pa.Table, encoder: ArrowToPostgresBinaryEncoder) -> Iterator[bytes]:
    yield encoder.write_header()
    for batch in arrow.to_batches(max_chunksize=BATCH_ROWS):
        yield encoder.write_batch(batch)
    yield encoder.finish()


_ACCEPTED_BY = {
    "Bool": {"bool"},
    "Int2": {"int2"},
    "Int4": {"int4"},
    "Int8": {"int8"},
    "Float4": {"float4"},
    "Float8": {"float8"},
    "Numeric": {"numeric"},
    "Text": {"text", "varchar", "bpchar"},
    "Jsonb": {"jsonb"},
    "Bytea": {"bytea"},
    "Date": {"date"},
    "Time": {"time"},
    "Interval": {"interval"},
}

_ARROW_OF_POSTGRES = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "numeric": pa.decimal128(38, 0),
    "bytea": pa.large_binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "interval": pa.duration("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
}


def _arrow(frame: pl.DataFrame, types: Mapping[str, str]) -> pa.Table:
    """Hand a frame to Arrow in types that pgpq knows: codes as text, untyped nulls as the table's type."""
    as_text = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Categorical | pl.Enum)]
    if as_text:
        frame = frame.with_columns(pl.col(as_text).cast(pl.String))
    arrow = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    for index, field in enumerate(arrow.schema):
        if pa.types.is_null(field.type):
            wanted = _ARROW_OF_POSTGRES.get(types.get(field.name, ""), pa.large_string())
            arrow = arrow.set_column(index, field.name, pa.nulls(arrow.num_rows, wanted))
    return arrow


def _encoder(schema: pa.Schema, table: str, types: Mapping[str, str]) -> ArrowToPostgresBinaryEncoder:
    """Make the encoder of a frame, or refuse it: pgpq itself would write any bytes into any column."""
    builders = {field.name: _builder(field, types[field.name]) for field in schema}
    unable = [f"{name}: {builder}" for name, builder in builders.items() if isinstance(builder, Exception)]
    refuse(table, unable)
    encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(schema, builders)
    written = {column.name: column.data_type for column in encoder.schema().columns}
    refuse(
        table,
        [
            f"{field.name}: {field.type} does not go into {types[field.name]}"
            for field in schema
            if types[field.name] not in _accepting(written[field.name], field.type)
        ],
    )
    return encoder


def _builder(field: pa.Field, postgres_type: str) -> Any:
    """Choose the encoder of a column, or answer the reason why there is none."""
    if postgres_type == "jsonb" and pa.types.is_large_string(field.type):
        return LargeStringEncoderBuilder.new_with_output(field, Jsonb())
    try:
        return ArrowToPostgresBinaryEncoder.infer_encoder(field)
    except Exception as reason:
        return reason


def _accepting(written: Any, arrow_type: pa.DataType) -> set[str]:
    """Answer the table types that read what was written; to pgpq, instants and wall clocks look alike."""
    kind = type(written).__name__
    if kind == "Timestamp":
        return {"timestamptz" if arrow_type.tz == "UTC" else "none" if arrow_type.tz else "timestamp"}
    if kind == "List":
        inner = (
            ArrowToPostgresBinaryEncoder(pa.schema([arrow_type.value_field])).schema().columns[0].data_type
        )
        return {f"_{name}" for name in _accepting(inner, arrow_type.value_type)}
    return _ACCEPTED_BY.get(kind, set())
