import csv
import io
import math

import numpy as np
import pytest

from engines.compare.folds import folds_of
from engines.compare.plot import page_of
from engines.compare.question import Case
from engines.compare.results import Kept, Measured, Result, measured
from engines.compare.summary import never_seen, rows_of, spread
from engines.compare.tables import csv_of, table_of, table_of_never_seen
from federated.plan import Plan
from federated.study import Study

STUDY = Study(id="pets", name="Pets", classes=("cat", "dog"), size=32)
SKEWED = {"site-1": {"cat": 0, "dog": 9}, "site-2": {"cat": 7, "dog": 2}}


def result(kind, seed, *models, partition="label-skew", variation="", holdings=SKEWED):
    case = Case(
        kind=kind,
        partition=None if kind == "together" else partition,
        variation=variation,
        fold=None,
        study=STUDY,
        plan=Plan(seed=seed),
        pictures="0" * 64,
    )
    return Result(case=case, seconds=2.5, holdings=holdings, models=models)


def model(name, auc, cat=0.5, dog=0.5):
    figures = {"accuracy": 0.5, "balanced_accuracy": 0.25, "auc": auc}
    return Measured(name=name, figures=figures, recalls={"cat": cat, "dog": dog})


RESULTS = [
    result("together", 1, model("all", 0.9)),
    result("together", 2, model("all", 0.8)),
    result("alone", 1, model("site-1", 0.4, cat=0.0), model("site-2", 0.6)),
    result("alone", 2, model("site-1", 0.5, cat=0.25), model("site-2", 0.5)),
    result("federated", 2, model("global", 0.8, cat=0.5)),
    result("federated", 1, model("global", 0.6, cat=1.0)),
]


def test_a_spread_is_students():
    # Deviation √((4+0+4)/2) = 2; t(2) = 4.303, so half the interval is 4.303 · 2/√3.
    found = spread([1.0, 3.0, 5.0])
    assert (found.mean, found.deviation) == (3.0, 2.0)
    assert found.high == pytest.approx(3 + 4.303 * 2 / math.sqrt(3))
    assert found.low == pytest.approx(3 - 4.303 * 2 / math.sqrt(3))


def test_one_value_has_no_spread():
    assert (spread([0.7]).mean, spread([0.7]).deviation, spread([0.7]).low) == (0.7, None, None)


def test_many_values_are_judged_by_the_normal():
    found = spread([0.0, 1.0] * 50)
    assert found.high == pytest.approx(0.5 + 1.96 * found.deviation / 10)


def test_folds_share_pictures_so_their_interval_is_wider():
    # 4 of 5 folds train: 1 / (5 - 1) is added to 1 / n.
    found = spread([1.0, 3.0, 5.0], folds=5)
    assert (found.mean, found.deviation) == (3.0, 2.0)
    assert found.high == pytest.approx(3 + 4.303 * 2 * math.sqrt(1 / 3 + 1 / 4))
    assert found.low == pytest.approx(3 - 4.303 * 2 * math.sqrt(1 / 3 + 1 / 4))


def test_the_interval_over_folds_holds_the_models_true_accuracy():
    rng = np.random.default_rng(0)

    def sample(count):
        labels = rng.integers(0, 2, count)
        return labels, rng.normal(size=(count, 5)) + 0.5 * labels[:, None]

    def repeats(labels, points, ahead):
        """Measured and true accuracy of a nearest mean, in 5 folds under each of 3 seeds."""
        for seed in range(3):
            fold = folds_of(labels, [str(k) for k in range(len(labels))], 5, seed)
            for number in range(5):
                train, test = fold != number, fold == number
                low, high = (points[train & (labels == label)].mean(axis=0) for label in (0, 1))
                answers = [(x - (low + high) / 2) @ (high - low) > 0 for x in (points, ahead[1])]
                yield (answers[0] == labels)[test].mean(), (answers[1] == ahead[0]).mean()

    held = {5: 0, None: 0}
    for _ in range(60):
        measured, true = zip(*repeats(*sample(200), sample(4000)), strict=True)
        for folds in held:
            found = spread(measured, folds)
            held[folds] += found.low <= np.mean(true) <= found.high
    assert held[5] >= 0.9 * 60
    # As if 15 repeats were 15 samples.
    assert held[None] < 0.75 * 60


def test_a_row_over_folds_says_so():
    def over_folds(kind, aucs):
        return [
            one.model_copy(update={"case": one.case.model_copy(update={"fold": fold})})
            for fold, auc in enumerate(aucs, 1)
            for one in [result(kind, 1, model("site-1", auc, cat=auc))]
        ]

    results = [*over_folds("alone", (0.5, 0.25, 0.75)), *over_folds("federated", (0.5, 0.75, 0.5))]
    rows, (entry,) = rows_of(results), never_seen(results)
    assert [row.folds for row in rows] == [3, 3]
    assert rows[0].figures["auc"] == entry.alone == spread([0.5, 0.25, 0.75], folds=3)
    assert rows[1].margin == spread([0.0, 0.5, -0.25], folds=3)
    assert "Nadeau and Bengio" in table_of(rows)
    assert "on these same test pictures" in table_of(rows_of(RESULTS))
    assert "95 % interval:" not in table_of(rows_of(RESULTS[:1]))


