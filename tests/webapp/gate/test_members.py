from dataclasses import replace

import pytest

from webapp.gate.members import Members, user_of

MEMBERS = Members(("Ana@one.example", "@clinic.example", "@strasse.example", "@klinik.example"))
VERIFIED = {"is_logged_in": True, "email_verified": True}


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({"email": "ana@ONE.example"}, True),
        ({"email": "bo@clinic.example", "email_verified": True}, True),
        ({"email": "bo@clinic.example", "email_verified": False}, False),
        ({"email": "bo@clinic.example", "is_logged_in": False}, False),
        ({"email": "bo@one.example"}, False),
        ({"email": "bo@evil.clinic.example"}, False),
        ({"email": "bo@evilclinic.example"}, False),
        ({"email": "@clinic.example"}, False),
        ({"email": "bo@clinic.example@evil.example"}, False),
        ({"email": "bo@strasse.example"}, True),
        # Other domains, which anybody may own, although they fold to the same letters.
        ({"email": "bo@straße.example"}, False),
        ({"email": "bo@\u212alinik.example"}, False),
        ({"email": None}, False),
        ({}, False),
    ],
)
def test_who_is_among_the_members(user: dict[str, object], expected: bool) -> None:
    assert MEMBERS.admits(VERIFIED | user) is expected


def test_an_address_of_which_nothing_is_said_counts_where_the_settings_say_so() -> None:
    user = {"is_logged_in": True, "email": "bo@clinic.example"}
    assert not MEMBERS.admits(user)
    lenient = replace(MEMBERS, even_unverified=True)
    assert lenient.admits(user)
    assert not lenient.admits(user | {"email_verified": False})


@pytest.mark.parametrize("value", ["", "x", '{"is_logged_in": true, "email": "ana@one.example"}'])
def test_a_forged_cookie_names_nobody(value: str) -> None:
    assert not MEMBERS.admits(user_of({"_streamlit_user": value}))
