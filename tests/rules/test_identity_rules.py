"""Passwords that are refused, waits that grow, codes, and what is sealed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

from maillage.access.identity.codes import STEP, new_recovery_codes, new_totp_secret, recovery_form, totp_step
from maillage.access.identity.passwords import hash_password, password_matches
from maillage.access.identity.rules import password_problem, wait_after
from maillage.access.identity.sealing import FILE, Sealer
from maillage.kernel.errors import Unauthenticated
from maillage.settings import DataSettings, IdentitySettings, SettingError, Settings

NOW = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
GOOD = "girafe tambour lilas verglas"
ABOUT = ("colette.vernois", "Colette Vernois", "Centre de santé de Clamart")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "password-too-short:12"),
        ("kz8!vQ2-wP", "password-too-short:12"),
        ("é" * 129, "password-too-long:128"),
        ("motdepasse2026", "password-known"),
        ("M0tDeP@sse!!", "password-known"),
        ("azertyuiop123", "password-known"),
        ("AZERTYUIOP!!!", "password-known"),
        ("passwordpassword", "password-known"),  # of the list as it stands, or a repetition
        ("abcabcabcabcabc", "password-known"),
        ("aaaaaaaaaaaaaaa", "password-known"),
        ("1234567890123456", "password-weak"),
        ("Hôpital2026!!", "password-known"),
        ("qwertyuiop[]12", "password-weak"),
        ("colettevernois", "password-weak"),
        ("Vernois-Colette-1", "password-weak"),
    ],
)
def test_a_password_that_others_know_or_guess_is_refused(password: str, reason: str) -> None:
    assert password_problem(password, ABOUT) == reason


@pytest.mark.parametrize(
    "password",
    [
        "girafe tambour lilas verglas",
        "kz8!vQ2-wPm7",
        "Ça déborde, où est l’échelle ?",
        "日本語のパスワードは長い文です",
        "x" * 7 + "Tq9-bo7Lam",
    ],
)
def test_a_long_and_unrelated_one_is_accepted_whatever_its_characters(password: str) -> None:
    assert password_problem(password, ABOUT) is None


def test_the_wait_grows_after_five_failures_and_stays_bearable() -> None:
    assert [wait_after("pair", failures).total_seconds() for failures in (1, 4, 5, 6, 7, 12, 50, 5000)] == [0, 0, 2, 4, 8, 256, 900, 900]
    assert wait_after("account", 19) == wait_after("address", 99) == timedelta()
    assert wait_after("account", 20) == wait_after("address", 100) == timedelta(seconds=2)


def test_a_code_is_good_for_its_step_and_its_neighbours() -> None:
    secret = new_totp_secret()
    code = pyotp.TOTP(secret).at(NOW)
    step = int(NOW.timestamp()) // STEP
    assert [totp_step(secret, code, NOW + timedelta(seconds=off)) for off in (-31, -30, 0, 29, 30, 59, 60)] == [
        None,
        step,
        step,
        step,
        step,
        step,
        None,
    ]
    assert totp_step(secret, f" {code[:3]} {code[3:]} ", NOW) == step
    for wrong in ("", "12345", "1234567", "abcdef", "١٢٣٤٥٦", code + "0"):
        assert totp_step(secret, wrong, NOW) is None


def test_recovery_codes_are_long_distinct_and_read_however_they_are_typed() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == 8
    assert all(len(code.replace("-", "")) == 24 for code in codes)
    assert {recovery_form(code.lower().replace("-", " ")) for code in codes} == set(codes)
    assert {recovery_form(code.replace("O", "0").replace("I", "1")) for code in codes} == set(codes)


def sealer(*keys: str) -> Sealer:
    return Sealer.of(Settings(identity=IdentitySettings(key=",".join(keys))))


OLD, NEW = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


def test_what_is_sealed_opens_for_its_purpose_alone_and_unchanged() -> None:
    ours = sealer(NEW)
    sealed = ours.seal(b"secret", "totp a")
    assert ours.open(sealed, "totp a") == b"secret"
    assert b"secret" not in sealed
    for broken in (sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]), b"", sealed[:8]):
        with pytest.raises(Unauthenticated):
            ours.open(broken, "totp a")
    for other in (lambda: ours.open(sealed, "totp b"), lambda: sealer(OLD).open(sealed, "totp a")):
        with pytest.raises(Unauthenticated):
            other()


def test_a_key_is_replaced_without_losing_what_the_former_one_sealed() -> None:
    sealed = sealer(OLD).seal(b"secret", "totp a")
    both = sealer(NEW, OLD)
    assert both.open(sealed, "totp a") == b"secret"
    assert sealer(NEW).open(both.seal(b"new", "totp a"), "totp a") == b"new"
    assert both.is_challenge(sealer(OLD).challenge("x", NOW), "x", NOW, timedelta(minutes=1))


def test_a_packed_value_is_good_until_its_end() -> None:
    ours = sealer(NEW)
    packed = ours.pack({"state": "s"}, "psc", NOW + timedelta(minutes=10))
    assert ours.unpack(packed, "psc", NOW + timedelta(minutes=9)) == {"state": "s"}
    for now, purpose, text in (
        (NOW + timedelta(minutes=10), "psc", packed),
        (NOW, "other", packed),
        (NOW, "psc", packed[:-4]),
        (NOW, "psc", "é"),
        (NOW, "psc", ""),
    ):
        with pytest.raises(Unauthenticated, match="seal-broken"):
            ours.unpack(text, purpose, now)


def test_a_packed_value_has_one_spelling() -> None:
    ours, letters = sealer(NEW), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for value in ("s", "ss", "sss"):  # another number of letters left over each time
        packed = ours.pack(value, "psc", NOW + timedelta(minutes=10))
        assert ours.unpack(packed, "psc", NOW) == value
        others = [f"{packed[:-1]}{letter}" for letter in letters if letter != packed[-1]]
        for other in (*others, f"{packed[:5]}!{packed[5:]}", f"{packed}=", f"{packed} "):
            with pytest.raises(Unauthenticated, match="seal-broken"):
                ours.unpack(other, "psc", NOW)


def test_a_challenge_is_recognised_for_its_purpose_and_time_alone() -> None:
    ours, life = sealer(NEW), timedelta(minutes=10)
    made = ours.challenge("sign-in a", NOW)
    assert ours.is_challenge(made, "sign-in a", NOW + life, life)
    assert made != ours.challenge("sign-in a", NOW)
    refused = [
        ours.is_challenge(made, "sign-in b", NOW, life),
        ours.is_challenge(made, "sign-in a", NOW + life + timedelta(seconds=1), life),
        ours.is_challenge(made, "sign-in a", NOW - timedelta(seconds=1), life),
        ours.is_challenge(made[:-1] + bytes([made[-1] ^ 1]), "sign-in a", NOW, life),
        ours.is_challenge(b"", "sign-in a", NOW, life),
        sealer(OLD).is_challenge(made, "sign-in a", NOW, life),
    ]
    assert refused == [False] * 6


def test_a_key_is_made_once_in_the_data_folder_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data=DataSettings(folder=tmp_path / "data"))
    sealed = Sealer.of(settings).seal(b"x", "p")
    file = tmp_path / "data" / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert Sealer.of(settings).open(sealed, "p") == b"x"
    assert [path.name for path in file.parent.iterdir()] == [FILE]


@pytest.mark.parametrize("key", ["short", "!!!", base64.b64encode(b"x" * 31).decode()])
def test_a_key_that_is_none_stops_the_start(key: str) -> None:
    with pytest.raises(SettingError):
        sealer(key)


@pytest.mark.asyncio
async def test_what_is_kept_of_a_password_costs_a_guesser_64_mebibytes() -> None:
    kept = await hash_password(GOOD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await password_matches(kept, GOOD)
    assert not await password_matches(kept, GOOD + "x")
    assert not await password_matches(None, GOOD)