def test_a_row_for_each_way_with_its_seeds():
    rows = rows_of(RESULTS)
    assert [(row.kind, row.strategy) for row in rows] == [
        ("together", None),
        ("alone", None),
        ("federated", "fedavg"),
    ]
    # Alone: the mean over the two sites of each seed.
    assert rows[1].figures["auc"].values == (0.5, 0.5)
    assert rows[2].figures["auc"].values == (0.6, 0.8)
    assert [row.seconds for row in rows] == [5.0, 5.0, 5.0]


def test_the_margin_is_taken_seed_by_seed():
    rows = rows_of(RESULTS)
    assert rows[2].margin.values == pytest.approx((0.1, 0.3))
    assert rows[0].margin is None
    assert rows_of(RESULTS[4:])[0].margin is None


def test_a_figure_that_a_repeat_lacks_is_not_told():
    rows = rows_of([RESULTS[0], result("together", 2, model("all", None))])
    assert "auc" not in rows[0].figures
    assert rows[0].figures["accuracy"].mean == 0.5


def test_variations_are_rows_of_their_own():
    other = result("together", 1, model("all", 0.7), variation="norm=group")
    assert [row.variation for row in rows_of([RESULTS[0], other])] == ["", "norm=group"]


def test_a_class_that_a_site_never_saw():
    (entry,) = never_seen(RESULTS)
    assert (entry.site, entry.label) == ("site-1", "cat")
    assert entry.alone.values == (0.0, 0.25)
    assert sorted(entry.federated["fedavg"].values) == [0.5, 1.0]


def test_where_each_site_has_its_own_version_of_the_model_that_one_counts():
    own = result("federated", 1, model("site-1", 0.5, cat=0.75), model("site-2", 0.9, cat=0.25))
    (entry,) = never_seen([own])
    assert entry.federated["fedavg"].values == (0.75,)
    assert rows_of([own])[0].figures["auc"].values == (0.7,)


def test_a_class_that_was_seen_under_one_seed_counts_as_seen():
    seen = {"site-1": {"cat": 1, "dog": 8}, "site-2": {"cat": 7, "dog": 2}}
    assert never_seen([*RESULTS, result("alone", 3, model("site-1", 0.5), holdings=seen)]) == []


def test_the_tables_say_what_was_found():
    text = table_of(rows_of(RESULTS))
    line = next(line for line in text.splitlines() if "fedavg" in line)
    assert "0.700 ± 0.141" in line
    assert "+0.200 ± 0.141" in line
    assert "0.125 ± 0.177" in table_of_never_seen(never_seen(RESULTS))


def test_the_csv_has_every_figure_and_no_formula():
    odd = result("federated", 1, model("global", 0.5), partition="=1+1")
    lines = list(csv.DictReader(io.StringIO(csv_of(rows_of([*RESULTS, odd])))))
    auc = next(line for line in lines if line["way"] == "alone" and line["figure"] == "auc")
    assert (auc["repeats"], auc["mean"], auc["values"]) == ("2", "0.500000", "0.500000 0.500000")
    assert auc["interval"] == "95 %, over seeds on the same test pictures (Student's t)"
    once = next(line for line in lines if line["repeats"] == "1")
    assert (once["low"], once["interval"]) == ("", "")
    assert {line["partition"] for line in lines} == {"", "label-skew", "'=1+1"}
    assert any(line["figure"] == "auc_over_alone" for line in lines)


def test_the_page_of_charts_needs_no_network():
    rows, entries = rows_of(RESULTS), never_seen(RESULTS)
    page = page_of("<Pets>", rows, entries, {"label-skew": SKEWED}, "the <table>")
    assert "&lt;Pets&gt;" in page
    assert "<table>" not in page
    assert "the site alone" in page
    assert page.count("Plotly.newPlot(") == 3
    assert "<script src=" not in page


def test_what_is_kept_of_a_report():
    report = {
        "accuracy": 0.5,
        "auc": None,
        "num_examples": 4,
        "auc_missing": "No dogs.",
        "classes": [{"name": "cat", "recall": 1.0}, {"name": "dog", "recall": None}],
    }
    kept = measured("global", report)
    assert kept.figures == {"accuracy": 0.5, "auc": None, "num_examples": 4}
    assert kept.recalls == {"cat": 1.0, "dog": None}


def test_finished_cases_are_kept(tmp_path):
    kept = Kept(tmp_path / "cases")
    assert kept.get(RESULTS[0].case) is None
    kept.put(RESULTS[0])
    assert Kept(tmp_path / "cases").get(RESULTS[0].case) == RESULTS[0]
    assert kept.get(RESULTS[1].case) is None
    (file,) = (tmp_path / "cases").iterdir()
    file.write_text(file.read_text()[:-30])
    assert kept.get(RESULTS[0].case) is None
