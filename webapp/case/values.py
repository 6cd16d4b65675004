"""One case: what the model said of a picture, and what the clinician did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from PIL import Image

from federated.views import ChildStudy, Prediction
from webapp.checklists.dermoscopy_score import DermoscopyScore
from webapp.skin import Kind

Agreement = Literal["agree", "disagree", "open"]
Evolving = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class OwnLook:
    """What the clinician filled in; None is what was left open.

    Attributes:
        score: By the ABCD rule.
        evolving: Whether the lesion has changed: the E of ABCDE, which has no points.
        signs: Of the seven-point checklist, once all seven were looked for.
    """

    score: DermoscopyScore | None = None
    evolving: Evolving | None = None
    signs: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the clinician makes of the answer.

    Attributes:
        agreement: None until they said so.
        label: Their own class.
    """

    agreement: Agreement | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a report tells.

    Attributes:
        at: When the report was made, seconds since the epoch.
        site: Its name.
        held: The study and the model.
        kind: How the picture was taken.
        prediction: The child's answer.
        picture: RGB, upright, as the page shows it.
        removed: What was dropped from the file, in the page's language.
        look: What the clinician filled in.
        opinion: Whether they agree.
        reference: Their own word for the case.
    """

    at: float
    site: str
    held: ChildStudy
    kind: Kind
    prediction: Prediction
    picture: Image.Image = field(repr=False)
    removed: tuple[str, ...] = ()
    look: OwnLook = OwnLook()
    opinion: Opinion = Opinion()
    reference: str = ""
