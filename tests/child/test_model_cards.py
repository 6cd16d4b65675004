"""Model cards at a site: kept, shown with the master away, and never those of another model."""

from __future__ import annotations

from typing import Any

from federated.messages import StudyPush
from federated.model_card import ModelCard
from tests.child.conftest import Site


def card(push: StudyPush, **changes: Any) -> ModelCard:
    facts: dict[str, Any] = {"mark": "ab" * 8, "study": "skin", "weights": push.weights}
    return ModelCard(**{**facts, "made_at": 5.0, "others": ({"benign": 30},), **changes})


def shown(site: Site, study: str = "skin") -> Any:
    return site.client.get(f"/api/v1/studies/{study}/card", headers=site.site)


def test_a_card_is_shown_to_the_site_alone_and_told_by_its_mark(site: Site) -> None:
    push = site.push()
    assert shown(site).json["card"] is None
    assert site.child._compose().studies["skin"].card == ""
    site.child.cards.keep([card(push)])
    told = shown(site).json
    assert told["card"]["others"] == [{"benign": 30}]
    assert told["plan"]["privacy"]["min_examples"] == 3
    assert told["calibration"] is None
    assert site.child._compose().studies["skin"].card == "ab" * 8
    answer = site.client.get("/api/v1/studies/skin/card", headers=site.master)
    assert answer.status_code == 403
    assert shown(site, "bone").status_code == 404


def test_another_models_card_is_not_shown(site: Site) -> None:
    push = site.push(0.5)
    site.child.cards.keep([card(push)])
    site.push(0.25)
    assert shown(site).json["card"] is None


def test_neither_a_strangers_card_nor_a_broken_one_is_read(site: Site) -> None:
    push = site.push()
    site.child.cards.keep([card(push, study="bone")])
    assert not [*site.child.state.cards.iterdir()]
    (site.child.state.cards / "skin.json").write_text('{"mark": 3')
    assert shown(site).json["card"] is None
