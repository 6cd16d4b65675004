"""The master itself, and what it has to offer: for an operator's eyes."""

from __future__ import annotations

from apiflask import APIBlueprint

from federated.views import ModelSetting, ModelsView, ModelView, SystemView
from master.api.context import OPERATOR, PEOPLE, services
from master.system import system_view
from models.architecture import Architecture
from models.catalogue import catalogue
from serving.auth import AUTH

blueprint = APIBlueprint("system", __name__, url_prefix="/api/v1", tag="System")


@blueprint.get("/system")
@blueprint.auth_required(AUTH, roles=OPERATOR)
@blueprint.output(SystemView)
def get_system() -> SystemView:
    """Health, disk, versions, settings in force and the newest lines of the log; no secret."""
    return system_view(services())


@blueprint.get("/models")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(ModelsView)
def list_models() -> ModelsView:
    """Every architecture with its settings, and the files of pretrained weights."""
    folder = services().settings.pretrained_folder
    return ModelsView(
        models=tuple(_view(one) for one in catalogue().values()),
        weights=tuple(sorted(path.name for path in folder.glob("*") if path.is_file())),
    )


def _view(one: Architecture) -> ModelView:
    return ModelView(
        name=one.name,
        summary=one.summary,
        settings=tuple(
            ModelSetting(
                name=setting.name,
                default=setting.default,
                help=setting.help,
                minimum=setting.minimum,
                maximum=setting.maximum,
                choices=setting.choices,
            )
            for setting in one.settings
        ),
        imagenet=one.imagenet,
    )
