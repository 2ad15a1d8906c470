"""The ledger's rules against tables of cases and a scalar account of the same; and its laws."""

from datetime import date, timedelta
from itertools import permutations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbenefits.payroll.rules import corrections, ledger
from openbenefits.payroll.rules.corrections import POLICY, Agreed

OWNER = {"client_id": 1, "person_id": 1, "benefit_record": 0}
TYPES = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "kind": pl.String,
    "tax_class": pl.String,
    "pay_group_id": pl.Int64,
    "ends_on": pl.Date,
    "pay_number": pl.Int32,
    "check_on": pl.Date,
    "owed_cents": pl.Int64,
    "taken_cents": pl.Int64,
    "cents": pl.Int64,
    "taken_as": pl.String,
    "fault": pl.String,
    "state": pl.String,
}
START = date(2026, 1, 4)


def ends(number):
    """The last day of a biweekly pay, by its number from 0."""
    return START + timedelta(14 * number)


def frame(rows, *columns):
    return pl.DataFrame(rows, schema={name: TYPES[name] for name in columns})


def line(number, tax_class="B", kind="deduction", **more):
    series = OWNER | {"plan_type": "10", "kind": kind, "tax_class": tax_class}
    return series | {"pay_group_id": 7, "ends_on": ends(number)} | more


KEY = (*ledger.SERIES, *ledger.PLACE)


class Account:
    """One person's ledger: amounts owed by pay, amounts taken by pay, orders."""

    def __init__(self, owed, taken, orders=(), tax_class="B", kind="deduction"):
        self.owed = dict(enumerate(owed)) if isinstance(owed, list) else dict(owed)
        self.taken = list(taken)
        self.orders = list(orders)  # (pay, cents, taken_as)
        self.tax_class, self.kind = tax_class, kind

    def line(self, number, **more):
        return line(number, self.tax_class, self.kind, **more)

    def frames(self):
        owed = [
            self.line(number, owed_cents=cents, fault=None if cents is not None else "rate")
            for number, cents in self.owed.items()
        ]
        taken = [self.line(number, taken_cents=cents) for number, cents in enumerate(self.taken)]
        orders = [self.line(number, cents=cents, taken_as=by) for number, cents, by in self.orders]
        return (
            frame(owed, *KEY, "owed_cents", "fault"),
            frame(taken, *KEY, "taken_cents"),
            frame(orders, *KEY, "cents", "taken_as"),
        )

    def balance(self):
        owed, taken, orders = self.frames()
        places = frame([self.line(number) for number in range(60)], *ledger.PLACE)
        reports = frame([self.line(number) for number in range(len(self.taken))], *ledger.PLACE)
        kept = ledger.kept_pays(reports, places)
        return ledger.balances(ledger.differences(owed, taken, orders, kept), orders, kept)

    def propose(self, policies=(), agreed=None, state="MA", pays=12):
        agreed = agreed or Agreed()
        owed, _, orders = self.frames()
        first = len(self.taken)
        days = range(first, first + pays)
        open_pays = [self.line(n, pay_number=n, check_on=ends(n) + timedelta(5)) for n in days]
        due = self.balance().with_columns(state=pl.lit(state, pl.String))
        place = ("client_id", "person_id", "benefit_record", *ledger.PLACE, "pay_number", "check_on")
        waiting = orders.filter(pl.col("ends_on") >= ends(first))
        return corrections.propose(
            due, frame(open_pays, *place), owed, waiting, pl.DataFrame(list(policies), schema=POLICY), agreed
        )

    def order(self, **terms):
        """Order what is ready; answer how much."""
        ready = self.propose(**terms).filter(status="ready")
        number = {ends(n): n for n in range(60)}
        rows = ready.filter(tax_class=self.tax_class).select("ends_on", "cents", "taken_as").rows()
        self.orders += [(number[day], cents, taken_as) for day, cents, taken_as in rows]
        return sum(cents for _, cents, _ in rows)

    def pay(self):
        """Payroll takes what is owed and ordered in the next pay."""
        number = len(self.taken)
        extra = sum(cents for place, cents, _ in self.orders if place == number)
        self.taken.append(self.owed.get(number, 0) + extra)


def policy(state="", valid_from=START, client_id=0, **terms):
    row = dict.fromkeys(POLICY) | {"needs_consent": False, "is_forbidden": False}
    return row | {"client_id": client_id, "state": state, "valid_from": valid_from} | terms


