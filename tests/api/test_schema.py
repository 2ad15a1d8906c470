"""Requests made from the description of the API: nothing breaks, and every answer is as described."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from tests.api.conftest import API, Filled

from openbenefits.api import urls
from openbenefits.api.naming import id_of
from openbenefits.api.urls import api
from openbenefits.events.models import Event

EXAMPLES = int(os.environ.get("OPENBENEFITS_API_EXAMPLES", "2"))
"""Good and bad requests of each operation; `make fuzz` asks for more."""
ASKED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
REFUSED = ["2xx", "403", "404", "409", "422"]
"""What a request of the right shape may be answered: a use case may refuse it."""


@pytest.fixture(scope="module")
def known(filled: Filled) -> dict[str, Any]:
    """Ids there are, so that many requests reach something."""
    event = Event.objects.filter(client_id=filled.employers["harbor"].client_id).order_by("pk")[0]
    return {
        "client": "harbor",
        "person_id": event.person_id,
        "event_id": id_of(event),
        "schedule": "OE26",
        "run_id": 1,
        "code": "BAS003",
    }


def operations() -> Iterator[Any]:
    checks = {"positive_data_acceptance": {"expected-statuses": REFUSED}}
    config = schemathesis.Config.from_dict({"checks": checks})
    described = schemathesis.openapi.from_wsgi(f"{API}/openapi.json", get_wsgi_application(), config=config)
    return (found.ok() for found in described.get_all_operations())


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
def test_every_answer_is_as_described(filled, known, as_face, mode):
    headers = {"Authorization": f"Bearer {filled.secrets['harbor']}"}
    asked = [ask(operation, mode, known, headers) for operation in operations()]
    assert len(asked) > 100
    assert all(asked)


def ask(operation: Any, mode: GenerationMode, known: dict[str, Any], headers: dict[str, str]) -> int:
    """Ask for an operation a few times; answer how often."""
    count = 0

    @ASKED
    @given(case=operation.as_strategy(generation_mode=mode), is_there=st.booleans())
    def asked(case: Any, is_there: bool) -> None:
        nonlocal count
        count += 1
        if mode is GenerationMode.POSITIVE:
            named = {name for name in case.path_parameters if is_there or name == "client"}
            case.path_parameters |= {name: known[name] for name in named & set(known)}
        case.call_and_validate(headers=headers)

    asked()
    return count


def test_the_description_names_every_shape_once():
    """Two shapes of one name would overwrite one another in the description."""
    found: dict[str, set[str]] = {}
    for resource in urls.RESOURCES:
        for shape in vars(resource).values():
            if hasattr(shape, "model_fields"):
                found.setdefault(shape.__name__, set()).add(shape.__module__)
    assert {name: modules for name, modules in found.items() if len(modules) > 1} == {}


def test_every_operation_says_what_it_is(filled):
    described = api.described
    assert described["openapi"].startswith("3.1")
    assert described["components"]["securitySchemes"]["Key"]["scheme"] == "bearer"
    operations = [one for methods in described["paths"].values() for one in methods.values()]
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        assert operation["tags"]
        assert operation["security"] == [{"Key": []}]
    assert len({one["operationId"] for one in operations}) == len(operations)


def test_amounts_are_whole_and_have_their_unit_in_their_name(filled):
    for name, shape in api.described["components"]["schemas"].items():
        for field, said in shape.get("properties", {}).items():
            assert "number" not in str(said.get("type")), (name, field)
            assert not field.endswith(("_dollars", "amount")), (name, field)
