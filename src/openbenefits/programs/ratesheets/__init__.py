"""A carrier's rate sheet: read in either layout, checked, compared with the rates in force, written down."""