OPEN = policy()


def placed(rows):
    return [
        (day, cents)
        for day, cents in rows.filter(pl.col("status") != "task").select("ends_on", "cents").rows()
    ]


def at(number, cents):
    return (ends(number), cents)


# --- balances -------------------------------------------------------------------------------------------

BALANCES = {
    # owed, taken, orders: balance, rounding, to correct, fault
    "nothing is different": ([3102, 3103], [3102, 3103], [], (0, 0, 0, None)),
    "a missed deduction": ([3102, 3103], [3102, 0], [], (3103, 0, 3103, None)),
    "taken twice": ([3102, 3103], [3102, 6206], [], (-3103, 0, -3103, None)),
    "a cent either way is the split": ([3102, 3103, 3102], [3103, 3103, 3101], [], (0, 0, 0, None)),
    "cents that do not cancel stay rounding": ([3102] * 3, [3103] * 3, [], (-3, -3, 0, None)),
    "two cents are more than a split": ([3102], [3100], [], (2, 0, 2, None)),
    "beside a missed pay, cents are not corrected": ([3102] * 3, [3103, 0, 3103], [], (3100, -2, 3102, None)),
    "ordered, not yet due": ([3102, 3102], [3102, 0], [(2, 3102, "B")], (0, 0, 0, None)),
    "ordered and taken": ([3102] * 3, [0, 3102, 6204], [(2, 3102, "B")], (0, 0, 0, None)),
    "ordered, and not taken: it comes back": (
        [3102] * 3,
        [0, 3102, 3102],
        [(2, 3102, "B")],
        (3102, 0, 3102, None),
    ),
    "ordered, and half taken": ([3102] * 3, [0, 3102, 4102], [(2, 3102, "B")], (2102, 0, 2102, None)),
    "a refund ordered": ([0, 0], [500, 0], [(2, -500, "B")], (0, 0, 0, None)),
    "unknown is not nothing": ([None, 3102], [3102, 0], [], (None, 0, None, "rate")),
}


@pytest.mark.parametrize("name", BALANCES)
def test_balances(name):
    owed, taken, orders, expected = BALANCES[name]
    found = Account(owed, taken, orders).balance()
    assert found.select("balance_cents", "rounding_cents", "correct_cents", "fault").rows() == [expected]
    said = found.row(0, named=True)
    if said["fault"] is None:
        parts = ("taken_cents", "scheduled_cents", "moved_cents")
        assert said["balance_cents"] == said["owed_cents"] - sum(said[part] for part in parts)


def test_a_pay_nobody_reported_is_unknown_and_one_after_the_last_report_is_not_looked_at():
    account = Account([100, 100, 100, 100], [])
    owed, _, orders = account.frames()
    taken = frame([line(0, taken_cents=100), line(2, taken_cents=100)], *KEY, "taken_cents")
    calendar = frame([line(n) for n in range(9)], *ledger.PLACE)
    kept = ledger.kept_pays(taken.select(ledger.PLACE), calendar)
    assert kept.sort("ends_on").rows() == [(7, ends(0), True), (7, ends(1), False), (7, ends(2), True)]
    found = ledger.balances(ledger.differences(owed, taken, orders, kept), orders, kept)
    assert found.select("correct_cents", "fault").rows() == [(None, "pay not reported")]


def test_late_money_taken_after_tax_settles_what_was_missed_before_tax():
    missed = Account([3102, 3102], [0], [(1, 3102, "A")])
    owed, _, orders = missed.frames()
    rows = [line(0, taken_cents=0), line(1, taken_cents=3102), line(1, "A", taken_cents=3102)]
    taken = frame(rows, *KEY, "taken_cents")
    kept = ledger.kept_pays(taken.select(ledger.PLACE), frame([line(n) for n in range(9)], *ledger.PLACE))
    found = ledger.balances(ledger.differences(owed, taken, orders, kept), orders, kept)
    columns = ("tax_class", "balance_cents", "moved_cents", "correct_cents")
    assert found.select(columns).rows() == [("A", 0, -3102, 0), ("B", 0, 3102, 0)]


# --- corrections ----------------------------------------------------------------------------------------

