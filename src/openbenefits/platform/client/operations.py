"""The operations of the platform that are called here: where each is, how it is asked, where its list is.

Source: the vendor's OpenAPI document, release 2025.09.
"""

from dataclasses import dataclass
from enum import Enum


class Ask(Enum):
    """How an operation is asked, and where the session number travels."""

    GET = "GET, session in the header"
    FORM = "POST of a form, session in the header"
    JSON = "POST of JSON, session in the body"
    JSON_HEADER = "POST of JSON, session in the header"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation: its service and name as in its address and in permissions.

    rows: the list of its answer that is paged, or read as empty where nothing is found.
    again: whether doing it twice leaves what doing it once does.
    """

    service: str
    name: str
    ask: Ask = Ask.GET
    version: int = 1
    rows: str = ""
    again: bool = True

    @property
    def path(self) -> str:
        """Its address below the base."""
        return f"/{self.service}/v{self.version}/{self.name}"

    @property
    def is_write(self) -> bool:
        """Whether it changes anything there."""
        return self.ask is not Ask.GET

    @property
    def grant(self) -> str:
        """What the web service user must be granted."""
        return f"{GRANTS[self.service]}.{self.name}"


GRANTS = {
    "benefits": "BenefitService",
    "clientMaster": "ClientMasterService",
    "codeFiles": "CodeFilesService",
    "deductions": "DeductionService",
    "employee": "EmployeeService",
    "login": "LoginService",
    "payroll": "PayrollService",
    "subscription": "SubscriptionService",
    "system": "SystemService",
}


def _of(service: str, *operations: Operation | str | tuple[str, str]) -> list[Operation]:
    found = []
    for one in operations:
        if isinstance(one, Operation):
            found.append(one)
        elif isinstance(one, tuple):
            found.append(Operation(service=service, name=one[0], rows=one[1]))
        else:
            found.append(Operation(service=service, name=one))
    return found


def _write(service: str, name: str, ask: Ask = Ask.JSON, *, again: bool = True) -> Operation:
    return Operation(service=service, name=name, ask=ask, again=again)


_ALL = (
    *_of(
        "login",
        _write("login", "createPeoSession", Ask.FORM),
        _write("login", "keepAlive", Ask.FORM),
        _write("login", "invalidateSession", Ask.FORM),
        "getAPIPermissions",
    ),
    *_of(
        "clientMaster",
        ("getClientList", "clientListResult.clientList"),
        "getClientMaster",
        ("getBenefitGroup", "benefitGroupResults"),
        _write("clientMaster", "setBenefitGroup"),
        "getClientCodes",
        ("getPayrollSchedule", "clientPayrollSchedules"),
        "getPayGroupDetails",
        ("getEmployeesInPayGroup", "employeeLists"),
        _write("clientMaster", "updateClientStatus", Ask.JSON_HEADER),
    ),
    *_of("codeFiles", "getDeductionCodeDetails", ("getBillingCode", "billingCodes")),
    *_of(
        "employee",
        ("getEmployeeList", "employeeList.employeeId"),
        ("getEmployee", "employee"),
        ("getHistory", "historyRecords"),
        _write("employee", "updateEmployeeFields"),
        "getFutureEeChange",
        _write("employee", "benefitPlanSetEligible"),
        _write("employee", "benefitPlanSetInEligible"),
        _write("employee", "benefitPlanSetWaive"),
        _write("employee", "benefitPlanSetTerminate"),
        ("getScheduledDeductions", "scheduledDeduction"),
        _write("employee", "updateScheduledDeduction"),
    ),
    *_of(
        "benefits",
        ("getBenefitPlanList", "benefitPlanList"),
        "getGroupBenefitPlan",
        _write("benefits", "setGroupBenefitPlanDetails"),
        ("getGroupBenefitTypes", "groupBenefitType"),
        "getGroupBenefitRates",
        _write("benefits", "setGroupBenefitBillingRates"),
        _write("benefits", "setGroupBenefitPremiumRates"),
        ("getClientBenefitPlans", "benefitPlanOverview"),
        "getClientBenefitPlanSetupDetails",
        _write("benefits", "setClientBenefitPlanSetupDetails"),
        ("getBenefitRule", "benefitRule"),
        _write("benefits", "setBenefitRule"),
        _write("benefits", "enrollBenefit", again=False),
        ("getBenefitPlans", "benefitPlan"),
        ("getActiveBenefitPlans", "benefitPlan"),
        ("getDependents", "dependent"),
        _write("benefits", "setDependent", again=False),
        ("getBenefitAdjustments", "benefitAdjustments"),
        _write("benefits", "setBenefitAdjustments", again=False),
        _write("benefits", "deleteBenefitAdjustment", Ask.FORM),
        ("benefitEnrollmentStatus", "benefitWorkflowStatus"),
    ),
    *_of(
        "deductions",
        ("getDeductions", "employeeDeductions.deduction"),
        ("getDeductionArrears", "deductionArrears"),
        "getVoluntaryRecurringDeductions",
        _write("deductions", "setVoluntaryRecurringDeductions"),
    ),
    *_of(
        "payroll",
        ("getBatchListByDate", "batchList"),
        "getBatchStatus",
        "getBatchInfo",
        ("getPayrollVouchers", "payrollVouchers"),
        ("getPayrollVoucherForBatch", "payrollVouchers"),
    ),
    *_of(
        "subscription",
        _write("subscription", "createSubscription", Ask.FORM, again=False),
        _write("subscription", "appendFilter", Ask.FORM),
        _write("subscription", "cancelSubscription", Ask.FORM),
        "getSubscription",
        ("getAllSubscriptions", "subscriptions"),
        ("getEvents", "events"),
        ("getNewEvents", "events"),
    ),
    *_of("system", "getData", "getUnbilledBenefitAdjustments", _write("system", "stopProcess", Ask.FORM)),
)
OPERATIONS = {operation.name: operation for operation in _ALL}
MOST_IDS = 20
"""So many employees, or benefit groups, may be asked about in one call."""
