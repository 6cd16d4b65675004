from pathlib import Path

import pytest

from engines.processes.options import COMMANDS, build_parser, parse


def test_no_command_is_a_demo():
    options = parse([], {})
    assert (options.command, options.children, options.port_base) == ("demo", 2, None)


def test_options_without_a_command_are_the_demos():
    options = parse(["--children", "3", "--port-base", "9000"], {})
    assert (options.command, options.children, options.port_base) == ("demo", 3, 9000)


def test_the_environment_gives_defaults_and_the_command_line_wins(tmp_path):
    environment = {"COMMONSIGHT_ROUNDS": "7", "COMMONSIGHT_SEED": "5", "COMMONSIGHT_DATA": "/data"}
    options = parse(["train", "--seed", "6"], environment)
    assert (options.rounds, options.seed, options.data) == (7, 6, Path("/data"))


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
