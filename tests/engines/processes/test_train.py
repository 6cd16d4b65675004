import pytest

from engines.processes.errors import WrongOption
from engines.processes.train import _state_folder


def test_a_state_folder_in_use_is_refused(tmp_path):
    (tmp_path / "something").touch()
    with pytest.raises(WrongOption, match="in use"), _state_folder(tmp_path):
        pass


def test_a_given_state_folder_stays_and_another_goes(tmp_path):
    with _state_folder(tmp_path / "new") as kept:
        kept.mkdir()
    with _state_folder(None) as temporary:
        (temporary / "file").touch()
    assert kept.is_dir()
    assert not temporary.exists()
