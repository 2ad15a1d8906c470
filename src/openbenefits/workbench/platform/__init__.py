"""The payroll platform: may payroll run, audits with their cures, changes, the queue, the set-up sheet."""

from openbenefits.workbench.platform import audits, changes, home, links, queue, set_up_sheet

__all__ = ["audits", "changes", "home", "links", "queue", "set_up_sheet"]
