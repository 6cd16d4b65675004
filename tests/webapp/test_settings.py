import json
from pathlib import Path
from typing import Any

import pytest

from webapp.desk import new_session, open_desk
from webapp.settings import VARIABLE, SettingsError, load_settings

MASTER = {"url": "http://127.0.0.1:1", "token": "operator"}
SITE = {"name": "clinic-a", "url": "http://127.0.0.1:2", "token": "site"}


def written(folder: Path, document: Any, mode: int = 0o600) -> dict[str, str]:
    path = folder / "webapp.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    path.chmod(mode)
    return {VARIABLE: str(path)}


def test_demo_knows_master_and_sites(tmp_path: Path) -> None:
    found = load_settings(
        written(tmp_path, {"role": "demo", "master": MASTER, "sites": [SITE, SITE]})
    )
    assert found.role == "demo"
    assert found.master is not None
    assert found.master.token == "operator"
    assert [site.name for site in found.sites] == ["clinic-a", "clinic-a"]


def test_without_settings_it_is_the_classroom_that_needs_no_server() -> None:
    assert load_settings({}).role == "classroom"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"role": "console", "master": MASTER, "sites": [SITE]}, "must not know any site's token"),
        ({"role": "site", "sites": [SITE], "master": MASTER}, "must not know the master's token"),
        ({"role": "site", "sites": [SITE, SITE]}, "exactly one site"),
        ({"role": "site", "sites": []}, "exactly one site"),
        ({"role": "demo", "sites": [SITE]}, "needs a master"),
        ({"role": "boss"}, "role"),
        ({"role": "demo", "master": {**MASTER, "url": "file:///etc/passwd"}}, "master.url"),
        ("{not json", "file is not as expected"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(tmp_path: Path, document: Any, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load_settings(written(tmp_path, document))


def test_the_refusal_never_repeats_a_token(tmp_path: Path) -> None:
    secret = {"role": "site", "sites": [{**SITE, "token": "very-secret"}] * 2}
    with pytest.raises(SettingsError) as caught:
        load_settings(written(tmp_path, secret))
    assert "very-secret" not in caught.value.detail


def test_a_file_open_to_others_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="mode 0644"):
        load_settings(written(tmp_path, {"role": "classroom"}, mode=0o644))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings({VARIABLE: str(tmp_path / "none.json")})


def test_the_demo_knows_where_its_batches_lie(tmp_path: Path) -> None:
    demo = {"role": "demo", "master": MASTER, "batches": "/home/José (2)/batches"}
    found = load_settings(written(tmp_path, demo))
    assert open_desk(found, new_session()).batches == "/home/José (2)/batches"
