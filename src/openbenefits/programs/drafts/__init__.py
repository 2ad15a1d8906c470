"""Drafts of set-up: changes collected, checked and shown before they become a release."""
