from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import psycopg
import pytest
from django.contrib.auth.models import Permission
from django.db import transaction
from polars.testing import assert_frame_equal

from openbenefits.accounts.models import User
from openbenefits.store import few
from openbenefits.store.bulk import (
    GROWN_ROWS,
    WRITTEN_OUT_ROWS,
    ColumnMismatch,
    copy_in,
    copy_out,
    merge_in,
    schema_of,
    update_from,
)

NASTY = [
    "",
    None,
    'a "quoted", text',
    "two\nlines\r\n",
    "\\N",
    "\\.",
    "t",
    " spaced ",
    "naïve ✓",
    "'; DROP TABLE x",
]

EVERY_TYPE = {
    "id": pl.Int64(),
    "small": pl.Int16(),
    "medium": pl.Int32(),
    "flag": pl.Boolean(),
    "note": pl.String(),
    "code": pl.String(),
    "day": pl.Date(),
    "at": pl.Datetime("us", "UTC"),
    "wall": pl.Datetime("us"),
    "raw": pl.Binary(),
    "price": pl.Decimal(12, 2),
    "weight": pl.Float64(),
}

CREATE = """
    CREATE TABLE everything (
        id bigint PRIMARY KEY, small smallint, medium integer, flag boolean, note text, code varchar(40),
        day date, at timestamptz, wall timestamp, raw bytea, price numeric(12, 2), weight double precision,
        doc jsonb, big_days int[]
    );
    CREATE TABLE guarded (LIKE everything);
"""


@pytest.fixture(scope="module")
def tables(database):
    with database.cursor() as cursor:
        cursor.execute(CREATE)
    return database


@pytest.fixture
def connection(tables):
    with transaction.atomic():
        yield tables
        transaction.set_rollback(True)


def every_type() -> pl.DataFrame:
    height = len(NASTY)
    moment = datetime(2026, 2, 28, 23, 59, 59, 999_999)
    return pl.DataFrame(
        {
            "id": range(height),
            "small": [-32_768, None, *[7] * (height - 2)],
            "medium": [2**31 - 1, None, *[7] * (height - 2)],
            "flag": [True, None, *[False] * (height - 2)],
            "note": NASTY,
            "code": NASTY[::-1],
            "day": [date(1900, 1, 1), None, *[date(2099, 12, 31)] * (height - 2)],
            "at": [moment.replace(tzinfo=UTC), None, *[datetime(1999, 1, 1, tzinfo=UTC)] * (height - 2)],
            "wall": [moment, None, *[datetime(1999, 1, 1)] * (height - 2)],
            "raw": [b"", None, *[b"\x00\xff,\n"] * (height - 2)],
            "price": ["0.01", None, *["-9999999999.99"] * (height - 2)],
            "weight": [1.5, None, *[-2.5e-300] * (height - 2)],
        },
        schema_overrides={"price": pl.String},
    ).cast(EVERY_TYPE)


def read(connection, columns=tuple(EVERY_TYPE), table="everything"):
    query = f"SELECT {', '.join(columns)} FROM {table} ORDER BY id"
    return copy_out(connection, query, {name: EVERY_TYPE[name] for name in columns})


def test_what_is_written_is_read_back(connection):
    frame = every_type()
    assert copy_in(connection, "everything", frame) == frame.height
    assert_frame_equal(read(connection), frame)


def test_columns_may_come_in_any_order_and_number(connection):
    copy_in(connection, "public.everything", pl.DataFrame({"note": ["x"], "id": [1]}))
    assert read(connection, ["id", "note", "flag"]).rows() == [(1, "x", None)]


@pytest.mark.parametrize("dtype", [pl.Null, pl.Categorical, pl.Enum(["x"])])
def test_untyped_nulls_and_codes_are_written(connection, dtype):
    values = [None] if dtype == pl.Null else ["x"]
    every_column = {name: None for name in EVERY_TYPE if name != "note"} | {"id": 1}
    frame = pl.DataFrame({"note": pl.Series(values, dtype=dtype)}).with_columns(
        **{
            name: pl.lit(value) if value is None else pl.lit(value, dtype=pl.Int64)
            for name, value in every_column.items()
        }
    )
    copy_in(connection, "everything", frame)
    assert read(connection, ["id", "note"]).rows() == [(1, values[0])]


