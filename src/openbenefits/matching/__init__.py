"""Which package of plans is best for a client, its staff and the PEO."""
