"""Step 9, a prospect: packages of plans priced for its people, and ordered for client, staff and PEO."""

from datetime import date

from openbenefits.cli.demo.stage import ACTOR, Stage, at
from openbenefits.cli.screen import console, say, table_of
from openbenefits.matching import files, services, sheets
from openbenefits.matching.candidates import Candidates
from openbenefits.matching.rules.ranking import DEFAULT_WEIGHTS
from openbenefits.programs.frames import PEO
from openbenefits.reports.files import write_xlsx
from openbenefits.sample import SAMPLE_FOLDER

ASKED_ON, BEGINS = date(2025, 11, 3), date(2026, 1, 1)
PACKAGES, CENSUS = SAMPLE_FOLDER / "matching" / "packages.csv", SAMPLE_FOLDER / "matching" / "prospect.csv"
CHOSEN = "POOL"
"""What the prospect takes: second in the order of the weights, and cheaper for it than the first."""
SHOWN = (
    "rank",
    "code",
    "standing",
    "points",
    "employer_cents",
    "employee_cents",
    "margin_cents",
    "richness_hundredths",
    "disruption_hundredths",
)


def play(stage: Stage) -> None:
    """Rank the sample's packages for the sample's prospect, and write the workbook."""
    with stage.step("9 A prospect: which package is best for client, staff and PEO"):
        asked = services.Asked(
            client_id=PEO,
            title="Prospect of the demo",
            as_of=ASKED_ON,
            prices_on=BEGINS,
            candidates=candidates(),
            census=files.read_census(CENSUS.name, CENSUS.read_bytes()).found,
            weights=DEFAULT_WEIGHTS,
        )
        made = services.compare(stage.connection, asked, made_by=ACTOR, now=at(ASKED_ON))
        kept = services.look(PEO, made.comparison_id)
        table = sheets.packages(kept)
        worded = sheets.with_words(table).select(SHOWN)
        console.print(table_of(sheets.in_dollars(worded), title="A month, in the order of the weights"))
        refused = sheets.refused(kept)
        say(f"{refused.height} refusals, each with its reason; nothing is hidden. Weights: {DEFAULT_WEIGHTS}")
        book = write_xlsx(stage.output("reports", "prospect.xlsx"), sheets.workbook(kept))[0]
        say(f"The comparison as a workbook: {book}")
        rank = table.filter(code=CHOSEN).row(0, named=True)["rank"]
        say(f"The prospect takes {CHOSEN}: number {rank} by the weights, and cheaper for it than the first.")


def candidates() -> Candidates:
    """Read the sample's packages."""
    return files.read_candidates(PACKAGES.name, PACKAGES.read_bytes()).found
