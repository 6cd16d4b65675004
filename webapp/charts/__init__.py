"""Charts as pure functions: data → figure, the sentence that says the same, and its table."""

from webapp.charts.by_hand import average_line
from webapp.charts.credits import credit_trend
from webapp.charts.evaluation import confusion_chart, roc_chart
from webapp.charts.figure import Chart
from webapp.charts.pictures import counts_by_site, probabilities_chart
from webapp.charts.rounds import accuracy_by_round, loss_by_round
from webapp.charts.staleness import staleness_by_round
from webapp.charts.weights import weights_histogram

__all__ = [
    "Chart",
    "accuracy_by_round",
    "average_line",
    "confusion_chart",
    "counts_by_site",
    "credit_trend",
    "loss_by_round",
    "probabilities_chart",
    "roc_chart",
    "staleness_by_round",
    "weights_histogram",
]
