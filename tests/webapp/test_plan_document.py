import tomllib

import pytest

from federated.errors import InvalidInput
from federated.plan import ModelChoice, Plan
from federated.search import Search, SearchSpace
from federated.training import Augmentation, Training
from webapp.plan_document import LONGEST_FILE, as_toml, at, differences, put, read_toml

RICH = Plan(
    model=ModelChoice(name="own", config='{"name": "a \\"b\\" \\u007f", "layers": []}'),
    training=Training(clip_norm=2.5, augmentation=Augmentation(rotation=10)),
    search=Search(
        space=SearchSpace(
            learning_rate=(1e-4, 0.1), augmentation={"mild": Augmentation(), "m-2": Augmentation()}
        )
    ),
    quorum=0.75,
    seed=7,
)


@pytest.mark.parametrize("plan", [Plan(), RICH])
def test_a_plan_written_as_a_file_is_read_back_the_same(plan: Plan) -> None:
    written = as_toml(plan, 'A "title"', "What it is.\nMore.")
    assert tomllib.loads(written)["title"] == 'A "title"'
    found = read_toml(written)
    assert found.plan == plan
    assert found.plan.sha256 == plan.sha256
    assert found.description == "What it is.\nMore."


def test_a_file_of_the_plan_alone_is_enough() -> None:
    assert read_toml("rounds = 4").plan == Plan(rounds=4)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("rounds = ", "not TOML"),
        ("rounds = 0\nseed = -1", "rounds: .*seed: "),
        ("speed = 3", "speed: Extra inputs"),
        ("a=" + "[" * 10_000, "not TOML"),
        ("#" * (LONGEST_FILE + 1), "too long"),
    ],
)
def test_what_is_no_plan_is_refused_with_every_reason(written: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read_toml(written)


def test_differences_name_each_setting_with_both_values() -> None:
    before = Plan()
    after = before.model_copy(
        update={"rounds": 9, "training": before.training.model_copy(update={"clip_norm": 1.0})}
    )
    found = differences(before, after)
    assert found == [("training.clip_norm", None, 1.0), ("rounds", 3, 9)]
    assert differences(after, after) == []
    assert ("search.sampler", None, "tpe") in differences(before, RICH)


def test_values_are_found_and_put_by_path() -> None:
    document = {"a": {"b": 1}, "c": None}
    put(document, "a.d.e", 2)
    put(document, "c.f", 3)
    assert document == {"a": {"b": 1, "d": {"e": 2}}, "c": {"f": 3}}
    assert (at(document, "a.b"), at(document, "a.b.x", "no")) == (1, "no")
