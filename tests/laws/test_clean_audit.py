"""Law: where the audit of set-up has no errors, nobody is left without a price for lack of a rate."""

from hypothesis import given, settings
from tests.laws.documents import loaded
from tests.laws.kernel import prepare_all
from tests.laws.test_kernel_agrees import LAW, Crowd, crowds

from openbenefits.programs.audit import audit
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.findings import has_errors

NO_RATE = "BA1202"


@settings(LAW, max_examples=LAW.max_examples // 2)
@given(crowds())
def test_a_clean_audit_leaves_nobody_without_a_price(crowd: Crowd) -> None:
    peo, client = loaded(crowd.peo, PeoBundle), loaded(crowd.client, ClientBundle)
    if has_errors([*audit(peo), *audit(client, peo)]):
        return
    for person in prepare_all(crowd.peo, crowd.client, crowd.people):
        assert NO_RATE not in [message[0] for message in person["messages"]]
