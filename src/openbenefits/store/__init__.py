"""The floor that touches PostgreSQL: the embedded server, bulk reading and writing, locks, secrets."""

from openbenefits.store.startup import boot, use_database

__all__ = ["boot", "use_database"]
