"""An operator's own `.keras` file as the model of a training."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from engines.processes.errors import WrongOption
from engines.processes.options import parse
from engines.processes.own_model import own_model
from engines.processes.planning import plan_of, pretrained_folder
from federated.study import Study

STUDY = Study(id="s", name="S", classes=("a", "b"), size=16)


def options(*arguments: str) -> argparse.Namespace:
    return parse(["train", "--data", "somewhere", *arguments], {})


@pytest.fixture
def own_file(tmp_path: Path, keras_runtime: None) -> Path:
    import keras

    pixels = keras.Input((16, 16, 3))
    x = keras.layers.Rescaling(1 / 255)(pixels)
    x = keras.layers.Conv2D(4, 3, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(pixels, keras.layers.Dense(2, activation="softmax")(x))
    model.save(tmp_path / "mine.keras")
    return tmp_path / "mine.keras"


def test_an_own_model_becomes_the_plans_with_its_weights(own_file: Path) -> None:
    given = options("--model", str(own_file), "--rounds", "2")
    with own_model(given, os.environ) as ready:
        plan = plan_of(STUDY, ready)
        folder = pretrained_folder(ready)
        assert folder is not None
        assert (plan.model.name, plan.rounds) == ("own", 2)
        assert plan.model.weights is not None
        assert (folder / plan.model.weights).is_file()
    assert not folder.exists()


def test_a_file_that_is_no_model_is_refused_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "broken.keras").write_bytes(b"PK no zip")
    given = options("--model", str(tmp_path / "broken.keras"))
    with pytest.raises(WrongOption, match=r"--model broken\.keras cannot be used: .*zip"):
        own_model(given, os.environ).__enter__()


def test_a_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(WrongOption, match="names no file"):
        own_model(options("--model", str(tmp_path / "x.keras")), os.environ).__enter__()


def test_the_name_of_an_architecture_is_left_alone() -> None:
    given = options("--model", "cnn10")
    with own_model(given, {}) as ready:
        assert ready is given
