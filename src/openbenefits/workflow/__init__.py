"""Channels that turn what happens, and days that come, into tasks, cases, letters and changes."""
