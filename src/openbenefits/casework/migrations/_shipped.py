"""The set-up a new database begins with: what a PEO needs on its first day, and changes on its pages.

Frozen with the migration that writes it; a later default is a migration of its own.
"""

from datetime import time

DEPARTMENTS = {
    "benefits": "Benefits",
    "payroll": "Payroll",
    "billing": "Billing",
    "implementation": "Implementation",
    "hr": "Human resources",
    "sales": "Sales",
    "carriers": "Carrier connections",
}
ROLES = {  # name, department
    "benefits specialist": ("Benefits specialist", "benefits"),
    "benefits manager": ("Benefits manager", "benefits"),
    "plan administrator": ("Plan administrator", "benefits"),
    "underwriter": ("Underwriter", "benefits"),
    "payroll specialist": ("Payroll specialist", "payroll"),
    "billing specialist": ("Billing specialist", "billing"),
    "implementation specialist": ("Implementation specialist", "implementation"),
    "hr consultant": ("HR consultant", "hr"),
    "sales representative": ("Sales representative", "sales"),
    "edi specialist": ("EDI specialist", "carriers"),
    "client contact": ("Client contact", ""),
}
QUEUES = {  # name, department
    "unassigned": ("Unassigned", "benefits"),
    "benefits": ("Benefits desk", "benefits"),
    "payroll": ("Payroll desk", "payroll"),
    "billing": ("Billing desk", "billing"),
    "implementation": ("Implementation desk", "implementation"),
    "carriers": ("Carrier desk", "carriers"),
}
CATEGORIES = {
    "general": "General",
    "new client": "New client",
    "enrollment": "Enrolment and life events",
    "eligibility": "Eligibility and terminations",
    "renewal": "Renewal and open enrolment",
    "carrier": "Carriers",
    "payroll": "Payroll platform",
    "invoice": "Invoices and reconciliation",
    "compliance": "Compliance and COBRA",
    "client exit": "Client termination",
}

BENEFITS = {"role": "benefits specialist", "level_1": "benefits manager", "level_2": "benefits manager"}
PAYROLL = {"role": "payroll specialist", "level_1": "benefits specialist", "level_2": "benefits manager"}
BILLING = {"role": "billing specialist", "level_1": "benefits specialist", "level_2": "benefits manager"}
CARRIER = {"role": "edi specialist", "level_1": "benefits specialist", "level_2": "benefits manager"}
START = {"role": "implementation specialist", "level_1": "benefits manager", "level_2": "benefits manager"}

