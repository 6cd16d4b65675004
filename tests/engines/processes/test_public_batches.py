"""A data set becomes batches of public pictures, and what is left the master's audit part."""

import json

import numpy as np
import pytest
from PIL import Image

from engines.processes.dataset import read_dataset
from engines.processes.errors import WrongOption
from engines.processes.public_batches import in_batches, wants_batches
from federated.plan import SOMEWHERE, AssignedBatches, Plan, RandomSets

BATCHES = Plan(data=AssignedBatches(kind="batches", url=SOMEWHERE), seed=5)


def data_set(folder, count):
    rng = np.random.default_rng(1)
    for number in range(count):
        place = folder / "train" / ("blue" if number % 3 else "red")
        place.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 255, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(place / f"{number:03}.png")
    return read_dataset(folder, lambda _: None)


def test_a_data_set_is_packed_and_the_plan_finds_it(tmp_path):
    told = []
    dataset, plan = in_batches(
        data_set(tmp_path / "data", 150), BATCHES, tmp_path / "batches", told.append
    )
    index = json.loads((tmp_path / "batches" / "index.json").read_text())
    assert len(index["batches"]) == 1
    # Of the 40 pictures that no batch needs, half may be the master's.
    assert (dataset.train, len(dataset.audit)) == ((), 20)
    assert plan == BATCHES.model_copy(
        update={"data": AssignedBatches(kind="batches", url=str(tmp_path / "batches"))}
    )
    assert told == ["Packed 1 batches of 100 + 10 pictures; the master has 20 audit pictures."]


def test_too_few_pictures_are_said_before_anything_is_written(tmp_path):
    with pytest.raises(WrongOption, match="at least 110 training pictures"):
        in_batches(data_set(tmp_path / "data", 12), BATCHES, tmp_path / "batches")
    assert not (tmp_path / "batches").exists()


def test_a_place_that_is_named_is_taken_as_it_is():
    random = Plan(data=RandomSets(kind="random", url=SOMEWHERE, images=100))
    assert wants_batches(random, None)
    assert wants_batches(random, "data.images=50")
    assert not wants_batches(random, "data.url=http://pictures.example/textures")
    assert not wants_batches(Plan(), None)
