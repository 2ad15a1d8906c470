"""Set-up as files, by commands: export, rate sheets, limits."""

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