def test_json_and_lists_are_written(connection):
    frame = pl.DataFrame({"id": [1], "doc": ['{"a": [1, "b"]}'], "big_days": [[1, 2]]})
    copy_in(connection, "everything", frame.cast({"big_days": pl.List(pl.Int32)}))
    answer = copy_out(
        connection, "SELECT doc->>'a' AS a, big_days[2] AS b FROM everything", {"a": pl.String, "b": pl.Int64}
    )
    assert answer.rows() == [('[1, "b"]', 2)]


def test_the_planner_knows_of_a_table_that_has_grown(connection):
    def guessed():
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (FORMAT json) SELECT * FROM everything")
            return cursor.fetchone()[0][0]["Plan"]["Plan Rows"]

    copy_in(connection, "everything", pl.DataFrame({"id": range(GROWN_ROWS)}))
    assert guessed() == GROWN_ROWS
    grown = pl.DataFrame({"id": range(GROWN_ROWS, 2 * GROWN_ROWS)})
    copy_in(connection, "public.everything", grown)
    assert guessed() == 2 * GROWN_ROWS


def test_an_empty_frame_writes_and_reads_nothing(connection):
    assert copy_in(connection, "everything", every_type().clear()) == 0
    assert_frame_equal(read(connection), every_type().clear())


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        ("id", pl.Float64),
        ("id", pl.Int32),
        ("small", pl.Int64),
        ("medium", pl.UInt32),
        ("flag", pl.Int16),
        ("at", pl.Datetime("us")),
        ("at", pl.Datetime("us", "America/New_York")),
        ("wall", pl.Datetime("us", "UTC")),
        ("at", pl.Datetime("ns", "UTC")),
        ("day", pl.Datetime("us")),
        ("note", pl.Int64),
        ("note", pl.Struct({"a": pl.Int64})),
        ("big_days", pl.List(pl.Int64)),
        ("nowhere", pl.Int64),
    ],
)
def test_a_wrong_column_is_refused_before_anything_is_written(connection, column, dtype):
    frame = pl.DataFrame({column: pl.Series([], dtype=dtype)})
    for write in (copy_in, lambda *given: merge_in(*given, key=["id"], update=[])):
        with pytest.raises(ColumnMismatch, match=f"everything: {column}: "):
            write(connection, "everything", frame)


def test_a_generated_frame_of_many_rows_survives(connection):
    count = 200_000
    rows = pl.DataFrame({"id": pl.int_range(count, eager=True)}).with_columns(
        note=pl.concat_str(pl.lit('line "'), pl.col("id"), pl.lit('"\n,')),
        at=pl.from_epoch(pl.col("id") * 1_234_567_891 % 10**15, time_unit="us").dt.replace_time_zone("UTC"),
    )
    copy_in(connection, "everything", rows)
    assert_frame_equal(read(connection, ["id", "note", "at"]), rows)


def test_parameters_are_bound_safely(connection):
    copy_in(connection, "everything", every_type())
    query = "SELECT id FROM everything WHERE note = ANY(%(notes)s) OR day = %(day)s ORDER BY id; "
    params = {"notes": ["'; DROP TABLE x", "\\N"], "day": date(1900, 1, 1)}
    assert copy_out(connection, query, {"id": pl.Int64}, params)["id"].to_list() == [0, 4, 9]
    assert copy_out(connection, "SELECT %s::text AS a -- why", {"a": pl.String}, ["100%s"]).item() == "100%s"


@pytest.mark.parametrize("values", [[None, None], ["", None], [None, "", None]])
def test_a_single_column_tells_null_from_empty(connection, values):
    frame = pl.DataFrame({"id": range(len(values)), "note": values}, schema_overrides={"note": pl.String})
    copy_in(connection, "everything", frame)
    answer = copy_out(connection, "SELECT note FROM everything ORDER BY id", {"note": pl.String})
    assert answer["note"].to_list() == values


