"""How many members a transaction set holds is agreed: with one, a refused set concerns one family alone."""

from pathlib import Path

import msgspec
import pytest
import yaml
from tests.carriers.enrollment.populations import HEADER, TOLD
from tests.carriers.viewing import made, person, span

import openbenefits.carriers
from openbenefits.carriers.agreements.partners import PartnerRefused, read_agreement, read_partner
from openbenefits.carriers.building.services import manner_of
from openbenefits.carriers.enrollment.file import file_of
from openbenefits.carriers.enrollment.member import Member, Standing
from openbenefits.carriers.enrollment.statements import Reference
from openbenefits.carriers.rules.renderings import Manner, changes
from openbenefits.carriers.rules.views import empty

AGREEMENT = Path(openbenefits.carriers.__file__).parent / "agreements" / "hmo_blue.yaml"
TWO = made(
    span("S", "01-01"),
    span("C", "01-01"),
    span("T", "01-01", subscriber="T"),
    people=[person("S"), person("C"), person("T", "18", subscriber="T")],
)


@pytest.mark.parametrize(("size", "sets"), [(None, {1}), (2, {1, 2}), (1, {1, 2})])
def test_a_family_is_in_one_set(size, sets):
    people = changes(empty(), TWO, Manner(set_size=size)).people
    assert set(people["set"]) == sets
    assert people.group_by("subscriber").n_unique()["set"].to_list() == [1, 1]


def test_the_file_is_cut_where_the_message_is():
    told = [
        Member(standing=Standing(subscriber=is_own), references=(Reference(kind="0F", value=family),))
        for family, is_own in (("S", "Y"), ("S", "N"), ("T", "Y"))
    ]
    file = file_of(HEADER, told, **TOLD, largest_set=1)
    assert [[one.family for one in part.members] for part in file.sets] == [["S", "S"], ["T"]]


def test_it_is_agreed_and_cannot_be_nothing():
    partner = msgspec.structs.replace(read_agreement(AGREEMENT.read_text()), set_size=1)
    assert manner_of(partner).set_size == 1
    with pytest.raises(PartnerRefused, match="set_size"):
        read_partner(yaml.safe_load(AGREEMENT.read_text()) | {"set_size": 0})
