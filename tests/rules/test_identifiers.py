"""Forms and keys of French identifiers, and the severity of each finding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage.codes import systems
from maillage.directory import identifiers as ids

GOOD_INS = "279035121518989"  # the patient of the official samples
FALSE_KEY = "123456789012244"  # the FR Core example


def severities(system: str, value: str, mode: ids.Mode, **more: object) -> list[tuple[str, str]]:
    return [(issue.severity, issue.reason) for issue in ids.check(system, value, mode, **more)]


@pytest.mark.parametrize(
    ("system", "value", "in_test", "in_production"),
    [
        (systems.INS_NIR, GOOD_INS, [], []),
        (systems.INS_NIA, GOOD_INS, [], []),
        (systems.INS_NIR, FALSE_KEY, [("warning", "ins-key")], [("error", "ins-key")]),
        (systems.INS_NIR, "2790351215189", [("error", "ins-form")], [("error", "ins-form")]),
        (systems.INS_NIR, "2790351215189XX", [("error", "ins-form")], [("error", "ins-form")]),
        (systems.INS_NIA, "", [("error", "ins-form")], [("error", "ins-form")]),
        (systems.INS_TEST, GOOD_INS, [], [("warning", "ins-test-domain")]),
        (systems.INS_TEST, FALSE_KEY, [("information", "ins-key")], [("warning", "ins-key"), ("warning", "ins-test-domain")]),
        (systems.INS_DEMO, "never an error", [("information", "ins-key")], [("warning", "ins-key"), ("warning", "ins-test-domain")]),
        (systems.RPPS, "10101201234", [("warning", "rpps-key")], [("warning", "rpps-key")]),
        (systems.RPPS, "99700000013", [], []),
        (systems.RPPS, "810101201234", [("warning", "rpps-form")], [("warning", "rpps-form")]),
        (systems.FINESS, "940000573", [], []),
        (systems.FINESS, "940000574", [("warning", "finess-key")], [("warning", "finess-key")]),
        (systems.FINESS, "94000057", [("warning", "finess-key")], [("warning", "finess-key")]),
        (systems.FINESS, "9400005", [("warning", "finess-form")], [("warning", "finess-form")]),
        (systems.IDNPS, "810101201234", [], []),
        (systems.IDNPS, "00B1057294", [], []),
        (systems.IDNPS, "3940000573/12", [], []),
        (systems.IDNPS, "10100997245", [("warning", "idnps-form")], [("warning", "idnps-form")]),
        (systems.IDNST, "1940000573", [], []),
        (systems.IDNST, "2264403106", [], []),
        (systems.IDNST, "F754567860", [("warning", "idnst-form")], [("warning", "idnst-form")]),
        (systems.RPPS_RANG, "10003456789001", [], []),
        (systems.RPPS_RANG, "F754567860", [("warning", "rpps-rang-form")], [("warning", "rpps-rang-form")]),
        ("urn:oid:1.2.3", "anything", [], []),
    ],
)
def test_severity_policy(system: str, value: str, in_test: list[tuple[str, str]], in_production: list[tuple[str, str]]) -> None:
    assert severities(system, value, "test") == in_test
    assert severities(system, value, "production") == in_production


def test_an_issue_points_at_its_field() -> None:
    [issue] = ids.check(systems.INS_NIR, "1", "test", expression="Patient.identifier[0].value")
    assert (issue.code, issue.expression) == ("value", "Patient.identifier[0].value")


@pytest.mark.parametrize("system", [systems.RPPS, systems.FINESS, systems.SIRENE, systems.IDNPS, systems.IDNST])
def test_own_staff_and_structures_are_held_to_the_key_in_production(system: str) -> None:
    value = {systems.RPPS: "10101201234", systems.FINESS: "940000574", systems.SIRENE: "264403107"}.get(system, "?")
    assert [severity for severity, _ in severities(system, value, "production", own=True)] == ["error"]
    assert [severity for severity, _ in severities(system, value, "test", own=True)] == ["warning"]


def test_siren_and_siret_are_told_apart_by_type() -> None:
    assert severities(systems.SIRENE, "263500076", "test", type_code="SIREN") == []
    assert severities(systems.SIRENE, "26350007609999", "test", type_code="SIREN") == [("warning", "siren-form")]
    assert severities(systems.SIRENE, "263500076", "test", type_code="SIRET") == [("warning", "siret-form")]
    assert severities(systems.SIRENE, "26350007609999", "test") == [("warning", "siret-key")]


def test_the_rpps_system_on_a_role_holds_another_identifier() -> None:
    assert severities(systems.RPPS, "1011848351", "production", resource_type="PractitionerRole", own=True) == []


@pytest.mark.parametrize(
    ("system", "value", "normal"),
    [
        (systems.INS_NIR, " 2 79 03 51 215 189 89 ", GOOD_INS),
        (systems.INS_NIR, "184032a004125" + "00", "184032A00412500"),
        (systems.FINESS, "10000024", "010000024"),
        (systems.FINESS, "2a0000014", "2A0000014"),
        (systems.FINESS, "94 000 057 3", "940000573"),
        (systems.RPPS, "1010 120 1234", "10101201234"),
    ],
)
def test_normalisation(system: str, value: str, normal: str) -> None:
    assert ids.normalise(system, value) == normal


@pytest.mark.parametrize("finess", ["2A0000014", "2B0000012"])
def test_corsican_finess_has_a_luhn_key(finess: str) -> None:
    digits = finess.replace("A", "1").replace("B", "2")
    good = finess[:-1] + ids.luhn_key(digits[:-1])
    assert severities(systems.FINESS, good, "test") == []
    assert severities(systems.FINESS, good[:-1] + str((int(good[-1]) + 1) % 10), "test") == [("warning", "finess-key")]


@pytest.mark.parametrize(
    ("birth_date", "gender", "reasons"),
    [
        ("1979-03-14", "female", []),
        ("1979", "female", []),
        ("1974-12-25", "female", ["nir-birth-year"]),
        ("1979-03-14", "male", ["nir-gender"]),
        ("1980-03-14", "male", ["nir-birth-year", "nir-gender"]),
        ("1979-03-14", "unknown", []),
        (None, None, []),
    ],
)
def test_nir_against_traits(birth_date: str | None, gender: str | None, reasons: list[str]) -> None:
    issues = ids.check_nir_traits(GOOD_INS, birth_date=birth_date, gender=gender)
    assert [issue.reason for issue in issues] == reasons
    assert {issue.severity for issue in issues} <= {"warning"}


@pytest.mark.parametrize(("digits", "gender"), [("137", "male"), ("248", "female")])
def test_the_sex_of_a_nir_is_its_first_digit_in_all_its_series(digits: str, gender: str) -> None:
    """1 and 2; 3 and 4 foreigners being registered; 7 and 8 provisional."""
    other = {"male": "female", "female": "male"}[gender]
    for digit in digits:
        nir = digit + GOOD_INS[1:]
        assert ids.check_nir_traits(nir, birth_date=None, gender=gender) == []
        assert [issue.reason for issue in ids.check_nir_traits(nir, birth_date=None, gender=other)] == ["nir-gender"]


def test_traits_of_a_malformed_nir_are_not_judged() -> None:
    assert ids.check_nir_traits("2", birth_date="1900-01-01", gender="male") == []


@pytest.mark.parametrize(
    ("code", "good"), [("94028", True), ("2A004", True), ("99352", True), ("2C004", False), ("9402", False), ("94028 ", False)]
)
def test_commune_form(code: str, good: bool) -> None:
    assert ids.commune_ok(code) is good


@pytest.mark.parametrize(
    ("system", "value", "in_test", "in_production"),
    [
        (systems.INS_NIR, GOOD_INS, True, True),
        (systems.INS_NIR, FALSE_KEY, False, False),
        (systems.INS_TEST, GOOD_INS, True, False),
        (systems.INS_TEST, FALSE_KEY, False, False),
        ("urn:oid:1.2.3", GOOD_INS, False, False),
    ],
)
def test_which_ins_may_qualify(system: str, value: str, in_test: bool, in_production: bool) -> None:
    assert ids.ins_may_qualify(system, value, "test") is in_test
    assert ids.ins_may_qualify(system, value, "production") is in_production


digits = st.text("0123456789", min_size=8, max_size=13)


@given(digits)
def test_luhn_key_is_accepted_and_every_other_digit_refused(body: str) -> None:
    key = ids.luhn_key(body)
    assert [other for other in "0123456789" if ids.luhn_ok(body + other)] == [key]


@given(
    st.sampled_from("12"),
    st.from_regex(r"[0-9]{4}", fullmatch=True),
    st.sampled_from(["2A", "2B", "75", "94", "99"]),
    st.from_regex(r"[0-9]{6}", fullmatch=True),
)
def test_nir_key_is_accepted_and_any_other_key_refused(sex: str, year_month: str, department: str, rest: str) -> None:
    body = sex + year_month + department + rest
    key = ids.nir_key(body)
    assert ids.ins_key_ok(body + key)
    assert 1 <= int(key) <= 97
    other = f"{int(key) % 97 + 1:02d}"
    assert not ids.ins_key_ok(body + other)


@given(
    st.text(max_size=30),
    st.sampled_from(
        sorted(systems.INS_SYSTEMS | {systems.RPPS, systems.FINESS, systems.SIRENE, systems.IDNPS, systems.IDNST, systems.RPPS_RANG})
    ),
)
def test_no_text_breaks_the_checks(value: str, system: str) -> None:
    for mode in ("test", "production"):
        for issue in ids.check(system, value, mode):
            assert issue.severity in {"error", "warning", "information"}


@given(st.text(max_size=20), st.sampled_from([systems.FINESS, systems.RPPS, systems.INS_NIR]))
def test_normalising_twice_changes_nothing(value: str, system: str) -> None:
    once = ids.normalise(system, value)
    assert ids.normalise(system, once) == once
