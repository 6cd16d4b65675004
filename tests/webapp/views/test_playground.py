import pytest

from tests.webapp.conftest import Open, shown
from webapp.lesson.address import lesson_of, query_of, round_of
from webapp.lesson.federation import state_at
from webapp.lesson.presets import PRESETS
from webapp.lesson.settings import ROUNDS, Lesson
from webapp.words import percent


def right(lesson: Lesson, number: int) -> str:
    """What a page shows of the accuracy, with a plain space as `shown` has it."""
    return percent(state_at(lesson, number).measured[1]).replace("\u00a0", " ")


def test_step_play_reset_and_settings_live_in_the_address(open_app: Open) -> None:
    app = open_app("playground", "classroom", sites="3", alpha="0.5", round="2")
    assert not app.exception
    lesson = Lesson(sites=3, alpha=0.5)
    assert right(lesson, 2) in shown(app)
    app.button(key="step").click().run()
    assert app.query_params["round"] == "3"
    assert right(lesson, 3) in shown(app)
    app.select_slider(key="choice-sites").set_value(4).run()
    assert app.query_params["sites"] == "4"
    assert right(Lesson(sites=4, alpha=0.5), 3) in shown(app)
    app.button(key="play").click().run()
    assert app.query_params["round"] == "4"
    app.button(key="reset").click().run()
    assert app.query_params["round"] == "0"
    assert "Nobody has trained yet" in shown(app)
    assert not app.exception
    assert not app.error


def test_a_scenario_of_two_federations(open_app: Open) -> None:
    app = open_app("playground", "classroom", alpha="10")
    app.button_group(key="choice-preset").set_value("hostile").run()
    app.query_params["round"] = "8"
    app.run()
    told = shown(app)
    hostile = PRESETS["hostile"]
    assert hostile.beside
    assert "Federation B" in told
    for lesson in (hostile.lesson, hostile.beside):
        assert right(lesson, 8) in told
    assert not app.exception
    assert not app.error


def test_predict_first_then_look(open_app: Open) -> None:
    app = open_app("playground", "classroom", predict="1", sites="3")
    assert "Your prediction" in shown(app)
    assert "Where each site pulls" not in shown(app)
    app.slider(key="prediction").set_value(40)
    next(b for b in app.button if "prediction" in b.label).click().run()
    assert "Where each site pulls" in shown(app)
    assert "compared with what happened after round 30" in shown(app)
    guess = app.query_params["guess"]
    assert app.query_params["round"] == "1"
    app = open_app(
        "playground", "classroom", predict="1", sites="3", guess=guess, round=str(ROUNDS)
    )
    assert "You said 40" in app.success[0].value
    assert right(Lesson(sites=3), ROUNDS) in app.success[0].value.replace("\u00a0", " ")
    many = guess.partition("-")[0] + "-" + "4" * 5000
    assert "Your prediction" in shown(
        open_app("playground", "classroom", predict="1", sites="3", guess=many)
    )
    # Another setting is another question.
    app.select_slider(key="choice-sites").set_value(4).run()
    assert "Where each site pulls" not in shown(app)


@pytest.mark.parametrize("name", PRESETS)
def test_a_lesson_comes_back_from_its_address(name: str) -> None:
    preset = PRESETS[name]
    assert lesson_of(query_of(preset.lesson)) == preset.lesson
    if preset.beside:
        both = query_of(preset.lesson) | query_of(preset.beside, "b")
        assert lesson_of(both, "b") == preset.beside
        assert lesson_of(both) == preset.lesson


def test_an_address_from_a_stranger_is_no_error() -> None:
    wild = {"sites": "9999", "alpha": "nan", "strategy": "rm -rf", "epochs": "3", "noise": "x"}
    assert lesson_of(wild) == Lesson(epochs=3)
    assert [round_of({"round": r}) for r in ("7", "-1", "1e9", "999", "٣")] == [7, 0, 0, ROUNDS, 0]
