"""The help is the map: every command is there, says what it does, and shows an example."""

import pytest

COMMANDS = (
    *(
        "demo",
        "serve",
        "worker",
        "sample",
        "doctor",
        "setup",
        "limits",
        "census",
        "audit",
        "takeover",
        "run",
        "elect",
        "event",
        "statements",
        "letters",
    ),
    *("tasks", "cases", "work", "renewals", "match", "platform", "reconcile", "carriers"),
    *("review", "explain", "report", "adhoc", "payroll", "scenario", "db", "migrate"),
)
GROUPS = {
    "setup": ("check", "diff", "apply", "take-back", "export", "unused", "rates", "rate-sheet", "schema"),
    "platform": (
        *("connect", "link", "call-it", "look", "sync", "pays", "export", "offers", "send"),
        *("changes", "audit", "ownership", "stand-in"),
    ),
    "limits": ("list", "show", "affordability"),
    "census": ("preview", "apply", "take-back", "base", "audit"),
    "run": (
        *("list", "calendar", "start", "trial", "resume", "due", "control"),
        *("passive", "passive-history"),
    ),
    "elect": ("file", "one", "proof", "progress"),
    "event": ("override", "overrides", "extend-window", "reopen-window", "windows", "activity"),
    "review": (
        *("schedules", "person", "event", "eligibility", "passive", "flagged", "work", "workflows"),
        *("controls", "change", "demand"),
    ),
    "repair": (
        *("proposals", "due", "event", "file", "schedule", "keep", "history"),
        *("override", "merge", "unmerge"),
    ),
    "statements": ("enrollment", "confirmation", "deliver"),
    "letters": (*("list", "again", "coverage", "loss", "mail", "batch", "reprint", "sent", "fate", "way"),),
    "renewals": (
        *("list", "show", "masters", "renew-plan", "take-over", "renew", "move", "workbook"),
        *("read-workbook", "force", "jobs", "progress", "risk-factor", "hide"),
    ),
    "tasks": ("list", "show", "open", "assign", "complete", "cancel", "comment"),
    "cases": ("list", "show", "open", "assign", "complete", "cancel", "comment"),
    "work": ("escalate", "queues"),
    "clients": ("hand-over",),
    "workflow": (
        *("check", "apply", "ship", "publish", "export", "list", "log", "replay", "bench", "due", "start"),
        "progress",
    ),
    "adhoc": ("list", "subjects", "run", "due"),
    "payroll": (
        *("owed", "register", "taken", "take-back", "balances", "policy", "correct", "ordered", "cancel"),
        "why",
    ),
    "reconcile": (
        *("terms", "load", "list", "map", "match", "run", "show", "dispute"),
        *("self-bill", "credits", "balances", "figures"),
    ),
    "carriers": (
        *("partner", "preview", "build", "files", "show", "release", "withdraw", "send", "content"),
        *("premium", "retell", "ack", "chain", "portal", "audit", "open", "open-back"),
    ),
    "match": ("price", "rank", "again", "show", "compare", "tier"),
    "scenario": ("run", "schema"),
    "db": ("start", "stop", "status"),
}


def test_root_help_lists_every_command_in_order(cli):
    text = cli("--help").output
    places = [text.index(f"│ {command} ") for command in COMMANDS]
    assert places == sorted(places)
    assert "DATABASE_URL" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(cli, command):
    result = cli(command, "--help")
    assert result.exit_code == 0
    assert command in result.output


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_lists_its_commands_and_an_example(cli, group):
    text = cli(group, "--help").output
    assert "Example" in text
    for command in GROUPS[group]:
        assert f" {command} " in text
        assert cli(group, command, "--help").exit_code == 0


def test_version(cli):
    assert cli("--version").output.startswith("openbenefits ")
