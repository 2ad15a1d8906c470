"""What codes are called on the pages."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from openbenefits.workbench.charts import Tone

STATUSES: Mapping[str, str | Promise] = {
    "": _("not processed yet"),
    "AS": _("AS · program assigned"),
    "AN": _("AN · no program, coverage to end"),
    "AE": _("AE · more than one program"),
    "PR": _("PR · options prepared"),
    "PE": _("PE · preparation error"),
    "NT": _("NT · notified"),
    "ET": _("ET · elections entered"),
    "EE": _("EE · election error"),
    "RE": _("RE · to be entered again"),
    "FE": _("FE · final: enrolled"),
    "FP": _("FP · final: nothing to choose"),
    "FA": _("FA · final: no program"),
}
"""The twelve process statuses in the order of the cycle, and before them what no run has looked at."""

TONES: Mapping[str, Tone] = {
    **dict.fromkeys(("AN", "AE", "PE", "EE", "RE"), "bad"),
    **dict.fromkeys(("PR", "NT", "ET", "AS"), "waiting"),
    **dict.fromkeys(("FE", "FP", "FA"), "good"),
}  # type: ignore[assignment]

EVENT_STATUSES = {
    "O": _("open"),
    "C": _("closed"),
    "D": _("disconnected"),
    "V": _("void"),
}
KINDS_OF_SCHEDULE = {"E": _("events"), "O": _("open enrolment"), "S": _("snapshot")}
KINDS_OF_RUN = {
    "process": _("processing"),
    "passive": _("age and service"),
    "windows": _("ends of windows"),
    "repairs": _("repairs due"),
    "repair": _("repair"),
    "reprocess": _("reprocess a schedule"),
}
REPEATS = {
    "nightly": _("every night"),
    "monthly": _("every month"),
    "once": _("once"),
    "on_demand": _("when asked for"),
}
LEVELS = {
    "schedule": _("events found"),
    "program": _("program assigned"),
    "options": _("options prepared"),
    "elections": _("elections validated, coverage posted"),
    "final": _("final"),
}
