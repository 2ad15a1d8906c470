"""Questions somebody puts together: a subject, columns, conditions, groups; no SQL comes in."""

from typing import Any

from django.db import connection
from ninja import Path, Query
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.adhoc.operators import OPERATORS
from openbenefits.adhoc.query import read_query
from openbenefits.adhoc.running import run_query
from openbenefits.adhoc.subjects import SUBJECTS
from openbenefits.api.naming import at
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import Body, Code, Day, PageNumber, Words, rows_of

router = Routes("queries")


class FieldShown(BaseModel):
    """A field that may be asked for."""

    name: str
    title: str
    kind: str
    guard: str | None = Field(description="The scope that shows it, where it wants one besides.")
    operators: list[str]


class SubjectShown(BaseModel):
    """What may be asked about, and its fields."""

    name: str
    title: str
    fields: list[FieldShown]


class Condition(Body):
    """A field, an operator by its name, and the values it wants, as text."""

    field: Code
    operator: Code
    values: list[Words] = Field(default_factory=list, max_length=200)


class GroupNumber(Body):
    """A number over the rows of a group: count, distinct, sum, min or max."""

    function: Code
    field: Code | None = None


class Sorting(Body):
    """By which column of the answer it is sorted."""

    by: Code
    descending: bool = False


class Question(Body):
    """What is asked for; with groups or aggregates, `columns` does not count."""

    subject: Code
    columns: list[Code] = Field(default_factory=list, max_length=40)
    filters: list[Condition] = Field(default_factory=list, max_length=20)
    groups: list[Code] = Field(default_factory=list, max_length=5)
    aggregates: list[GroupNumber] = Field(default_factory=list, max_length=40)
    order: list[Sorting] = Field(default_factory=list, max_length=5)
    as_of: Day | None = None


class Answered(BaseModel):
    """A page of rows by column, of how many; amounts are cents."""

    columns: dict[str, str]
    rows: list[dict[str, Any]]
    total: int
    page: int


@router.get("/clients/{client}/subjects", response=list[SubjectShown], summary="List what may be asked about")
def list_subjects(request: Any, client: Path[Code]) -> Any:
    """List the subjects of questions with their fields, and how each may be compared."""
    at(request, client, Permission.SEE)
    return [
        {
            "name": name,
            "title": str(subject.title),
            "fields": [
                {
                    "name": field,
                    "title": str(one.title),
                    "kind": str(one.kind),
                    "guard": None if one.guard is None else str(one.guard),
                    "operators": [word for word, by in OPERATORS.items() if one.kind in by.kinds],
                }
                for field, one in subject.fields.items()
            ],
        }
        for name, subject in SUBJECTS.items()
    ]


@router.post("/clients/{client}/queries", response=Answered, summary="Ask a question")
def ask_question(request: Any, client: Path[Code], said: Question, page: PageNumber = Query(1)) -> Any:
    """Answer a question put together of what may be asked about, with the rights of the key."""
    desk = at(request, client, Permission.SEE)
    asked = said.model_dump(mode="json", exclude_none=True)
    found = run_query(
        connection,
        read_query(asked),
        desk.access,
        as_of=said.as_of or desk.today,
        client_id=desk.client_id,
        page=page,
    )
    desk.saw(f"query of {said.subject}")
    titles = {one.name: str(one.title) for one in found.outputs}
    return {"columns": titles, "rows": rows_of(found.frame), "total": found.total, "page": page}
