"""The search of a run on the page Results."""

from __future__ import annotations

import math
from typing import Any

import pytest

from federated.plan import Plan
from federated.views import SearchView, TrialView
from tests.webapp import sample
from tests.webapp.conftest import Open, shown
from tests.webapp.scripted import Script, ok
from webapp.charts.search import search_chart

SPACE = {"learning_rate": [1e-4, 0.03], "batch_size": [8, 16], "dropout": [0.0, 0.5]}
PLAN = Plan.model_validate({"search": {"space": SPACE}})


def trial(number: int, score: float | None, **changes: Any) -> TrialView:
    facts: dict[str, Any] = {
        "number": number,
        "task": f"t{number}",
        "round": 1 + number // 4,
        "node": "node-a",
        "node_name": f"site-{number}",
        "parameters": {
            "learning_rate": number / 1000,
            "batch_size": 8 if number % 3 else 16,
            "dropout": number / 20,
        },
        "state": "running" if score is None else "complete",
        "score": score,
        "lead": None if score is None else score - 0.75,
    }
    return TrialView(**facts | changes)


TRIALS = [
    trial(1, 0.625),
    trial(2, 0.875),
    trial(3, 0.75),
    trial(4, None),
    trial(5, None, state="failed", reason="Training diverged in epoch 1."),
]


def searched(master: Script, trials: list[TrialView]) -> None:
    assert PLAN.search is not None
    view = SearchView(run=sample.RUN, search=PLAN.search, trials=trials)
    master["GET runs"] = ok({"runs": [sample.run(plan=PLAN)]})
    master[f"GET runs/{sample.RUN}"] = ok(sample.run(plan=PLAN))
    master[f"GET runs/{sample.RUN}/search"] = ok(view)


def test_the_best_so_far_is_told_and_each_trial_is_in_the_table(
    open_app: Open, master: Script
) -> None:
    searched(master, TRIALS)
    app = open_app("results", tab="search")
    told = shown(app)
    assert "Best so far: trial 2" in told
    assert "accuracy of 87.5" in told
    assert "+12.5 percentage points" in told
    assert "5 trials so far. One is under way. One came to nothing." in told
    assert "Training diverged in epoch 1." in told
    (table,) = [found.value for found in app.table if "Trial" in found.value]
    assert list(table["Trial"]) == [5, 4, 3, 2, 1]
    assert list(table["Status"])[:2] == ["\\! failed", "▶ running"]


def test_before_the_first_verdict_there_are_no_figures(open_app: Open, master: Script) -> None:
    searched(master, [trial(1, None)])
    assert "No trial has been measured yet" in shown(open_app("results", tab="search"))


def test_before_the_first_round_there_is_nothing(open_app: Open, master: Script) -> None:
    searched(master, [])
    assert "Nothing has been tried yet" in shown(open_app("results", tab="search"))


def test_a_run_that_does_not_search_has_no_such_tab(open_app: Open) -> None:
    app = open_app("results", tab="search")
    assert app.session_state["choice-tab"] == "Progress"
    assert "Search" not in [tab.label for tab in app.tabs]


def test_the_lines_lie_on_a_logarithmic_axis_and_are_told_in_words() -> None:
    assert PLAN.search is not None
    chart = search_chart(SearchView(run="r", search=PLAN.search, trials=TRIALS))
    assert chart is not None
    best = chart.figure.data[-1]
    assert (best.name, list(best.x), best.y[-1]) == ("Trial 2", [0, 1, 2, 3], 1.0)
    # Between 1e-4 and 0.03 on a logarithmic scale, where 0.002 lies.
    assert best.y[0] == pytest.approx(math.log10(20) / math.log10(300))
    assert list(best.text) == ["0.002", "0.1", "8", "87.5"]
    assert [trace.name for trace in chart.figure.data] == ["Trial 1", "Trial 3", "Trial 2"]
    labels = {note.text for note in chart.figure.layout.annotations}
    assert labels >= {"Learning<br>rate", "0.03", "16", "Dropout", "Accuracy<br>(%)"}
    assert "3 measured trials, with accuracies of 62.5" in chart.alt
    assert list(chart.table["Dropout"]) == [0.05, 0.1, 0.15]
    assert search_chart(SearchView(run="r", search=PLAN.search, trials=TRIALS[3:])) is None