@pytest.mark.parametrize("schema", [{"b": pl.Int64}, {"a": pl.Int64, "b": pl.Int64}, {}])
def test_other_names_than_declared_are_refused(connection, schema):
    with pytest.raises(ColumnMismatch, match="the query gives"):
        copy_out(connection, "SELECT 1 AS a", schema)


@pytest.mark.parametrize(("value", "dtype"), [("1.5", pl.Int64), ("70000", pl.Int16), ("'x'", pl.Date)])
def test_a_value_of_another_type_than_declared_is_an_error(connection, value, dtype):
    with pytest.raises(pl.exceptions.ComputeError):
        copy_out(connection, f"SELECT {value} AS a", {"a": dtype})


FEW = {
    "id": pl.Int64,
    "small": pl.Int16,
    "flag": pl.Boolean,
    "day": pl.Date,
    "at": pl.Datetime("us", "UTC"),
    "note": pl.String,
}
FEW_ROWS = [
    *(
        "1, 2, true, '2024-02-29', '2026-01-01 12:00:00.25+05:30', 'a b'",
        "NULL, NULL, NULL, NULL, NULL, NULL",
    ),
    *(
        "3, -7, false, '0001-01-01', '1969-12-31 23:59:59+00', ''",
        "4, 0, false, NULL, NULL, 'comma, \"quote\"'",
    ),
    *(
        "5, 0, true, '9999-12-31', NULL, 'Zoë'",
        "6, 1, false, NULL, NULL, E'two\nlines'",
        "7, 1, true, NULL, NULL, 'NULL'",
    ),
]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("rows", [[row] for row in FEW_ROWS] + [FEW_ROWS, FEW_ROWS[:2] * 3])
def test_few_rows_are_read_as_many_are(connection, monkeypatch, rows, zone):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = %s", [zone])
    types = ("bigint", "smallint", "boolean", "date", "timestamptz", "text")
    told = ", ".join(f"{name}::{kind} AS {name}" for name, kind in zip(FEW, types, strict=True))
    values = ", ".join(f"({row})" for row in rows)
    query = f"SELECT {told} FROM (VALUES {values}) AS v ({', '.join(FEW)})"
    found = copy_out(connection, query, FEW)
    monkeypatch.setattr(few, "FEW_BYTES", 0)
    assert_frame_equal(found, copy_out(connection, query, FEW))


def test_a_query_that_fails_half_way_raises_and_leaves_the_session_usable(connection):
    with pytest.raises(psycopg.errors.DivisionByZero), transaction.atomic():
        copy_out(connection, "SELECT 1 / (70000 - i) AS a FROM generate_series(1, 99999) i", {"a": pl.Int64})
    assert copy_out(connection, "SELECT 1 AS a", {"a": pl.Int64}).item() == 1


def test_instants_are_read_alike_in_any_session_time_zone(connection):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'Asia/Kolkata'")
    query = "SELECT timestamptz '2026-01-01 00:00:00+00' AS at"
    assert copy_out(connection, query, {"at": pl.Datetime("us", "UTC")}).item() == datetime(
        2026, 1, 1, tzinfo=UTC
    )


def test_merge_inserts_updates_or_leaves(connection):
    copy_in(
        connection, "everything", pl.DataFrame({"id": [1, 2], "note": ["old", "old"], "code": ["k", "k"]})
    )
    frame = pl.DataFrame({"id": [2, 3], "note": ["new", "new"], "code": ["z", "z"]})
    assert merge_in(connection, "everything", frame, key=["id"], update=["note"]) == 2
    assert read(connection, ["id", "note", "code"]).rows() == [
        (1, "old", "k"),
        (2, "new", "k"),
        (3, "new", "z"),
    ]
    assert (
        merge_in(connection, "everything", frame.with_columns(id=pl.col("id") + 1), key=["id"], update=[])
        == 1
    )


