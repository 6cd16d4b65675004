"""How the credits of the sites grew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate

import pandas as pd
import plotly.graph_objects as go

from federated.views import LedgerEntry
from webapp.charts.figure import Chart, framed, line
from webapp.texts import text
from webapp.words import credit


def credit_trend(ledger: Sequence[LedgerEntry]) -> Chart:
    """Each site's credits so far, after each of its entries.

    Args:
        ledger: Entries in any order; at least one.
    """
    sites: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in sorted(ledger, key=lambda entry: (entry.at, entry.id)):
        sites[entry.node_name].append(entry)
    drawn, rows = go.Figure(), []
    for place, (name, entries) in enumerate(sorted(sites.items())):
        sums = list(accumulate(entry.credits for entry in entries))
        times = [datetime.fromtimestamp(entry.at, UTC) for entry in entries]
        drawn.add_trace(line(name, times, sums, place))
        rows += [(name, at, total) for at, total in zip(times, sums, strict=True)]
    framed(drawn, x=text("chart.time_axis"), y=text("chart.credits_axis"))
    drawn.update_yaxes(rangemode="tozero")
    columns = [text("chart.site"), text("chart.time_axis"), text("chart.credits_axis")]
    totals = ", ".join(
        f"{name} {credit(sum(entry.credits for entry in entries))}"
        for name, entries in sorted(sites.items())
    )
    table = pd.DataFrame(rows, columns=columns)
    return Chart(drawn, text("chart.credits", told=totals), table)
