"""A case with everything filled in, or with everything left open."""

from PIL import Image

from tests.webapp import sample
from tests.webapp.views.test_classify import explained, quality
from webapp.answer_words import removed_words
from webapp.case.values import Case, Opinion, OwnLook
from webapp.checklists.dermoscopy_score import DermoscopyScore

SCORE = DermoscopyScore(2, 3, frozenset({"red", "black"}), frozenset({"dots", "network"}))


def case(
    *,
    classes: tuple[str, str] = ("malignant", "benign"),
    reference: str = "",
    is_open: bool = False,
) -> Case:
    shares = dict(zip(classes, (0.82, 0.18), strict=True))
    prediction = explained(quality=quality("blurred", "poor"), probabilities=shares)
    look = OwnLook(SCORE, "yes", ("blue_white_veil", "regression"))
    return Case(
        at=1_795_000_000,
        site="site-1",
        held=sample.held(),
        kind="dermoscopic",
        prediction=prediction,
        picture=Image.new("RGB", (60, 48), (180, 120, 100)),
        removed=removed_words(prediction),
        look=OwnLook() if is_open else look,
        opinion=Opinion() if is_open else Opinion("disagree", "benign"),
        reference=reference,
    )
