"""Any query of the declaration: it runs, says what Polars says of the whole, and never shows another client's row."""

from datetime import date

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.adhoc.conftest import DAY, EVERYWHERE, access_to

from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import working
from openbenefits.adhoc.declared import Kind
from openbenefits.adhoc.operators import OPERATORS
from openbenefits.adhoc.query import (
    FUNCTIONS,
    Aggregate,
    Filter,
    Order,
    Query,
    document_of,
    output_name,
    read_query,
)
from openbenefits.adhoc.running import run_query, run_whole
from openbenefits.adhoc.subjects import SUBJECTS

MANY = settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
STORED = [name for name, one in SUBJECTS.items() if one.rows is None]


@pytest.fixture(scope="module")
def wholes(database, filled):
    """Every subject whole, as the owner of the tables sees it: what queries are held against."""
    found = {}
    for name, subject in SUBJECTS.items():
        query = Query(subject=name, columns=tuple(subject.fields))
        if subject.rows is None:
            found[name] = run_whole(database, query, EVERYWHERE, as_of=DAY).frame
        else:
            parts = [
                run_whole(database, query, EVERYWHERE, as_of=DAY, client_id=one.client_id).frame
                for one in filled
            ]
            found[name] = pl.concat(parts)
    return found


@pytest.mark.parametrize("name", SUBJECTS)
def test_every_subject_has_rows_of_both_clients_and_every_field_can_be_read(wholes, name):
    assert wholes[name].columns == list(SUBJECTS[name].fields)
    if name != "runs":
        assert sorted(wholes[name]["client"].unique()) == ["harbor", "quill"], name


COUNTS = {
    "people": "SELECT count(*) FROM workforce_person",
    "events": "SELECT count(*) FROM events_event",
    "dependents": "SELECT count(*) FROM workforce_dependent",
    "messages": "SELECT count(*) FROM events_message WHERE is_current",
    "options": "SELECT count(*) FROM enrollment_eventoption JOIN events_event USING (client_id, person_id,"
    " benefit_record, schedule_id, event_number, preparation)",
    "elections": "SELECT count(*) FROM (SELECT DISTINCT client_id, person_id, benefit_record, schedule_id,"
    " event_number, plan_type, slot FROM enrollment_election) AS x",
    "documents": "SELECT count(*) FROM delivery_document",
    "taken": "SELECT count(*) FROM workforce_person WHERE id % 2 = 0",
}


@pytest.mark.parametrize("name", COUNTS)
def test_joins_add_no_row_and_take_none_away(database, wholes, name):
    with database.cursor() as cursor:
        cursor.execute(COUNTS[name])
        assert wholes[name].height == cursor.fetchone()[0]


@st.composite
def conditions(draw, subject, whole):
    field = subject.fields[draw(st.sampled_from(list(subject.fields)))]
    fitting = [name for name, one in OPERATORS.items() if field.kind in one.kinds]
    name = draw(st.sampled_from(fitting))
    operator = OPERATORS[name]
    known = [
        one for one in whole[field.name].drop_nulls().unique(maintain_order=True).to_list() if one != ""
    ][:30]
    if operator.values == 0:
        return Filter(field=field.name, operator=name)
    if operator.is_days:
        return Filter(field=field.name, operator=name, values=(str(draw(st.integers(0, 400))),))
    if field.kind is Kind.CODE:
        known = [one for one in known if one in field.words] + list(field.words)[:2]
    value = st.sampled_from(known) if known else st.just({Kind.DAY: DAY}.get(field.kind, 7))
    count = operator.values or draw(st.integers(1, 3))
    return Filter(
        field=field.name, operator=name, values=tuple(said(field, draw(value)) for _ in range(count))
    )


def said(field, value):
    if field.kind is Kind.MONEY:
        sign = "-" if value < 0 else ""
        return f"{sign}{abs(value) // 100}.{abs(value) % 100:02}"
    return value.isoformat() if isinstance(value, date) else str(value)[:200]


@st.composite
def queries(draw, wholes):
    subject = SUBJECTS[draw(st.sampled_from(STORED))]
    names = list(subject.fields)
    filters = tuple(draw(st.lists(conditions(subject, wholes[subject.name]), max_size=2)))
    if draw(st.booleans()):
        columns = tuple(draw(st.lists(st.sampled_from(names), min_size=1, max_size=6, unique=True)))
        query = Query(subject=subject.name, columns=columns, filters=filters)
        outputs = list(columns)
    else:
        groups = tuple(draw(st.lists(st.sampled_from(names), max_size=2, unique=True)))
        aggregates = draw(st.lists(aggregated(subject), min_size=1, max_size=3, unique_by=output_name))
        query = Query(subject=subject.name, filters=filters, groups=groups, aggregates=tuple(aggregates))
        outputs = [*groups, *(output_name(one) for one in aggregates)]
    by = draw(st.lists(st.sampled_from(outputs), max_size=2, unique=True))
    order = tuple(Order(by=one, descending=draw(st.booleans())) for one in by)
    return read_query(document_of(query) | {"order": [document_of_order(one) for one in order]})


def document_of_order(order):
    return {"by": order.by, "descending": order.descending}


@st.composite
def aggregated(draw, subject):
    function = draw(st.sampled_from(list(FUNCTIONS)))
    fitting = [one.name for one in subject.fields.values() if one.kind in FUNCTIONS[function][1]]
    if function == "count" or not fitting:
        return Aggregate(function="count")
    return Aggregate(function=function, field=draw(st.sampled_from(fitting)))


