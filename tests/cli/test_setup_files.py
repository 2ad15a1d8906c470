"""Set-up as files, by commands: export, rate sheets, limits."""

import csv
import json
import shutil

from openbenefits.sample import SAMPLE_FOLDER


def done(result):
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def refused(result):
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


def test_what_is_in_force_is_exported_and_compared(cli, fresh_database, set_up, tmp_path):
    assert "release 1 of quill" in done(cli("setup", "export", "quill", tmp_path / "out"))
    assert "no differences" in done(cli("setup", "diff", tmp_path / "out"))
    assert "a new or empty folder" in refused(cli("setup", "export", "quill", tmp_path / "out"))
    assert "release 1 of peo" in done(cli("setup", "export", "peo", tmp_path / "all", "--history"))
    assert (tmp_path / "all" / "release-0001" / "premiums.csv").exists()
    assert "one of the releases 1, found 4" in refused(
        cli("setup", "export", "peo", tmp_path / "x", "--release", 4)
    )
    assert "found both" in refused(cli("setup", "export", "peo", tmp_path / "x", "--release", 1, "--history"))


def test_a_rate_sheet_goes_out_and_comes_back(cli, tmp_path):
    folder = shutil.copytree(SAMPLE_FOLDER / "peo", tmp_path / "peo")
    sheet = tmp_path / "hdhp.xlsx"
    table = "SAMPLE-HDHP"
    assert "Written" in done(cli("setup", "rate-sheet", folder, table, sheet, "--over", "coverage_code"))
    order = ("setup", "rates", folder, table, sheet, "--from", "2027-01-01", "--source", "letter")
    assert "0 new, 0 changed, 0 gone, 5 same" in done(cli(*order))
    written = done(cli(*order, "--apply"))
    assert "rates-SAMPLE-HDHP-2027-01-01.csv" in written
    assert "no errors" in done(cli("setup", "check", folder))
    wrong = tmp_path / "2026.csv"
    wrong.write_text("tier,rate\n1,4500\n")
    order = ("setup", "rates", folder, table, wrong, "--from", "2028-01-01", "--source", "letter", "--apply")
    text = refused(cli(*order))
    for word in ("found 2026", "none for 12, 2, 3, 4", "$4,500.00", "refused, 3 errors"):
        assert word in text
    assert not list(folder.glob("*2028*"))


def test_limits_are_looked_up_by_year(cli, fresh_database, set_up):
    assert "$3,400.00" in done(cli("limits", "list"))
    assert "2026: $3,400.00 per plan year (Rev. Proc." in done(
        cli("limits", "show", "health_fsa_salary_reduction")
    )
    late = refused(cli("limits", "show", "health_fsa_salary_reduction", "--year", 2027))
    assert "the last known year is 2026" in late
    assert "contiguous: $135.92 a month" in done(cli("limits", "affordability", "--plan-year", "2027-01-01"))
    assert "one of the limits" in refused(cli("limits", "show", "fsa", "--peo", SAMPLE_FOLDER / "peo"))
    assert "found a client's" in refused(cli("limits", "list", "--peo", SAMPLE_FOLDER / "clients/quill"))


def dearer(set_up, folder):
    """Copy a client's set-up and let the employer pay less."""
    changed = shutil.copytree(set_up / "quill", folder)
    rules = changed / "rules.yaml"
    rules.write_text(rules.read_text().replace("fixed_monthly: 325", "fixed_monthly: 250"))
    return changed


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_comparison_is_written_as_csv_and_json_and_both_say_the_same(
    cli, fresh_database, set_up, people, tmp_path
):
    files = people.of("quill")
    done(cli("census", "apply", files.census, "--client", "quill", "--as-of", "2025-10-01"))
    done(cli("takeover", files.current_coverage, "--client", "quill"))
    as_csv, as_json = tmp_path / "diff.csv", tmp_path / "diff.json"
    order = ("setup", "diff", dearer(set_up, tmp_path / "quill"), "--as-of", "2025-10-02")
    text = done(cli(*order, "--csv", as_csv, "--json", as_json))
    assert str(as_json.name) in text
    found = json.loads(as_json.read_text())
    assert list(found) == ["records", "standing", "whom", "dollars", "people"]
    assert found["records"] == [one for one in found["records"] if (one["old"], one["new"]) == ("325", "250")]
    assert found["records"]
    assert all(one["change"] == "changed" for one in found["records"])
    assert {(one["client"], one["standing"]) for one in found["standing"]} == {("quill", "own")}
    assert {one["change"] for one in found["whom"]} == {"price changed"}
    moved = {one["person_id"] for one in found["people"]}
    assert sum(one["people"] for one in found["whom"]) == len(moved) > 0
    assert all(one["client"] == "quill" for name in ("whom", "dollars", "people") for one in found[name])
    rises = [one["employee_month_cents_after"] - one["employee_month_cents"] for one in found["dollars"]]
    assert sum(rises) == -sum(
        one["employer_month_cents_after"] - one["employer_month_cents"] for one in found["dollars"]
    )
    assert sum(rises) > 0
    paths = {"records": as_csv} | {
        name: tmp_path / f"diff-{name}.csv" for name in ("standing", "whom", "dollars", "people")
    }
    for name, path in paths.items():
        texts = [
            {key: "" if value is None else str(value).lower() for key, value in one.items()}
            for one in found[name]
        ]
        assert [{key: value.lower() for key, value in one.items()} for one in rows_of(path)] == texts


def test_a_comparison_without_people_writes_records_and_clients_only(cli, fresh_database, set_up, tmp_path):
    as_json = tmp_path / "diff.json"
    folder = dearer(set_up, tmp_path / "quill")
    header = folder / "groups.yaml"
    header.write_text(header.read_text().replace("code: quill", "code: newcomer", 1))
    done(cli("setup", "diff", folder, "--json", as_json))
    found = json.loads(as_json.read_text())
    assert list(found) == ["records", "standing"]
    assert {one["change"] for one in found["records"]} == {"added"}
