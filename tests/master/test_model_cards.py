"""What a site is told of its model: figures of tens of pictures, and no other site's name."""

from __future__ import annotations

from typing import Any

from federated.model_card import ModelCard
from master.store.model_cards import card_figures
from tests.master.federation import ChildInTest, Federation, trained
from tests.master.test_evaluation_jobs import PLAN, knowing, upload
from tests.webapp.evaluated import report


def told(federation: Federation, child: ChildInTest, labelled: int, **more: Any) -> Any:
    """The heartbeat's answer to a site that holds the last model it was sent."""
    push = child.pushes[-1]
    counts = {"benign": labelled // 2, "malignant": labelled - labelled // 2}
    held = {"counts": counts, "weights": push.weights, "frozen": push.frozen, **more}
    body = {"studies": {"skin": held}}
    return federation.post(f"/nodes/{child.id}/heartbeat", body, child.token)["cards"]


def test_a_site_hears_of_its_model_once(federation: Federation) -> None:
    federation.study()
    upload(federation, "test", {"benign": 3, "malignant": 13})
    # Of the one it has 23 and 24 pictures, of the other 4 and 5.
    a, b = federation.site("clinic-a", 47), federation.site("clinic-b", 9)
    (initial,) = told(federation, a, 47, card="")
    assert (initial["others"], initial["test"]) == ([], None)
    federation.evaluation_queues.held = ("evaluation/",)
    federation.run(**PLAN)
    federation.deliver(a, knowing(a, 9.0, 10))
    federation.deliver(b, trained(b, 0.5, 8))
    (early,) = told(federation, b, 9, card=initial["mark"])
    assert early["test"] is None
    federation.evaluation_queues.release()
    federation.settle()
    (late,) = told(federation, b, 9, card=early["mark"])
    assert told(federation, b, 9, card=late["mark"]) == []
    card = ModelCard.model_validate(late)
    assert card.others == ({"benign": 20, "malignant": 20},)
    assert card.test is not None
    assert card.test.num_examples == 10
    assert [(entry.support, bool(entry.figures)) for entry in card.test.classes] == [
        (0, False),
        (10, True),
    ]
    assert "clinic" not in str(late)
    (other,) = told(federation, a, 47, card="")
    # The other site's classes have too few pictures to be told.
    assert other["others"] == [{}]


def test_an_older_site_is_told_nothing_that_it_would_not_keep(federation: Federation) -> None:
    federation.study()
    assert told(federation, federation.site("clinic-a"), 20) == []


def test_a_bin_of_few_pictures_is_left_out() -> None:
    full = report()
    few = full["reliability"][-1] | {"count": 9}
    card = card_figures(full | {"reliability": [*full["reliability"][:-1], few]})
    assert card is not None
    assert [(entry.count, entry.accuracy) for entry in card.reliability] == [(40, 0.7)]
    assert card.figures["auc"].low == 0.694
    assert card_figures(full | {"num_examples": 9}) is None
