"""Invoices of carriers against coverage and deductions, each difference with its cause."""
