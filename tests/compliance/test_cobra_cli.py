"""COBRA on the command line and as a report: what was lost, why, what is due, what was sent."""

from datetime import date

import polars as pl
from tests.compliance.test_cobra_duties import LAST_DAY, SPRING, covered_person, resign, take_back

from openbenefits.workforce.models import Person

LOSS = ("--client", "harbor", "--cover", "medical", "--lost-on", "2026-04-01")


def read(cli, path) -> dict[str, pl.DataFrame]:
    said = cli("report", "COBRA", "--client", "harbor", "--as-of", SPRING, "--csv", path)
    assert said.exit_code == 0, said.output
    return {one.stem: pl.read_csv(one, infer_schema_length=None) for one in sorted(path.parent.glob("*.csv"))}


def test_duties_from_the_command_line(fresh_database, enrolled, cli, tmp_path):
    person_id = covered_person(fresh_database, enrolled)
    number = Person.objects.get(id=person_id).employee_number
    record = ("cobra", "record", "--client", "harbor", "--as-of", SPRING)
    assert cli(*record).exit_code == 0
    resign(fresh_database, enrolled, person_id)
    assert "termination" in cli(*record).output
    assert "Nothing to record" in cli(*record).output

    path = tmp_path / "cobra.csv"
    sheets = read(cli, path)
    lost = sheets["cobra"].filter(pl.col("employee_number") == number, cover="medical")
    lost = lost.filter(pl.col("dependent").is_null())
    assert lost["verdict"].to_list() == ["qualifies"]
    assert lost["reason"].to_list() == ["employment ended"]
    assert lost["happened_on"].to_list() == [str(LAST_DAY)]
    duties = next(sheet for name, sheet in sheets.items() if "utie" in name)
    due = duties.filter(pl.col("employee_number") == number, cover="medical")
    due = due.filter(pl.col("dependent").is_null())
    assert due["days_left"].to_list() == [(date(2026, 4, 28) - SPRING).days]

    said = cli("cobra", "decide", *LOSS, "--person", number, "--cause", "none", "--reason", "no")
    assert said.exit_code == 1
    assert "employment ended" in said.output
    said = cli("cobra", "decide", *LOSS, "--person", number, "--cause", "weather", "--reason", "no")
    assert said.exit_code == 2
    said = cli("cobra", "notice", *LOSS, "--person", number, "--dependent", "77", "--reason", "by mail")
    assert "no dependent number 77" in said.output
    said = cli("cobra", "notice", *LOSS, "--person", number, "--reason", "by mail", "--on", "2026-04-20")
    assert "election notice is recorded" in said.output
    cli(*record)
    take_back(fresh_database, enrolled, person_id)
    assert "to be corrected" in cli(*record).output
