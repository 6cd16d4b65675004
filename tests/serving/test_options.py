import argparse
from pathlib import Path

import pytest

from serving.options import Option, add_options, values_of

OPTIONS = (
    Option("--state", "folder of everything", kind=Path, required=True),
    Option("--port", "port to listen on", 8501, int),
    Option("--demo", "a single picture is enough", False, bool),
    Option("--role", "what the token opens", "viewer", choices=("operator", "viewer")),
)


def values(*arguments: str, **environ: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    add_options(parser, OPTIONS, {f"COMMONSIGHT_{name}": text for name, text in environ.items()})
    return values_of(OPTIONS, parser.parse_args(arguments))


def test_an_option_comes_before_its_twin_and_that_before_the_default() -> None:
    assert values("--state", "here", "--port", "1", PORT="2")["port"] == 1
    assert values("--state", "here", PORT="2")["port"] == 2
    assert values("--state", "here", PORT="")["port"] == 8501
    assert values(STATE="there")["state"] == Path("there")


@pytest.mark.parametrize(
    ("text", "switched"), [("1", True), ("Yes", True), ("0", False), ("", False)]
)
def test_a_switch_is_switched_by_words_that_mean_yes(text: str, switched: bool) -> None:
    assert values("--state", "here", DEMO=text)["demo"] is switched


def test_what_must_be_given_and_what_cannot_be_chosen_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for arguments, name in (((), "--state"), (("--state", "x", "--role", "king"), "--role")):
        with pytest.raises(SystemExit) as stopped:
            values(*arguments)
        assert stopped.value.code == 2
        assert name in capsys.readouterr().err
