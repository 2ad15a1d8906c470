"""The kinds of long work: each calls the use case of the floor it belongs to."""

from openbenefits.accounts.roles import Permission
from openbenefits.background import (
    approving,
    importing,
    inviting,
    letter_kinds,
    matching_kinds,
    reconcile_kinds,
    renewal_kinds,
    run_kinds,
    setup_kinds,
    statement_kinds,
)
from openbenefits.background.carrier_kinds import CARRIER_KINDS
from openbenefits.background.file_kinds import FILE_KINDS
from openbenefits.background.platform_kinds import PLATFORM_KINDS
from openbenefits.background.services import Kind

KINDS: dict[str, Kind] = {
    "draft effect": Kind(
        name="effect of a draft",
        permission=Permission.SETUP,
        act=setup_kinds.effect_of_draft,
        asks=setup_kinds.EffectOfDraft,
        check=setup_kinds.check_draft,
    ),
    "compare packages": Kind(
        name="comparison of packages",
        permission=Permission.SETUP,
        act=matching_kinds.compare_packages,
        asks=matching_kinds.ComparePackages,
        check=matching_kinds.check_comparison,
    ),
    "audit": Kind(name="audit", permission=Permission.PROCESS, act=setup_kinds.audit, asks=setup_kinds.Audit),
    "run control": Kind(
        name="run",
        permission=Permission.PROCESS,
        act=run_kinds.run_control,
        asks=run_kinds.RunControl,
        approved=approving.finalising,
        check=run_kinds.check_control,
    ),
    "start run": Kind(
        name="run on demand",
        permission=Permission.PROCESS,
        act=run_kinds.start,
        asks=run_kinds.StartRun,
        approved=approving.finalising,
        check=run_kinds.check_start,
    ),
    "finalise": Kind(
        name="finalise with defaults",
        permission=Permission.FINALIZE,
        act=run_kinds.finalise,
        asks=run_kinds.Finalise,
        approved=approving.finalising,
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
        approved=approving.about_run,
        check=run_kinds.check_run,
    ),
    "take back": Kind(
        name="take a run back",
        permission=Permission.REPAIR,
        act=run_kinds.take_back_run,
        asks=run_kinds.TakeBack,
        approved=approving.about_run,
        check=run_kinds.check_run,
    ),
    "issue statements": Kind(
        name="issue statements",
        permission=Permission.PROCESS,
        act=statement_kinds.issue,
        asks=statement_kinds.IssueStatements,
        check=statement_kinds.check_issue,
    ),
    "import file": Kind(
        name="import of a file",
        permission=Permission.SEE,  # what a file of its kind needs is checked
        act=importing.import_file,
        asks=importing.ImportFile,
        check=importing.check_file,
    ),
    "take back import": Kind(
        name="import taken back",
        permission=Permission.SEE,
        act=importing.take_back_import,
        asks=importing.TakeBackImport,
        check=importing.check_file,
    ),
    "invite employees": Kind(
        name="invitation of employees",
        permission=Permission.USERS,
        act=inviting.invite_employees,
        asks=inviting.InviteEmployees,
    ),
    "deliver statements": Kind(
        name="statements, sent as people chose",
        permission=Permission.PROCESS,
        act=letter_kinds.deliver_statements,
        asks=letter_kinds.DeliverStatements,
        check=letter_kinds.check_statements,
    ),
    "deliver letters": Kind(
        name="letters of coverage",
        permission=Permission.PROCESS,
        act=letter_kinds.deliver_letters,
        asks=letter_kinds.DeliverLetters,
        check=letter_kinds.check_letters,
    ),
    "send mails": Kind(
        name="mails that wait",
        permission=Permission.PROCESS,
        act=letter_kinds.mail_out,
        asks=letter_kinds.SendMails,
    ),
    "reconcile": Kind(
        name="reconciliation of an invoice",
        permission=Permission.FINANCE,
        act=reconcile_kinds.reconcile_invoice,
        asks=reconcile_kinds.ReconcileInvoice,
        check=reconcile_kinds.check_invoice,
    ),
    "renewal jobs": Kind(
        name="what is due of batches and plans",
        permission=Permission.SETUP,
        act=renewal_kinds.renewal_jobs,
    ),
    **FILE_KINDS,
    **PLATFORM_KINDS,
    **CARRIER_KINDS,
}
