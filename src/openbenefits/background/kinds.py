"""The kinds of long work: each calls the use case of the floor it belongs to."""

from openbenefits.accounts.roles import Permission
from openbenefits.background import run_kinds, statement_kinds
from openbenefits.background.file_kinds import FILE_KINDS
from openbenefits.background.services import Kind

KINDS: dict[str, Kind] = {
    "run control": Kind(
        name="run",
        permission=Permission.PROCESS,
        act=run_kinds.run_control,
        asks=run_kinds.RunControl,
        check=run_kinds.check_control,
    ),
    "start run": Kind(
        name="run on demand",
        permission=Permission.PROCESS,
        act=run_kinds.start,
        asks=run_kinds.StartRun,
        check=run_kinds.check_start,
    ),
    "finalise": Kind(
        name="finalise with defaults",
        permission=Permission.FINALIZE,
        act=run_kinds.finalise,
        asks=run_kinds.Finalise,
        check=run_kinds.check_schedule,
    ),
    "resume": Kind(
        name="resume a run",
        permission=Permission.PROCESS,
        act=run_kinds.resume,
        asks=run_kinds.Resume,
        check=run_kinds.check_run,
    ),
    "rehearse": Kind(
        name="rehearse",
        permission=Permission.PROCESS,
        act=run_kinds.rehearse,
        asks=run_kinds.Rehearse,
        check=run_kinds.check_rehearse,
    ),
    "commit": Kind(
        name="commit a rehearsal",
        permission=Permission.FINALIZE,
        act=run_kinds.commit,
        asks=run_kinds.Commit,
        check=run_kinds.check_commit,
    ),
    "release": Kind(
        name="release a held run",
        permission=Permission.FINALIZE,
        act=run_kinds.release_held,
        asks=run_kinds.Release,
        check=run_kinds.check_run,
    ),
    "take back": Kind(
        name="take a run back",
        permission=Permission.REPAIR,
        act=run_kinds.take_back_run,
        asks=run_kinds.TakeBack,
        check=run_kinds.check_run,
    ),
    "issue statements": Kind(
        name="issue statements",
        permission=Permission.PROCESS,
        act=statement_kinds.issue,
        asks=statement_kinds.IssueStatements,
        check=statement_kinds.check_issue,
    ),
    **FILE_KINDS,
}
