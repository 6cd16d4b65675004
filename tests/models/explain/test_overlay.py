import io

import numpy as np
import pytest
from PIL import Image

from models.explain.explanation import scaled_map
from models.explain.overlay import overlay_png

RAMP = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))


def test_the_overlay_is_an_rgba_picture_of_the_maps_size():
    picture = Image.open(io.BytesIO(overlay_png(RAMP)))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (64, 48))


def test_more_is_lighter_and_more_opaque_so_that_it_reads_in_grey_print():
    picture = Image.open(io.BytesIO(overlay_png(RAMP)))
    opacity = np.asarray(picture)[0, :, 3].astype(int)
    lightness = np.asarray(picture.convert("L"))[0].astype(int)
    assert (np.diff(opacity) > 0).all()
    assert (np.diff(lightness) >= 0).all()
    assert lightness[-1] - lightness[0] > 150


def test_the_largest_overlay_stays_small():
    rng = np.random.default_rng(0)
    assert len(overlay_png(scaled_map(rng.random((32, 32)), 1024, 1024))) < 2**19


def test_cells_become_a_map_of_the_pictures_size():
    cells = np.array([[-3.0, 0.0], [1.0, 4.0]])
    heat = scaled_map(cells, 20, 30)
    assert (heat.shape, heat.dtype, heat.min(), heat.max()) == ((20, 30), np.float32, 0, 1)
    assert heat[-1, 0] == pytest.approx(0.25)
    assert np.unravel_index(heat.argmax(), heat.shape)[0] >= 15


@pytest.mark.parametrize("cells", [np.full((3, 3), -1.0), np.full((2, 2), np.nan)])
def test_where_nothing_speaks_for_a_class_the_map_is_empty(cells):
    assert not scaled_map(cells, 8, 8).any()
