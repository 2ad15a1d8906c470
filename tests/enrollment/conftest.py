"""The small employer, and files for it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from openbenefits.programs import services as setup
from openbenefits.programs.models import SetupKey
from openbenefits.workforce.services import add_client

from .worlds import NOW, World

sys.path.insert(0, str(Path(__file__).parents[1]))

from programs.factories import make_client, make_peo


@pytest.fixture
def world(fresh_database: Any, tmp_path: Path) -> World:
    client = add_client("acme", "Acme")
    assert setup.apply(make_peo(tmp_path / "peo"), client_id=0, applied_by="test", now=NOW).release
    assert setup.apply(
        make_client(tmp_path / "acme"), client_id=client.pk, applied_by="test", now=NOW
    ).release
    rows = SetupKey.objects.filter(client_id=client.pk).values_list("kind", "code", "id")
    return World(
        connection=fresh_database,
        client_id=client.pk,
        numbers={(kind, code): number for kind, code, number in rows},
    )


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
