"""What a child tells of itself, of its pictures and of a model's answer."""

from __future__ import annotations

from typing import Any

from federated.plan import Plan, Training
from federated.states import NodeState
from federated.views import (
    ChildStatus,
    ChildStudy,
    Departure,
    Participation,
    PictureView,
    Prediction,
    ProposedPlan,
    RoundFigures,
    UploadView,
)
from federated.views.imports import (
    AlikePair,
    AlikeView,
    ImportRefusal,
    ImportSource,
    ImportSources,
    ImportView,
)
from tests.webapp.sample.facts import HASHES, NOW, RUN, STUDY, weights
from tests.webapp.scripted import MASTER


def held(**changes: Any) -> ChildStudy:
    facts: dict[str, Any] = {
        "study": STUDY,
        "model": "cnn10",
        "weights": HASHES[2],
        "run": RUN,
        "round": 2,
        "received_at": NOW - 5,
        "statistics": weights(2),
        "counts": {"benign": 3, "malignant": 2},
        "unlabelled": 1,
        "new_labelled": 2,
    }
    return ChildStudy(**facts | changes)


def status(name: str = "site-1", **changes: Any) -> ChildStatus:
    facts: dict[str, Any] = {
        "name": name,
        "version": "0.1.0",
        "mode": "push",
        "master": MASTER,
        "master_reachable": True,
        "last_contact": NOW - 2,
        "node_state": NodeState.ACTIVE,
        "activity": "idle",
        "task": None,
        "studies": [held()],
        "storage": f"They lie on this computer, in the folder of {name}.",
        "demo": True,
    }
    return ChildStatus(**facts | changes)


def picture(place: int, label: str | None) -> PictureView:
    return PictureView(
        id=f"{place:064x}",
        study="skin",
        label=label,
        part="train" if place else None,
        width=96,
        height=96,
        added_at=NOW - place,
    )


def pictures() -> list[PictureView]:
    labels = ["benign", "benign", "benign", "malignant", "malignant", None]
    return [picture(place, label) for place, label in enumerate(labels)]


def import_sources() -> ImportSources:
    sources = (
        ImportSource(name="older.zip", is_folder=False, size=3 * 2**20),
        ImportSource(name="ward_a", is_folder=True),
    )
    return ImportSources(configured=True, sources=sources)


def imported(**changes: Any) -> ImportView:
    """A dry run of `ward_a` that is over."""
    facts: dict[str, Any] = {
        "id": "0123456789abcdef",
        "study": "skin",
        "source": "ward_a",
        "dry_run": True,
        "labels_from": "class-folders",
        "state": "done",
        "layout": "class folders in a folder",
        "files": 19,
        "looked": 19,
        "counts": {"benign": 7, "malignant": 4},
        "unlabelled": 0,
        "duplicates": 5,
        "refused": 3,
        "refusals": (
            ImportRefusal(reason="Not a JPEG, PNG or DICOM picture.", count=3, examples=("a.txt",)),
        ),
        "started_at": NOW - 9,
        "ended_at": NOW - 3,
    }
    return ImportView(**facts | changes)


def alike() -> AlikeView:
    one, other, third = picture(0, "benign"), picture(3, "malignant"), picture(1, "benign")
    pairs = (AlikePair(one=one, other=other, bits=1), AlikePair(one=one, other=third, bits=4))
    return AlikeView(pairs=pairs, looked=6, total=6)


def uploads() -> dict[str, Any]:
    return {
        "images": [
            UploadView(
                status="stored",
                name="benign_1.jpg",
                detail="Stored.",
                picture=picture(1, "benign"),
                label_source="file_name",
                original=(640, 480),
                removed=("GPS position", "file name"),
            ),
            UploadView(
                status="refused",
                name="notes.jpg",
                detail="This is not a picture. Expected JPEG or PNG. Received text.",
                error="not_a_picture",
            ),
        ]
    }


def participation(**changes: Any) -> Participation:
    routes = [("POST", "nodes/n-1/heartbeat", 300), ("PUT", "tasks/t-1/update", 6_600_000)]
    left = [
        Departure(
            at=NOW - place,
            method=method,
            path=f"/api/v1/{path}",
            nbytes=nbytes,
            sha256=HASHES[place],
            status=200 if place else None,
            norm=2.345 if place else None,
        )
        for place, (method, path, nbytes) in enumerate(routes)
    ]
    facts: dict[str, Any] = {"paused": False, "sharing": "To the master.", "departures": left}
    facts |= {"plans": [proposed()], "rounds": site_rounds(), "credits": 12.5}
    return Participation(**facts | changes)


def proposed(**changes: Any) -> ProposedPlan:
    facts: dict[str, Any] = {
        "sha256": HASHES[1],
        "study": "skin",
        "run": RUN,
        "plan": Plan(training=Training(epochs=3), rounds=20),
        "nbytes": 6_600_000,
        "pictures": 42,
        "decision": "undecided",
        "seen_at": NOW - 7,
    }
    return ProposedPlan(**facts | changes)


def site_rounds() -> list[RoundFigures]:
    figures = [("r-0", 1, 0.5, 0.625), (RUN, 1, 0.25, 0.5), (RUN, 2, 0.75, 0.875)]
    return [
        RoundFigures(run=run, study="skin", round=n, received=before, trained=after, at=NOW - n)
        for run, n, before, after in figures
    ]


def prediction() -> Prediction:
    return Prediction(
        study="skin",
        probabilities={"malignant": 0.82, "benign": 0.18},
        uncertainty=0.68,
        weights=HASHES[2],
        run=RUN,
        round=2,
        removed=("GPS position",),
    )
