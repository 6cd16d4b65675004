import pytest

from tests.webapp.conftest import Open, shown
from webapp.views.by_hand import arithmetic, average


def test_the_mean_counts_each_site_by_its_pictures() -> None:
    found = average({"A": (30, 0.6), "B": (90, -0.2), "C": (180, 0.3)})
    # (30 · 0.6 + 90 · −0.2 + 180 · 0.3) / 300 = (18 − 18 + 54) / 300
    assert found.mean == pytest.approx(0.18)
    assert found.shares == pytest.approx({"A": 0.1, "B": 0.3, "C": 0.6})


def test_the_formula_has_the_numbers_filled_in() -> None:
    formula = arithmetic({"A": (1, 0.5), "B": (3, -0.5)}, -0.25)
    assert formula == (r"w = \frac{1 \cdot 0.5 + 3 \cdot (-0.5)}{1 + 3} = -0.250")


def test_moving_a_slider_moves_the_mean(open_app: Open) -> None:
    app = open_app("by_hand", "classroom")
    assert "= 0.180" in app.latex[0].value
    app.slider(key="nC").set_value(30).run()
    # (18 − 18 + 9) / 150
    assert "= 0.060" in app.latex[0].value
    assert "0.060" in shown(app)