MISSED = ([10_000] * 12, [10_000, 0])  # one deduction of 100.00 was missed
SPREAD = {
    "at once, where the policy says no more": ([OPEN], {}, [at(2, 10_000)]),
    "four pays": ([policy(periods=4)], {}, [at(n, 2_500) for n in range(2, 6)]),
    "three pays sum exactly": ([policy(periods=3)], {}, [at(2, 3_333), at(3, 3_334), at(4, 3_333)]),
    "half a deduction": ([policy(cap_thousandths=50_000)], {}, [at(2, 5_000), at(3, 5_000)]),
    "a cap of dollars": ([policy(cap_cents=4_000)], {}, [at(2, 4_000), at(3, 4_000), at(4, 2_000)]),
    "the lower cap holds": (
        [policy(cap_cents=9_000, cap_thousandths=40_000)],
        {},
        [at(2, 4_000), at(3, 4_000), at(4, 2_000)],
    ),
    "four pays within the cap": (
        [policy(periods=4, cap_cents=2_500)],
        {},
        [at(n, 2_500) for n in range(2, 6)],
    ),
    "the state's before every state's": ([OPEN, policy("MA", periods=2)], {}, [at(2, 5_000), at(3, 5_000)]),
    "another state's is passed over": ([OPEN, policy("NY", is_forbidden=True)], {}, [at(2, 10_000)]),
    "the client's before the PEO's": (
        [OPEN, policy(client_id=1, periods=2)],
        {},
        [at(2, 5_000), at(3, 5_000)],
    ),
    "the state's before the client's": (
        [policy("MA"), policy(client_id=1, is_forbidden=True)],
        {},
        [at(2, 10_000)],
    ),
    "the latest in force": (
        [OPEN, policy(valid_from=ends(2), periods=2), policy(valid_from=date(2027, 1, 1), is_forbidden=True)],
        {},
        [at(2, 5_000), at(3, 5_000)],
    ),
    "with consent": ([policy(needs_consent=True)], {"consent": "signed 2026-02-01"}, [at(2, 10_000)]),
    "agreed otherwise": (
        [policy(cap_thousandths=10_000)],
        {"consent": "signed", "periods": 2, "cap_cents": 5_000},
        [at(2, 5_000), at(3, 5_000)],
    ),
}


@pytest.mark.parametrize("name", SPREAD)
def test_how_a_missed_deduction_is_recovered(name):
    policies, agreed, expected = SPREAD[name]
    rows = Account(*MISSED).propose(policies, Agreed(**agreed))
    assert placed(rows) == expected
    assert rows["status"].unique().to_list() == ["ready"]
    assert rows["cents"].sum() == 10_000


STOPPED = {
    "no policy": ([], {}, "MA", 12, "no policy"),
    "a policy of later": ([policy(valid_from=date(2027, 1, 1))], {}, "MA", 12, "no policy"),
    "forbidden": ([OPEN, policy("MA", is_forbidden=True)], {}, "MA", 12, "forbidden"),
    "forbidden, whatever was agreed": (
        [policy(is_forbidden=True)],
        {"consent": "signed"},
        "MA",
        12,
        "forbidden",
    ),
    "caps and periods leave too little room": ([policy(periods=2, cap_cents=4_999)], {}, "MA", 12, "no room"),
    "the calendar ends first": ([policy(periods=4)], {}, "MA", 3, "no room"),
    "a cap of nothing": ([policy(cap_cents=0)], {}, "MA", 12, "no room"),
    "no open pay": ([OPEN], {}, "MA", 0, "no open pay"),
    "no state": ([OPEN], {}, None, 12, "no state"),
}


@pytest.mark.parametrize("name", STOPPED)
def test_what_a_person_must_decide(name):
    policies, agreed, state, pays, why = STOPPED[name]
    rows = Account(*MISSED).propose(policies, Agreed(**agreed), state, pays)
    assert rows.select("status", "why", "correct_cents", "cents").rows() == [("task", why, 10_000, None)]
    assert why in corrections.WHY


def test_without_consent_the_plan_is_shown_and_not_ready():
    rows = Account(*MISSED).propose([policy(needs_consent=True, periods=2)])
    assert rows.select("status", "why", "cents").rows() == [("consent", "consent", 5_000)] * 2


def test_a_refund_needs_no_policy_and_goes_out_at_once():
    rows = Account([100, 100], [600, 100]).propose([policy(is_forbidden=True)], state=None)
    assert rows.select("ends_on", "cents", "taken_as", "note").rows() == [(ends(2), -500, "B", "wages")]


