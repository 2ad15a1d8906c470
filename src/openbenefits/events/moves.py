"""The legal moves of the process status, as data (event-processing §6.2, rulings §1.6–1.8).

'' is an event that is scheduled and not yet processed.
"""

ASSIGNED = "program assigned or not"
AGAIN = "process indicator A: assign again"

DECIDED = ("PR", "NT", "ET", "EE", "RE", "FE", "FP", "FA", "PE")
"""Where an event may stand when it is to be decided again."""

MOVES: tuple[tuple[str, str, str], ...] = (
    ("", "AS", "exactly one program"),
    ("", "AN", "no program"),
    ("", "AE", "more than one program, or undecided"),
    ("AE", "AS", "corrected"),
    ("AE", "AN", "corrected: no program"),
    ("AN", "AS", "corrected: one program"),
    ("AN", "AE", "corrected: more than one program"),
    ("AN", "FA", "no program and nothing to end"),
    ("AN", "PR", "no program: coverage is to end"),
    ("AN", "PE", "no program: the ending cannot be decided"),
    ("AS", "AN", "assigned again: no program"),
    ("AS", "AE", "assigned again: not one program"),
    ("AS", "PR", "options prepared"),
    ("AS", "FP", "nothing to choose or to end"),
    ("AS", "PE", "error in options, prices or dates"),
    ("PE", "PR", "corrected"),
    ("PE", "FP", "corrected: nothing to choose"),
    ("PR", "NT", "statement issued or draft begun"),
    ("PR", "ET", "elections entered"),
    ("NT", "ET", "elections entered"),
    ("EE", "ET", "elections entered again"),
    ("RE", "ET", "elections entered again"),
    ("FE", "ET", "submitted again inside the window"),
    ("ET", "FE", "elections valid and posted"),
    ("ET", "EE", "elections have errors"),
    ("EE", "FE", "elections valid now, or finalised with defaults"),
    ("PR", "FE", "finalised with defaults, or nothing to choose"),
    ("NT", "FE", "finalised with defaults"),
    ("RE", "FE", "finalised with defaults"),
    ("PR", "EE", "partly entered: an election is missing"),
    ("FE", "RE", "process indicator R: re-enter"),
    ("AE", "AE", "still in error"),
    ("PE", "PE", "still in error"),
    ("EE", "EE", "still in error"),
    ("ET", "ET", "changed"),
    *((status, "AS", AGAIN) for status in DECIDED),
    *((status, "AN", "decided again: no program") for status in DECIDED),
    *((status, "AE", "decided again: not one program") for status in DECIDED),
    ("PR", "RE", "decided again: a choice no longer stands, and goes back to the person"),
)
