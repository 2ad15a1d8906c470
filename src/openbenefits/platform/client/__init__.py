"""The payroll platform over HTTP: sessions, envelopes, pages, locks, events, as it documents them."""
