"""Documented layouts, byte for byte, and read back to what was meant."""

import json
from pathlib import Path

import polars as pl
import pytest
from tests.carriers.layouts import contents
from tests.carriers.layouts.contents import VALUES

import openbenefits.carriers.layouts as layouts
from openbenefits.carriers.layouts.layout import json_schema, read_layout_file
from openbenefits.carriers.layouts.reading import read_back
from openbenefits.carriers.layouts.writing import write

EXAMPLES = sorted((Path(layouts.__file__).parent / "examples").glob("*.yaml"))
GOLDEN = Path(__file__).parents[1] / "golden"
SCHEMA = Path(__file__).parents[3] / "docs" / "schema" / "partner-layout.schema.json"


def of(name):
    (found,) = [one for one in EXAMPLES if one.stem == name]
    layout = read_layout_file(found)
    return layout, write(layout, getattr(contents, layout.content)(), VALUES)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda one: one.stem)
def test_a_partner_gets_its_file_byte_for_byte(file):
    layout, data = of(file.stem)
    assert layout.name == file.stem
    assert data == (GOLDEN / f"{file.stem}.txt").read_bytes()


def test_money_goes_out_and_comes_back_to_the_cent():
    layout, data = of("hsa_contributions")
    read = read_back(layout, data)
    assert read["detail"].select("employee money", "employer money", "correction").rows() == [
        (12_345, 5_000, "false"),
        (-1, 0, "true"),
    ]
    assert read["batch trailer"]["employee money"].to_list() == [12_345, -1]
    assert read["file trailer"].select("records", "people", "total").rows() == [(8, 2, 17_344)]
    assert {len(one) for one in data.decode().splitlines()} == {64}
    layout, data = of("savings_contributions")
    assert read_back(layout, data)["payroll"]["Deferral"].to_list() == [30_000, -30_000]


def test_what_is_asked_of_each_file_is_in_it():
    _, data = of("vision_eligibility")
    assert data.count(b"\r\n") == 5
    assert b"D|S|C||MUNOZ-GROSS|S1|20250201|U|V100||20250201|20260228\r\n" in data
    assert b"SOLO HAN" in data
    layout, data = of("cobra_events")
    read = read_back(layout, data)
    assert read["event"]["beneficiaries"].to_list() == [2, 1]
    assert read["plan"].select("plan", "monthly price").rows() == [
        ("PPO-1", 123_456),
        ("DENTAL-LOW", 4_620),
        ("PPO-1", 123_456),
        ("PPO-1", None),
    ]
    layout, data = of("disability_volumes")
    read = read_back(layout, data)
    assert read["employee"].select("std volume", "ltd volume").rows() == [(75_000, 325_003), (None, 325_003)]
    assert read["trailer"].select("employees", "annual volume").rows() == [(2, 725_006)]
    _, data = of("fsa_contributions")
    assert b'E77001,A101,"O""Hara, Jr",Bob,DCFSA,01/09/2026,-25.00,0.00,0.00,Adjustment\r\n' in data


def test_the_published_schema_is_that_of_the_code():
    assert json.loads(SCHEMA.read_text()) == json.loads(json.dumps(json_schema()))


def test_a_layout_reads_back_what_it_wrote():
    layout, data = of("vision_eligibility")
    rows = contents.enrollment().filter(line="VIS")
    read = read_back(layout, data)["member"]
    assert read["effective"].to_list() == rows["begins_on"].to_list()
    assert read["terminated"].to_list() == rows["ends_on"].to_list()
    assert read["plan"].to_list() == rows["plan"].to_list()
    assert read.filter(pl.col("tier").is_not_null())["subscriber id"].to_list() == ["S", "T"]
