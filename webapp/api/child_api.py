"""A child's REST interface, as typed calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from federated.values import Message
from federated.views import (
    Approval,
    ChildStatus,
    Limits,
    Participation,
    PictureView,
    Prediction,
    UploadView,
)
from federated.views.imports import AlikeView, ImportList, ImportSources, ImportView, LabelsFrom
from federated.views.site_card import SiteCard
from webapp.api.connection import LONG_SECONDS, ApiError, Connection, parse

SETTLED_SECONDS = 60.0
NamedFile = tuple[str, bytes]
Answer = TypeVar("Answer")


class Pictures(Message):
    """`GET /images`: one page of pictures, and how many there are in all."""

    images: list[PictureView]
    total: int


class Uploads(Message):
    """Answer to `POST /images`: one entry a file, in order."""

    images: list[UploadView]


class ChildApi:
    """The calls that the web app makes at a site's child; each may raise `ApiError`."""

    def __init__(self, connection: Connection) -> None:
        """Calls go through `connection`."""
        self.connection = connection

    def status(self) -> ChildStatus:
        """What the child does, and what it holds of each study."""
        return parse(ChildStatus, self.connection.get("status"))

    def card(self, study: str) -> SiteCard:
        """What the site knows of a study's model; of an older child nothing."""
        try:
            return parse(SiteCard, self.connection.get(f"studies/{study}/card"))
        except ApiError as error:
            if error.status != 404:
                raise
            return SiteCard()

    def participation(
        self, *, offset: int = 0, limit: int = 100, routine: bool = True
    ) -> Participation:
        """Whether the site takes part, and a page of what has left it, newest first.

        Args:
            offset: Calls to pass over.
            limit: Calls on the page.
            routine: Whether those are told too that leave every few seconds.
        """
        parameters: dict[str, Any] = {"offset": offset, "limit": limit}
        if not routine:
            parameters["routine"] = "false"
        return parse(Participation, self.connection.get("participation", parameters))

    def pause(self, paused: bool) -> None:
        """Stops taking part, giving up what is under way, or takes part again."""
        self.connection.change("PUT", "participation", json={"paused": paused})

    def approve_by(self, approval: Approval) -> None:
        """Has the site's people asked about each new plan, or not."""
        self.connection.change("PUT", "participation", json={"approval": approval})

    def decide(self, plan: str, decision: str) -> None:
        """Approves or declines a plan, named by its SHA-256."""
        made = {"plan": plan, "decision": decision}
        self.connection.change("PUT", "participation", json={"approve": made})

    def limit(self, limits: Limits) -> None:
        """Sets hours and threads in place of those before."""
        kept = limits.model_dump(mode="json")
        self.connection.change("PUT", "participation", json={"limits": kept})

    def pictures(
        self,
        study: str,
        *,
        label: str | None = None,
        unlabelled: bool = False,
        since: float | None = None,
        until: float | None = None,
        same_as: str | None = None,
        offset: int = 0,
        limit: int = 24,
    ) -> Pictures:
        """One page of the site's pictures, newest first: of one label, without one, or all.

        Args:
            study: Study that they are stored for.
            label: Only those with this label.
            unlabelled: Only those without one.
            since: Only those that were added then or later, in seconds since the epoch.
            until: Only those that were added before.
            same_as: Only those that were taken from the same as this picture.
            offset: Pictures to pass over.
            limit: Pictures on the page.
        """
        parameters: dict[str, Any] = {"study": study, "label": label}
        parameters |= {"since": since, "until": until, "same_as": same_as}
        parameters |= {"offset": offset, "limit": limit}
        if unlabelled:
            parameters["unlabelled"] = "true"
        return parse(Pictures, self.connection.get("images", parameters))

    def thumbnail(self, study: str, picture: str) -> bytes:
        """A small PNG of a picture."""
        path = f"images/{picture}/thumbnail"
        return self.connection.get(path, {"study": study}, keep_seconds=SETTLED_SECONDS)

    def upload(
        self, study: str, files: Sequence[NamedFile], label: str | None, group: str = ""
    ) -> list[UploadView]:
        """Stores pictures; a refused file is an answer, not an error.

        Args:
            study: Study that they belong to.
            files: Name and content of each.
            label: Class of all of them; None to read it from each file's name.
            group: A word for the lesion or the patient that all of them show; empty for none.
        """
        given = {"study": study, "label": label, "group": group}
        fields = {name: value for name, value in given.items() if value}
        try:
            content = self.connection.change(
                "POST",
                "images",
                data=fields,
                files=[("file", (name, data)) for name, data in files],
                read_seconds=LONG_SECONDS,
            )
        except ApiError as error:
            return _refused(error)
        return parse(Uploads, content).images

    def relabel(self, study: str, picture: str, label: str | None) -> None:
        """Gives a picture another class, or none."""
        body: dict[str, Any] = {"study": study, "label": label}
        self.connection.change("PATCH", f"images/{picture}", json=body)

    def delete(self, study: str, picture: str) -> None:
        """Deletes a picture for good."""
        self.connection.change("DELETE", f"images/{picture}", params={"study": study})

    def alike(self, study: str) -> AlikeView:
        """Pairs of the site's pictures that look alike; takes seconds where there are many."""
        content = self.connection.get(
            "images/alike",
            {"study": study},
            keep_seconds=SETTLED_SECONDS,
            read_seconds=LONG_SECONDS,
        )
        return parse(AlikeView, content)

    def import_sources(self) -> ImportSources:
        """Folders and archives on the site's own disk; a child of an older version has none."""
        return _unless_older(
            lambda: parse(ImportSources, self.connection.get("imports/sources")),
            ImportSources(configured=False),
        )

    def imports(self) -> list[ImportView]:
        """Imports since the child started, newest first."""
        found = _unless_older(
            lambda: parse(ImportList, self.connection.get("imports")), ImportList(imports=[])
        )
        return found.imports

    def start_import(
        self, study: str, source: str, *, dry_run: bool, labels_from: LabelsFrom
    ) -> None:
        """Begins an import, or a dry run, which stores nothing."""
        body = {"study": study, "source": source, "dry_run": dry_run, "labels_from": labels_from}
        self.connection.change("POST", "imports", json=body)

    def stop_import(self, number: str) -> None:
        """Stops an import; what it has stored stays."""
        self.connection.change("DELETE", f"imports/{number}")

    def predict(self, study: str, file: NamedFile, layer: str | None = None) -> Prediction:
        """What the current global model makes of a picture; nothing is stored.

        Args:
            study: Study that it is for.
            file: Name and content.
            layer: The layer to show; None for the last one that finds something.
        """
        content = self.connection.change(
            "POST",
            "predict",
            data={"study": study} if layer is None else {"study": study, "layer": layer},
            files=[("file", file)],
            read_seconds=LONG_SECONDS,
        )
        return parse(Prediction, content)


def _refused(error: ApiError) -> list[UploadView]:
    """The verdicts that came with a refusal of every file; other errors go on."""
    if not isinstance(error.body, dict) or not error.body.get("images"):
        raise error
    return parse(Uploads, json.dumps({"images": error.body["images"]})).images


def _unless_older(ask: Callable[[], Answer], otherwise: Answer) -> Answer:
    """The answer, or what a child means that does not know the question."""
    try:
        return ask()
    except ApiError as error:
        if error.status != 404:
            raise
        return otherwise
