"""The answer to one picture: how likely each class is, how sure that is, where the model looked."""

from __future__ import annotations

import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from federated.views import Prediction
from federated.views.site import Explanation
from webapp.answer_words import first, how_sure, measured
from webapp.charts import probabilities_chart
from webapp.heat_map import decoded, overlaid, place_of_most
from webapp.layout import show
from webapp.retold import retold
from webapp.texts import text
from webapp.words import figure, percent, plain, told

STRENGTH = 80
UNSURE = 0.6
"""From this normalised entropy on an answer is shown as a doubt."""
LEGEND = (
    '<div class="heat-legend" role="img" aria-label="{alt}">'
    "<span>{least}</span><i></i><span>{most}</span></div>"
)


def answer(prediction: Prediction, picture: Image.Image) -> None:
    """Draws the whole answer: how likely, how sure, where the model looked.

    Args:
        prediction: What the child said.
        picture: The picture that it is about.
    """
    name, share = first(prediction)
    st.subheader(f"{plain(name)}: {percent(share)}", anchor=False)
    show(probabilities_chart(prediction.probabilities), "probabilities")
    st.caption(_calibration(prediction))
    _sure(prediction)
    given, looked = st.columns(2, gap="medium")
    given.image(picture, caption=text("classify.picture"), alt=text("classify.alt"))
    overlay = decoded(prediction.overlay)
    if overlay is None or prediction.explanation is None:
        looked.info(plain(prediction.explanation_missing or text("classify.no_map")))
    else:
        _map(looked, overlay, prediction.explanation, picture)


def _sure(prediction: Prediction) -> None:
    """Whether to rely on the answer, in plain words, and how often such answers were wrong."""
    known, sentence = prediction.sureness, how_sure(prediction)
    if known is None or prediction.sure is None:
        if prediction.uncertainty >= UNSURE:
            st.warning(sentence, icon=":material/help:")
        else:
            st.markdown(sentence)
        if prediction.sureness_missing:
            st.caption(told("classify.not_told", reason=retold(prediction.sureness_missing)))
        return
    if prediction.sure:
        st.success(sentence, icon=":material/check_circle:")
    else:
        st.warning(sentence, icon=":material/help:")
    st.markdown(measured(known))


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
        temperature=figure(calibration.temperature, 2),
        raw=percent(raw),
    )
