"""The best plan: packages compared for a client or a prospect, ordered by visible weights, side by side."""

from openbenefits.workbench.matching import asking, beside, result

__all__ = ["asking", "beside", "result"]
