"""The report of a run: one file that stands by itself, whatever strangers wrote into the run."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from tests.webapp import sample
from tests.webapp.conftest import Open
from tests.webapp.scripted import Script, ok
from webapp import charts
from webapp.desk import shared_desk
from webapp.run_report import report_of
from webapp.run_report.drawing import Scale, drawn_as_svg

HOSTILE = "<script>alert(1)</script>\"' onload=x"


class Seen(HTMLParser):
    """Notes the tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [f"{name}={value}" for name, value in attrs]


def written() -> str:
    desk = shared_desk()
    run = desk.operator.runs()[0]
    return report_of(desk, run, desk.operator.course(run.id))


def test_it_tells_what_was_trained_by_whom_and_how_good_it_is(open_app: Open) -> None:
    open_app("results")
    page = written()
    plain = re.sub(r"<[^>]+>", " ", page).replace("\u00a0", " ").replace("\u2060", "")
    for words in (
        "Report of a run: Skin lesions",
        "Accuracy on the test pictures was 0.720 in round 1",
        "0.810",
        "95 %: 0.69–0.91",
        "24 (80 %)",
        "site-3",
        "101.50",
        "Every value is finite.",
        "min_examples = 1",
        sample.PLAN.sha256,
        sample.HASHES[2],
        "not a medical device",
    ):
        assert words in plain, words
    seen = Seen()
    seen.feed(page)
    assert seen.tags.count("svg") == 5
    assert not {"script", "img", "link", "iframe"} & {*seen.tags}
    assert not [one for one in seen.attributes if one.startswith(("src=", "href=", "on"))]


def test_nothing_that_a_stranger_wrote_becomes_markup(open_app: Open, master: Script) -> None:
    update = sample.update(HOSTILE, 1, 15, 0.25)
    assert update.audit is not None
    judged = update.audit.model_copy(update={"reasons": (HOSTILE,)})
    update = update.model_copy(update={"audit": judged})
    master.update(sample.rounds_told([sample.round_(1, updates=[update])]))
    study = sample.study()
    named = study.study.model_copy(update={"name": HOSTILE})
    master["GET studies"] = ok({"studies": [study.model_copy(update={"study": named})]})
    open_app("results")
    page = written()
    seen = Seen()
    seen.feed(page)
    assert "script" not in seen.tags
    assert not [one for one in seen.attributes if one.startswith("on")]
    assert page.count("&lt;script&gt;") >= 3


def test_a_run_that_was_not_tested_says_so(open_app: Open, master: Script) -> None:
    master[f"GET runs/{sample.RUN}/evaluation"] = ok(
        {"round": 1, "test": None, "audit": None, "note": None}
    )
    master.update(sample.rounds_told([sample.round_(1, evaluation=None)]))
    open_app("results")
    assert "The model was not tested" in written()


def test_lines_are_drawn_where_the_numbers_are() -> None:
    course = sample.course([sample.round_(1), sample.round_(2), sample.round_(3)])
    svg = ElementTree.fromstring(drawn_as_svg(charts.loss_by_round(course)))
    name = "{http://www.w3.org/2000/svg}"
    (line,) = svg.findall(f"{name}polyline")
    points = [tuple(map(float, pair.split(","))) for pair in str(line.get("points")).split()]
    # Losses of 0.54, 0.46 and 0.38 fall evenly, and an SVG counts downwards.
    assert points[0][0] < points[1][0] < points[2][0]
    assert points[1][1] - points[0][1] == pytest.approx(points[2][1] - points[1][1], abs=0.2)
    assert points[0][1] < points[2][1]
    assert str(svg.findtext(f"{name}desc")).startswith("Loss on the test pictures was 0.540")


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (1, 200, [50, 100, 150, 200]), (3, 3, [3])],
)
def test_ticks_are_round_numbers_within_the_ends(
    low: float, high: float, ticks: list[float]
) -> None:
    found = Scale(low, high, 0, 100).ticks()
    assert found[: len(ticks)] == pytest.approx(ticks)
