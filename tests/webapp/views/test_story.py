from xml.etree import ElementTree

import pytest

from tests.webapp.conftest import Open, shown
from webapp.views.story import DRAWINGS, PANELS


def test_six_panels_each_with_its_words(open_app: Open) -> None:
    app = open_app("story", "classroom")
    assert not app.exception
    assert not app.error
    told = shown(app)
    for words in ("1. The pictures stay home", "6. And again", "Stays at the site"):
        assert words in told


@pytest.mark.parametrize("number", range(1, PANELS + 1))
def test_a_drawing_holds_no_words_and_calls_nobody(number: int) -> None:
    drawing = (DRAWINGS / f"panel{number}.svg").read_text()
    names = {node.tag.rsplit("}")[-1] for node in ElementTree.fromstring(drawing).iter()}
    # Words within a drawing could not be translated.
    assert names <= {"svg", "g", "path", "rect", "circle", "ellipse"}
    assert drawing.count("http") == drawing.count("http://www.w3.org/2000/svg") == 1
