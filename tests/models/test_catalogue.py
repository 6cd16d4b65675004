"""The catalogue: settings are filled in, and every wrong one is named."""

from __future__ import annotations

import subprocess
import sys

import pytest

from federated.errors import InvalidInput
from federated.plan import ModelChoice
from models.architecture import Architecture, ArchitectureSetting
from models.catalogue import catalogue, check_model
from tests.models.studies import a_study


def test_the_catalogue_lists_cnn10_with_a_summary_and_settings() -> None:
    cnn10 = catalogue()["cnn10"]
    assert cnn10.name == "cnn10"
    assert cnn10.summary.endswith(".")
    assert all(setting.help.endswith(".") for setting in cnn10.settings)


@pytest.mark.parametrize("name", catalogue())
def test_every_default_is_allowed(name: str) -> None:
    architecture = catalogue()[name]
    assert architecture.name == name
    assert all(setting.allows(setting.default) for setting in architecture.settings)


def test_catalogue_measures_and_schedules_import_without_keras() -> None:
    program = (
        "import sys, models.catalogue, models.measures, models.training.schedule\n"
        "models.catalogue.catalogue()\n"
        "print([m for m in ('keras', 'tensorflow') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert answer.stdout.strip() == b"[]"


def test_settings_are_filled_with_defaults_in_their_types() -> None:
    settings = check_model(
        ModelChoice(name="cnn10", settings={"dropout": 0, "units": 8}), a_study()
    )
    assert settings["units"] == 8
    assert settings["dropout"] == 0.0
    assert isinstance(settings["dropout"], float)
    assert set(settings) == {setting.name for setting in catalogue()["cnn10"].settings}


def test_every_wrong_setting_is_named_at_once() -> None:
    wrong = {"dropout": 1.5, "units": True, "depth": 3}
    with pytest.raises(InvalidInput) as error:
        check_model(ModelChoice(name="cnn10", settings=wrong), a_study())
    assert error.value.code == "invalid_model"
    for said in ("'dropout' must be a number from 0 to 0.9, not 1.5", "'units'", "'depth'"):
        assert said in error.value.detail


@pytest.mark.parametrize("value", ["16", 16.0, 10**30, -1])
def test_strange_values_are_refused(value: float | str) -> None:
    with pytest.raises(InvalidInput):
        check_model(ModelChoice(name="cnn10", settings={"units": value}), a_study())


def test_an_unknown_model_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInput, match="cnn10") as error:
        check_model(ModelChoice(name="cnn11"), a_study())
    assert error.value.code == "unknown_model"


def test_pictures_that_an_architecture_cannot_take_are_refused() -> None:
    picky = Architecture("picky", "Takes RGB from 32 px.", smallest=32, channels=(3,))
    assert list(picky.objections({}, a_study(size=32))) == []
    assert len(list(picky.objections({}, a_study(size=31, channels=1)))) == 2


def test_choices_and_switches_check_their_values() -> None:
    pool = ArchitectureSetting("pool", "max", "Kind of pooling.", choices=("max", "mean"))
    bias = ArchitectureSetting("bias", True, "Whether there is one.")
    assert pool.allows("mean")
    assert not pool.allows("median")
    assert pool.allowed == "one of 'max', 'mean'"
    assert bias.allows(False)
    assert not bias.allows(1)
    assert bias.allowed == "true or false"
