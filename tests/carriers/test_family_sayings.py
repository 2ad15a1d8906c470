"""What a carrier is told where families change: deaths, partners, rehires, who goes on in part, another doctor.

Source: carrier-feeds §4. The story is family_sayings.yaml; see test_sayings.py.
"""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from tests.carriers.feeding import agreement, at, story

from openbenefits.carriers.building import pricing
from openbenefits.carriers.building.projecting import wanted
from openbenefits.choosing import lives
from openbenefits.choosing.drafts import By
from openbenefits.enrollment.providers import Provider, name_provider, seats_on
from openbenefits.scenarios.databases import CLIENT_ID
from openbenefits.store.trials import given_up
from openbenefits.workforce import services as workforce
from openbenefits.workforce.frames import load_dependents

STORY = Path(__file__).with_name("family_sayings.yaml")
FIRST, SECOND, THIRD = date(2026, 2, 1), date(2026, 2, 15), date(2026, 3, 1)
FOURTH, FIFTH = date(2026, 3, 2), date(2026, 4, 1)
DIED = date(2026, 2, 20)
ENDS = "DTP*348*D8*20250101 DTP*349*D8*20260228"
GONE = "DTP*357*D8*20260228"
NEW_SUBSCRIBER = "INS*Y*18*021*28*A***FT DTP*336*D8*20200302 DTP*356*D8*20250101"
LEFT = f"INS*Y*18*024*08*A***TE DTP*337*D8*20260209 {GONE} HD*024**HMO*HMO*EMP {ENDS}"
ANOTHER_DOCTOR = "INS*Y*18*001*15*A***FT HD*001**PPO*PPO*EMP"

SAYINGS = {
    # (the day of the file, the family): what is said of it
    # domestic partner; a former spouse by order of a court; a child whose employee is not covered
    (FIRST, "partnered"): f"{NEW_SUBSCRIBER} HD*021**HMO*HMO*ESP DTP*348*D8*20250101"
    " INS*N*53*021*28*A DTP*356*D8*20250101 HD*021**HMO*HMO*ESP DTP*348*D8*20250101",
    (FIRST, "court"): f"{NEW_SUBSCRIBER} HD*021**HMO*HMO*ESP DTP*348*D8*20250101"
    " INS*N*25*021*28*A DTP*356*D8*20250101 HD*021**HMO*HMO*ESP DTP*348*D8*20250101",
    (FIRST, "guardian"): "INS*Y*18*021*28*A***FT DTP*336*D8*20200302"
    " INS*N*19*021*28*A DTP*356*D8*20250101 HD*021**HMO*HMO*CHD DTP*348*D8*20250101",
    # rehired within 30 days: as if never gone; after them: new coverage after a gap
    (SECOND, "again"): LEFT,
    (THIRD, "again"): "INS*Y*18*025*20*A***FT DTP*336*D8*20260218"
    " HD*025**HMO*HMO*EMP DTP*303*D8*20260301 DTP*348*D8*20250101",
    (SECOND, "late"): LEFT,
    (FIFTH, "late"): "INS*Y*18*025*41*A***FT DTP*336*D8*20260320 HD*025**HMO*HMO*EMP DTP*348*D8*20260601",
    # the employee dies, and his widow goes on; a child dies
    (THIRD, "dies"): "INS*Y*18*024*03*A***TE***D8*20260220 DTP*337*D8*20260220 DTP*357*D8*20260228"
    f" HD*024**HMO*HMO*ESP {ENDS}"
    f" INS*N*01*024*03*A DTP*357*D8*20260228 HD*024**HMO*HMO*ESP {ENDS}"
    " INS*Y*18*021*09*C**4*TE DTP*301*D8*20260228 DTP*340*D8*20260301 DTP*356*D8*20260301"
    " HD*021**HMO*HMO*EMP DTP*348*D8*20260301",
    (THIRD, "loses"): "INS*Y*18*001*29*A***FT HD*001**HMO*HMO*EMP DTP*303*D8*20260301 DTP*348*D8*20260301"
    f" INS*N*19*024*03*A******D8*20260218 DTP*357*D8*20260228 HD*024**HMO*HMO*ECH {ENDS}",
    # a part of a family goes on in the tier that fits it, and again when one more leaves
    (THIRD, "part"): f"INS*Y*18*024*08*A***TE DTP*337*D8*20260220 {GONE} HD*024**HMO*HMO*FAM {ENDS}"
    " INS*Y*18*021*09*C**1*TE DTP*301*D8*20260220 DTP*336*D8*20200302 DTP*340*D8*20260301 DTP*356*D8*20260301"
    " HD*021**HMO*HMO*ECH DTP*348*D8*20260301"
    f" INS*N*01*024*08*A {GONE} HD*024**HMO*HMO*FAM {ENDS} INS*N*19*024*08*A {GONE} HD*024**HMO*HMO*FAM {ENDS}"
    " INS*N*19*021*09*C**1 DTP*301*D8*20260220 DTP*340*D8*20260301 DTP*356*D8*20260301"
    " HD*021**HMO*HMO*ECH DTP*348*D8*20260301",
    (FIFTH, "part"): "INS*Y*18*001*29*C**1*TE DTP*301*D8*20260220 DTP*340*D8*20260301"
    " HD*001**HMO*HMO*EMP DTP*303*D8*20260401 DTP*348*D8*20260401"
    " INS*N*19*024*59*C**1 DTP*341*D8*20260331 DTP*357*D8*20260331"
    " HD*024**HMO*HMO*ECH DTP*348*D8*20260301 DTP*349*D8*20260331",
    # another doctor, and nothing else
    (FOURTH, "chooses"): f"{ANOTHER_DOCTOR} DTP*303*D8*20260302 DTP*348*D8*20250101"
    " LX*1 NM1*P3*1*DOE*****XX*1234567893*72 PLA*2*1P*20260302**14",
    (FIFTH, "chooses"): f"{ANOTHER_DOCTOR} DTP*303*D8*20260401 DTP*348*D8*20250101"
    " LX*1 NM1*P3*1*ROE*****SV*D7*25 PLA*2*1P*20260401**14",
    # who is divorced goes on alone
    (THIRD, "parts"): "INS*Y*18*001*29*A***FT HD*001**HMO*HMO*EMP DTP*303*D8*20260301 DTP*348*D8*20260301"
    f" INS*N*01*024*01*A {GONE} HD*024**HMO*HMO*ESP {ENDS}"
    " INS*Y*18*021*09*C**5*TE DTP*301*D8*20260228 DTP*340*D8*20260301 DTP*356*D8*20260301"
    " HD*021**HMO*HMO*EMP DTP*348*D8*20260301",
}