def test_update_touches_only_the_keys_and_columns_named(connection):
    copy_in(
        connection, "everything", pl.DataFrame({"id": [1, 2], "note": ["old", "old"], "code": ["k", "k"]})
    )
    frame = pl.DataFrame({"id": [2, 9], "note": ["new", "new"], "code": ["z", "z"]})
    assert update_from(connection, "everything", frame, key=["id"], columns=["note"]) == 1
    assert read(connection, ["id", "note", "code"]).rows() == [(1, "old", "k"), (2, "new", "k")]


EVERYTHING = {
    "small": [-32768, None],
    "medium": [2**31 - 1, None],
    "flag": [True, None],
    "note": ["100 % \\ 'quoted' \"twice\" {braces}", None],
    "code": ["", None],
    "day": [date(2024, 2, 29), None],
    "at": [datetime(2026, 3, 8, 7, 30, 0, 123456, tzinfo=UTC), None],
    "wall": [datetime(1999, 12, 31, 23, 59, 59, 999999), None],
    "raw": [b"\x00\xff'", None],
    "price": [Decimal("-1234567890.12"), None],
    "weight": [0.1, None],
}


@pytest.mark.parametrize("rows", [1, 2, WRITTEN_OUT_ROWS, WRITTEN_OUT_ROWS + 1])
def test_few_rows_arrive_as_many_do(connection, rows):
    """Rows written into the statement, and rows in a temporary table, are the same rows."""
    values = {name: [pair[number % 2] for number in range(rows)] for name, pair in EVERYTHING.items()}
    frame = pl.DataFrame({"id": range(rows)} | values, schema=EVERY_TYPE)
    columns = list(EVERYTHING)
    assert merge_in(connection, "everything", frame, key=["id"], update=columns) == rows
    assert read(connection, frame.columns).equals(frame)
    turned = frame.with_columns(pl.col(columns).reverse())
    assert update_from(connection, "everything", turned, ["id"], columns) == rows
    assert read(connection, frame.columns).equals(turned)


@pytest.mark.parametrize("rows", [0, 1, WRITTEN_OUT_ROWS + 1])
def test_wrong_types_are_refused_however_few_rows(connection, rows):
    for frame in (
        pl.DataFrame({"id": range(rows), "day": ["2026-01-01"] * rows}, schema_overrides={"day": pl.String}),
        pl.DataFrame({"id": range(rows), "nowhere": [1] * rows}, schema_overrides={"nowhere": pl.Int64}),
    ):
        for _ in range(2):
            with pytest.raises(ColumnMismatch):
                update_from(connection, "everything", frame, ["id"], [frame.columns[1]])


def test_writing_belongs_to_the_transaction(tables):
    with transaction.atomic():
        copy_in(tables, "everything", pl.DataFrame({"id": [1]}))
        merge_in(tables, "everything", pl.DataFrame({"id": [2]}), key=["id"], update=[])
        transaction.set_rollback(True)
    assert read(tables, ["id"]).is_empty()


def test_writing_works_outside_a_transaction(tables):
    with tables.cursor() as cursor:
        assert copy_in(cursor, "guarded", pl.DataFrame({"id": [1]})) == 1
        assert update_from(cursor, "guarded", pl.DataFrame({"id": [1], "note": ["x"]}), ["id"], ["note"]) == 1
        cursor.execute("TRUNCATE guarded")


def test_row_level_security_is_kept(connection):
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE ROLE face_of_test; GRANT ALL ON guarded TO face_of_test;
            ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
            CREATE POLICY own ON guarded USING (note = 'mine'); SET LOCAL ROLE face_of_test
        """)
        assert copy_in(connection, "guarded", pl.DataFrame({"id": [1], "note": ["mine"]})) == 1
        assert read(connection, ["id"], "guarded").height == 1
        with pytest.raises(Exception, match="row-level security"), transaction.atomic():
            copy_in(connection, "guarded", pl.DataFrame({"id": [2], "note": ["theirs"]}))


def test_a_models_schema_fits_its_table(connection):
    schema = schema_of(User)
    assert schema["id"] == pl.Int64
    assert schema["date_joined"] == pl.Datetime("us", "UTC")
    copy_in(connection, "accounts_user", pl.DataFrame(schema=schema))
    assert schema_of(Permission)["content_type_id"] == pl.Int32
