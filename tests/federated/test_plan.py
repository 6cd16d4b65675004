import pytest
from pydantic import ValidationError

from federated.plan import Plan, Sampling, Trigger
from federated.study import Study
from federated.training import Training


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
        {"quorum": 1.5},
        {"quorum": 0.0},
        {"quorum": True},
        {"sampling": {"fraction": 0}},
        {"data": {"kind": "batches"}},
        {"data": {"kind": "own", "url": "/srv/skin"}},
    ],
)
def test_figures_out_of_range_are_refused(plan: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Plan.model_validate(plan)


def test_a_run_that_waits_for_pictures_must_train() -> None:
    with pytest.raises(ValidationError, match="must train"):
        Plan(training=Training(epochs=0), trigger=Trigger(kind="upload"))


def test_a_run_that_waits_for_pictures_moves_the_studys_model_on() -> None:
    with pytest.raises(ValidationError, match="publish it"):
        Plan(publish=False, trigger=Trigger(kind="upload"))


def test_models_are_measured_across_sites_on_pictures_of_the_sites_that_never_train() -> None:
    Plan(cross_site=True)
    with pytest.raises(ValidationError, match="validation_fraction is 0"):
        Plan(cross_site=True, training=Training(validation_fraction=0))
    with pytest.raises(ValidationError, match="have trained them: epochs is 0"):
        Plan(cross_site=True, training=Training(epochs=0))
    with pytest.raises(ValidationError, match="sites' own pictures"):
        Plan.model_validate({"cross_site": True, "data": {"kind": "batches", "url": "/srv/skin"}})


def test_two_things_that_do_not_go_together_are_both_told() -> None:
    data = {"kind": "batches", "url": "/srv/skin"}
    with pytest.raises(ValidationError, match=r"epochs is 0; .*must train on those"):
        Plan.model_validate(
            {"training": {"epochs": 0}, "trigger": {"kind": "upload"}, "data": data}
        )


@pytest.mark.parametrize(
    ("quorum", "nodes", "needed"),
    [(1, 7, 1), (9, 7, 9), (0.75, 8, 6), (0.75, 7, 6), (0.7, 10, 7), (1.0, 7, 7), (0.001, 3, 1)],
)
def test_a_quorum_is_a_number_or_a_share(quorum: float, nodes: int, needed: int) -> None:
    plan = Plan.model_validate_json(Plan(quorum=quorum).model_dump_json())
    assert plan.needed(nodes) == needed


@pytest.mark.parametrize(
    ("fraction", "minimum", "drawn"), [(1.0, 1, 10), (0.25, 1, 3), (0.25, 5, 5), (0.1, 20, 10)]
)
def test_a_sample_is_a_fraction_and_a_minimum(fraction: float, minimum: int, drawn: int) -> None:
    assert Sampling(fraction=fraction, minimum=minimum).size(10) == drawn


@pytest.mark.parametrize(
    "url",
    [
        "/srv/skin batches",
        "file:///srv/skin",
        "https://pictures.example/skin",
        "http://127.0.0.1:8000",
        "ftp://pictures.example/skin",
        "s3://pictures/skin",
    ],
)
def test_batches_lie_in_a_folder_or_at_an_address(url: str) -> None:
    plan = Plan.model_validate({"data": {"kind": "random", "url": f"{url}/", "images": 60}})
    assert plan.data.url == url
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


@pytest.mark.parametrize(
    "url",
    [
        "skin",
        "../skin",
        "/srv/../etc",
        "ftp://anna:secret@pictures.example/skin",
        "http://pictures.example/skin?token=secret",
        "javascript:alert(1)",
        "simplecache::http://pictures.example",
        "/srv/*",
        "",
    ],
)
def test_other_places_of_batches_are_refused(url: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Plan.model_validate({"data": {"kind": "batches", "url": url}})
    assert "anna" not in refusal.value.errors()[0]["msg"]


def test_a_run_that_waits_for_pictures_trains_on_those() -> None:
    data = {"kind": "batches", "url": "/srv/skin"}
    with pytest.raises(ValidationError, match="new pictures"):
        Plan.model_validate({"trigger": {"kind": "upload"}, "data": data})


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
