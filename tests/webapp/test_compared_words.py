"""What compared runs are called, and the settings in which they differ."""

from federated.views import ComparedRun
from tests.webapp import compared
from webapp.compared_words import names_of, setting_name, setting_value


def run(name: str, **differs: object) -> ComparedRun:
    return compared.run(name, 4, (0.5,), [], differs=differs)


def test_runs_are_called_by_what_tells_them_apart() -> None:
    model, alpha, rate = "model.name", "model.settings.alpha", "training.learning_rate"
    runs = [
        run("aaaaaaaa1", **{model: "mobilenet", alpha: 0.25, rate: 0.01}),
        run("bbbbbbbb2", **{model: "cnn10", alpha: None, rate: 0.01}),
        run("cccccccc3", **{model: "cnn10", alpha: None, rate: 0.001}),
    ]
    # The width tells nothing that the model's name does not.
    assert list(names_of(runs, [model, alpha, rate]).values()) == [
        "mobilenet · learning rate 0.01 · aaaaaaaa",
        "cnn10 · learning rate 0.01 · bbbbbbbb",
        "cnn10 · learning rate 0.001 · cccccccc",
    ]


def test_runs_that_differ_in_nothing_are_called_by_their_model() -> None:
    runs = [run("aaaaaaaa1"), run("bbbbbbbb2")]
    assert list(names_of(runs, []).values()) == ["cnn10 · aaaaaaaa", "cnn10 · bbbbbbbb"]


def test_settings_have_the_names_of_the_form_and_else_their_path() -> None:
    assert setting_name("training.learning_rate") == "Learning rate"
    assert setting_name("model.settings.alpha") == "Width (alpha)"
    assert setting_name("model.settings.depth") == "model.settings.depth"
    assert [setting_value(value) for value in (None, True, False, 0.5)] == [
        "not set",
        "yes",
        "no",
        "0.5",
    ]