@pytest.fixture(scope="module")
def played(database):
    """The story, and what each file says of each family, every file accepted."""
    fed = story(agreement(), STORY)
    found = {}
    doctors = {
        FOURTH: Provider(provider_id="1234567893", name="Doe"),
        FIFTH: Provider(provider_id="D7", name="Roe", is_patient=True),
    }
    for on in (FIRST, SECOND, THIRD, FOURTH, FIFTH):
        if on == THIRD:
            dies(fed)
        fed.play_until(on)
        if on in doctors:
            names_doctor(fed, doctors[on], on)
        found |= {(on, name): " ".join(said) for name, said in fed.told(on).items()}
        assert fed.build(on) is None, "nothing is said twice"
    return fed, found


@pytest.fixture
def told(played):
    return played[1]


def dies(fed):
    fed.play_until(DIED)
    death = {"last_day_employed": DIED, "action": "DEA", "job_status": "D"}
    workforce.terminate(CLIENT_ID, fed.play.cast.people["dies"], **death, made_by="test", now=at(DIED))


def names_doctor(fed, provider, on):
    person = fed.play.cast.people["chooses"]
    seat = seats_on(fed.connection, CLIENT_ID, person, on=on)[0]
    asked = (fed.connection, CLIENT_ID, person, seat, provider)
    assert name_provider(*asked, on=on, author="test", now=at(on))


@pytest.mark.parametrize("saying", SAYINGS, ids=lambda one: f"{one[1]}, {one[0]:%m-%d}")
def test_a_saying_from_the_fact_to_the_segment(told, saying):
    assert told[saying].split() == SAYINGS[saying].split()


def test_nobody_else_is_said_after_the_first_file(told):
    assert {key for key in told if key[0] != FIRST} == {key for key in SAYINGS if key[0] != FIRST}
    assert (FIRST, "stays") in told  # his termination came and went before the second


def test_who_continues_in_part_is_told_the_premium_of_his_tier(played, monkeypatch):
    fed, _ = played

    def premiums(percent):
        partner = agreement(profile={"off": [], "continuation_percent": percent})
        cover = wanted(fed.connection, [CLIENT_ID], partner, on=FIFTH).view.cover
        rows = cover.filter(pl.col("basis") == "C", pl.col("subscriber") == pl.col("member"))
        names = {str(key): name for name, key in fed.play.cast.people.items()}
        return {
            (names[subscriber.split("-")[1]], begins_on, tier): cents
            for subscriber, begins_on, tier, cents in rows.select(
                "subscriber", "begins_on", "tier", "amount_cents"
            ).iter_rows()
        }

    assert premiums(100) == {
        ("part", THIRD, "EC"): 900_00,  # the family paid 1,400
        ("part", FIFTH, "EE"): 500_00,
        ("parts", THIRD, "EE"): 500_00,
        ("dies", THIRD, "EE"): 500_00,
    }
    assert set(premiums(102).values()) == {918_00, 510_00}
    monkeypatch.setattr(pricing, "PERSONAL", ("by_coverage_code",))  # as if HMO went by one's own age
    alone = {name for (name, _, _), cents in premiums(100).items() if cents is None}
    assert alone == {"parts", "dies"}


def test_a_death_that_somebody_reports_himself_is_a_fact(played):
    fed, _ = played
    person = fed.play.cast.people["guardian"]
    kind = lives.kind_of(fed.connection, CLIENT_ID, "DEA")
    with given_up():
        by = By(user_id=1, author="guardian", now=at(FIFTH))
        lives.report(fed.connection, CLIENT_ID, person, kind, on=FIFTH, today=FIFTH, by=by, ends=1)
        facts = load_dependents(
            fed.connection,
            pl.DataFrame({"client_id": [CLIENT_ID], "person_id": [person]}),
            {"is_former": pl.Boolean(), "died_on": pl.Date()},
        )
        last = facts.sort("valid_from").row(-1, named=True)
        assert (last["valid_from"], last["is_former"], last["died_on"]) == (FIFTH, True, FIFTH)
