"""`/images`: the site's own pictures. No other role than the site's ever gets one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from child.alike import alike_pictures
from child.api.context import services
from child.picture_groups import checked_word
from child.uploads import File
from federated.errors import InvalidInput
from federated.study import Study
from federated.values import Message, Sha256, Slug
from federated.views import PictureView
from federated.views.imports import AlikeView
from imaging.resize import thumbnail
from imaging.sanitise import sanitise
from serving.auth import AUTH
from serving.errors import status_of

blueprint = APIBlueprint("images", __name__, tag="Images")

MAX_UPLOAD = 210 * 2**20
"""Bytes of one call of `POST /images`: ten of the largest files, and the form around them."""
THUMBNAIL_SIDE = 192


class OfStudy(Message):
    """Which study a picture is of; needed only for one that is stored for several."""

    study: Slug | None = None


class PictureQuery(Message):
    """Which pictures to list: those of one study, or of all."""

    study: Slug | None = None
    label: str | None = None
    part: str | None = None
    unlabelled: bool = False
    since: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    until: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    same_as: Sha256 | None = None
    offset: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class PictureChange(Message):
    """A picture's new label; null takes it away."""

    study: Slug | None = None
    label: str | None


class PicturePage(Message):
    """Some pictures, and how many there are in all."""

    images: list[PictureView]
    total: int


@blueprint.post("/images")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.doc(
    responses={201: "Stored", 200: "All were here already", 413: "Too large", 422: "Refused"}
)
def post_images() -> tuple[dict[str, Any], int]:
    """Uploads pictures: multipart `file` (repeated), `study`, and `label` and `group` or none.

    Without a label it is read from each file's name. `group` is a word for what pictures were
    taken from, once for all files or once for each: pictures with the same word train together
    or judge together. Only a keyed hash of it is kept. Each file is answered for by itself; if
    all were refused, the status is that of the first.
    """
    request.max_content_length = MAX_UPLOAD
    child = services()
    study = _study_of_form()
    outcomes = list(child.uploads.add(study, _files(), request.form.get("label") or None))
    child.changed()
    images = [outcome.view.model_dump(mode="json") for outcome in outcomes]
    errors = [outcome.error for outcome in outcomes]
    first = errors[0]
    if first is not None and all(errors):
        answer = {"error": first.code, "detail": first.detail, "images": images}
        return answer, status_of(first)
    stored = any(outcome.view.status == "stored" for outcome in outcomes)
    return {"images": images}, 201 if stored else 200


@blueprint.get("/images")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.input(PictureQuery, location="query", arg_name="query")
@blueprint.output(PicturePage)
def get_images(query: PictureQuery) -> PicturePage:
    """A page of pictures, newest first: those of one study, or of all."""
    child = services()
    held = [child.studies.get(query.study)] if query.study else child.studies.all()
    pictures, total = child.pictures.page(
        query.study,
        labels=_spellings([one.study for one in held], query.label) if query.label else None,
        part=query.part,
        unlabelled=query.unlabelled,
        added=(query.since, query.until),
        same_as=query.same_as,
        offset=query.offset,
        limit=query.limit,
    )
    return PicturePage(images=pictures, total=total)


class AlikeQuery(Message):
    """Which study's pictures to compare."""

    study: Slug


@blueprint.get("/images/alike")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.input(AlikeQuery, location="query", arg_name="query")
@blueprint.output(AlikeView)
def get_alike(query: AlikeQuery) -> AlikeView:
    """Pairs of pictures that look alike, the most alike first; at most 30."""
    child = services()
    return alike_pictures(child.studies.get(query.study).study, child.pictures, child.folder)


@blueprint.get("/images/<picture>")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.input(OfStudy, location="query", arg_name="query")
def get_image(picture: str, query: OfStudy) -> Response:
    """A picture as it is stored: a PNG file."""
    return Response(_png(picture, query.study), content_type="image/png")


@blueprint.get("/images/<picture>/thumbnail")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.input(OfStudy, location="query", arg_name="query")
def get_thumbnail(picture: str, query: OfStudy) -> Response:
    """A small JPEG of a picture."""
    pixels = sanitise(_png(picture, query.study)).pixels
    return Response(thumbnail(pixels, THUMBNAIL_SIDE), content_type="image/jpeg")


@blueprint.patch("/images/<picture>")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.input(PictureChange, arg_name="change")
@blueprint.output(PictureView)
def patch_image(picture: str, change: PictureChange) -> PictureView:
    """Gives a picture another label."""
    child = services()
    view = child.uploads.relabel(_study_of(picture, change.study), picture, change.label)
    child.changed()
    return view


@blueprint.delete("/images/<picture>")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.input(OfStudy, location="query", arg_name="query")
def delete_image(picture: str, query: OfStudy) -> tuple[str, int]:
    """Deletes a picture for good."""
    child = services()
    child.uploads.remove(_study_of(picture, query.study), picture)
    child.changed()
    return "", 204


def _study_of_form() -> Study:
    study = request.form.get("study")
    if not study:
        raise InvalidInput(
            "The form does not say which study the pictures are for", expected="a field 'study'"
        )
    return services().studies.get(study).study


def _files() -> Iterator[File]:
    sent = request.files.getlist("file")
    if not sent:
        raise InvalidInput(
            "There is no file in the form", expected="one or more fields 'file'", code="no_file"
        )
    for file, group in zip(sent, _groups(len(sent)), strict=True):
        yield File(file.filename or "", file.read(), group)


def _groups(files: int) -> list[str]:
    """The word for each file's group; empty for none."""
    words = [checked_word(word) for word in request.form.getlist("group")] or [""]
    if len(words) not in (1, files):
        raise InvalidInput(
            "The form has not as many groups as files",
            expected=f"one field 'group' for all files, or {files}",
            received=len(words),
        )
    return words * files if len(words) == 1 else words


def _study_of(picture: str, study: str | None) -> Study:
    """The study that was named, else the only one that holds the picture."""
    child = services()
    return child.studies.get(study or child.pictures.study_of(picture)).study


def _spellings(studies: Iterable[Study], label: str) -> list[str]:
    spelt = (study.spelling(label) for study in studies)
    return [name for name in spelt if name is not None]


def _png(picture: str, study: str | None) -> bytes:
    child = services()
    view = child.pictures.get(_study_of(picture, study).id, picture)
    return child.folder.read(view.study, view.id)
