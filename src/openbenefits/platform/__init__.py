"""The payroll platform: what is taken from it, written to it, and read back."""