TYPES = (  # category, code, name, desk, department, priority, days due, health
    ("general", "", "Something to do", None, "benefits", "medium", None, False),
    ("general", "question", "Question of a client or employee", BENEFITS, "benefits", "medium", 2, False),
    ("general", "complaint", "Complaint", BENEFITS, "benefits", "high", 1, False),
    ("new client", "set-up", "Set up plans, groups and waits", START, "implementation", "high", 10, False),
    ("new client", "census", "Load the census", START, "implementation", "high", 5, False),
    ("new client", "carrier groups", "Carrier group set-up", CARRIER, "carriers", "high", 10, False),
    ("new client", "first payroll", "Check the first payroll", PAYROLL, "payroll", "high", 3, False),
    ("enrollment", "new hire", "Enrolment of a new hire", BENEFITS, "benefits", "medium", 5, False),
    ("enrollment", "life event", "Life event to be looked at", BENEFITS, "benefits", "medium", 3, False),
    ("enrollment", "papers", "Papers to be looked at", BENEFITS, "benefits", "medium", 3, False),
    ("enrollment", "evidence", "Evidence of insurability", BENEFITS, "benefits", "medium", 5, True),
    (
        "enrollment",
        "election error",
        "Election that cannot be posted",
        BENEFITS,
        "benefits",
        "high",
        2,
        False,
    ),
    ("eligibility", "change", "Change of eligibility", BENEFITS, "benefits", "medium", 5, False),
    ("eligibility", "termination", "Employee has left", BENEFITS, "benefits", "high", 3, False),
    ("renewal", "rates", "Request and load renewal rates", BENEFITS, "benefits", "medium", 10, False),
    ("renewal", "batch", "Prepare the renewal of a client", BENEFITS, "benefits", "medium", 10, False),
    ("renewal", "review", "Client review", BENEFITS, "benefits", "medium", 5, False),
    ("renewal", "approval", "Client approval overdue", BENEFITS, "benefits", "high", 3, False),
    ("renewal", "underwriting", "Underwriting approval", BENEFITS, "benefits", "high", 5, False),
    ("renewal", "open enrollment", "Open enrolment", BENEFITS, "benefits", "medium", 5, False),
    ("renewal", "activation", "Activation", BENEFITS, "benefits", "high", 1, False),
    ("carrier", "rejection", "Carrier rejected a record", CARRIER, "carriers", "high", 2, False),
    ("carrier", "no confirmation", "Carrier has not confirmed", CARRIER, "carriers", "high", 2, False),
    ("carrier", "file", "File to or from a carrier", CARRIER, "carriers", "medium", 2, False),
    ("payroll", "difference", "Payroll differs from what is set up", PAYROLL, "payroll", "high", 2, False),
    ("payroll", "transfer", "Transfer to or from payroll failed", PAYROLL, "payroll", "high", 1, False),
    ("payroll", "deduction", "Deduction missed or wrong", PAYROLL, "payroll", "high", 2, False),
    ("invoice", "difference", "Invoice differs from coverage", BILLING, "billing", "medium", 5, False),
    ("invoice", "dispute", "Dispute with a carrier", BILLING, "billing", "high", 10, False),
    ("invoice", "missing", "Invoice has not come", BILLING, "billing", "medium", 3, False),
    ("compliance", "cobra notice", "COBRA notice", BENEFITS, "benefits", "critical", 3, False),
    ("compliance", "deadline", "Legal deadline", BENEFITS, "benefits", "critical", 3, False),
    ("compliance", "disability", "Disability or leave", BENEFITS, "benefits", "high", 3, True),
    ("client exit", "run-out", "Run-out and last coverage", BENEFITS, "benefits", "high", 10, False),
    ("client exit", "settlement", "Final reconciliation", BILLING, "billing", "high", 10, False),
    (
        "client exit",
        "handover",
        "Hand-over of the client's records",
        START,
        "implementation",
        "high",
        10,
        False,
    ),
)
HOURS = {"critical": (4, 8), "high": (9, 18), "medium": (27, 45), "low": (45, 90)}
"""Business hours until each level; a day has nine."""
RAISED = {"low": "medium", "medium": "high", "high": "critical", "critical": ""}
EXCLUDED = {("task", "on hold"), ("case", "waiting"), ("case", "resolved")}
STATUSES = {
    "task": ("new", "in progress", "on hold"),
    "case": ("new", "in progress", "waiting", "resolved"),
}


def write(apps, schema_editor) -> None:
    """Write the set-up into an empty database."""
    del schema_editor
    model = lambda name: apps.get_model("casework", name)  # noqa: E731
    model("Department").objects.bulk_create(
        model("Department")(code=code, name=name) for code, name in DEPARTMENTS.items()
    )
    for name, rows in (("TeamRole", ROLES), ("Queue", QUEUES)):
        model(name).objects.bulk_create(
            model(name)(code=code, name=title, department=department)
            for code, (title, department) in rows.items()
        )
    model("Category").objects.bulk_create(
        model("Category")(code=code, name=name) for code, name in CATEGORIES.items()
    )
    model("TicketType").objects.bulk_create(_type(model("TicketType"), *row) for row in TYPES)
    model("ServiceLevel").objects.bulk_create(
        model("ServiceLevel")(priority=priority, hours_1=first, hours_2=second)
        for priority, (first, second) in HOURS.items()
    )
    model("Cascade").objects.bulk_create(
        model("Cascade")(priority=priority, level=1, next_priority=raised, recipient="supervisor")
        for priority, raised in RAISED.items()
    )
    model("Cascade").objects.create(level=2, recipient="manager")
    model("Escalating").objects.bulk_create(
        model("Escalating")(form=form, status=status, is_excluded=(form, status) in EXCLUDED)
        for form, statuses in STATUSES.items()
        for status in statuses
    )
    model("WorkingHours").objects.create(opens=time(8), closes=time(17))


def _type(model, category, code, name, desk, department, priority, days, is_health):
    desk = desk or {}
    return model(
        category=category,
        code=code,
        name=name,
        department=department,
        priority=priority,
        due_days=days,
        security="health" if is_health else "open",
        assigns="role" if desk else "creator",
        assign_role=desk.get("role", ""),
        level_1_role=desk.get("level_1", ""),
        level_2_role=desk.get("level_2", ""),
    )
