"""Reports that come with the product."""

from dataclasses import dataclass

from openbenefits.adhoc.query import Aggregate, Chart, Filter, Order, Query


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """A report everybody finds: its key for addresses, and its name."""

    key: str
    name: str
    query: Query


RENEWAL = (
    Filter(field="schedule_kind", operator="is", values=("O",)),
    Filter(field="event_status", operator="one_of", values=("O", "C")),
    Filter(
        field="process_status", operator="one_of", values=("PR", "NT", "ET", "EE", "RE", "FE", "FP", "PE")
    ),
)
_PEOPLE = ("employee_number", "last_name", "first_name")

SHIPPED: dict[str, Shipped] = {
    one.key: one
    for one in (
        Shipped(
            key="renewal-elections",
            name="Who has elected at renewal, who has not",
            query=Query(
                subject="events",
                columns=(
                    *("client", "schedule", "has_elected", "department", *_PEOPLE),
                    *("process_status", "option_notified_on", "elected_on", "window_ends_on"),
                ),
                filters=RENEWAL,
                order=(Order(by="has_elected"), Order(by="department"), Order(by="last_name")),
            ),
        ),
        Shipped(
            key="renewal-progress",
            name="Renewal: how many have elected, by department",
            query=Query(
                subject="events",
                filters=RENEWAL,
                groups=("department", "has_elected"),
                aggregates=(Aggregate(function="count"),),
                chart=Chart(kind="bar", label="department", value="count"),
            ),
        ),
        Shipped(
            key="enrolled-by-plan",
            name="Who is enrolled in what: people by plan and coverage",
            query=Query(
                subject="coverage",
                filters=(Filter(field="is_covered", operator="yes"),),
                groups=("plan_type", "plan", "coverage"),
                aggregates=(Aggregate(function="count"), Aggregate(function="sum", field="dependents")),
                chart=Chart(kind="bar", label="plan", value="count"),
            ),
        ),
        Shipped(
            key="open-errors",
            name="Errors by message",
            query=Query(
                subject="messages",
                filters=(Filter(field="severity", operator="is", values=("E",)),),
                groups=("message",),
                aggregates=(
                    Aggregate(function="count"),
                    Aggregate(function="distinct", field="employee_number"),
                ),
                order=(Order(by="count", descending=True),),
                chart=Chart(kind="bar", label="message", value="count"),
            ),
        ),
        Shipped(
            key="letters-not-arrived",
            name="Letters that did not arrive",
            query=Query(
                subject="documents",
                columns=("client", "employee_number", "letter", "kind", "channel", "fate", "fate_on"),
                filters=(Filter(field="fate", operator="one_of", values=("bounced", "returned", "failed")),),
                order=(Order(by="fate_on", descending=True),),
            ),
        ),
        Shipped(
            key="no-address",
            name="People without an address or an e-mail",
            query=Query(
                subject="people",
                columns=("client", *_PEOPLE, "department", "job_status", "has_address", "has_email"),
                filters=(
                    Filter(field="has_address", operator="no"),
                    Filter(field="job_status", operator="is", values=("A",)),
                ),
            ),
        ),
    )
}
