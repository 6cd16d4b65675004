"""What a report means, in sentences."""

from tests.webapp import evaluated
from webapp.api.evaluation import Interval, Report
from webapp.findings import findings, from_to, with_interval


def test_of_two_classes_it_is_told_how_much_of_the_second_is_found() -> None:
    first, cost, more = findings(Report.model_validate(evaluated.report()))
    assert first.startswith(
        "At a specificity of 90\u00a0%, the model finds 55\u00a0% (41\u2060–\u206072\u00a0%)"
    )
    assert first.endswith(" of what is malignant.")
    assert more == "At 95\u00a0% it finds 40\u00a0%."
    assert "at most 10 for malignant" in cost
    assert "from a probability of 62\u00a0% on" in cost


def test_of_several_classes_the_mean_the_most_and_the_least_are_told() -> None:
    first, second, third = findings(Report.model_validate(evaluated.seven_classes()))
    assert first.startswith(
        "At a specificity of 90\u00a0%, the model finds 59\u00a0% (41\u2060–\u206072\u00a0%)"
    )
    assert first.endswith(" of a class in the mean.")
    assert "most is found of bkl (90\u00a0%), least of df (40\u00a0%)" in second
    assert third == "At 95\u00a0% it finds 50\u00a0% (41\u2060–\u206072\u00a0%)."


def test_where_no_threshold_is_good_enough_it_says_so() -> None:
    report = evaluated.report()
    nothing = {"sensitivity": 0.0, "threshold": None, "interval": None}
    points = [point | nothing for point in report["sensitivity_at"]]
    report["sensitivity_at"] = report["classes"][1]["sensitivity_at"] = points
    said = findings(Report.model_validate(report))
    assert said[0].endswith("finds 0\u00a0% of what is malignant.")
    assert said[1].startswith("No threshold")


def test_without_a_sensitivity_nothing_is_said() -> None:
    assert findings(Report.model_validate(evaluated.earlier_report())) == []


def test_an_interval_has_as_few_digits_as_it_deserves() -> None:
    interval = Interval(low=0.6942, high=0.9135)
    assert with_interval("81\u00a0%", interval) == "81\u00a0% (69\u2060–\u206091)"
    assert with_interval("0.81", interval, in_percent=False) == "0.81 (0.69\u2060–\u20600.91)"
    assert with_interval("0.81", None) == "0.81"
    assert from_to(interval) == "95\u00a0%: 69\u2060–\u206091"
    assert from_to(None) == ""
