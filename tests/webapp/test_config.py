"""Streamlit settings: nothing leaves the host, no trace is shown, all of it is readable."""

import tomllib
from pathlib import Path

import pytest

import webapp

CONFIG = Path(webapp.__file__).parents[1] / ".streamlit" / "config.toml"
SETTINGS = tomllib.loads(CONFIG.read_text())
AA = 4.5


def test_no_telemetry_no_trace_and_loopback_only() -> None:
    assert SETTINGS["browser"]["gatherUsageStats"] is False
    assert SETTINGS["client"]["showErrorDetails"] == "none"
    assert SETTINGS["server"]["address"] == "127.0.0.1"
    assert SETTINGS["server"]["enableXsrfProtection"] is True
    assert SETTINGS["server"]["maxUploadSize"] == 20
    assert SETTINGS["server"]["allowedHosts"] == ["127.0.0.1", "localhost"]


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ink", ["textColor", "linkColor", "primaryColor"])
@pytest.mark.parametrize("ground", ["backgroundColor", "secondaryBackgroundColor"])
def test_text_is_readable_in_both_themes(theme: str, ink: str, ground: str) -> None:
    colours = SETTINGS["theme"][theme]
    assert contrast(colours[ink], colours[ground]) >= AA


def test_buttons_are_readable() -> None:
    assert contrast("#FFFFFF", "#0B6394") >= AA
    style = (Path(webapp.__file__).parent / "assets" / "style.css").read_text()
    assert "background-color: #0B6394" in style
    assert "color: #FFFFFF" in style
