"""Roles: who has which pages, and what the console must never have."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

import webapp
from tests.webapp.conftest import Open, shown
from tests.webapp.scripted import ScriptedServers
from webapp.frame import AREAS, pages_of
from webapp.settings import VARIABLE, Role

ROOT = Path(webapp.__file__).parent


def test_only_site_and_demo_have_pages_with_pictures() -> None:
    for role in ("console", "classroom"):
        assert not {*pages_of(role)} & {"pictures", "classify", "workbench"}  # type: ignore[arg-type]
    assert {"workbench", "pictures", "classify"} <= {*pages_of("site")}
    assert {*pages_of("demo")} == {name for area in AREAS.values() for name in area}


def test_a_page_belongs_to_one_area() -> None:
    assert len(pages_of("demo")) == len({*pages_of("demo")})


@pytest.mark.parametrize("page", AREAS["console"])
def test_the_console_neither_shows_nor_takes_a_picture(
    page: str, open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app(page, "console")
    assert not app.exception
    assert not app.get("file_uploader")
    assert not app.get("camera_input")
    assert not app.get("imgs")
    assert not app.get("image")
    assert servers.calls
    assert all("images" not in call.path and "predict" not in call.path for call in servers.calls)
    assert {call.token for call in servers.calls} == {"operator-token"}


def test_an_uploader_and_pictures_would_be_noticed(open_app: Open) -> None:
    """The test above looks for elements that a page with pictures really has."""
    app = open_app("pictures", "site")
    assert app.get("file_uploader")
    assert app.get("imgs") or app.get("image")


@pytest.mark.parametrize("role", ["demo", "site", "console", "classroom"])
def test_every_role_says_what_it_is_and_is_not(role: Role, open_app: Open) -> None:
    told = shown(open_app(pages_of(role)[0], role))
    assert "not a medical device" in told
    expected = {
        "demo": "all run on this one computer",
        "site": "Pictures stay here",
        "console": "never shows or receives a picture",
        "classroom": "No server",
    }
    assert expected[role] in told


def test_an_unexpected_error_shows_a_number_and_no_trace(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("webapp.views.rewards.page", broken)
    app = open_app("rewards")
    assert not app.exception
    assert "log has the details" in app.error[0].value
    assert "secret detail" not in shown(app)
    assert "ZeroDivisionError" not in shown(app)


def test_settings_that_cannot_be_used_are_told_on_the_page(
    open_app: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_app("overview")
    path = tmp_path / "open.json"
    path.write_text(json.dumps({"role": "classroom"}))
    path.chmod(0o644)
    monkeypatch.setenv(VARIABLE, str(path))
    st.cache_resource.clear()
    app.run()
    assert "mode 0600" in app.error[0].value


def test_no_file_hides_a_package_when_streamlit_puts_the_folder_first() -> None:
    """`streamlit run webapp/app.py` puts `webapp/` first on the path."""
    taken = {
        "federated",
        "models",
        "imaging",
        "serving",
        "child",
        "master",
        "engines",
        "benchmarks",
    }
    assert not {path.stem for path in ROOT.iterdir()} & taken
    assert not (ROOT / "pages").exists()


def test_nothing_is_asked_of_other_hosts() -> None:
    own = ("^https?://", "http://127.0.0.1", "http://www.w3.org/2000/svg", "http://…")
    for path in [*ROOT.rglob("*.py"), *ROOT.rglob("*.css"), *ROOT.rglob("*.svg")]:
        content = path.read_text()
        if path.suffix == ".py":
            # A docstring may name its source.
            for told in set(_docstrings(ast.parse(content))):
                content = content.replace(told, "")
        for address in own:
            content = content.replace(address, "")
        assert "https://" not in content, path
        assert "http://" not in content, path


def _docstrings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
