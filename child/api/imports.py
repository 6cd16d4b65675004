"""`/imports`: pictures of the site's own disk become pictures of the site."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from child.api.context import services
from federated.values import Slug, Value
from federated.views.imports import ImportList, ImportSources, ImportView, LabelsFrom
from serving.auth import AUTH

blueprint = APIBlueprint("imports", __name__, tag="Imports")

LONGEST_NAME = 255
"""Characters of a file's name."""


class ImportStart(Value):
    """What to import; a dry run unless it is said otherwise."""

    study: Slug
    source: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    dry_run: bool = True
    labels_from: LabelsFrom = "auto"


@blueprint.get("/imports/sources")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.output(ImportSources)
def get_sources() -> ImportSources:
    """Folders and archives in the site's import folder: names alone, at most 200."""
    return services().imports.folder.sources()


@blueprint.post("/imports")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.input(ImportStart, arg_name="wanted")
@blueprint.output(ImportView, status_code=202)
@blueprint.doc(responses={404: "No such source", 409: "Another import is under way"})
def post_import(wanted: ImportStart) -> ImportView:
    """Begins an import, or a dry run, which stores nothing; ask for the import to follow it."""
    child = services()
    study = child.studies.get(wanted.study).study
    return child.imports.start(
        study, wanted.source, dry_run=wanted.dry_run, labels_from=wanted.labels_from
    )


@blueprint.get("/imports")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.output(ImportList)
def get_imports() -> ImportList:
    """Imports since the child started, newest first, at most 20."""
    return ImportList(imports=services().imports.all())


@blueprint.get("/imports/<number>")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.output(ImportView)
def get_import(number: str) -> ImportView:
    """How far an import is, and what has become of its files."""
    return services().imports.get(number)


@blueprint.delete("/imports/<number>")
@blueprint.auth_required(AUTH, roles=["site"])
def delete_import(number: str) -> tuple[str, int]:
    """Stops an import; what it has stored stays."""
    services().imports.stop(number)
    return "", 204
