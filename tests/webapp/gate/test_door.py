"""The sign-in with an account, as a page asks for it."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.webapp.conftest import MORE, Open, shown
from tests.webapp.scripted import Script, ScriptedServers, refused
from webapp.gate import door


@pytest.fixture
def with_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MORE, "members", ["@clinic.example"])


def as_user(app: AppTest, **user: object) -> AppTest:
    app.user = {"is_logged_in": True, **user}
    return app.run()


@pytest.mark.usefixtures("with_members")
def test_a_page_shows_nothing_before_a_member_has_signed_in(
    open_app: Open, servers: ScriptedServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_app("overview", "console")
    assert "no provider is set up" in app.error[0].value
    monkeypatch.setattr(door, "provider_library", lambda: True)
    app.secrets["auth"] = {"cookie_secret": "x"}
    app.run()
    assert [button.label for button in app.button] == ["Sign in"]
    stranger = as_user(app, email="ana@elsewhere.example")
    assert "ana@elsewhere.example" in shown(stranger).replace("\\", "").replace("`", "")
    assert not servers.calls
    member = as_user(app, email="ana@clinic.example", email_verified=True)
    assert servers.calls
    assert "pictures stay home" in shown(member)


def test_a_server_that_is_older_is_said_to_be(open_app: Open, master: Script) -> None:
    faulty = refused(422, "invalid_plan", "plan.new: Extra inputs are not permitted.")
    master.update(dict.fromkeys(master, faulty))
    app = open_app("overview", "console")
    assert "The server is older than this web app" in app.error[0].value
