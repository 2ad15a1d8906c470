"""From HR fact to segment: what a carrier is told of the people of a story, in one file of changes or another.

Each saying is the whole of what one family is told, but for names and places. Source: carrier-feeds §4.
"""

from datetime import date, timedelta

import polars as pl
import pytest
from tests.carriers.feeding import CODE, agreement, at, story

from openbenefits.carriers.agreements.partners import save_partner
from openbenefits.scenarios.databases import CLIENT_ID
from openbenefits.store.secrets import encrypt_ssn, hash_ssn
from openbenefits.workforce import services as workforce

FIRST, SECOND, THIRD, FOURTH = date(2026, 2, 1), date(2026, 2, 15), date(2026, 3, 1), date(2026, 3, 2)
ENDS = "DTP*348*D8*20250101 DTP*349*D8*20260228"

SAYINGS = {
    # (the day of the file, the family): what is said of it
    (FIRST, "quiet"): "INS*Y*18*021*28*A***FT DTP*336*D8*20200302 DTP*356*D8*20250101"
    " HD*021**PPO*PPO*EMP DTP*348*D8*20250101",
    (FIRST, "disabled"): "INS*Y*18*021*28*A***FT DTP*336*D8*20000302 DTP*356*D8*20250101"
    " HD*021**PPO*PPO*ECH DTP*348*D8*20250101"
    " INS*N*19*021*28*A*****Y DTP*356*D8*20250101 HD*021**PPO*PPO*ECH DTP*348*D8*20250101",
    (SECOND, "hired"): "INS*Y*18*021*28*A***FT DTP*336*D8*20260202 DTP*356*D8*20260501"
    " HD*021**HMO*HMO*EMP DTP*348*D8*20260501",
    (SECOND, "mistaken"): "INS*Y*18*021*28*A***FT DTP*336*D8*20260202 DTP*356*D8*20260501"
    " HD*021**HMO*HMO*EMP DTP*348*D8*20260501",
    (SECOND, "returns"): "INS*Y*18*024*08*A***TE DTP*337*D8*20260209 DTP*357*D8*20260228"
    f" HD*024**HMO*HMO*EMP {ENDS}",
    # a hire that never was, told: void
    (THIRD, "mistaken"): "INS*Y*18*024*07*A***FT HD*024**HMO*HMO*EMP DTP*348*D8*20260501 DTP*349*D8*20260501",
    # an end that never was, told: reinstated without a gap
    (THIRD, "returns"): "INS*Y*18*025*20*A***FT DTP*336*D8*20200302"
    " HD*025**HMO*HMO*EMP DTP*303*D8*20260301 DTP*348*D8*20250101",
    (THIRD, "birth"): "INS*Y*18*001*02*A***FT HD*001**HMO*HMO*ECH DTP*303*D8*20260217 DTP*348*D8*20260217"
    " INS*N*19*021*02*A DTP*356*D8*20260217 HD*021**HMO*HMO*ECH DTP*348*D8*20260217",
    (THIRD, "twins"): "INS*Y*18*001*02*A***FT HD*001**HMO*HMO*ECH DTP*303*D8*20260217 DTP*348*D8*20260217"
    " INS*N*19*021*02*A************1 DTP*356*D8*20260217 HD*021**HMO*HMO*ECH DTP*348*D8*20260217"
    " INS*N*19*021*02*A************2 DTP*356*D8*20260217 HD*021**HMO*HMO*ECH DTP*348*D8*20260217",
    (THIRD, "married"): "INS*Y*18*001*32*A***FT HD*001**HMO*HMO*ESP DTP*303*D8*20260301 DTP*348*D8*20260301"
    " INS*N*01*021*32*A DTP*356*D8*20260301 HD*021**HMO*HMO*ESP DTP*348*D8*20260301",
    (THIRD, "divorced"): "INS*Y*18*001*29*A***FT HD*001**HMO*HMO*EMP DTP*303*D8*20260301 DTP*348*D8*20260301"
    f" INS*N*01*024*01*A DTP*357*D8*20260228 HD*024**HMO*HMO*ESP {ENDS}",
    (THIRD, "drops"): "INS*Y*18*001*14*A***FT HD*024**DEN*DEN*EMP DTP*348*D8*20250101 DTP*349*D8*20260217",
    (THIRD, "switches"): f"INS*Y*18*001*22*A***FT HD*024**HMO*HMO*EMP {ENDS}"
    " HD*021**PPO*PPO*EMP DTP*348*D8*20260301",
    (
        THIRD,
        "leaves",
    ): f"INS*Y*18*024*08*A***TE DTP*337*D8*20260220 DTP*357*D8*20260228 HD*024**HMO*HMO*ECH {ENDS}"
    f" INS*N*19*024*08*A DTP*357*D8*20260228 HD*024**HMO*HMO*ECH {ENDS}",
    (THIRD, "retires"): "INS*Y*18*024*04*A***TE DTP*337*D8*20260220 DTP*357*D8*20260228"
    f" HD*024**PPO*PPO*EMP {ENDS}",
    # employee and spouse go on together: one family, ended as active and added under COBRA
    (THIRD, "continues"): "INS*Y*18*024*08*A***TE DTP*337*D8*20260220 DTP*357*D8*20260228"
    f" HD*024**HMO*HMO*ESP {ENDS}"
    " INS*Y*18*021*09*C**1*TE DTP*301*D8*20260220 DTP*336*D8*20200302 DTP*340*D8*20260301 DTP*356*D8*20260301"
    " HD*021**HMO*HMO*ESP DTP*348*D8*20260301"
    f" INS*N*01*024*08*A DTP*357*D8*20260228 HD*024**HMO*HMO*ESP {ENDS}"
    " INS*N*01*021*09*C**1 DTP*301*D8*20260220 DTP*340*D8*20260301 DTP*356*D8*20260301"
    " HD*021**HMO*HMO*ESP DTP*348*D8*20260301",
    # the spouse goes on alone: a subscriber now
    (THIRD, "alone"): "INS*Y*18*024*08*A***TE DTP*337*D8*20260220 DTP*357*D8*20260228"
    f" HD*024**HMO*HMO*ESP {ENDS}"
    f" INS*N*01*024*08*A DTP*357*D8*20260228 HD*024**HMO*HMO*ESP {ENDS}"
    " INS*Y*18*021*09*C**1*TE DTP*301*D8*20260220 DTP*340*D8*20260301 DTP*356*D8*20260301"
    " HD*021**HMO*HMO*EMP DTP*348*D8*20260301",
    (THIRD, "moves"): "INS*Y*18*001*43*A***FT",
    # a name put right, and the number of a newborn that has come
    (FOURTH, "renamed"): "INS*Y*18*001*25*A***FT NM1*74*1*TALE*RENAMED*ANN NM1*70*1*STORY*RENAMED",
    (FOURTH, "moves"): "INS*Y*18*001*33*A***FT",
    (FOURTH, "birth"): "INS*N*19*001*25*A",
}
UNSAID = {(SECOND, "never"), (THIRD, "never"), (SECOND, "quiet"), (THIRD, "quiet"), (THIRD, "hired")}
"""Who was hired by mistake and taken back before anything was told is never told; nor who does not change."""


