"""What people are offered, in the words of the sample's election generator."""

from typing import Any

import polars as pl

from openbenefits.core.codes import GENERAL_TYPES, OptionType
from openbenefits.programs.frames import load_setup
from openbenefits.reports.frames import load_events, load_options, load_people
from openbenefits.reports.names import held_on, load_names, with_event_names, with_option_names
from openbenefits.sample.elections import OFFER_COLUMNS

CENTS, THOUSANDTHS = 100, 1000


def offers_of(
    connection: Any, schedule_ids: list[int], statuses: list[str], people: list[int] | None = None
) -> pl.DataFrame:
    """List the electable options of the open events at some statuses.

    Shapes: `sample.elections.OFFER_COLUMNS`, with the keys and the price per pay beside.
    """
    names = load_names(connection)
    events = load_events(connection, schedule_ids=schedule_ids, statuses=statuses, event_statuses=["O"])
    if people is not None:
        events = events.filter(pl.col("person_id").is_in(people))
    named = with_event_names(events, names)
    who = load_people(connection, events).select("case", "employee_number", "client")
    facts = named.select(
        *(
            "case",
            "client_id",
            "person_id",
            "benefit_record",
            "event_number",
            "schedule",
            "event_on",
            "program_id",
        )
    ).join(who, on="case")
    options = load_options(connection, events).filter("is_electable").join(facts, on="case")
    found = with_option_names(options, names)
    found = held_on(found, _plan_types(connection), "program_id", "plan_type")
    found = found.join(_persons_needed(connection), on="coverage_code_id", how="left")
    found = held_on(found, _hsa_plans(connection), "plan_id")
    is_waiver = pl.col("option_type") == str(OptionType.WAIVE)
    return found.filter(~pl.col("option_type").is_in([str(kind) for kind in GENERAL_TYPES])).select(
        *(
            "client",
            "client_id",
            "person_id",
            "employee_number",
            "benefit_record",
            "schedule",
            "event_number",
        ),
        *("plan_type", "is_current", "option_id", "pay_before_tax_cents", "pay_after_tax_cents", "plan_id"),
        option=pl.when(is_waiver).then(pl.lit("WAIVE")).otherwise("option_code"),
        **{name: pl.col(name).fill_null(value=False) for name in _FLAGS},
        amount_kind=pl.col("amount_kind").fill_null("none"),
        minimum=pl.coalesce(
            pl.col("minimum_amount_cents") // CENTS, pl.col("minimum_percent_thousandths") // THOUSANDTHS
        ),
        maximum=pl.coalesce(
            pl.col("maximum_amount_cents") // CENTS, pl.col("maximum_percent_thousandths") // THOUSANDTHS
        ),
    )


_FLAGS = ("needs_spouse", "needs_partner", "needs_children", "is_invested", "is_hsa_eligible")


def generator_offers(offers: pl.DataFrame) -> pl.DataFrame:
    """Keep what the generator reads."""
    return offers.select(list(OFFER_COLUMNS))


def _plan_types(connection: Any) -> pl.DataFrame:
    return load_setup(connection)["plan_type_row"].select(
        *(
            "program_id",
            "plan_type",
            "valid_from",
            "amount_kind",
            "is_invested",
            "minimum_amount_cents",
            "maximum_amount_cents",
        ),
        *("minimum_percent_thousandths", "maximum_percent_thousandths"),
    )


def _persons_needed(connection: Any) -> pl.DataFrame:
    rows = load_setup(connection)["coverage_code"]
    return rows.select(
        "coverage_code_id",
        needs_spouse=pl.col("spouse_min").fill_null(0) > 0,
        needs_partner=pl.col("partner_min").fill_null(0) > 0,
        needs_children=pl.col("child_min").fill_null(0) > 0,
    )


def _hsa_plans(connection: Any) -> pl.DataFrame:
    return load_setup(connection)["plan"].select("plan_id", "valid_from", "is_hsa_eligible")
