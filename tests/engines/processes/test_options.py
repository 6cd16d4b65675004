from pathlib import Path

import pytest

from engines.processes.federation import master_options
from engines.processes.options import COMMANDS, build_parser, parse


def test_no_command_is_a_demo():
    options = parse([], {})
    assert (options.command, options.children, options.port_base) == ("demo", 2, None)


def test_options_without_a_command_are_the_demos():
    options = parse(["--children", "3", "--port-base", "9000"], {})
    assert (options.command, options.children, options.port_base) == ("demo", 3, 9000)


def test_a_demo_takes_the_folder_of_weights_that_ready_made_plans_name(tmp_path):
    options = parse(["--pretrained", str(tmp_path)], {})
    assert (options.command, options.pretrained) == ("demo", tmp_path)
    assert master_options(options.pretrained) == ("--pretrained", str(tmp_path))
    assert master_options(None) == ()


def test_the_environment_gives_defaults_and_the_command_line_wins(tmp_path):
    environment = {"COMMONSIGHT_ROUNDS": "7", "COMMONSIGHT_SEED": "5", "COMMONSIGHT_DATA": "/data"}
    options = parse(["train", "--seed", "6"], environment)
    assert (options.rounds, options.seed, options.data) == (7, 6, Path("/data"))


def test_what_is_given_several_times_is_joined_and_wins_over_its_twin():
    environment = {"COMMONSIGHT_SET": "seed=9"}
    assert parse(["train", "--data", "d"], environment).set == "seed=9"
    given = parse(["train", "--data", "d", "--set", "rounds=2", "--set", "seed=3 epochs=1"], {})
    assert given.set == "rounds=2 seed=3 epochs=1"
    assert parse(["train", "--data", "d", "--set", "rounds=2"], environment).set == "rounds=2"
    assert parse(["train", "--data", "d"], {}).set is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["dance"], "invalid choice: 'dance'"),
        (["train", "--data", "d", "--learning-rate", "much"], "invalid number value: 'much'"),
        (["compare", "--data", "d", "--seeds", "1,b"], "must be whole numbers between commas"),
    ],
)
def test_a_refusal_says_what_it_should_have_been(arguments, sentence, capsys):
    with pytest.raises(SystemExit):
        parse(arguments, {})
    assert sentence in capsys.readouterr().err


def test_folders_are_those_of_the_caller(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parse(["train", "--data", "pictures"], {}).data == tmp_path / "pictures"


@pytest.mark.parametrize(
    "arguments",
    [
        ["train"],
        ["train", "--data", "d", "--children", "0"],
        ["train", "--data", "d", "--children", "two"],
        ["train", "--data", "d", "--rounds", "0"],
        ["train", "--data", "d", "--size", "7"],
        ["train", "--data", "~no-such-user/d"],
        ["demo", "--port-base", "80"],
        ["dance"],
    ],
)
def test_impossible_calls_are_refused(arguments):
    with pytest.raises(SystemExit) as refusal:
        parse(arguments, {})
    assert refusal.value.code == 2


def test_a_wrong_twin_is_refused_like_a_wrong_option(capsys):
    with pytest.raises(SystemExit):
        parse(["demo"], {"COMMONSIGHT_CHILDREN": "many"})
    assert "--children" in capsys.readouterr().err


@pytest.mark.parametrize("command", list(COMMANDS))
def test_help_explains_every_option_and_its_twin(command):
    text = build_parser({}).format_help()
    for option in COMMANDS[command]:
        assert f"--{option.name} {option.metavar}" in text
        assert f"[{option.twin}]" in text
        assert len(option.help) > 5