@pytest.fixture(scope="module")
def fed(database):
    return story(agreement())


@pytest.fixture(scope="module")
def told(fed):
    """What each file says of each family, every file accepted."""
    found = {}
    for on in (FIRST, SECOND, THIRD):
        fed.play_until(on)
        found |= {(on, name): " ".join(said) for name, said in fed.told(on).items()}
    assert fed.build(THIRD) is None, "nothing is said twice"
    person, child = fed.play.cast.people["renamed"], fed.play.cast.dependents["kim"]
    by = {"made_by": "test", "now": at(FOURTH)}
    workforce.correct_person(1, person, on=FOURTH, changes={"last_name": "Tale", "middle_name": "Ann"}, **by)
    called = fed.play.cast.people["moves"]
    workforce.correct_person(1, called, on=FOURTH, changes={"phone": "6175550100"}, **by)
    number = pl.Series(["123456789"])
    ssn = {"ssn_sealed": encrypt_ssn(number)[0], "ssn_hash": hash_ssn(number)[0].hex()}
    workforce.change_dependent(1, child, on=date(2026, 2, 17), changes=ssn, **by)
    found |= {(FOURTH, name): " ".join(said) for name, said in fed.told(FOURTH).items()}
    return found


@pytest.mark.parametrize("saying", SAYINGS, ids=lambda one: f"{one[1]}, {one[0]:%m-%d}")
def test_a_saying_from_the_fact_to_the_segment(told, saying):
    assert told[saying].split() == SAYINGS[saying].split()


def test_what_nets_to_nothing_is_not_said(told):
    assert not UNSAID & told.keys()
    assert {name for on, name in told if on == FOURTH} == {"renamed", "birth", "moves"}


def test_a_full_file_says_who_is_covered_and_who_ended_lately(told, fed):
    on = FOURTH + timedelta(days=1)
    everybody = {name: " ".join(said) for name, said in fed.told(on, "4").items()}
    covered = {name for _, name in told} - {"mistaken", "leaves", "retires"}
    assert everybody.keys() == covered
    assert not any("024*" in said for said in everybody.values())
    assert "INS*Y*18*030**C**1*TE" in everybody["continues"]
    assert "HD*030**HMO*HMO*ESP DTP*348*D8*20260301" in everybody["continues"]
    save_partner(CLIENT_ID, CODE, agreement(days_to_repeat=30), author="test", now=at(on))
    repeated = {name: " ".join(said) for name, said in fed.told(on, "4").items()}
    assert repeated.keys() == covered | {"leaves", "retires"}
    assert repeated["retires"].split()[-3:] == f"HD*024**PPO*PPO*EMP {ENDS}".split()
    assert "INS*N*01*024*07*A" in repeated["divorced"]
    later = {name: " ".join(said) for name, said in fed.told(on + timedelta(days=40), "4").items()}
    assert later.keys() == covered
