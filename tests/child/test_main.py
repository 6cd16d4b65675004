"""The command line, in this process: options, their twins in the environment, and refusals."""

import argparse

import pytest

from child.__main__ import main
from child.settings import SERVE, TOKEN, settings_from
from serving.options import add_options
from serving.state_folder import only_server


def serve(tmp_path, *options: str, **changes: str) -> int:
    """Runs `serve` with options that would work, but for the changes."""
    given = {"name": "a", "master": "http://127.0.0.1:9", "state": str(tmp_path / "s"), "port": "0"}
    given |= changes
    return main(
        ["serve", *options],
        {f"COMMONSIGHT_{name.upper()}": value for name, value in given.items()},
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"master": "http://example.org"}, "Plain HTTP to another machine"),
        ({"master": "ftp://example.org"}, "not a server's address"),
        ({"name": "Dr. Who"}, "cannot be a site's name"),
        ({"host": "0.0.0.0"}, "plain HTTP"),
        ({"min_examples": "0"}, "too small"),
        ({"url": "nowhere"}, "not a server's address"),
        ({"log_level": "loud"}, "log level"),
        ({"batch_cache_mb": "0"}, "--batch-cache-mb is too small"),
        ({"batch_servers": "https://x.example, skin"}, "--batch-servers names no place of batches"),
        ({"batch_servers": "https://me:secret@x.example"}, "without a password"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path, capsys, changes, sentence):
    assert serve(tmp_path, **changes) == 1
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_batch_servers_are_listed_with_commas():
    parser = argparse.ArgumentParser()
    add_options(parser, SERVE, {"COMMONSIGHT_BATCH_SERVERS": "https://x.example/a/, /srv/skin,"})
    given = ["--state", "s", "--name", "a", "--master", "http://127.0.0.1:9"]
    settings = settings_from(parser.parse_args(given))
    assert settings.batch_servers == ("https://x.example/a", "/srv/skin")
    assert settings_from(parser.parse_args([*given, "--batch-servers", ""])).batch_servers == ()


def test_a_port_that_is_taken(tmp_path, capsys, master):
    port = master.url.rsplit(":", 1)[1]
    assert serve(tmp_path, "--port", port) == 1
    assert f"Port {port}" in capsys.readouterr().err


def test_two_servers_never_share_a_folder(tmp_path, capsys):
    folder = tmp_path / "s"
    with only_server(folder, "child"):
        assert serve(tmp_path) == 1
    assert "Another child is using this state folder" in capsys.readouterr().err
    with only_server(folder, "child"):
        pass


def test_an_option_is_stronger_than_its_twin(tmp_path, capsys):
    assert serve(tmp_path, "--name", "No Name") == 1
    assert "No Name" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["name", "master", "state"])
def test_what_must_be_given_is_named(tmp_path, capsys, missing):
    with pytest.raises(SystemExit) as stopped:
        serve(tmp_path, **{missing: ""})
    assert stopped.value.code == 2
    assert f"--{missing}" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "settings"), [("serve", SERVE), ("token", TOKEN)])
def test_the_help_explains_every_option(capsys, command, settings):
    with pytest.raises(SystemExit):
        main([command, "--help"], {})
    text = capsys.readouterr().out
    for setting in settings:
        assert setting.flag in text
        assert setting.variable in text


def test_each_token_is_new(tmp_path, capsys):
    tokens = set()
    for _ in range(3):
        assert main(["token", "--state", str(tmp_path / "s")], {}) == 0
        tokens.add(capsys.readouterr().out.strip())
    assert len(tokens) == 3
    assert all(len(token) > 40 for token in tokens)
