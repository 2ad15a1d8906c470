"""The process that sets letters: `python -m openbenefits.reports.typesetter`, an order in JSON on its input.

A process per batch, because Typst keeps what it has set: in one process its memory grows by 2.5 MB a letter
and each batch takes longer than the one before. It imports nothing of ours.
"""

import json
import sys
from typing import Literal

import typst

ACCESSIBLE: Literal["ua-1"] = "ua-1"
"""PDF/UA-1: tagged, with a title and a language, readable by a screen reader; Typst refuses what is not."""


def main() -> None:
    """Set each job's data file into its output file; a fault of a template ends in an error exit."""
    order = json.load(sys.stdin)
    compiler = typst.Compiler(order["template"], root=order["root"], ignore_system_fonts=True)
    standard = ACCESSIBLE if order["format"] == "pdf" else None
    for job in order["jobs"]:
        inputs = {"paper": order["paper"], **job["inputs"]}
        compiler.compile(
            output=job["output"], format=order["format"], sys_inputs=inputs, pdf_standards=standard
        )


if __name__ == "__main__":
    main()
