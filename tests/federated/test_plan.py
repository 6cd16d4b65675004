import pytest
from pydantic import ValidationError

from federated.plan import Plan, Training, Trigger
from federated.study import Study


def test_equal_plans_have_equal_hashes_and_any_change_shows() -> None:
    assert Plan().sha256 == Plan.model_validate_json(Plan().model_dump_json()).sha256
    assert Plan().sha256 != Plan(seed=1).sha256
    assert Plan().sha256 != Plan(training=Training(epochs=2)).sha256


def test_a_typing_error_is_heard() -> None:
    with pytest.raises(ValidationError, match="epoch"):
        Plan.model_validate({"training": {"epoch": 3}})


@pytest.mark.parametrize(
    "plan",
    [
        {"rounds": 0},
        {"training": {"learning_rate": float("nan")}},
        {"training": {"validation_fraction": 1.0}},
        {"seed": -1},
        {"quorum": 0},
    ],
)
def test_figures_out_of_range_are_refused(plan: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Plan.model_validate(plan)


def test_a_run_that_waits_for_pictures_must_train() -> None:
    with pytest.raises(ValidationError, match="must train"):
        Plan(training=Training(epochs=0), trigger=Trigger(kind="upload"))


def test_a_plan_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Plan().seed = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    "change",
    [
        {"classes": ("cat",)},
        {"classes": ("cat", "Cat")},
        {"classes": ("cat", "../dog")},
        {"id": "../up"},
        {"channels": 2},
        {"size": 4},
    ],
)
def test_a_study_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    good = {"id": "pets", "name": "Pets", "classes": ("cat", "dog")}
    assert Study.model_validate(good).picture_shape == (96, 96, 3)
    with pytest.raises(ValidationError):
        Study.model_validate(good | change)
