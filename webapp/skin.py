"""Whether a study is about skin, as far as its words tell: only then is there a checklist."""

from __future__ import annotations

import re
from typing import Literal

from federated.study import Study

Kind = Literal["dermoscopic", "clinical", "other"]
KINDS: tuple[Kind, ...] = ("dermoscopic", "clinical", "other")

_SKIN = re.compile(
    r"skin|derm|lesion|mole\b|melanom|na?ev[iu]|kerato|carcinoma|bowen", re.IGNORECASE
)
_PLAIN_PAIR = frozenset({"benign", "malignant"})


def usual_kind(study: Study) -> Kind:
    """How the pictures of a study were most likely taken; whoever has one knows better."""
    words = " ".join((study.name, *study.classes)).replace("_", " ")
    is_skin = bool(_SKIN.search(words)) or set(study.classes) == _PLAIN_PAIR
    return "dermoscopic" if is_skin else "other"
