import stat
from pathlib import Path

from serving.tokens import hash_token, mint_token, read_secret, write_secret


def test_tokens_differ_and_their_hashes_do_not_show_them() -> None:
    first, second = mint_token(), mint_token()
    assert first != second
    assert len(first) == 43
    assert first not in hash_token(first)
    assert hash_token(first) == hash_token(first) != hash_token(second)


def test_a_secret_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "node_token"
    write_secret(path, "first")
    write_secret(path, "second")
    assert read_secret(path) == "second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["node_token"]


def test_no_secret_is_none(tmp_path: Path) -> None:
    assert read_secret(tmp_path / "nothing") is None
