from pathlib import Path

import pytest

from federated.errors import Conflict
from serving.state_folder import make_private, only_server


def test_a_folder_is_closed_to_others_even_if_it_was_open(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    make_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_one_server_at_a_time_holds_a_folder(tmp_path: Path) -> None:
    with only_server(tmp_path, "master"):
        with pytest.raises(Conflict, match="Another master is using this state folder") as refused:
            only_server(tmp_path, "master").__enter__()
        assert refused.value.code == "state_in_use"
        with only_server(tmp_path / "other", "master"):
            pass
    with only_server(tmp_path, "master"):
        pass
