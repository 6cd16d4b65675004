"""What a site is told of its model: figures of tens of pictures, and no other site's name."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from federated.errors import InvalidInput
from federated.model_card import ModelCard
from master.settings import SERVE, settings_from
from master.store.model_cards import card_figures
from serving.options import add_options
from tests.master.federation import ChildInTest, Clock, Federation, trained
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


def test_a_licence_is_told_and_after_a_restart_with_another_one_that(
    tmp_path: Path, clock: Clock
) -> None:
    federation = Federation(tmp_path, clock, licence="CC BY 4.0")
    federation.study()
    site = federation.site("clinic-a")
    assert federation.get("/studies/skin")["licence"] == "CC BY 4.0"
    (card,) = told(federation, site, 20, card="")
    assert card["licence"] == "CC BY 4.0"
    assert told(federation, site, 20, card=card["mark"]) == []
    federation.services.database.close()
    restarted = Federation(tmp_path, clock)
    (later,) = told(restarted, site, 20, card=card["mark"])
    assert later["licence"] is None
    restarted.services.database.close()


def test_a_licence_that_no_card_could_tell_is_refused_at_the_start() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, SERVE, {})
    given = ["--state", "x", "--licence"]
    assert settings_from(parser.parse_args([*given, "l" * 500])).licence == "l" * 500
    with pytest.raises(InvalidInput, match="too long"):
        settings_from(parser.parse_args([*given, "l" * 501]))


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
