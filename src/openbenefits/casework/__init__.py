"""Tasks and cases: what a person has to do, by when, and what becomes of it."""
