import json
import stat
from pathlib import Path

import pytest

from webapp.gate.keys import LINK_SECONDS, MOST, SESSION_SECONDS, Keys


class Clock:
    at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> Keys:
    return Keys(tmp_path / "app-keys.json", clock)


def test_a_link_lets_one_browser_in_once(keys: Keys) -> None:
    key = keys.new_link()
    session = keys.enter(key)
    assert session
    assert keys.admits(session)
    assert keys.enter(key) is None
    assert not keys.admits(key)


def test_a_link_for_a_class_lets_as_many_in(keys: Keys) -> None:
    key = keys.new_link(browsers=3)
    sessions = [keys.enter(key) for _ in range(4)]
    assert [bool(session) for session in sessions] == [True, True, True, False]
    assert len({*sessions}) == 4


def test_links_and_sessions_end(keys: Keys, clock: Clock) -> None:
    late, used = keys.new_link(), keys.enter(keys.new_link())
    clock.at += LINK_SECONDS
    assert keys.enter(late) is None
    assert keys.admits(used)
    clock.at += SESSION_SECONDS
    assert not keys.admits(used)


def test_signing_out_signs_out_one_browser(keys: Keys) -> None:
    one, other = (keys.enter(keys.new_link(browsers=1)) for _ in range(2))
    keys.leave(str(one))
    keys.leave("nobody")
    assert not keys.admits(one)
    assert keys.admits(other)


@pytest.mark.parametrize("guess", [None, "", "x", "\ud800", "a" * 100_000])
def test_what_was_never_given_out_opens_nothing(keys: Keys, guess: str | None) -> None:
    keys.enter(keys.new_link())
    before = keys.path.stat().st_mtime_ns
    assert not keys.admits(guess)
    assert keys.enter(guess or "") is None
    assert keys.path.stat().st_mtime_ns == before


def test_the_file_holds_no_key_and_is_its_owners_alone(keys: Keys) -> None:
    link, session = keys.new_link(), keys.enter(keys.new_link())
    content = keys.path.read_text()
    assert link not in content
    assert str(session) not in content
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600


def test_a_restart_signs_nobody_out_and_another_app_knows_nobody(
    keys: Keys, clock: Clock, tmp_path: Path
) -> None:
    session = keys.enter(keys.new_link())
    assert Keys(keys.path, clock).admits(session)
    other = Keys(tmp_path / "other-keys.json", clock)
    assert not other.admits(session)
    assert other.cookie != keys.cookie


def test_a_broken_file_asks_everybody_for_a_new_link(keys: Keys) -> None:
    session = keys.enter(keys.new_link())
    keys.path.write_text("{")
    assert not keys.admits(session)
    assert keys.enter(keys.new_link())


def test_the_oldest_of_too_many_browsers_have_to_sign_in_again(keys: Keys) -> None:
    many = {f"{number:064x}": 1e9 for number in range(MOST + 5)}
    keys.path.write_text(json.dumps({"sessions": many}))
    session = keys.enter(keys.new_link())
    assert keys.admits(session)
    keys.new_link()
    assert len(json.loads(keys.path.read_text())["sessions"]) == MOST
