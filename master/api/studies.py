"""Studies, their public pictures, and their current model."""

from __future__ import annotations

import re
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, request, send_file
from pydantic import Field

from federated.errors import InvalidInput, NotFound
from federated.statistics import WeightStatistics
from federated.study import Study
from federated.values import Label, Message, Slug
from federated.views import StudyView, UploadView
from imaging.sanitise import DEFAULT_LIMITS
from master.api.context import OPERATOR, PEOPLE, exports, services, uploads
from master.api.openapi import Responses, file_answer
from master.plan_faults import check_plan
from master.plans import DEFAULT, WantedPlan, resolve_plan
from master.pretrained import check_weights
from master.store import studies, versions
from master.store.versions import Version
from master.uploads import Part
from master.weight_statistics import statistics_of
from serving.auth import AUTH
from serving.server import MAX_BODY

blueprint = APIBlueprint("studies", __name__, url_prefix="/api/v1", tag="Studies")

PARTS: dict[str, Part] = {"audit": "audit", "test": "test", "split": "split"}

UPLOADED: Responses = {201: {"description": "What was understood of each file"}}

REFUSALS = {"too_large": 413, "too_many_pixels": 413}


class NewStudy(Message):
    """`POST /studies`; without an `id`, it is made from the name."""

    id: Slug | None = None
    name: Annotated[str, Field(min_length=1, max_length=120)]
    classes: Annotated[tuple[Label, ...], Field(min_length=2, max_length=1000)]
    size: Annotated[int, Field(ge=8, le=1024)] = 96
    channels: Annotated[int, Field(ge=1, le=3)] = 3
    plan: WantedPlan | None = None


class StudyList(Message):
    """Answer of `GET /studies`."""

    studies: list[StudyView] = Field(default_factory=list)


class UploadAnswer(Message):
    """Answer of `POST /studies/<id>/images`; `error` where every file was refused."""

    images: list[UploadView]
    error: str | None = None
    detail: str | None = None


@blueprint.post("/studies")
@blueprint.auth_required(AUTH, roles=OPERATOR)
@blueprint.input(NewStudy, arg_name="message")
@blueprint.output(StudyView, status_code=201)
def create_study(message: NewStudy) -> StudyView:
    """Makes a study; its initial model is built at once, in the background."""
    master = services()
    study = Study(
        id=message.id or _slug(message.name),
        name=message.name,
        classes=message.classes,
        size=message.size,
        channels=message.channels,
    )
    plan = resolve_plan(master.settings.plans, message.plan or DEFAULT)
    check_plan(plan, study)
    check_weights(plan.model, master.settings.pretrained_folder)
    with master.database.write() as session:
        studies.create(session, study, plan, master.now())
        session.flush()
        view = studies.view(session, studies.get(session, study.id), master.settings.licence)
    master.wakeup.notify()
    return view


@blueprint.get("/studies")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(StudyList)
def list_studies() -> StudyList:
    """All studies, oldest first."""
    master = services()
    with master.database.read() as session:
        return StudyList(studies=studies.views(session, master.settings.licence))


@blueprint.get("/studies/<study_id>")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(StudyView)
def get_study(study_id: str) -> StudyView:
    """A study with its current model and the master's own pictures, counted."""
    master = services()
    with master.database.read() as session:
        return studies.view(session, studies.get(session, study_id), master.settings.licence)


@blueprint.get("/studies/<study_id>/statistics")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(WeightStatistics)
def get_statistics(study_id: str) -> WeightStatistics:
    """Statistics of the current global weights."""
    version = _current(study_id)
    return statistics_of(services(), version.weights, version.signature)


@blueprint.get("/studies/<study_id>/model")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.doc(responses=file_answer("application/zip", "A .keras file"))
def get_model(study_id: str) -> Response:
    """The current global model as a `.keras` file."""
    return keras_file(_current(study_id))


@blueprint.post("/studies/<study_id>/images")
@blueprint.auth_required(AUTH, roles=OPERATOR)
@blueprint.doc(
    summary="Add public pictures",
    description="Multipart: `file` (repeated), `label` (else read from each file's name), "
    "`part`: `audit`, `test`, or `split` (half and half, by hash).",
    responses=UPLOADED,
)
def add_images(study_id: str) -> tuple[dict[str, Any], int]:
    """Takes in public pictures that judge models and never train one."""
    request.max_content_length = MAX_BODY
    files = request.files.getlist("file")
    with services().database.read() as session:
        studies.get(session, study_id)
    part = PARTS.get(request.form.get("part", "split"))
    if part is None or not files:
        raise InvalidInput(
            "The upload is not complete",
            expected="parts 'file', and 'part' as audit, test or split",
        )
    label = request.form.get("label") or None
    most = DEFAULT_LIMITS.max_bytes + 1
    images = [
        uploads().add(study_id, file.filename or "", file.stream.read(most), label, part)
        for file in files
    ]
    return _answer(images)


def keras_file(version: Version) -> Response:
    """A version as a download."""
    name = f"{version.study.id}-round-{version.round}.keras"
    path = exports().path(version)
    return send_file(
        path, mimetype="application/zip", as_attachment=True, download_name=name, max_age=0
    )


def _answer(images: list[UploadView]) -> tuple[dict[str, Any], int]:
    statuses = {image.status for image in images}
    if statuses == {"refused"}:
        first = images[0]
        answer = UploadAnswer(images=images, error=first.error, detail=first.detail)
        return answer.model_dump(mode="json"), REFUSALS.get(first.error or "", 422)
    answer = UploadAnswer(images=images)
    status = 201 if "stored" in statuses else 200
    return answer.model_dump(mode="json", exclude={"error", "detail"}), status


def _current(study_id: str) -> Version:
    with services().database.read() as session:
        row = studies.get(session, study_id)
        if row.version_id is None:
            raise NotFound(
                "This study has no model yet",
                expected=row.problem or "a moment's patience",
                code="no_model",
            )
        return versions.get(session, row.version_id)


def _slug(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:64].strip("-")
    if not slug:
        raise InvalidInput("The study needs an id", expected="small letters a-z, digits, - or _")
    return slug