def test_earnings_paid_too_low_are_paid_and_those_paid_too_high_recovered():
    low = Account([500], [0], kind="credit", tax_class="").propose()
    assert low.select("status", "cents", "taken_as").rows() == [("ready", 500, "")]
    high = Account([500], [900], kind="credit", tax_class="")
    assert high.propose()["why"].to_list() == ["no policy"]
    assert placed(high.propose([OPEN])) == [at(1, -400)]


def test_late_pre_tax_money_is_after_tax_without_a_ground():
    account = Account(*MISSED)
    assert account.propose([OPEN]).select("taken_as", "note").rows() == [("A", "after tax")]
    grounded = account.propose([OPEN], Agreed(pre_tax_ground="documented error"))
    assert grounded.select("taken_as", "note").rows() == [("B", None)]


def test_the_cap_is_of_all_orders_in_a_pay():
    account = Account([10_000] * 12, [0, 0], [(2, 3_000, "B"), (3, 1_000, "B")])
    rows = account.propose([policy(cap_cents=5_000)])
    assert placed(rows) == [at(2, 2_000), at(3, 4_000), at(4, 5_000), at(5, 5_000)]


def test_half_of_a_deduction_that_ended_is_nothing():
    ended = Account({0: 10_000}, [0]).propose([policy(cap_thousandths=50_000)])
    assert ended["why"].to_list() == ["no room"]


def test_an_unknown_amount_is_a_task():
    rows = Account([None], [100]).propose([OPEN])
    assert rows.select("status", "why").rows() == [("task", "amount unknown")]


# --- laws -----------------------------------------------------------------------------------------------

LAWS = settings(max_examples=40, deadline=None)
CENTS = st.integers(0, 30_000)
PRE_TAX = {"policies": [OPEN], "agreed": Agreed(pre_tax_ground="documented error")}


@st.composite
def histories(draw):
    """What was owed when it was paid, and what each retro change makes of some pays."""
    taken = draw(st.lists(CENTS, min_size=1, max_size=4))
    pay = st.integers(0, len(taken) - 1)
    triggers = draw(st.lists(st.tuples(pay, st.integers(-9_000, 9_000)), min_size=1, max_size=3))
    return taken, triggers


@LAWS
@given(histories())
def test_any_order_of_retro_changes_gives_the_same_net(history):
    taken, triggers = history
    nets = set()
    for order in permutations(triggers):
        account = Account(list(taken), list(taken))
        net = 0
        for pay, cents in order:
            account.owed[pay] += cents
            net += account.order(**PRE_TAX)
            net += account.order(**PRE_TAX)  # once more is nothing more
        nets.add(net)
        assert account.balance()["correct_cents"].to_list() == [0]
    changed = {pay: sum(cents for place, cents in triggers if place == pay) for pay, _ in triggers}
    assert nets == {sum(cents for cents in changed.values() if abs(cents) > 1)}


@LAWS
@given(histories(), st.integers(1, 5), st.integers(0, 4))
def test_what_is_ordered_and_taken_leaves_nothing(history, periods, pays_between):
    """Payroll goes on paying between the changes; all comes out even in the end."""
    taken, triggers = history
    terms = PRE_TAX | {"policies": [policy(periods=periods)]}
    account = Account(list(taken) + [5_000] * 50, list(taken))
    for pay, cents in triggers:
        account.owed[pay] += cents
        account.order(**terms)
        for _ in range(pays_between):
            account.pay()
    for _ in range(6):
        account.pay()
    said = account.balance().row(0, named=True)
    assert (said["correct_cents"], said["scheduled_cents"]) == (0, 0)
    assert said["balance_cents"] == said["rounding_cents"] == said["owed_cents"] - said["taken_cents"]
    assert account.order(**terms) == 0


@LAWS
@given(st.integers(2, 10**6), st.integers(1, 12), st.integers(1, 10**5))
def test_a_plan_sums_exactly_and_never_passes_its_cap(missed, periods, cap):
    rows = Account([missed], [0]).propose([policy(periods=periods, cap_cents=cap)])
    if missed <= periods * cap:
        assert rows["cents"].sum() == missed
        assert rows["cents"].is_between(1, cap).all()
        assert rows.height <= periods
    else:
        assert rows["why"].to_list() == ["no room"]
