"""A carrier's list compared with our timeline."""
