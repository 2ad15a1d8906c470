"""834 (005010X220A1): who is covered by what from when, as a carrier is told and as it tells."""
