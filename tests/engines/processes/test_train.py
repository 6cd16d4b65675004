import pytest

from engines.processes.errors import WrongOption
from engines.processes.options import parse
from engines.processes.train import _state_folder, child_options, kept_state
from federated.plan import Plan, Privacy


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


def test_the_state_is_kept_beside_the_results_unless_another_place_is_named(tmp_path):
    def place(*arguments):
        return kept_state(parse(["train", "--data", "d", *map(str, arguments)], {}))

    out, state = tmp_path / "out.json", tmp_path / "state"
    assert place("--out", out) == tmp_path / "out.json.state"
    assert place("--out", out, "--state", state) == state
    assert place("--state", state) == state
    assert place() is None


def test_children_train_with_as_few_pictures_as_the_plan_allows():
    plan = Plan(privacy=Privacy(min_examples=3))
    assert child_options(plan) == ("--min-examples", "3")
