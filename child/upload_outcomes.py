"""What became of an uploaded file, as its sender is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from federated.errors import FederationError
from federated.views import PictureView, UploadView

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
