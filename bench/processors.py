"""Processor time of this process and of the server: what the clock cannot say on a busy machine."""

import os
from pathlib import Path

from openbenefits.store import server

TICKS = os.sysconf("SC_CLK_TCK")
USER, SYSTEM, ENDED_USER, ENDED_SYSTEM = 11, 12, 13, 14
PARENT = 1


def processor_seconds() -> float:
    """Answer the seconds of processor used so far by this process, those it saw end, and the bench's server.

    Missing: where the system has no /proc, the server's are 0.
    """
    return sum(os.times()[:4]) + _of_server()


def _of_server() -> float:
    file = server.data_folder("bench") / "postmaster.pid"
    if not file.exists() or not Path("/proc/self/stat").exists():
        return 0.0
    master = int(file.read_text(encoding="utf-8").split()[0])
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        told = _told(folder)
        if folder.name == str(master):  # with those of its sessions that have ended
            ticks += sum(int(told[place]) for place in (USER, SYSTEM, ENDED_USER, ENDED_SYSTEM))
        elif told and int(told[PARENT]) == master:
            ticks += int(told[USER]) + int(told[SYSTEM])
    return ticks / TICKS


def _told(folder: Path) -> list[str]:
    """Read what the system tells of a process after its name; nothing if it has ended meanwhile."""
    try:
        return (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []
