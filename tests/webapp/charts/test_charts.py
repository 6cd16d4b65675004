"""Each chart tells the same three times: figure, sentence, table."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from federated.statistics import statistics
from tests.webapp import compared, evaluated, sample
from tests.webapp.sample.at_a_site import site_rounds
from webapp import charts
from webapp.api.evaluation import Report
from webapp.charts.figure import PALETTE, Chart

REPORT = Report.model_validate(evaluated.report())
SEVEN = Report.model_validate(evaluated.seven_classes())
SITES = {"Site A": (30, 0.6), "Site B": (90, -0.2)}
AGED = sample.round_(
    4,
    updates=[
        sample.update("site-1", 2, 15, 0.4).model_copy(update={"staleness": 3, "base_round": 0}),
        sample.update("site-2", 2, 45, 0.6).model_copy(update={"staleness": 0, "base_round": 3}),
        sample.update("site-3", 2, 9, 0.0).model_copy(update={"status": "late"}),
    ],
)
COURSE = sample.course([sample.round_(1), sample.round_(2)])

EVERY: dict[str, Chart] = {
    "accuracy": charts.accuracy_by_round(COURSE),
    "loss": charts.loss_by_round(COURSE),
    "histogram": charts.weights_histogram(sample.weights(1).all, sample.weights(2).all),
    "confusion": charts.confusion_chart(REPORT),
    "roc": charts.roc_chart(REPORT) or pytest.fail("no ROC"),
    "precision recall": charts.precision_recall_chart(REPORT) or pytest.fail("no curve"),
    "reliability": charts.reliability_chart(REPORT) or pytest.fail("no bins"),
    "sites": charts.sites_by_round(COURSE, "accuracy"),
    "counts": charts.counts_by_site({"a": {"benign": 3}, "b": {}}, ("benign", "malignant")),
    "probabilities": charts.probabilities_chart({"x": 0.2, "y": 0.7, "z": 0.1}),
    "staleness": charts.staleness_by_round(sample.course([AGED])) or pytest.fail("no update"),
    "credits": charts.credit_trend(sample.rewards().trend),
    "contributions": charts.contributions_chart(sample.credits_granted(2))
    or pytest.fail("no update"),
    "comparison": charts.measure_by_run(
        compared.comparison().runs, {compared.WIDE: "wide", compared.NARROW: "narrow"}, "auc"
    ),
    "participation": charts.participation_chart(COURSE, slice(0, 20), slice(0, 20))
    or pytest.fail("no site"),
    "changes": charts.weight_changes_chart(sample.changes()) or pytest.fail("no round"),
    "cross site": charts.cross_site_chart(compared.cross_site(), "accuracy")
    or pytest.fail("no row"),
    "site rounds": charts.site_rounds_chart(site_rounds()[1:]),
    "by hand": charts.average_line(SITES, 0.0, 0.2),
}


@pytest.mark.parametrize("name", EVERY)
def test_every_chart_has_sentence_table_and_titled_axis(name: str) -> None:
    chart = EVERY[name]
    layout = chart.figure.to_dict()["layout"]
    assert chart.alt.endswith(".")
    assert len(chart.table)
    assert layout["xaxis"]["title"]["text"]
    assert layout["height"] <= 320
    assert layout["uirevision"] == "keep"


def colours(figure: Any) -> set[str]:
    found = set()
    for trace in figure.to_dict()["data"]:
        for part in (trace.get("line", {}), trace.get("marker", {})):
            colour = part.get("color", [])
            found |= {colour} if isinstance(colour, str) else set(colour)
    return found


@pytest.mark.parametrize("name", EVERY)
def test_colours_are_told_apart_by_everybody(name: str) -> None:
    assert colours(EVERY[name].figure) <= {*PALETTE, "#7A808A"}


def test_accuracy_tells_where_it_began_and_where_it_is() -> None:
    chart = EVERY["accuracy"]
    assert chart.alt == (
        "Accuracy on the test pictures was 0.720 in round 1 and is 0.780 in round 2."
    )
    assert list(chart.table["Lowest site, validation"]) == pytest.approx([0.71, 0.76])
    assert list(chart.table["Highest site, validation"]) == pytest.approx([0.73, 0.78])
    band, accuracy, auc = chart.figure.to_dict()["data"]
    assert list(band["y"]) == pytest.approx([0.73, 0.78, 0.76, 0.71])
    assert list(accuracy["y"]) == pytest.approx([0.72, 0.78])
    assert list(auc["y"]) == pytest.approx([0.76, 0.81])


def test_rounds_without_figures_are_told_as_such() -> None:
    bare = sample.round_(1, evaluation=None, updates=[])
    chart = charts.accuracy_by_round(sample.course([bare]))
    assert chart.alt == "There are no figures of Accuracy yet."
    assert len(charts.accuracy_by_round(sample.course([])).table) == 0


def test_one_round_is_told_as_one() -> None:
    chart = charts.accuracy_by_round(sample.course([sample.round_(1)]))
    assert chart.alt == "Accuracy on the test pictures is 0.720 after round 1."


def test_series_differ_by_more_than_colour() -> None:
    _, accuracy, auc = EVERY["accuracy"].figure.to_dict()["data"]
    assert accuracy["line"]["dash"] != auc["line"]["dash"]
    assert accuracy["marker"]["symbol"] != auc["marker"]["symbol"]


def test_histogram_shows_densities_that_sum_to_one() -> None:
    values = sample.weights(1).all
    (trace,) = charts.weights_histogram(values, None).figure.to_dict()["data"]
    edges, heights = trace["x"], [height or 0.0 for height in trace["y"]]
    widths = [b - a for a, b in pairwise(edges)]
    area = sum(h * w for h, w in zip(heights[:-1], widths, strict=True))
    assert area == pytest.approx(1.0)
    assert sum(EVERY["histogram"].table["Values"]) == 2 * values.count


def test_histogram_of_equal_weights_is_no_division_by_zero() -> None:
    flat = statistics(np.zeros(7))
    assert charts.weights_histogram(flat, flat).alt


def test_confusion_is_shown_by_share_and_told_by_count() -> None:
    chart = EVERY["confusion"]
    (trace,) = chart.figure.to_dict()["data"]
    assert [list(row) for row in trace["z"]] == [[0.8, 0.2], [0.3, 0.7]]
    cells = [[cell.replace("\u00a0", " ") for cell in row] for row in trace["text"]]
    assert cells == [["24<br>80 %", "6<br>20 %"], ["9<br>30 %", "21<br>70 %"]]
    # A heat map writes what stands under `text` alone.
    assert trace["texttemplate"] == "%{text}"
    assert (
        chart.alt
        == "45 of 60 test pictures are right. Found: benign 80\u00a0%; malignant 70\u00a0%."
    )


def test_two_classes_have_one_roc_curve_and_more_have_one_each() -> None:
    names = [trace["name"] for trace in EVERY["roc"].figure.to_dict()["data"]]
    assert names == ["malignant (0.810)", "Guessing", "At 90\u00a0% specificity"]
    chart = charts.roc_chart(SEVEN)
    assert chart is not None
    assert len(chart.figure.data) == 8


def test_what_is_found_at_the_specificity_is_marked_on_the_curve() -> None:
    mark = EVERY["roc"].figure.to_dict()["data"][-1]
    assert (list(mark["x"]), list(mark["y"])) == ([pytest.approx(0.1)], [0.55])


def test_curves_of_seven_classes_are_told_apart() -> None:
    chart = charts.precision_recall_chart(SEVEN)
    assert chart is not None
    lines = [trace["line"] for trace in chart.figure.to_dict()["data"]]
    assert len({(line["color"], line["dash"]) for line in lines}) == 7
    assert (
        chart.alt == "The average precision, in the mean over the classes, is 0.840; 1 is perfect."
    )


def test_precision_and_recall_stand_beside_guessing() -> None:
    curve, guessing = EVERY["precision recall"].figure.to_dict()["data"]
    assert curve["name"] == "malignant (0.840)"
    assert list(curve["x"]) == [0.0, 0.6, 1.0]
    assert list(guessing["y"]) == [0.5, 0.5]
    assert "guessing reaches 0.500, the share of malignant" in EVERY["precision recall"].alt


def test_of_very_many_classes_the_most_frequent_are_drawn() -> None:
    entry = REPORT.classes[0]
    many = tuple(
        entry.model_copy(update={"name": f"c{place}", "support": place}) for place in range(30)
    )
    chart = charts.roc_chart(REPORT.model_copy(update={"classes": many}))
    assert chart is not None
    names = [trace["name"] for trace in chart.figure.to_dict()["data"]]
    assert names[:2] == ["c18 (0.810)", "c19 (0.810)"]
    assert len(names) == 13
    assert chart.alt.endswith("Drawn are the 12 classes with the most test pictures.")


def test_without_any_curve_there_is_no_chart() -> None:
    bare = tuple(entry.model_copy(update={"roc": (), "auc": None}) for entry in REPORT.classes)
    nothing = REPORT.model_copy(update={"classes": bare, "reliability": ()})
    assert charts.roc_chart(nothing) is None
    assert charts.precision_recall_chart(nothing) is None
    assert charts.reliability_chart(nothing) is None


def test_reliability_shows_how_often_it_was_right_where_it_was_so_sure() -> None:
    bars, _, points = EVERY["reliability"].figure.to_dict()["data"]
    assert list(points["x"]) == [0.86, 0.94]
    assert list(points["y"]) == [0.7, 0.85]
    assert list(bars["y"])[-2:] == pytest.approx([40 / 60, 20 / 60])
    # (40 × 0.86 + 20 × 0.94) / 60 is 0.887.
    assert EVERY["reliability"].alt == (
        "The model is 88.7\u00a0% sure in the mean, and 75.0\u00a0% of its answers are right. "
        "The calibration error is 0.137; 0 is perfect."
    )


def test_every_site_has_a_line_beside_the_test_part() -> None:
    chart = EVERY["sites"]
    traces = {trace["name"]: list(trace["y"]) for trace in chart.figure.to_dict()["data"]}
    assert list(traces) == ["site-1", "site-2", "Test pictures of the master"]
    assert traces["site-1"] == pytest.approx([0.71, 0.76])
    assert traces["site-2"] == pytest.approx([0.73, 0.78])
    assert traces["Test pictures of the master"] == pytest.approx([0.72, 0.78])
    assert chart.alt == (
        "Accuracy on the sites' own validation pictures, in the last round that has any "
        "(2 of them): from 0.760 (site-1) to 0.780 (site-2)."
    )


def test_a_site_that_cannot_tell_a_figure_has_no_line() -> None:
    rounds = sample.course([sample.round_(1), sample.round_(2, updates=[])])
    chart = charts.sites_by_round(rounds, "auc")
    assert list(chart.table.columns) == ["Round", "site-2", "Test pictures of the master"]
    assert chart.alt.endswith(
        "validation pictures of site-2, in the last round that has any: 0.740."
    )
    assert charts.measures_told(rounds) == ["auc", "balanced_accuracy", "f1", "accuracy", "loss"]
    silent = sample.course([sample.round_(1, updates=[])])
    assert charts.measures_told(silent) == []
    assert charts.sites_by_round(silent, "auc").alt == ("There are no figures of AUC yet.")


def test_of_many_sites_the_ends_and_the_middle_are_drawn() -> None:
    updates = [sample.update(f"s{place:02}", 1, 5, 0.05) for place in range(19)]
    for place, update in enumerate(updates):
        update.metrics["val_f1"] = place / 20
    chart = charts.sites_by_round(sample.course([sample.round_(1, updates=updates)]), "f1")
    traces = {trace["name"]: trace["y"][0] for trace in chart.figure.to_dict()["data"]}
    assert traces["Lowest site, validation"] == 0
    assert traces["Middle site, validation"] == 0.45
    assert traces["Highest site, validation"] == 0.9
    assert len(chart.table.columns) == 21


def test_probabilities_come_most_probable_first_in_per_cent() -> None:
    (trace,) = EVERY["probabilities"].figure.to_dict()["data"]
    assert list(trace["y"]) == ["y", "x", "z"]
    assert list(trace["x"]) == pytest.approx([70, 20, 10])
    assert (
        EVERY["probabilities"].alt
        == "Most probable first: y 70.0\u00a0%, x 20.0\u00a0%, z 10.0\u00a0%."
    )


def test_counts_name_every_site_even_an_empty_one() -> None:
    assert EVERY["counts"].alt == "Labelled pictures: a: 3 benign; b: none."


def test_credits_add_up_site_by_site() -> None:
    first, second = EVERY["credits"].figure.to_dict()["data"]
    assert (first["name"], list(first["y"])) == ("site-1", [49.0, 101.5])
    assert (second["name"], list(second["y"])) == ("site-2", [51.0, 98.5])
    assert EVERY["credits"].alt == "Credits so far: site-1 101.50, site-2 98.50."


def test_a_site_with_more_pictures_is_drawn_larger() -> None:
    a, b, *_ = EVERY["by hand"].figure.to_dict()["data"]
    assert a["marker"]["size"] < b["marker"]["size"]


def test_the_site_sees_the_global_model_and_its_own_on_its_pictures() -> None:
    chart = EVERY["site rounds"]
    received, trained = chart.figure.to_dict()["data"]
    assert (list(received["y"]), list(trained["y"])) == ([0.25, 0.75], [0.5, 0.875])
    assert chart.table.values.tolist() == [[1, 0.25, 0.5], [2, 0.75, 0.875]]


def test_only_updates_that_counted_have_an_age() -> None:
    chart = EVERY["staleness"]
    assert chart.table.values.tolist() == [[4, "site-1", 0, 3, 0.4], [4, "site-2", 3, 0, 0.6]]
    assert chart.alt == (
        "Updates that counted: 2, of which 1 began from the newest version. "
        "Versions behind: 1.5 in the mean, 3 at most."
    )
    drawn = {trace["name"]: trace for trace in chart.figure.to_dict()["data"]}
    assert list(drawn["site-1"]["y"]) == [3]
    assert charts.staleness_by_round(sample.course([sample.round_(1, updates=[])])) is None


def test_a_cell_tells_by_symbol_and_colour_who_took_part() -> None:
    late = sample.update("site-2", 2, 45, 0.0).model_copy(update={"status": "late"})
    bad = sample.update("site-1", 2, 15, 0.0).model_copy(update={"status": "rejected"})
    course = sample.course([sample.round_(1), sample.round_(2, updates=[bad, late])])
    chart = charts.participation_chart(course, slice(0, 2), slice(0, 3))
    assert chart is not None
    cells, *legend = chart.figure.to_dict()["data"]
    assert [list(row) for row in cells["text"]] == [["✓", "×"], ["✓", "○"], ["–", "–"]]
    assert len({cell for row in cells["z"] for cell in row}) == 4
    assert [trace["name"] for trace in legend] == [
        *("✓ trained", "○ late", "× rejected", "– not there")
    ]
    assert chart.alt == (
        "Rounds 1 to 2 of 3 sites, counted by cell: trained 2, late 1, rejected 1, not there 2."
    )
    assert list(chart.table["2"]) == ["rejected", "late", "not there"]
    second = charts.participation_chart(course, slice(1, 2), slice(0, 1))
    assert second is not None
    assert list(second.figure.to_dict()["data"][0]["x"]) == [2]
    assert charts.participation_chart(sample.course([]), slice(0, 2), slice(0, 2)) is None


def test_layers_are_told_by_what_is_learnt_in_them() -> None:
    chart = EVERY["changes"]
    (cells,) = chart.figure.to_dict()["data"]
    # The running mean of layer bn1 jumps, but it is measured and not learnt.
    assert list(cells["y"]) == ["conv1", "bn1", "dense"]
    assert [first for first, _ in cells["z"]] == pytest.approx([-0.39794, -2, None])
    assert chart.alt == (
        "In round 2, conv1 moved most (20.0\u00a0% of its length), bn1 least (0.5\u00a0%)."
    )
    assert charts.weight_changes_chart(sample.changes(0)) is None


def test_a_line_of_many_points_has_no_markers() -> None:
    many = sample.course([sample.round_(number) for number in range(1, 60)])
    traces = charts.loss_by_round(many).figure.to_dict()["data"]
    assert [trace["mode"] for trace in traces] == ["lines", "lines"]


def test_sites_of_the_same_age_are_told_apart() -> None:
    marks = [trace["marker"] for trace in EVERY["staleness"].figure.to_dict()["data"]]
    assert marks[0]["symbol"] != marks[1]["symbol"]
    assert marks[0]["size"] != marks[1]["size"]


def test_contributions_stand_to_either_side_of_nothing() -> None:
    chart = EVERY["contributions"]
    (bars,) = chart.figure.to_dict()["data"]
    assert list(bars["x"]) == pytest.approx([6.3, 5.7, -4.1])
    assert list(bars["text"]) == ["+6.3", "+5.7", "−4.1"]
    # Told apart by more than colour.
    assert list(bars["marker"]["pattern"]["shape"]) == ["", "", "/"]
    low, high = chart.figure.to_dict()["layout"]["xaxis"]["range"]
    assert low < -4.1 < 6.3 < high
    assert chart.alt == (
        "What each update of round 2 brought on the audit pictures: site-1 +6.3 points, "
        "52.50 credits; site-2 +5.7 points, 47.50 credits; site-3 −4.1 points, 0.00 credits."
    )
    assert charts.contributions_chart(sample.credits_pending(3)) is None


def test_of_many_updates_the_sentence_names_the_first() -> None:
    round_ = sample.credits_granted(2)
    many = round_.model_copy(update={"updates": round_.updates * 5})
    chart = charts.contributions_chart(many)
    assert chart is not None
    assert chart.alt.endswith("and 7 more.")
    assert len(set(chart.table["Site"])) == 15
