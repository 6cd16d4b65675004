import numpy as np
import pytest

from engines.compare.folds import folds_of, joined
from engines.compare.question import Case, check_all_take_part, in_one_go, ways, with_strategy
from engines.compare.variations import variations
from engines.processes.errors import WrongOption
from federated.errors import InvalidInput
from federated.plan import Plan, Sampling, StrategyChoice
from federated.study import Study
from federated.training import Training

PLAN = Plan(
    rounds=5,
    quorum=3,
    seed=7,
    training=Training(epochs=3, proximal=0.1, learning_rate=0.25),
    strategy=StrategyChoice(name="fedavg", batch_norm="average"),
    sampling=Sampling(fraction=0.5),
)
STUDY = Study(id="pets", name="Pets", classes=("cat", "dog"), size=32)
KINDS = ("together", "alone", "federated")


def test_who_is_alone_sees_each_picture_as_often_and_is_pulled_nowhere():
    plan = in_one_go(PLAN)
    assert (plan.rounds, plan.training.epochs, plan.quorum) == (1, 15, 1)
    assert (plan.training.proximal, plan.sampling) == (0, Sampling())
    assert (plan.training.learning_rate, plan.seed) == (0.25, 7)


def test_who_is_drawn_now_and_then_sees_its_pictures_less_often():
    with pytest.raises(WrongOption, match=r"less often.*all 4 sites.*2 a round"):
        check_all_take_part(PLAN, KINDS, 4)
    # Half of one site is one site; and nobody else is there to be unlike.
    check_all_take_part(PLAN, KINDS, 1)
    check_all_take_part(PLAN, ("federated",), 4)
    check_all_take_part(PLAN.model_copy(update={"sampling": Sampling()}), KINDS, 4)


def test_more_epochs_than_a_round_may_have_are_told():
    with pytest.raises(WrongOption, match="epochs"):
        in_one_go(PLAN.model_copy(update={"rounds": 400}))


def test_the_ways_are_together_once_and_the_rest_for_each_partition():
    made = list(ways(PLAN, "", KINDS, ("fedavg", "fedbuff"), ("iid", "label-skew")))
    assert [(way.kind, way.partition, way.plan.strategy.name) for way in made] == [
        ("together", None, "fedavg"),
        ("alone", "iid", "fedavg"),
        ("federated", "iid", "fedavg"),
        ("federated", "iid", "fedbuff"),
        ("alone", "label-skew", "fedavg"),
        ("federated", "label-skew", "fedavg"),
        ("federated", "label-skew", "fedbuff"),
    ]
    assert {way.plan.rounds for way in made if way.kind == "federated"} == {5}


def test_only_the_kinds_that_are_asked_for():
    assert {way.kind for way in ways(PLAN, "", ("alone",), ("fedavg",), ("iid",))} == {"alone"}


def test_another_strategy_keeps_what_happens_to_batch_norm():
    local = PLAN.model_copy(update={"strategy": StrategyChoice(batch_norm="local")})
    assert with_strategy(local, "fedbuff").strategy == StrategyChoice(
        name="fedbuff", batch_norm="local"
    )


def case(**changes):
    start = {"kind": "alone", "partition": "iid", "variation": "", "fold": None, "study": STUDY}
    return Case(**(start | {"plan": PLAN, "pictures": "0" * 64} | changes))


def test_whatever_changes_a_case_changes_its_key():
    cases = [
        case(),
        case(kind="federated"),
        case(fold=2),
        case(pictures="1" * 64),
        case(plan=PLAN.model_copy(update={"seed": 8})),
        case(study=STUDY.model_copy(update={"size": 33})),
    ]
    assert len({one.key for one in cases}) == len(cases)
    assert case().key == case().key


def test_a_case_says_what_it_is():
    assert case(fold=2, variation="rounds=3").title == "alone, iid, rounds=3, seed 7, fold 2"
    assert case(kind="federated").title == "federated, iid, fedavg, seed 7"


def test_each_value_is_a_variation_of_its_own():
    made = dict(variations(PLAN, "training.learning_rate=0.5,1e-4 model.settings.norm=group"))
    assert list(made) == ["learning_rate=0.5", "learning_rate=1e-4", "norm=group"]
    assert made["learning_rate=1e-4"].training.learning_rate == 1e-4
    assert made["norm=group"].model.settings == {"norm": "group"}
    assert made["norm=group"].training == PLAN.training


def test_a_part_that_the_plan_leaves_out_can_be_varied():
    ((_, plan),) = variations(PLAN, "training.early_stopping.patience=4")
    assert plan.training.early_stopping is not None
    assert plan.training.early_stopping.patience == 4


@pytest.mark.parametrize("text", ["rounds", "=3", "rounds=", "rounds.x=3", "nothing=1", "rounds=a"])
def test_a_variation_that_is_none_is_refused(text):
    with pytest.raises(WrongOption):
        list(variations(PLAN, text))


def alone_each(labels):
    """A group for each picture."""
    return [str(number) for number in range(len(labels))]


def test_folds_are_even_and_each_has_its_share_of_each_class():
    labels = np.repeat([0, 1, 2], [23, 11, 9])
    fold = folds_of(labels, alone_each(labels), 4, seed=1)
    assert sorted(np.bincount(fold)) == [10, 11, 11, 11]
    for label in range(3):
        counts = np.bincount(fold[labels == label], minlength=4)
        assert counts.max() - counts.min() <= 1
    assert (fold != folds_of(labels, alone_each(labels), 4, seed=2)).any()


def test_a_patient_is_in_one_fold_only():
    labels = np.array([0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1])
    patients = list("aaaabcddeefg")
    fold = folds_of(labels, patients, 3, seed=3)
    assert {len(set(fold[np.array(patients) == name])) for name in set(patients)} == {1}
    assert sorted(np.bincount(fold, minlength=3))[0] >= 3


def test_a_class_with_fewer_patients_than_folds_is_refused():
    with pytest.raises(InvalidInput, match="at least 3"):
        folds_of(np.repeat([0, 1], [9, 4]), [*"abcdefghi", *"xxyy"], 3, seed=1)


def test_groups_that_share_a_picture_are_one():
    groups = joined(list("abcdeaf"), ["1", "2", "2", "4", "5", "4", "7"])
    # b and c share 2; d shares 4 with a's second picture.
    together = {frozenset(k for k, other in enumerate(groups) if other == one) for one in groups}
    assert together == {frozenset({0, 3, 5}), frozenset({1, 2}), frozenset({4}), frozenset({6})}
