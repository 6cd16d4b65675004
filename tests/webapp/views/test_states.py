"""Every page in each of its states: normal, empty, error, no permission, offline."""

import pytest

from tests.webapp import sample
from tests.webapp.conftest import Open, shown
from tests.webapp.scripted import CHILDREN, MASTER, ScriptedServers, refused
from webapp.frame import AREAS
from webapp.language import LANGUAGES, speaking
from webapp.texts import text

ROLE = {name: area for area, names in AREAS.items() for name in names}
PAGES = [*ROLE]
OF_SITE = [*AREAS["site"]]
WITH_SERVER = [name for name in PAGES if ROLE[name] != "classroom"]
# What each page says; a page without an entry is checked for everything else.
NORMAL = {
    "overview": ["See what it learnt", "cnn10", "2 of 2", "75", "0.810", "Round 1 averaged"],
    "train": ["The study's own plan", "site-1", "✓ yes", "When a round closes"],
    "results": ["completed", "2 / 2", "0.810", "Accuracy on the test pictures was", "Report"],
    "compare": ["16", "4", "0.850", "Over the rounds"],
    "sites": ["received global model", "HTTP 201", "12 benign, 7 malignant", "101.50 credits"],
    "rewards": ["101.50", "of the pool of 100"],
    "system": [
        "SQLite 3.40.1",
        "Only 5 % of the disk is free",
        "--lease-seconds,60.0",
        "Round 2 closed",
        "The worker does not run right now",
    ],
    "workbench": ["Connected to the master", "cnn10", "3 benign, 2 malignant"],
    "pictures": ["What leaves are model weights", "6 pictures: 2 new", "3 benign, 2 malignant"],
    "model_card": ["What it is for", "cnn10", "has told no figures of this model"],
    "taking_part": ["This site takes part", "6.6 MB"],
    "classify": ["Not a medical device", "Model cnn10, round 2", "Tick the box"],
}
EMPTY = {
    "overview": ["There is no study yet"],
    "train": ["There is no model to train yet"],
    "results": ["No run has been started yet"],
    "compare": ["There are no two runs of this study yet"],
    "sites": ["No site has joined yet", "Make a join token"],
    "rewards": ["No credit has been earned yet"],
    "workbench": ["The site holds no picture yet"],
    "pictures": ["The site holds no picture yet"],
    "taking_part": ["Nothing has left this site yet"],
    "model_card": ["This model is untrained"],
    "classify": ["untrained model"],
}


@pytest.mark.parametrize("page", PAGES)
def test_normal(page: str, open_app: Open) -> None:
    app = open_app(page, ROLE[page])
    assert not app.exception
    assert not app.error
    told = shown(app)
    assert app.title[0].value == text(f"{page}.title")
    if ROLE[page] == "console":
        # The operator neither gives nor gets a picture.
        assert not [*app.get("file_uploader"), *app.get("camera_input"), *app.get("imgs")]
    for words in NORMAL.get(page, []):
        assert words in told, words


@pytest.mark.parametrize("page", PAGES)
def test_empty(page: str, open_app: Open, servers: ScriptedServers) -> None:
    servers.scripts = {MASTER: sample.empty_master(), CHILDREN["site-1"]: sample.empty_child()}
    app = open_app(page, ROLE[page])
    assert not app.exception
    assert not app.error
    told = shown(app)
    for words in EMPTY.get(page, []):
        assert words in told, words


@pytest.mark.parametrize("page", WITH_SERVER)
def test_offline(page: str, open_app: Open, servers: ScriptedServers) -> None:
    servers.scripts = {}
    app = open_app(page, ROLE[page])
    assert not app.exception
    assert "cannot be reached" in "\n".join(warning.value for warning in app.warning)
    assert "not a medical device" in shown(app)


@pytest.mark.parametrize("page", WITH_SERVER)
def test_error_in_the_servers_own_words(
    page: str, open_app: Open, servers: ScriptedServers
) -> None:
    full = refused(507, "storage_failure", "The disk is full. Expected room. Received none.")
    for script in servers.scripts.values():
        script.update(dict.fromkeys(script, full))
    app = open_app(page, ROLE[page])
    assert not app.exception
    assert "The disk is full" in app.error[0].value


@pytest.mark.parametrize("page", WITH_SERVER)
def test_no_permission(page: str, open_app: Open, servers: ScriptedServers) -> None:
    wrong = refused(403, "not_allowed", "This token's role may not do that.")
    for script in servers.scripts.values():
        script.update(dict.fromkeys(script, wrong))
    app = open_app(page, ROLE[page])
    assert not app.exception
    assert "Ask whoever runs the server for a new token" in app.error[0].value
    assert "operator-token" not in shown(app)


@pytest.mark.parametrize("page", OF_SITE)
def test_a_site_works_with_the_master_away(
    page: str, open_app: Open, servers: ScriptedServers
) -> None:
    del servers.scripts[MASTER]
    app = open_app(page, "demo")
    assert not app.exception
    assert not app.error
    assert [*NORMAL.get(page, []), ""][0] in shown(app)


@pytest.mark.parametrize("page", AREAS["classroom"])
def test_the_classroom_needs_no_server(page: str, open_app: Open, servers: ScriptedServers) -> None:
    servers.scripts = {}
    app = open_app(page, "classroom")
    assert not app.exception
    assert not app.error
    assert not servers.calls


@pytest.mark.parametrize("spoken", [code for code in LANGUAGES if code != "en"])
@pytest.mark.parametrize("page", PAGES)
def test_every_language(page: str, spoken: str, open_app: Open) -> None:
    app = open_app(page, ROLE[page], lang=spoken)
    assert not app.exception
    assert not app.error
    with speaking(spoken):
        assert app.title[0].value == text(f"{page}.title")
        assert text("layout.not_a_device") in shown(app)
    assert text("layout.not_a_device") not in shown(app)
