"""Plans for clients on screen: price lists, batches and offers, underwriting, jobs, who has elected."""

from openbenefits.workbench.renewals import acts, batches, offers, overview, plans, progress, underwriting

__all__ = ["acts", "batches", "offers", "overview", "plans", "progress", "underwriting"]
