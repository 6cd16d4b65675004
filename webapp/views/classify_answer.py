"""The answer to one picture: how likely each class is, how sure that is, where the model looked."""

from __future__ import annotations

import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from federated.uncertainty import Sureness
from federated.views import Prediction
from federated.views.site import Explanation
from webapp.charts import probabilities_chart
from webapp.heat_map import decoded, overlaid, place_of_most
from webapp.layout import show
from webapp.texts import text
from webapp.words import percent, plain, short, sureness, told

STRENGTH = 80
LEGEND = (
    '<div class="heat-legend" role="img" aria-label="{alt}">'
    "<span>{least}</span><i></i><span>{most}</span></div>"
)


def answer(prediction: Prediction, picture: Image.Image) -> None:
    """Draws the whole answer.

    Args:
        prediction: What the child said.
        picture: The picture that it is about.
    """
    verdict(prediction)
    given, looked = st.columns(2, gap="medium")
    given.image(picture, caption=text("classify.picture"), alt=text("classify.alt"))
    overlay = decoded(prediction.overlay)
    if overlay is None or prediction.explanation is None:
        looked.info(plain(prediction.explanation_missing or text("classify.no_map")))
    else:
        _map(looked, overlay, prediction.explanation, picture)
    show(probabilities_chart(prediction.probabilities), "probabilities")
    st.caption(_calibration(prediction))
    _about(prediction)


def verdict(prediction: Prediction) -> None:
    """The most probable class, and whether to rely on it, in plain words."""
    name, share = max(prediction.probabilities.items(), key=lambda item: item[1])
    st.subheader(f"{plain(name)}: {percent(share)}", anchor=False)
    known = prediction.sureness
    if known is None or prediction.sure is None:
        st.markdown(sureness(prediction.uncertainty))
        if prediction.sureness_missing:
            st.caption(told("classify.not_told", reason=prediction.sureness_missing))
        return
    key = "classify.sure" if prediction.sure else "classify.not_sure"
    sentence = text(key, threshold=percent(known.threshold, 0))
    if prediction.sure:
        st.success(sentence, icon=":material/check_circle:")
    else:
        st.warning(sentence, icon=":material/help:")
    st.markdown(_measured(known))


def _measured(known: Sureness) -> str:
    """How often sure answers were wrong at this site."""
    return text(
        "classify.measured",
        examples=known.examples,
        sure=known.sure_examples,
        coverage=percent(known.coverage, 0),
        wrong=round(known.error_when_sure * known.sure_examples),
        error=percent(known.error_when_sure, 0),
        limit=percent(known.error_limit, 0),
    )


def _map(
    looked: DeltaGenerator, overlay: Image.Image, told_of: Explanation, picture: Image.Image
) -> None:
    """The map over the picture, beside it, and below both what it means and how to see less."""
    meant, seen = st.columns(2, gap="medium")
    strength = seen.slider(
        text("classify.strength"), 0, 100, STRENGTH, step=5, format="%d %%", key="strength"
    )
    spot = text(f"place.{place_of_most(overlay)}") if told_of.found else text("place.nowhere")
    looked.image(
        overlaid(picture, overlay, strength / 100),
        caption=told("classify.overlay", name=told_of.target),
        alt=text("classify.overlay_alt", name=told_of.target, place=spot),
    )
    least, most = text("classify.least"), text("classify.most")
    seen.html(LEGEND.format(alt=text("classify.legend"), least=least, most=most))
    meant.markdown(text("classify.not_why"))
    if not told_of.found:
        meant.markdown(told("classify.nothing_found", name=told_of.target))
    rows, columns = told_of.grid
    key = "classify.by_occlusion" if told_of.layer is None else "classify.by_layer"
    meant.caption(told(key, layer=told_of.layer or "", rows=rows, columns=columns))


def _calibration(prediction: Prediction) -> str:
    calibration = prediction.calibration
    if calibration is None or calibration.missing:
        return text("classify.uncalibrated")
    raw = max(prediction.raw_probabilities.values(), default=None)
    return text(
        "classify.calibrated",
        examples=calibration.examples,
        temperature=f"{calibration.temperature:.2f}",
        raw=percent(raw),
    )


def _about(prediction: Prediction) -> None:
    removed = ", ".join(prediction.removed) or text("classify.nothing_removed")
    st.caption(
        told(
            "classify.about",
            round=prediction.round,
            weights=short(prediction.weights),
            removed=removed,
        )
    )
