"""The small employer, and files for it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.apps import apps

from openbenefits.events.models import StatusMove
from openbenefits.programs import services as setup
from openbenefits.programs.models import SetupKey
from openbenefits.workforce.models import Client
from openbenefits.workforce.services import add_client

from .worlds import NOW, World

sys.path.insert(0, str(Path(__file__).parents[1]))

from programs.factories import make_client, make_peo


@pytest.fixture(scope="module")
def employer(database: Any, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The client and its set-up, without people."""
    folder = tmp_path_factory.mktemp("bundles")
    client = add_client("acme", "Acme")
    for bundle, client_id in ((make_peo(folder / "peo"), 0), (make_client(folder / "acme"), client.pk)):
        assert setup.apply(bundle, client_id=client_id, applied_by="test", now=NOW).release
    rows = SetupKey.objects.filter(client_id=client.pk).values_list("kind", "code", "id")
    return World(
        connection=database,
        client_id=client.pk,
        numbers={(kind, code): number for kind, code, number in rows},
    )


@pytest.fixture
def world(employer: World) -> Iterator[World]:
    """The employer; whoever a test hires is gone after it."""
    yield employer
    tables = [
        model._meta.db_table
        for app in ("workforce", "events", "enrollment")
        for model in apps.get_app_config(app).get_models()
        if model._meta.managed and model not in (Client, StatusMove)
    ]
    with employer.connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)}")


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[..., Path]:
    """Answer a function that writes rows of a file, each a mapping of column to text."""

    def make(*rows: dict[str, str], name: str = "file.csv") -> Path:
        path = tmp_path / name
        frame = pl.DataFrame(list(rows), infer_schema_length=None)
        if path.suffix == ".xlsx":
            frame.write_excel(path)
        else:
            frame.write_csv(path)
        return path

    return make
