"""How the global model and the site's own did on the site's pictures, by round."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from federated.views import RoundFigures
from webapp.charts.figure import Chart, framed, line
from webapp.texts import text
from webapp.words import percent, whole


def site_rounds_chart(rounds: Sequence[RoundFigures]) -> Chart:
    """Accuracy on the site's validation pictures before and after each training.

    Args:
        rounds: Of one run, oldest first; at least one.
    """
    numbers = [one.round for one in rounds]
    received, trained = ([getattr(one, name) for one in rounds] for name in ("received", "trained"))
    names = [text("chart.site_received"), text("chart.site_trained")]
    drawn = go.Figure()
    for place, (name, values) in enumerate(zip(names, (received, trained), strict=True)):
        drawn.add_trace(line(name, numbers, values, place))
    x, y = text("chart.round"), text("chart.accuracy_here")
    framed(drawn, x=x, y=y)
    drawn.update_yaxes(range=[0, 1.02], tickformat=".0%")
    drawn.update_xaxes(dtick=max(1, len(numbers) // 12))
    last = rounds[-1]
    said = text(
        "chart.site_rounds",
        round=whole(last.round),
        received=percent(last.received),
        trained=percent(last.trained),
    )
    table = pd.DataFrame(list(zip(numbers, received, trained, strict=True)), columns=[x, *names])
    return Chart(drawn, said, table)
