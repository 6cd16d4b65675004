import hashlib
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from engines.compare.material import (
    Material,
    hashes_of_weights,
    judged_parts,
    prepare,
    without_test,
)
from engines.compare.question import Way, in_one_go
from engines.processes.dataset import read_dataset
from engines.simulation.pictures import decoded
from federated.errors import InvalidInput
from federated.plan import ModelChoice, Plan, Privacy
from federated.study import Study
from federated.training import Training
from tests.e2e.pictures import CLASSES, write_dataset

PLAN = Plan(
    rounds=3,
    training=Training(epochs=2, validation_fraction=0.25),
    privacy=Privacy(min_examples=2),
)


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return material_of(write_dataset(folder / "set", {"blue": 17, "red": 12}, test=4), folder)


def material_of(place, folder):
    dataset = read_dataset(place)
    study = Study(id="colours", name="Colours", classes=CLASSES, size=8)
    found = [*dataset.train, *dataset.test]
    _, pictures = decoded(found, study, folder / "kept")
    kept = {one.stamp: picture for one, picture in zip(found, pictures, strict=True) if picture}
    return Material(study, dataset, place, kept)


def prepared(material, kind, partition, fold=None, dataset=None, plan=PLAN):
    way = Way(kind, partition, "", in_one_go(plan) if kind != "federated" else plan)
    return prepare(material, way, 2, fold, dataset or material.dataset)


def test_together_is_one_site_with_everything(material):
    made = prepared(material, "together", None)
    assert [site.name for site in made.sites] == ["all"]
    # A quarter of each class judges: 4 of 17 and 3 of 12.
    assert made.holdings == {"all": {"blue": 13, "red": 9}}
    assert len(made.test) == 8


def test_every_way_sees_each_picture_as_often(material):
    federated, alone = (prepared(material, kind, "label-skew") for kind in ("federated", "alone"))
    assert federated.holdings == alone.holdings
    assert federated.holdings["site-1"]["blue"] == federated.holdings["site-2"]["red"] == 0
    assert federated.work == alone.work == 6 * (13 + 9)


def test_the_seed_deals_out(material):
    other = PLAN.model_copy(update={"seed": 5})
    keys = {
        prepared(material, "federated", "iid", plan=plan).case.pictures for plan in (PLAN, other)
    }
    assert len(keys) == 2


def test_groups_stay_together_and_make_another_case(material, tmp_path):
    train = [
        replace(found, group=f"lesion {number // 3}")
        for number, found in enumerate(material.dataset.train)
    ]
    dataset = replace(material.dataset, train=tuple(train))
    pictures = {
        found.stamp: material.of(found).model_copy(update={"group": found.group}) for found in train
    }
    grouped = replace(material, dataset=dataset, pictures={**material.pictures, **pictures})
    made = prepared(grouped, "federated", "iid")
    held = [{picture.group for picture in site.pictures.values()} for site in made.sites]
    assert len(held[0] | held[1]) == len(held[0]) + len(held[1]) == 10
    # All pictures are at one site in both, and only the groups differ.
    cases = {prepared(one, "together", None).case.pictures for one in (material, grouped)}
    assert len(cases) == 2


def test_in_a_cross_validation_each_training_picture_judges_once(material):
    made = [
        prepared(material, "together", None, fold, dataset)
        for fold, dataset in judged_parts(material, 3, seed=1)
    ]
    assert [one.case.fold for one in made] == [1, 2, 3]
    judged = [picture.sha256 for one in made for picture in one.test]
    trained = {picture.sha256 for picture in map(material.of, material.dataset.train) if picture}
    assert sorted(judged) == sorted(trained)
    for one in made:
        test = {picture.sha256 for picture in one.test}
        assert test.isdisjoint(one.sites[0].pictures)
        assert len(test) + len(one.sites[0].pictures) == 29
        assert np.bincount([CLASSES.index(p.label) for p in one.test]).tolist() in ([6, 4], [5, 4])


def test_a_site_with_too_few_pictures_is_told(material):
    plan = PLAN.model_copy(update={"privacy": Privacy(min_examples=15)})
    with pytest.raises(InvalidInput, match="too few pictures"):
        prepared(material, "federated", "iid", plan=plan)


def test_a_label_that_was_corrected_makes_another_case(material):
    corrected = dict(material.pictures)
    stamp = material.dataset.train[0].stamp
    corrected[stamp] = corrected[stamp].model_copy(update={"label": "red"})
    keys = {
        prepared(replace(material, pictures=known), "together", None).case.key
        for known in (material.pictures, corrected)
    }
    assert len(keys) == 2


def test_other_weights_in_a_file_of_the_same_name_make_another_case(material, tmp_path):
    plan = PLAN.model_copy(update={"model": ModelChoice(weights="first.safetensors")})
    imagenet = PLAN.model_copy(update={"model": ModelChoice(weights="imagenet")})
    keys = set()
    for content in (b"one", b"another"):
        (tmp_path / "first.safetensors").write_bytes(content)
        weights = hashes_of_weights([PLAN, imagenet, plan], tmp_path)
        assert weights == {"first.safetensors": hashlib.sha256(content).hexdigest()}
        known = replace(material, weights=weights)
        keys.add(prepared(known, "together", None, plan=plan).case.key)
        assert prepared(known, "together", None).case.weights is None
    assert len(keys) == 2


@pytest.fixture(scope="module")
def repeated(tmp_path_factory):
    """17 and 12 training pictures; 6 lie there again, and 3 of the test's 8 are among them."""
    folder = write_dataset(tmp_path_factory.mktemp("again") / "set", {"blue": 17, "red": 12}, 4)
    for number in range(6):
        original = folder / "train" / "blue" / f"blue.{number}.png"
        shutil.copy(original, folder / "train" / "blue" / f"again.{number}.png")
        if number < 3:
            # Other bytes, the same pixels.
            Image.open(original).save(folder / "test" / "blue" / f"{number}.png", compress_level=0)
    return material_of(folder, folder.parent / "kept")


def test_equal_pictures_are_in_one_fold(repeated):
    for fold, dataset in judged_parts(repeated, 5, seed=1):
        made = prepared(repeated, "together", None, fold, dataset)
        assert {one.sha256 for one in made.test}.isdisjoint(made.sites[0].pictures)


def test_what_tests_does_not_train(repeated):
    dataset = without_test(repeated.dataset, repeated.pictures)
    # Each of the three lies in the training part twice.
    assert len(repeated.dataset.train) - len(dataset.train) == 6
    made = prepared(repeated, "together", None)
    assert {one.sha256 for one in made.test}.isdisjoint(made.sites[0].pictures)
    assert (len(made.test), len(made.sites[0].pictures)) == (8 + 3, 17 + 12 - 3)
