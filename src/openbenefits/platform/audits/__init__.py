"""Audits of payroll: what we hold beside what the platform holds, in four buckets, with cures."""
