"""The best plan on the command line: a prospect's packages priced, ranked, ordered again, compared; its tier."""

import re
from pathlib import Path

import fastexcel

from openbenefits.sample import SAMPLE_FOLDER

FOLDER = SAMPLE_FOLDER / "matching"
PROSPECT = ("--census", FOLDER / "prospect.csv", "--prices-on", "2026-02-01")


def test_a_prospect_from_packages_to_a_workbook(cli, set_up, tmp_path: Path) -> None:
    priced = cli("match", "price", FOLDER / "packages.csv", *PROSPECT)
    assert priced.exit_code == 0, priced.output
    assert "contribution" in priced.output
    book = tmp_path / "packages.xlsx"
    ranked = cli("match", "rank", FOLDER / "packages.csv", *PROSPECT, "--xlsx", book)
    assert ranked.exit_code == 0, ranked.output
    assert "Packages" in fastexcel.read_excel(book).sheet_names
    number = re.search(r"Comparison (\d+), ordering 1", ranked.output).group(1)
    again = cli("match", "again", number, "--weights", "margin=100", "--reason", "what the PEO earns")
    assert f"Comparison {number}, ordering 2" in again.output
    assert cli("match", "show", number, "--ordering", 1).exit_code == 0
    beside = cli("match", "compare", number, "GOLD-NHP", "POOL", "--by", "tier")
    assert beside.exit_code == 0, beside.output


def test_a_tier_and_what_is_refused(cli, set_up, tmp_path: Path) -> None:
    tables = (
        "--bands",
        FOLDER / "tier_bands.csv",
        "--rates",
        FOLDER / "tier_rates.csv",
        "--on",
        "2026-01-20",
    )
    census = ("--census", FOLDER / "prospect.csv")
    tier = cli("match", "tier", *tables, *census, "--single-rate", "520", "--max-discount", "10")
    assert "Control tier C" in tier.output
    assert cli("match", "tier", *tables, *census, "--override", "E").exit_code == 1
    assert cli("match", "show", 999).exit_code == 1
    assert cli("match", "price", *PROSPECT).exit_code == 2
    wrong = tmp_path / "packages.csv"
    wrong.write_text("package,category,plan,premium_ee\nA,medical,P,lots\n")
    refused = cli("match", "price", wrong, *PROSPECT)
    assert refused.exit_code == 1
    assert "premium_ee" in refused.output
    assert cli("match", "rank", FOLDER / "packages.csv", *PROSPECT, "--weights", "fame=3").exit_code == 1
