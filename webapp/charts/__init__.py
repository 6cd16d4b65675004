"""Charts as pure functions: data → figure, the sentence that says the same, and its table."""

from webapp.charts.by_hand import average_line
from webapp.charts.comparison import measure_by_run
from webapp.charts.confusion import confusion_chart
from webapp.charts.contributions import contributions_chart
from webapp.charts.credits import credit_trend
from webapp.charts.cross_site import cross_site_chart
from webapp.charts.curves import precision_recall_chart, roc_chart
from webapp.charts.figure import Chart
from webapp.charts.participation import participation_chart
from webapp.charts.pictures import counts_by_site, probabilities_chart
from webapp.charts.reliability import reliability_chart
from webapp.charts.rounds import accuracy_by_round, loss_by_round
from webapp.charts.search import search_chart
from webapp.charts.site_rounds import site_rounds_chart
from webapp.charts.sites import measures_told, sites_by_round
from webapp.charts.staleness import staleness_by_round
from webapp.charts.timeline import round_timeline
from webapp.charts.weight_changes import weight_changes_chart
from webapp.charts.weights import weights_histogram

__all__ = [
    "Chart",
    "accuracy_by_round",
    "average_line",
    "confusion_chart",
    "contributions_chart",
    "counts_by_site",
    "credit_trend",
    "cross_site_chart",
    "loss_by_round",
    "measure_by_run",
    "measures_told",
    "participation_chart",
    "precision_recall_chart",
    "probabilities_chart",
    "reliability_chart",
    "roc_chart",
    "round_timeline",
    "search_chart",
    "site_rounds_chart",
    "sites_by_round",
    "staleness_by_round",
    "weight_changes_chart",
    "weights_histogram",
]
