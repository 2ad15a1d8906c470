"""Invoices as carriers export them: odd headings, pages, totals, credits, periods."""

from datetime import date

import polars as pl
import pytest

from openbenefits.reconcile.reading import read_invoice
from openbenefits.store.sheets import FileRefused

NOVEMBER, OCTOBER, DECEMBER = date(2025, 11, 1), date(2025, 10, 1), date(2025, 12, 1)
TOP = "Member ID,Name,Plan,Tier,Premium"


def read(tmp_path, *rows, layout=None):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(rows) + "\n")
    return read_invoice(path, pl.lit(NOVEMBER), layout or {})


def told(tmp_path, *rows, **more):
    found = read(tmp_path, *rows, **more).lines
    return found.select("member_id", "premium_cents", "is_retro", "month").rows()


def test_rows_that_add_up_and_pages_are_no_lines(tmp_path):
    rows = told(
        tmp_path,
        *("ACME Mutual", "Invoice 12", TOP, "A1,Jane Doe,MED,EE,100.00", "Subtotal MED,,MED,,100.00"),
        *("Page 1 of 2", TOP, "A2,Jim Roe,Total Health,EE,$ -", "Total members: 2,,,,100.00"),
        *(",Kim Poe,Total Health,EE,5.00", ",Grand Total,,,105.00", ",,,Amount Due,105.00"),
    )
    assert [(one, cents) for one, cents, *_ in rows] == [("A1", 10_000), ("A2", 0), (None, 500)]


@pytest.mark.parametrize(
    ("said", "month", "is_retro"),
    [
        ("Nov-25", NOVEMBER, False),
        ("Oct. 2025", OCTOBER, True),
        ("October-2025", OCTOBER, True),
        ("10/01/2025 - 10/31/2025", OCTOBER, True),
        ("11/1/2025 thru 11/30/2025", NOVEMBER, False),
        ("12/2025", DECEMBER, False),
    ],
)
def test_months_as_carriers_write_them(tmp_path, said, month, is_retro):
    rows = told(tmp_path, TOP + ",Coverage Period", f"A1,Jane Doe,MED,EE,1.00,{said}")
    assert rows == [("A1", 100, is_retro, month)]


def test_a_period_of_months_is_split_to_the_cent(tmp_path):
    rows = told(tmp_path, TOP + ",Billing Period", "A1,Jane Doe,MED,EE,100.00,10/01/2025-12/31/2025")
    assert rows == [
        ("A1", 3333, True, OCTOBER),
        ("A1", 3334, False, NOVEMBER),
        ("A1", 3333, False, DECEMBER),
    ]


@pytest.mark.parametrize("said", ["11/25", "November", "13/2025", "Octopus 2025"])
def test_a_month_that_is_not_sure_is_refused(tmp_path, said):
    with pytest.raises(FileRefused, match="row 2: month"):
        read(tmp_path, TOP + ",Month", f"A1,Jane Doe,MED,EE,1.00,{said}")


def test_charges_credits_and_adjustments_have_columns_of_their_own(tmp_path):
    top = "Member #,Insured Name,Plan Name,Plan Code,Monthly Premium,Credits,Adjustments,Foo"
    found = read(tmp_path, top, "A1,Jane Doe,Gold,G1,100.00,,-40.00,x", "A2,Jim Roe,Gold,G1,,25.00,,x")
    assert found.lines.select("member_id", "premium_cents", "is_retro", "month").rows() == [
        ("A1", 10_000, False, NOVEMBER),
        ("A1", -4000, True, None),
        ("A2", -2500, True, None),
    ]
    assert found.lines["plan_label"].unique().to_list() == ["G1"]
    assert set(found.unknown_headings) == {"Foo", "Plan Name"}


def test_of_two_amounts_somebody_says_which_is_meant(tmp_path):
    rows = "Member ID,Name,Plan,Current Premium,Total Premium", "A1,Jane Doe,MED,100.00,60.00"
    with pytest.raises(FileRefused, match="one column for each of premium, found several"):
        read(tmp_path, *rows)
    assert told(tmp_path, *rows, layout={"Total Premium": "-"}) == [("A1", 10_000, False, NOVEMBER)]


def test_a_payment_of_several_months_is_split_and_adds_up(tmp_path):
    body = (
        *("BPR*I*290.00*C*NON************20251105", "TRN*3*T1", "REF*14*G1"),
        *("N1*PE*PAYEE*FI*876543219", "N1*PR*PAYER*FI*123456780"),
        *("ENT*1*2J*EI*E10", "NM1*IL*1*DOE*JANE****N*A1"),
        *("RMR*IK*MED**300.00", "DTM*582****RD8*20251001-20251231"),
        *("RMR*IK*DEN**-10.00", "DTM*582****RD8*20251001-20251031"),
    )
    segments = (
        "ISA*00*          *00*          *30*123456780      *ZZ*DENTALID       *251105*0430*^*00501*000000007*0*T*:",
        *("GS*RA*123456780*DENTALID*20251105*0430*9*X*005010X218", "ST*820*0001*005010X218"),
        *body,
        *(f"SE*{len(body) + 2}*0001", "GE*1*9", "IEA*1*000000007"),
    )
    path = tmp_path / "a.820"
    path.write_text("".join(f"{one}~" for one in segments))
    found = read_invoice(path, pl.lit(NOVEMBER), {})
    rows = found.lines.select("plan_label", "premium_cents", "is_retro", "month").rows()
    assert rows == [
        ("MED", 10_000, True, OCTOBER),
        ("MED", 10_000, False, NOVEMBER),
        ("MED", 10_000, False, DECEMBER),
        ("DEN", -1000, True, OCTOBER),
    ]
    assert (found.is_payment, found.total_cents) == (True, 29_000)
    assert found.lines["employee_number"].unique().to_list() == ["E10"]
