"""The site's pictures that no model was trained on here, for who measures a model on them."""

from __future__ import annotations

from child.store.pictures import PictureStore
from child.worker_messages import Examples
from federated.study import Study

MOST_JUDGING = 512
"""Pictures that judge a model before its first answer: more would tell little more."""


def validation_part(study: Study, pictures: PictureStore, most: int = MOST_JUDGING) -> Examples:
    """Labelled pictures of the validation part by their rows, at most `most`.

    Which ones is decided by their hashes, as good as by chance and always the same. A site that
    has never trained has no such part yet.
    """
    chosen = pictures.judging(study.id, study.classes, most)
    index = {name: place for place, name in enumerate(study.classes)}
    return Examples(
        rows=tuple(example.row for example in chosen),
        labels=tuple(index[example.label] for example in chosen),
    )
