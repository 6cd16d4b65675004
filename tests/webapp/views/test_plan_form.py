import pytest

from federated.plan import Plan
from federated.strategies import RULES
from tests.webapp.conftest import Open, shown
from tests.webapp.scripted import ScriptedServers
from webapp.plan_fields import BY_HAND, fields_of, plan_fields
from webapp.texts import texts
from webapp.views.plan_choices import few
from webapp.views.plan_form import GROUPS, ICONS, group_of
from webapp.views.plan_inputs import help_of, label_of

SETTINGS = [f for rule in RULES.values() for f in fields_of(rule.settings, "strategy.settings")]
EVERY = [*plan_fields(), *SETTINGS]


@pytest.mark.parametrize(
    ("sites", "buffer"), [(0, 1), (1, 1), (2, 2), (3, 2), (5, 2), (6, 3), (21, 10)]
)
def test_a_buffer_that_is_offered_can_be_filled_without_the_slowest(
    sites: int, buffer: int
) -> None:
    assert few(sites) == buffer


def test_every_field_of_a_plan_has_a_label_a_help_and_words_for_its_choices() -> None:
    assert len(plan_fields()) > 70
    for path in [*(field.path for field in EVERY), *BY_HAND - {"strategy.settings"}]:
        assert label_of(path) != path
        assert help_of(path)
    # The names of models and rules are the catalogue's.
    chosen = [field for field in EVERY if field.options]
    for field in chosen:
        for option in field.options:
            assert f"option.{field.key}_{option}" in texts(), (field.path, option)
    assert {f"{kind}.{name}" for name in RULES for kind in ("rule", "rule_what")} <= texts().keys()


def test_every_field_of_a_plan_is_on_the_form_or_decided_by_hand() -> None:
    document = Plan().model_dump(mode="json")
    tops = {field.path.split(".")[0] for field in plan_fields()} | {"data", "quorum"}
    assert tops == document.keys()
    assert GROUPS.keys() == ICONS.keys()
    assert group_of("training.augmentation.hue") == "pictures"
    assert group_of("training.momentum") == "training"
    assert group_of("something.new") == "more"


def test_bounds_and_choices_come_from_the_plan() -> None:
    by_path = {field.path: field for field in plan_fields()}
    assert by_path["training.epochs"].high == 1000
    assert by_path["training.clip_norm"].optional
    assert by_path["training.optimizer"].options == ("adam", "adamw", "sgd", "rmsprop")
    assert by_path["search"].kind == by_path["training.early_stopping"].kind == "part"
    assert by_path["search.space.learning_rate"].kind == "range"
    assert by_path["audit.odd_cosine"].low == -1


def test_what_was_set_anywhere_on_the_form_is_started(
    open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app("train", "console")
    app.selectbox(key="strategy.name-").set_value("trimmed_mean")
    app.toggle(key="training.early_stopping-").set_value(True)
    app.toggle(key="search-").set_value(True).run()
    app.number_input(key="strategy.settings.beta-trimmed_mean-").set_value(0.3)
    app.number_input(key="training.early_stopping.patience-").set_value(3)
    app.number_input(key="search.space.learning_rate--lowest").set_value(0.001)
    app.number_input(key="search.space.learning_rate--highest").set_value(0.01)
    app.text_input(key="search.space.batch_size-").set_value("8, 16")
    app.number_input(key="model.settings.dropout-cnn10-").set_value(0.5)
    app.number_input(key="training.clip_norm-").set_value(5.0)
    app.checkbox(key="training.augmentation.vertical_flip-").set_value(True)
    app.selectbox(key="rewards.policy-").set_value("shapley").run()
    assert not app.error
    next(b for b in app.button if b.label == "Start the run").click().run()
    assert not servers.made("POST", "runs")
    next(b for b in app.button if b.label == "Start now").click().run()
    (call,) = servers.made("POST", "runs")
    plan = Plan.model_validate(call.json["plan"])
    assert plan.strategy.name == "trimmed_mean"
    assert plan.strategy.settings == {"beta": 0.3}
    assert plan.training.early_stopping is not None
    assert plan.training.early_stopping.patience == 3
    assert plan.search is not None
    assert plan.search.space.learning_rate == (0.001, 0.01)
    assert plan.search.space.batch_size == (8, 16)
    assert plan.model.settings == {"dropout": 0.5}
    assert plan.training.clip_norm == 5
    assert plan.training.augmentation.vertical_flip
    assert plan.rewards.policy == "shapley"


def test_all_faults_are_told_at_once_and_beside_what_they_are_of(open_app: Open) -> None:
    app = open_app("train", "console")
    app.toggle(key="search-").set_value(True).run()
    app.text_input(key="search.space.batch_size-").set_value("many, 8, " + "9" * 5000)
    app.number_input(key="training.learning_rate-").set_value(0.0).run()
    told = [error.value for error in app.error]
    assert sum(
        "Learning rate: Input should be greater than 0" in one.replace("\\", "") for one in told
    )
    assert sum("valid integer" in one for one in told) == 2
    assert sum("exceeded maximum size" in one for one in told) == 2
    assert len(told) == 6
    assert "Start the run" not in [button.label for button in app.button]


def test_a_plan_that_is_pasted_fills_the_form_and_shows_what_is_changed_then(
    open_app: Open,
) -> None:
    app = open_app("train", "console")
    assert "Nothing is changed from the plan" in shown(app)
    app.text_area(key="pasted").set_value("[plan]\nrounds = 9\n[plan.training]\nepochs = 4").run()
    rounds = next(one for one in app.number_input if one.label == "Rounds")
    assert rounds.value == 9
    rounds.set_value(11).run()
    told = shown(app)
    assert "One setting differs from the plan" in told
    assert "Rounds,9,11" in told
    app.text_area(key="pasted").set_value("rounds = 0").run()
    assert "This is not a plan" in app.error[0].value
    # A preset takes the place of what was pasted, and stands in the address.
    app.button(key="preset-demo").click().run()
    assert app.query_params["plan"] == "demo"
    assert not app.error


def test_how_long_a_run_may_take_is_told_where_every_site_was_measured(
    open_app: Open, servers: ScriptedServers
) -> None:
    assert "How long it may take is not known yet" in shown(open_app("train", "console"))
