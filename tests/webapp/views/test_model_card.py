"""The model card: at a site in tens and without names, at the console with all that it knows."""

from __future__ import annotations

import dataclasses

from federated.model_card import ModelCard
from federated.uncertainty import Calibration, Sureness
from federated.views.site_card import SiteCard
from master.store.model_cards import card_figures
from tests.webapp import sample
from tests.webapp.conftest import Open, shown
from tests.webapp.evaluated import report
from tests.webapp.hostile import EVIL, told_as_words
from tests.webapp.sample.at_a_site import held, status
from tests.webapp.scripted import CHILDREN, ScriptedServers, ok
from webapp.card_document import as_markdown
from webapp.card_facts import CardFacts, at_a_site
from webapp.words import in_groups

CARD = ModelCard(
    mark="ab" * 8,
    study="skin",
    weights=sample.HASHES[2],
    made_at=sample.NOW - 60,
    parameters=4032,
    others=({"benign": 20, "malignant": 30}, {"benign": 10}),
    test=card_figures(report()),
)
KNOWN = SiteCard(
    plan=sample.PLAN,
    card=CARD,
    calibration=Calibration(temperature=1.37, examples=41),
    sureness=Sureness(
        threshold=0.82,
        coverage=0.6,
        error_when_sure=0.08,
        error_limit=0.21,
        sure_examples=12,
        examples=20,
    ),
)


def facts(known: SiteCard = KNOWN, **changes: object) -> CardFacts:
    found = at_a_site(status(), held(), known)
    assert found is not None
    return dataclasses.replace(found, **changes)  # type: ignore[arg-type]


def test_a_site_reads_the_card_with_the_master_away(
    open_app: Open, servers: ScriptedServers
) -> None:
    servers.scripts[CHILDREN["site-1"]]["GET studies/skin/card"] = ok(KNOWN)
    app = open_app("model_card", "site")
    assert not app.exception
    assert not app.error
    told = shown(app).replace("\\", "")
    for words in (
        "site-1,3,2",
        "Another site (1),20 or more,30 or more",
        "Another site (2),10 or more,fewer than 10",
        "AUC,0.810,0.69 to 0.91",
        "benign,30 or more,80 % (53–86),73 %",
        "temperature 1.37",
        "Below 82 %",
        "wrong here, and in truth 21 % at most",
        in_groups(sample.HASHES[2]),
        in_groups(sample.PLAN.sha256),
    ):
        assert words in told, words
    assert "site-2" not in told
    assert len(app.get("download_button")) == 1


def test_what_the_master_told_of_another_model_is_not_shown() -> None:
    other = CARD.model_copy(update={"weights": sample.HASHES[1]})
    written = as_markdown(facts(KNOWN.model_copy(update={"card": other})), sample.NOW)
    assert "Another site" not in written
    assert "has told no figures" in written


def test_the_licence_is_told_or_that_there_is_none() -> None:
    assert "No licence is recorded" in as_markdown(facts(), sample.NOW)
    licensed = CARD.model_copy(update={"licence": f"CC BY-NC 4.0 {EVIL}"})
    written = as_markdown(facts(KNOWN.model_copy(update={"card": licensed})), sample.NOW)
    assert "CC BY\\-NC 4.0" in written or "CC BY-NC 4.0" in written
    assert "<b>" not in written
    assert "No licence" not in written


def test_the_console_has_every_figure_and_name(open_app: Open) -> None:
    app = open_app("model_card", "console")
    assert not app.exception
    told = shown(app).replace("\\", "")
    for words in ("site-2,25,31", "Number of pictures: 60", "names the sites", "0.81 (0.69–0.91)"):
        assert words in told, words


def test_a_strangers_words_stay_words_on_the_page_and_in_the_file(
    open_app: Open, servers: ScriptedServers
) -> None:
    study = sample.STUDY.model_copy(update={"name": EVIL})
    evil = status(EVIL, studies=[held(study=study, model=EVIL)])
    script = servers.scripts[CHILDREN["site-1"]]
    script["GET status"] = ok(evil)
    reason = KNOWN.calibration.model_copy(update={"missing": EVIL})  # type: ignore[union-attr]
    script["GET studies/skin/card"] = ok(KNOWN.model_copy(update={"calibration": reason}))
    for page in ("model_card", "workbench"):
        app = open_app(page, "site")
        assert not app.exception
        assert told_as_words(app), page
    written = as_markdown(facts(study=study, model=f"a|b{EVIL}", master=EVIL), sample.NOW)
    for alive in ("![x]", "](http", "**b**", "<b>", "\n# t", "a|b"):
        assert alive not in written, alive
    assert written.count("\n# ") == 0
