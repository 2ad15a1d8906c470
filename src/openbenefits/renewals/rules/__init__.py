"""Pure decisions of renewals: prices and totals of offers, dates, successors, differences."""
