"""Channels: listed, in words, edited, published; what they looked at; dead letters; the bench; playbooks."""

from openbenefits.workbench.channels import acts, editor, listed, log, progress, trying

__all__ = ["acts", "editor", "listed", "log", "progress", "trying"]
