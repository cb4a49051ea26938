"""Every address says what the policy is asked before it answers: one that says nothing fails here, not in production."""

from maillage.access import policy
from maillage.doors.fhir.context import READABLE
from maillage.doors.fhir.kinds import DEFINITIONS
from maillage.doors.web import areas
from maillage.doors.web.pages import OWN


def test_each_page_asks_the_policy_on_a_type_that_it_knows() -> None:
    silent = [
        f"{page.method} {page.path}" for page in areas.PAGES if not page.public and page.on != OWN and page.on not in policy.policy().types
    ]
    assert silent == []


def test_each_page_asks_for_an_action_and_what_acts_does_not_ask_to_read() -> None:
    assert {page.to for page in areas.PAGES} <= {"read", "write", "verb"}
    reading = {page.path for page in areas.PAGES if page.method == "POST" and page.on not in ("", OWN) and page.to == "read"}
    opening = "/patients/{id:id}/applications/{client:id}"  # an app is opened on what its person may read
    assert reading == {"/patients", opening}  # the search: names never travel in an address


def test_each_type_that_the_api_answers_for_is_in_the_policy() -> None:
    assert policy.policy().types == READABLE | DEFINITIONS | policy.OWN_WORDS
