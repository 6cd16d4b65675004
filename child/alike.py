"""Pictures of a site that look alike: the same lesion twice, or one picture saved again."""

from __future__ import annotations

import numpy as np

from child.pictures import PictureFolder
from child.store.pictures import PictureStore
from federated.study import Study
from federated.views.imports import AlikePair, AlikeView
from imaging.likeness import AT_A_TIME, COLUMNS, alike, difference_hashes

MOST_LOOKED = 5000
"""Pictures that are compared, the newest; the work grows with the square."""
MOST_PAIRS = 30
MOST_BITS = 5
"""Of 64, in which two pictures that look alike may differ."""


def alike_pictures(study: Study, store: PictureStore, folder: PictureFolder) -> AlikeView:
    """Pairs of the newest pictures, the most alike first.

    They are found in the pixels that the model sees, so that nothing more need be kept.
    """
    views, total = store.page(study.id, limit=MOST_LOOKED)
    places = store.places(study.id)
    # One that was deleted between the two questions has no place.
    views = [view for view in views if view.id in places]
    if study.size < COLUMNS or len(views) < 2:
        return AlikeView(pairs=(), looked=len(views), total=total)
    pixels = folder.array(study).open()
    rows = np.array([places[view.id] for view in views])
    starts = range(0, len(rows), AT_A_TIME)
    hashes = [difference_hashes(pixels[rows[start : start + AT_A_TIME]]) for start in starts]
    found = alike(np.concatenate(hashes), MOST_BITS, MOST_PAIRS)
    pairs = tuple(AlikePair(one=views[one], other=views[other], bits=b) for one, other, b in found)
    return AlikeView(pairs=pairs, looked=len(views), total=total)