def by_polars(query, whole):
    """The same in Polars, over the whole subject."""
    fields = SUBJECTS[query.subject].fields
    for one in query.filters:
        whole = whole.filter(condition(fields[one.field], one))
    if query.is_grouped:
        reckoned = [reckon(one) for one in query.aggregates]
        whole = whole.group_by(list(query.groups)).agg(reckoned) if query.groups else whole.select(reckoned)
    else:
        whole = whole.select(query.columns)
    asked = {one.by: one.descending for one in query.order}
    by = [*asked, *(name for name in whole.columns if name not in asked)]
    return whole.sort(by, descending=[asked.get(name, False) for name in by], nulls_last=True)


def reckon(one):
    if one.function == "count":
        return pl.len().cast(pl.Int64).alias("count")
    column = pl.col(one.field)
    if one.function == "distinct":
        return column.drop_nulls().n_unique().cast(pl.Int64).alias(output_name(one))
    if one.function == "sum":  # of nothing known nothing is known
        return pl.when(column.count() > 0).then(column.sum()).alias(output_name(one))
    return getattr(column, one.function)().alias(output_name(one))


def condition(field, one):
    column = pl.col(field.name)
    read = {Kind.NUMBER: int, Kind.MONEY: lambda text: round(float(text) * 100), Kind.DAY: date.fromisoformat}
    values = (
        [read.get(field.kind, str)(text) for text in one.values]
        if one.operator not in ("last_days", "next_days")
        else [int(one.values[0])]
    )
    found = {
        "is": lambda: column == values[0],
        "is_not": lambda: column.ne_missing(values[0]),
        "one_of": lambda: column.is_in(values),
        "contains": lambda: column.str.to_lowercase().str.contains(values[0].lower(), literal=True),
        "begins_with": lambda: column.str.to_lowercase().str.starts_with(values[0].lower()),
        "at_least": lambda: column >= values[0],
        "at_most": lambda: column <= values[0],
        "between": lambda: column.is_between(values[0], values[1]),
        "last_days": lambda: column.is_between(pl.lit(DAY) - pl.duration(days=values[0]), DAY),
        "next_days": lambda: column.is_between(DAY, pl.lit(DAY) + pl.duration(days=values[0])),
        "yes": lambda: column.fill_null(value=False),
        "no": lambda: ~column.fill_null(value=False),
        "known": lambda: column.is_not_null(),
        "unknown": lambda: column.is_null(),
    }[one.operator]()
    return found.fill_null(value=False)


@MANY
@given(data=st.data())
def test_any_query_says_what_polars_says_of_the_whole(database, wholes, filled, data):
    query = data.draw(queries(wholes))
    found = run_whole(database, query, EVERYWHERE, as_of=DAY)
    expected = by_polars(query, wholes[query.subject])
    assert found.total == expected.height
    assert found.frame.equals(expected), (found.frame, expected)


@MANY
@given(data=st.data())
def test_nobody_sees_a_row_of_another_client(as_face, wholes, filled, data):
    """As the web does it, under row-level security: what is found is what is found among one's own."""
    query = data.draw(queries(wholes))
    place = data.draw(st.integers(0, 1))
    assume(query.subject != "runs")
    code = ("harbor", "quill")[place]
    access = access_to(filled[place].client_id)
    with working(as_face, access):
        found = run_whole(as_face, query, access, as_of=DAY)
    own = wholes[query.subject].filter(client=code)
    assert found.frame.equals(by_polars(query, own))


@pytest.mark.parametrize("name", STORED)
def test_pages_together_are_the_whole(database, wholes, name):
    query = Query(subject=name, columns=SUBJECTS[name].first)
    parts = [
        run_query(database, query, EVERYWHERE, as_of=DAY, page=page, rows=9).frame for page in range(1, 4)
    ]
    whole = run_whole(database, query, EVERYWHERE, as_of=DAY).frame
    assert pl.concat(parts).equals(whole.head(27))


GUARDED = [(RoleCode.BROKER, "people", "birth_on"), (RoleCode.PAYROLL, "people", "is_smoker")]


@pytest.mark.parametrize(("role", "subject", "field"), GUARDED)
def test_what_a_reader_may_not_see_is_not_known_to_conditions_either(database, filled, role, subject, field):
    access = access_to(filled[0].client_id, code=role)
    asked = Query(
        subject=subject, columns=("employee_number", field), filters=(Filter(field=field, operator="known"),)
    )
    found = run_query(database, asked, access, as_of=DAY)
    assert (found.total, found.withheld) == (0, (SUBJECTS[subject].fields[field].title,))
    grouped = Query(subject=subject, groups=(field,), aggregates=(Aggregate(function="count"),))
    assert run_query(database, grouped, access, as_of=DAY).frame[field].to_list() == [None]
    specialist = access_to(filled[0].client_id)
    assert run_query(database, asked, specialist, as_of=DAY).total > 0


def test_what_the_next_pay_owes_is_of_one_client(as_face, wholes, filled):
    access = access_to(filled[0].client_id)
    query = Query(subject="owed", groups=("tax",), aggregates=(Aggregate(function="sum", field="owed"),))
    with working(as_face, access):
        found = run_query(as_face, query, access, as_of=DAY, client_id=filled[0].client_id)
        with pytest.raises(ValueError, match="expected one client"):
            run_query(as_face, query, access, as_of=DAY)
    own = wholes["owed"].filter(client="harbor")
    assert found.frame.equals(by_polars(query, own))
    assert found.frame["sum_owed"].sum() > 0
