"""A stand-in for the payroll platform: what is used of it here, over real HTTP, strict, with troubles."""
