import base64

import numpy as np
import pytest
from PIL import Image

from tests.webapp.drawn import encoded, png
from webapp.heat_map import SHOWN_SIDE, Unreadable, decoded, overlaid, place_of_most, shown


def heat(rows: slice, columns: slice) -> Image.Image:
    """A map of 30 by 30: yellow and opaque there, violet and faint elsewhere."""
    pixels = np.zeros((30, 30, 4), np.uint8)
    pixels[:] = (68, 1, 84, 40)
    pixels[rows, columns] = (253, 231, 37, 255)
    return Image.fromarray(pixels)


def test_a_picture_is_shown_upright_and_no_larger_than_a_page():
    wide = Image.new("RGB", (1600, 400), (200, 30, 30))
    turned = Image.Exif()
    turned[0x0112] = 6
    picture = shown(encoded(wide, format="JPEG", exif=turned))
    assert picture.size == (SHOWN_SIDE // 4, SHOWN_SIDE)
    assert shown(png()).size == (SHOWN_SIDE, SHOWN_SIDE)


@pytest.mark.parametrize("data", [b"", b"GIF89a", png()[:200]])
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(Unreadable):
        shown(data)


def test_the_map_lies_where_it_was_on_the_model_picture_whatever_its_shape():
    picture = Image.new("RGB", (300, 600), (220, 180, 160))
    shades = np.asarray(overlaid(picture, heat(slice(20, 30), slice(0, 10)), 1.0)).astype(int)
    assert shades.shape == (600, 300, 3)
    assert shades[560, 20] == pytest.approx([253, 231, 37], abs=3)
    # Elsewhere the picture has turned grey under a faint violet.
    assert np.ptp(shades[100, 250]) < 30


def test_without_strength_the_picture_is_as_it_was():
    picture = shown(png(3))
    alone = overlaid(picture, heat(slice(0, 10), slice(0, 10)), 0.0)
    assert np.array_equal(np.asarray(alone), np.asarray(picture))


@pytest.mark.parametrize(
    ("rows", "columns", "place"),
    [
        (slice(0, 10), slice(20, 30), "top_right"),
        (slice(11, 19), slice(11, 19), "middle"),
        (slice(22, 28), slice(12, 18), "bottom"),
    ],
)
def test_the_place_of_most_is_told_in_words(rows, columns, place):
    assert place_of_most(heat(rows, columns)) == place


@pytest.mark.parametrize("overlay", [None, "", "%%%", "bm8gcGljdHVyZQ==", "A" * (5 * 2**20)])
def test_an_overlay_that_cannot_be_read_is_none(overlay):
    assert decoded(overlay) is None


def test_an_overlay_is_read():
    sent = base64.b64encode(encoded(heat(slice(0, 5), slice(0, 5)))).decode()
    found = decoded(sent)
    assert found is not None
    assert (found.mode, found.size) == ("RGBA", (30, 30))
