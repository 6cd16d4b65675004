import pytest

from federated.plan import (
    AssignedBatches,
    ModelChoice,
    Plan,
    RandomSets,
    Sampling,
    StrategyChoice,
    Trigger,
)
from federated.training import Training
from webapp.plan_words import kind_of, model_line, plan_line, round_line

FEDBUFF = StrategyChoice(name="fedbuff", settings={"buffer": 3})


@pytest.mark.parametrize(
    ("plan", "kind", "line"),
    [
        (Plan(), "rounds", "Rounds · each site's own pictures"),
        (
            Plan(trigger=Trigger(kind="upload")),
            "upload",
            "When pictures arrive · each site's own pictures",
        ),
        (
            Plan(strategy=FEDBUFF, data=AssignedBatches(kind="batches", url="/srv/skin_a_")),
            "asynchronous",
            r"Without waiting (FedBuff) · a batch for each site, from /srv/skin\_a\_",
        ),
        (
            Plan(data=RandomSets(kind="random", url="ftp://a.example/b", images=60)),
            "rounds",
            "Rounds · each site draws 60 pictures, from `ftp://a.example/b`",
        ),
    ],
)
def test_a_plan_is_told_in_a_line(plan: Plan, kind: str, line: str) -> None:
    assert kind_of(plan) == kind
    assert plan_line(plan) == line


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (
            Plan(quorum=2),
            "the 5 sites that take part. It waits for all of them, at most 60\u00a0min; ",
        ),
        (Plan(quorum=2), "then 2 updates are enough."),
        (Plan(quorum=0.5, close="quorum"), "It closes as soon as 3 updates are in"),
        (Plan(quorum=1.0), "It needs all of them; after 60\u00a0min without, it is extended once."),
        (Plan(sampling=Sampling(fraction=0.4)), "Each round asks 2 of the 5 sites"),
        (Plan(deadline_factor=2.0), "Where the sites are known to be faster, it waits less."),
        (Plan(strategy=FEDBUFF), "The 5 sites that take part all work at the same time. Every 3"),
        (
            Plan(strategy=FEDBUFF, sampling=Sampling(fraction=0.1, minimum=2)),
            "2 of the 5 sites that take part work at the same time.",
        ),
    ],
)
def test_what_a_round_is_with_so_many_sites(plan: Plan, says: str) -> None:
    assert says in round_line(plan, 5)


def test_a_run_beside_others_says_so() -> None:
    assert plan_line(Plan(publish=False)).endswith("· beside others, to compare")
    assert "beside" not in plan_line(Plan())


def test_a_model_is_told_with_what_of_it_learns_and_how() -> None:
    assert model_line(Plan()) == (
        "Model cnn10: all of it learns and travels. "
        "Optimiser Adam, loss cross-entropy, averaging rule Federated averaging."
    )
    head = ModelChoice(name="mobilenet", weights="net_2.h5", trained="features")
    said = model_line(Plan(model=head, training=Training(optimizer="sgd", loss="smooth_l1")))
    assert said.startswith("Model mobilenet: its head alone learns and travels, on features")
    assert r"It begins from the weights net\_2.h5. Optimiser SGD, loss smooth L1 (Huber)" in said


def test_a_search_is_told_by_what_it_searches() -> None:
    space = {"learning_rate": [0.001, 0.1], "batch_size": [8, 16]}
    said = model_line(Plan.model_validate({"search": {"space": space}}))
    assert "learning rate, batch size (parameter optimisation)" in said
