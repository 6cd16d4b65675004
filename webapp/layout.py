"""The parts that pages are laid out with: headings, figures, charts, and what went wrong."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pandas as pd
import streamlit as st

from webapp.api import ApiError
from webapp.charts import Chart
from webapp.desk import Desk, Site
from webapp.retold import retold
from webapp.texts import text
from webapp.words import Sign, plain, sign

log = logging.getLogger(__name__)

REFRESH_SECONDS = 3.0
UNKNOWN_FIELD = "Extra inputs are not permitted"
"""What a server says of a field that its version does not have yet."""
PLOTLY = {"displaylogo": False, "modeBarButtons": [["toImage"]], "responsive": True}


def opening(page: str) -> None:
    """The page's title and the sentence below it."""
    st.title(text(f"{page}.title"), anchor=False)
    st.markdown(text(f"{page}.lead"))


def section(key: str) -> None:
    """A heading within a page, and its sentence where there is one."""
    st.header(text(key), anchor=False)


def badge(state: str) -> None:
    """A state as word, icon and colour."""
    shown: Sign = sign(state)
    st.badge(plain(shown.word), icon=f":material/{shown.icon}:", color=shown.colour)


def figures(
    values: Mapping[str, str],
    *,
    below: Mapping[str, str] | None = None,
    width: int = 128,
    fine: str | None = None,
) -> None:
    """Headline figures side by side; they wrap on a narrow screen.

    Args:
        values: By label.
        below: What stands below a figure, by label: its interval.
        width: Pixels that one needs at least.
        fine: Where they are no headlines but told by the way: what tells them from others.
    """
    with st.grid(min_column_width=width, gap="small", key=fine and f"fine-{fine}"):
        for label, value in values.items():
            note = (below or {}).get(label) or None
            st.metric(label, value, note, delta_color="off", delta_arrow="off")


def table(rows: Sequence[Mapping[str, object]] | pd.DataFrame, alt: str) -> None:
    """A small table as plain HTML, which a screen reader can walk through."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    shown = frame.map(lambda cell: plain(cell) if isinstance(cell, str) else cell)
    st.table(shown, border="horizontal", hide_index=True, alt=alt)


def show(chart: Chart, key: str) -> None:
    """A chart, its sentence, and its numbers as a table for who prefers them.

    Args:
        chart: What to show.
        key: Constant over reruns, so that a chart of which nothing has changed stays the same.
    """
    st.plotly_chart(chart.figure, key=key, config=PLOTLY, alt=chart.alt)
    st.caption(plain(chart.alt))
    with st.expander(text("layout.as_table"), type="compact"):
        st.dataframe(chart.table, hide_index=True, alt=chart.alt, key=f"{key}-table")


def empty(key: str, desk: Desk, link: str | None = None) -> None:
    """What is not there yet, and the page that fills it."""
    with st.container(border=True):
        st.markdown(text(key))
        if link and link in desk.pages:
            st.page_link(desk.pages[link], label=text(f"next.{link}"))


def problem(error: ApiError) -> None:
    """What did not go through, in words; nothing else of the page is lost."""
    if error.code == "offline":
        st.warning(
            text("layout.offline", reason=plain(retold(error.detail))), icon=":material/cloud_off:"
        )
    elif error.status in (401, 403):
        st.error(
            text("layout.no_permission", reason=plain(retold(error.detail))), icon=":material/lock:"
        )
    elif UNKNOWN_FIELD in error.detail:
        older = text("layout.older_server", reason=plain(retold(error.detail)))
        st.error(older, icon=":material/update:")
    else:
        st.error(_reasons(error) or plain(retold(error.detail)), icon=":material/error:")


def _reasons(error: ApiError) -> str:
    """The reasons of a refusal as a list, where there are several."""
    reasons = error.body.get("reasons") if isinstance(error.body, dict) else None
    if not isinstance(reasons, list) or len(reasons) < 2:
        return ""
    return "\n".join(f"- {plain(retold(str(reason)))}" for reason in reasons)


@contextmanager
def guard() -> Iterator[None]:
    """Shows what went wrong within, and lets the rest of the page go on."""
    try:
        yield
    except ApiError as error:
        problem(error)
    except Exception:
        # Only our own identifier is shown: a trace may hold what must not be seen.
        number = secrets.token_hex(3)
        log.exception("Unexpected error %s on a page", number)
        st.error(text("layout.unexpected", number=number), icon=":material/error:")


def live(draw: Callable[..., None], active: bool) -> Callable[..., None]:
    """`draw` as a panel that refreshes itself while `active`; it must hold no widgets."""

    def panel(*arguments: Any) -> None:
        with guard():
            draw(*arguments)

    panel.__qualname__ = f"panel.{draw.__module__}.{draw.__qualname__}"
    every = REFRESH_SECONDS if active else None
    fragment: Callable[..., None] = st.fragment(panel, run_every=every)
    return fragment


def tell_of_change(observe: Callable[[], object]) -> None:
    """Draws the whole page anew as soon as what `observe` gives is not what it was."""
    before = observe()

    def watch() -> None:
        # What is away is told where it is shown; here it is no change.
        with suppress(ApiError):
            if observe() != before:
                st.rerun()

    live(watch, active=True)()


def choose_site(desk: Desk) -> Site:
    """The site to work at; asks only where there are several (the demo)."""
    sites = {site.name: site for site in desk.sites}
    if len(sites) == 1:
        return desk.sites[0]
    # Remembered beyond the page, so that going from adding to classifying stays at the site.
    kept = st.session_state.get("site", desk.sites[0].name)
    wanted = st.query_params.get("site", kept)
    st.session_state["choice-site"] = wanted if wanted in sites else desk.sites[0].name
    chosen = st.segmented_control(
        text("layout.site"),
        list(sites),
        format_func=plain,
        required=True,
        key="choice-site",
        on_change=_to_address,
        args=("site",),
    )
    st.session_state["site"] = chosen
    return sites[str(chosen)]


def choose(name: str, label: str, options: Sequence[str], written: Callable[[str], str]) -> str:
    """One of several, kept in the page's address so that the address can be shared.

    Without one in the address the first option is taken, and followed when it changes.

    Args:
        name: Of the address's parameter.
        label: For people.
        options: At least one.
        written: An option as people read it.
    """
    key, wanted = f"choice-{name}", st.query_params.get(name)
    st.session_state[key] = wanted if wanted in options else options[0]
    return str(
        st.selectbox(
            label, options, format_func=written, key=key, on_change=_to_address, args=(name,)
        )
    )


def paged(name: str, count: int, size: int) -> slice:
    """Which of many are to be shown: those of the page that stands in the address.

    Args:
        name: Of the address's parameter.
        count: How many there are.
        size: How many a page has.
    """
    pages = -(-count // size)
    if pages < 2:
        return slice(count)
    key, wanted = f"choice-{name}", st.query_params.get(name, "")
    # More digits than these no list has.
    asked = int(wanted) if re.fullmatch("[1-9][0-9]{0,5}", wanted) else 1
    st.session_state[key] = min(asked, pages)
    number = int(st.pagination(pages, key=key, on_change=_to_address, args=(name,)))
    return slice((number - 1) * size, number * size)


def _to_address(name: str) -> None:
    st.query_params[name] = str(st.session_state[f"choice-{name}"])
