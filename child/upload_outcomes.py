"""What became of an uploaded file, as its sender is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from federated.errors import FederationError
from federated.study import Study
from federated.views import PictureView, UploadView
from imaging.resize import to_model_pixels
from imaging.sanitise import SanitisedPicture

LabelSource = Literal["given", "file_name", "none"]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A file that is a picture; its full pixels are let go of."""

    name: str
    sha256: str
    png: bytes
    pixels: npt.NDArray[np.uint8]
    size: tuple[int, int]
    original: tuple[int, int]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    label: str | None
    label_source: LabelSource
    group_hash: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file, with the error behind a refusal."""

    view: UploadView
    error: FederationError | None = None


def stored_sentence(candidate: Candidate) -> str:
    """What is told of a picture that is stored now."""
    parts = ["Stored at this site"]
    parts += [", ".join(candidate.changed)] if candidate.changed else []
    parts += [f"removed: {', '.join(candidate.removed)}"] if candidate.removed else []
    return "; ".join(parts) + "."


def outcome(candidate: Candidate, status: str, detail: str, picture: PictureView | None) -> Outcome:
    """The outcome of a file that is a picture."""
    view = UploadView(
        status=status,
        name=candidate.name,
        detail=detail,
        picture=picture,
        label_source=candidate.label_source,
        original=candidate.original,
        removed=candidate.removed,
    )
    return Outcome(view)


def refused(name: str, error: FederationError) -> Outcome:
    """The outcome of a file that was not kept."""
    view = UploadView(status="refused", name=name, detail=error.detail, error=error.code)
    return Outcome(view, error)


def after_failure(
    understood: Candidate | Outcome,
    fresh: dict[str, Candidate],
    known: dict[str, PictureView],
    error: FederationError,
) -> Outcome:
    """What is told of each file when the disk refused the new ones of its group."""
    if isinstance(understood, Outcome):
        return understood
    if understood.sha256 in known:
        detail = "This picture is here already; nothing was stored twice."
        return outcome(understood, "duplicate", detail, known[understood.sha256])
    return refused(understood.name, error)


def first_of_each(candidates: Iterable[Candidate]) -> dict[str, Candidate]:
    """By hash: one upload may hold the same picture twice."""
    first: dict[str, Candidate] = {}
    for candidate in candidates:
        first.setdefault(candidate.sha256, candidate)
    return first


def candidate_of(
    study: Study,
    name: str,
    picture: SanitisedPicture,
    label: str | None,
    source: LabelSource,
    group_hash: str | None,
) -> Candidate:
    """What is kept of a sanitised picture until it is stored."""
    return Candidate(
        name=name,
        sha256=picture.sha256,
        png=picture.png,
        pixels=to_model_pixels(picture.pixels, study.size, study.channels),
        size=(picture.width, picture.height),
        original=(picture.original_width, picture.original_height),
        removed=picture.removed,
        changed=picture.changed,
        label=label,
        label_source=source,
        group_hash=group_hash,
    )
