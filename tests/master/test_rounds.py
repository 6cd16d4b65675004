"""A round from its opening to its end, stepped by hand."""

from __future__ import annotations

import numpy as np

from tests.master.federation import Clock, Federation, base_of, trained, update_of

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}, "training": {"epochs": 1}}


def test_the_study_reaches_every_site_with_its_weights(federation: Federation) -> None:
    current = federation.study()["current"]
    child = federation.site("clinic-a")
    assert current["round"] == 0
    assert list(child.blobs) == [current["weights"]]
    view = federation.get("/nodes")["nodes"][0]
    assert view["received"]["skin"]["http_status"] == 200
    assert view["received"]["skin"]["detail"] == "received global model"


def test_a_child_that_lost_the_weights_gets_them_again(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    a.blobs.clear()
    run = federation.run(**PLAN)
    assert federation.states(run) == {"clinic-a": "leased"}
    assert list(a.blobs) == [a.tasks[-1].weights]


def test_the_average_is_weighted_by_examples(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a", 30), federation.site("clinic-b", 90)
    run = federation.run(**PLAN)
    before = base_of(a)
    assert federation.deliver(a, trained(a, 1.0, num_examples=20)).status_code == 200
    assert federation.deliver(b, trained(b, 5.0, num_examples=60)).status_code == 200
    view = federation.last_round(run)
    assert view["state"] == "closed"
    assert {u["node_name"]: u["share"] for u in view["updates"]} == {
        "clinic-a": 0.25,
        "clinic-b": 0.75,
    }
    after = federation.weights(view["weights_after"])
    for name, array in before.items():
        # (20 * (w + 1) + 60 * (w + 5)) / 80 = w + 4
        np.testing.assert_allclose(after[name], array + 4, rtol=1e-6)
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    assert federation.get("/studies/skin")["current"]["weights"] == view["weights_after"]


def test_the_average_can_be_worked_out_from_the_stored_blobs(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a", 30), federation.site("clinic-b", 90)
    run = federation.run(**(PLAN | {"rounds": 2}))
    rng = np.random.default_rng(3)
    for _ in range(2):
        for child, examples in ((a, 7), (b, 61)):
            noise = {
                name: (array + rng.normal(size=array.shape)).astype(np.float32)
                for name, array in base_of(child).items()
            }
            federation.deliver(child, update_of(child.tasks[-1], noise, num_examples=examples))
    for view in federation.rounds(run):
        blobs = [(u["num_examples"], federation.weights(u["sha256"])) for u in view["updates"]]
        total = sum(examples for examples, _ in blobs)
        after = federation.weights(view["weights_after"])
        for name, array in after.items():
            expected = sum(n * w[name].astype(np.float64) for n, w in blobs) / total
            np.testing.assert_allclose(array, expected, rtol=1e-6)


def test_each_round_starts_from_the_one_before(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**(PLAN | {"rounds": 3}))
    for _ in range(3):
        federation.deliver(a, trained(a, 2.0, num_examples=10))
    rounds = federation.rounds(run)
    assert [r["weights_before"] for r in rounds[1:]] == [r["weights_after"] for r in rounds[:-1]]
    assert [task.base_round for task in a.tasks] == [0, 1, 2]
    assert len({task.seed for task in a.tasks}) == 3


def test_another_model_starts_from_a_fresh_one(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    start = federation.get("/studies/skin")["current"]["weights"]
    plan = PLAN | {"model": {"name": "cnn10", "settings": {"dropout": 0.1}}, "seed": 7}
    run = federation.run(**plan)
    view = federation.last_round(run)
    assert view["weights_before"] != start
    assert a.pushes[-1].weights == view["weights_before"]


def test_seeds_depend_on_names_and_not_on_ids(tmp_path, clock: Clock) -> None:
    seeds = []
    for number in (1, 2):
        federation = Federation(tmp_path / str(number), Clock(clock.time + number))
        federation.study()
        a = federation.site("clinic-a")
        federation.run(**PLAN)
        seeds.append(a.tasks[-1].seed)
        federation.services.database.close()
    assert seeds[0] == seeds[1]
