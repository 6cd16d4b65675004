from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from engines.simulation import pictures as module
from engines.simulation.pictures import decoded
from engines.simulation.site import site_of
from federated.study import Study
from imaging.array_file import PixelArray
from imaging.folders import read_class_folders
from tests.e2e.pictures import CLASSES, picture, write_dataset

STUDY = Study(id="colours", name="Colours", classes=CLASSES, size=16)


@pytest.fixture
def found(tmp_path):
    write_dataset(tmp_path / "data", {"blue": 5, "red": 3}, test=1)
    place = tmp_path / "data" / "train" / "red"
    (place / "broken.png").write_bytes(picture("red", 7)[:60])
    (place / "twin.png").write_bytes((place / "red.1.png").read_bytes())
    return list(read_class_folders(tmp_path / "data" / "train"))


def test_pictures_are_decoded_once(found, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "GROUP", 3)
    refused, counted = [], []
    pixels, pictures = decoded(
        found,
        STUDY,
        tmp_path / "kept",
        lambda: counted.append(1),
        lambda one, error: refused.append(one.path.name),
    )
    assert (refused, len(counted), len(pictures)) == (["broken.png"], 10, 10)
    array = PixelArray(pixels, STUDY.picture_shape).open()
    assert len(array) == 9
    blue = next(p for p, one in zip(pictures, found, strict=True) if one.path.name == "blue.4.png")
    assert (blue.label, array[blue.row].mean(axis=(0, 1)).argmax()) == ("blue", 2)

    stamp = pixels.stat().st_mtime_ns
    assert decoded(found, STUDY, tmp_path / "kept", counted.clear) == (pixels, pictures)
    assert (pixels.stat().st_mtime_ns, len(counted)) == (stamp, 10)


def test_other_pictures_or_another_size_are_decoded_anew(found, tmp_path):
    decoded(found, STUDY, tmp_path / "kept")
    pixels, fewer = decoded(found[1:], STUDY, tmp_path / "kept")
    assert len(fewer) == 9
    small = STUDY.model_copy(update={"size": 8})
    decoded(found, small, tmp_path / "kept")
    assert np.shape(PixelArray(pixels, small.picture_shape).open()) == (9, 8, 8, 3)


def test_a_site_holds_each_picture_once_in_the_order_of_names(found, tmp_path):
    _, pictures = decoded(found, STUDY, tmp_path / "kept")
    site = site_of("site-1", pictures)
    assert site.counts == {"blue": 5, "red": 3}
    assert list(site.pictures) == sorted(site.pictures)
    train, judging = site.split(STUDY, fraction=0.4, seed=3)
    assert (len(train.rows), len(judging.rows)) == (5, 3)
    assert sorted((*train.labels, *judging.labels)) == [0] * 5 + [1] * 3
    rows = {picture.row for picture in site.pictures.values()}
    assert {*train.rows, *judging.rows} == rows
    assert site.split(STUDY, fraction=0.4, seed=4) != (train, judging)


def test_pictures_of_one_group_are_on_one_side_of_a_sites_split(found, tmp_path):
    groups = {"blue.0.png": "a", "blue.2.png": "a", "red.1.png": "b", "red.0.png": "b"}
    grouped = [replace(one, group=groups.get(one.path.name, one.group)) for one in found]
    _, alone = decoded(found, STUDY, tmp_path / "kept")
    _, pictures = decoded(grouped, STUDY, tmp_path / "kept")
    site = site_of("site-1", pictures)
    assert sorted(Counter(site.groups.values()).values()) == [2, 2]
    assert set(site.groups.values()) <= set(site.groups)
    assert site_of("site-1", alone).groups == {}
    sides = [set(part.rows) for part in site.split(STUDY, fraction=0.7, seed=1)]
    for name in ("a", "b"):
        rows = {picture.row for picture in site.pictures.values() if picture.group == name}
        assert len(rows) == 2
        assert any(rows <= side for side in sides)
    assert len(sides[1]) >= 3
