"""Pure decisions: tiers, prices, who takes which plan, measures, hard filters, scores."""
