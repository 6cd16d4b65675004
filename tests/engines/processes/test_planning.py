import pytest

from engines.processes.dataset import Dataset
from engines.processes.errors import WrongOption
from engines.processes.options import parse
from engines.processes.planning import changed_plan, check_audit, plan_of, pretrained_folder
from federated.errors import InvalidInput
from federated.plan import ModelChoice, Plan, StrategyChoice, Trigger
from federated.study import Study
from federated.training import EarlyStopping, Training

PRESET = Plan(
    rounds=4,
    seed=9,
    training=Training(epochs=2, batch_size=8, learning_rate=0.25),
    model=ModelChoice(name="cnn10", settings={"width": 8}),
    strategy=StrategyChoice(name="fedavg", settings={"mu": 0.5}),
    trigger=Trigger(kind="upload", min_new_pictures=3),
)


def options(*arguments):
    return parse(["train", "--data", "somewhere", *arguments], {})


def test_what_no_option_says_stays_as_the_preset_has_it():
    plan = changed_plan(PRESET, options())
    assert plan == PRESET.model_copy(update={"seed": 0, "trigger": plan.trigger, "rounds": 1})
    assert plan.trigger.kind == "start"


def test_a_preset_that_waits_for_pictures_makes_one_round_of_those_there(capsys):
    assert plan_of(STUDY, options("--preset", "cats-dogs")).rounds == 1
    assert "waits for pictures; here all are there at once" in capsys.readouterr().err
    assert plan_of(STUDY, options("--preset", "cats-dogs", "--rounds", "4")).rounds == 4
    assert plan_of(STUDY, options("--preset", "quorum")).rounds == 10
    assert capsys.readouterr().err == ""


def test_options_change_the_plan():
    plan = changed_plan(
        PRESET,
        options(
            *("--rounds", "7", "--epochs", "0", "--batch-size", "16"),
            *("--learning-rate", "0.5", "--seed", "3"),
        ),
    )
    assert (plan.rounds, plan.seed) == (7, 3)
    assert plan.training.epochs == 0
    assert (plan.training.batch_size, plan.training.learning_rate) == (16, 0.5)


def test_another_model_comes_without_the_settings_of_the_presets():
    assert changed_plan(PRESET, options("--model", "cnn10")).model.settings == {"width": 8}
    assert changed_plan(PRESET, options("--model", "other")).model == ModelChoice(name="other")


def test_another_strategy_comes_without_the_settings_of_the_presets():
    assert changed_plan(PRESET, options("--strategy", "fedavg")).strategy.settings == {"mu": 0.5}
    other = changed_plan(PRESET, options("--strategy", "fedasync")).strategy
    assert other == StrategyChoice(name="fedasync")


def test_any_field_can_be_set():
    words = "training.optimizer=sgd training.early_stopping.patience=2 model.settings.width=4"
    plan = changed_plan(PRESET, options("--set", words))
    assert plan.training.optimizer == "sgd"
    assert plan.training.early_stopping == EarlyStopping(patience=2)
    assert plan.model.settings == {"width": 4}
    assert plan.training.batch_size == 8


def test_fields_may_be_set_one_by_one_and_none_is_lost():
    given = options("--set", "training.optimizer=sgd seed=9", "--set", "model.settings.width=4")
    plan = changed_plan(PRESET, given)
    assert (plan.training.optimizer, plan.model.settings) == ("sgd", {"width": 4})


def test_a_field_that_is_set_twice_is_refused():
    with pytest.raises(WrongOption, match=r"gives a field twice.*training\.epochs"):
        changed_plan(PRESET, options("--set", "training.epochs=1", "--set", "training.epochs=2"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("training.epochz=3", "no such field. Expected one of epochs, batch_size.*training.epochz"),
        ("training.epochs=abc", "training.epochs is wrong. Expected a valid integer. Received abc"),
        ("training.optimizer=sgdd", "is wrong. Expected 'adam', 'adamw'"),
        ("training.learning_rate=-1", "is wrong. Expected greater than 0. Received -1"),
    ],
)
def test_what_is_wrong_with_a_field_is_said_in_a_sentence(words, sentence):
    with pytest.raises(WrongOption, match=sentence):
        changed_plan(PRESET, options("--set", words))


@pytest.mark.parametrize("words", ["rounds", "rounds.x=1", "nothing=1", "training.epochs=[1]"])
def test_a_field_that_is_none_is_refused(words):
    with pytest.raises(WrongOption):
        changed_plan(PRESET, options("--set", words))


def test_an_impossible_plan_is_refused():
    with pytest.raises(WrongOption, match="learning_rate"):
        changed_plan(PRESET, options("--learning-rate", "-1"))


STUDY = Study(id="pets", name="Pets", classes=("cat", "dog"), size=32)


def test_a_preset_is_one_of_the_ready_made_plans():
    plan = plan_of(STUDY, options("--preset", "demo", "--rounds", "2"))
    assert (plan.rounds, plan.privacy.min_examples) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--preset", "nothing"), "no such preset.*demo"),
        (("--model", "nothing"), "model"),
        (("--strategy", "nothing"), "strategy"),
        (("--strategy", "fedbuff", "--children", "2"), "buffer.*only 2 sites"),
        (("--model", "nothing", "--strategy", "nothing"), "model.*strategy"),
    ],
)
def test_what_the_master_would_refuse_is_refused_before_it_starts(arguments, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        plan_of(STUDY, options(*arguments))


def test_weights_and_the_part_that_is_trained_come_with_any_model(tmp_path):
    weights = tmp_path / "base.h5"
    weights.write_bytes(b"weights")
    given = options("--weights", str(weights), "--trained", "features", "--model", "mobilenet")
    plan = plan_of(STUDY, given)
    assert plan.model == ModelChoice(name="mobilenet", weights="base.h5", trained="features")
    assert pretrained_folder(given) == tmp_path
    within = options("--weights", "base.h5", "--pretrained", str(tmp_path))
    assert pretrained_folder(within) == tmp_path
    assert changed_plan(PRESET, within).model.settings == {"width": 8}


def test_weights_that_keras_downloads_are_no_file():
    given = options("--weights", "imagenet", "--model", "mobilenet")
    assert plan_of(STUDY, given).model.weights == "imagenet"
    assert pretrained_folder(given) is None


def test_weights_that_are_nowhere_are_refused_before_anything_starts(tmp_path):
    for words in (
        ("--weights", str(tmp_path / "none.h5")),
        ("--weights", "none.h5", "--pretrained", str(tmp_path)),
        ("--set", "model.weights=none.h5", "--pretrained", str(tmp_path)),
    ):
        with pytest.raises(InvalidInput, match=r"names no file|no file 'none\.h5'"):
            plan_of(STUDY, options("--model", "mobilenet", *words))


def test_a_preset_that_needs_a_file_of_weights_says_how_to_give_it():
    with pytest.raises(WrongOption, match=r"mobilenet_2_5_224_tf_no_top\.h5.*--pretrained DIR"):
        plan_of(STUDY, options("--preset", "quick"))


def test_a_preset_that_searches_asks_for_audit_pictures():
    plan = plan_of(STUDY, options("--preset", "explore"))
    found = ("a picture that is not looked at",)
    with pytest.raises(WrongOption, match=r"search for hyperparameters.*a folder audit"):
        check_audit(plan, Dataset(found, (), (), ("a",)))
    check_audit(plan, Dataset(found, (), found, ("a",)))
    check_audit(PRESET, Dataset(found, (), (), ("a",)))
