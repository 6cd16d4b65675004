import io
import zlib

import numpy as np
import pytest
from PIL import Image

from child.pictures import PictureFolder
from federated.errors import StorageFailure
from tests.child.conftest import STUDY, named, picture, task_of


def pixel_files(site):
    return sorted(path.name for path in site.child.state.pictures.rglob("*.png"))


def drafts(site):
    return list(site.child.state.root.rglob("draft-*"))


def test_an_upload_says_what_it_understood(pushed):
    answer = pushed.upload(("melanoma.png", picture(1)), label="Malignant")
    assert answer.status_code == 201
    (view,) = answer.json["images"]
    assert (view["status"], view["label_source"], view["original"]) == ("stored", "given", [16, 20])
    assert view["picture"]["label"] == "malignant"
    assert view["name"] == "melanoma.png"


def test_the_label_is_read_from_the_file_name(pushed):
    views = pushed.upload(*named(3), ("photo.png", picture(9))).json["images"]
    assert [view["picture"]["label"] for view in views] == ["benign", "benign", "malignant", None]
    assert [view["label_source"] for view in views] == ["file_name"] * 3 + ["none"]


def test_what_is_stored_are_sanitised_pixels_and_no_name(pushed):
    exif = Image.Exif()
    exif[0x010F] = "PLANTED CAMERA"
    file = picture(1, format="JPEG", exif=exif.tobytes(), comment=b"PLANTED COMMENT")
    (view,) = pushed.upload(("PLANTED_NAME_benign.jpg", file)).json["images"]
    assert view["removed"]
    everything = b"".join(p.read_bytes() for p in pushed.child.state.root.rglob("*") if p.is_file())
    assert b"PLANTED" not in everything
    assert pixel_files(pushed) == [f"{view['picture']['id']}.png"]


def test_the_array_holds_the_pixels_that_the_model_sees(pushed):
    (view,) = pushed.upload(("benign.png", picture(1, (STUDY.size, STUDY.size)))).json["images"]
    row = pushed.child.pictures.places("skin")[view["picture"]["id"]]
    stored = pushed.child.folder.array(STUDY).open()[row]
    assert np.array_equal(stored, np.array(Image.open(io.BytesIO(picture(1, (12, 12))))))


def test_the_same_picture_twice_is_stored_once(pushed):
    pushed.upload(("benign.png", picture(1)))
    answer = pushed.upload(("malignant.png", picture(1)), ("other.png", picture(1)))
    assert answer.status_code == 200
    views = answer.json["images"]
    assert [view["status"] for view in views] == ["duplicate", "duplicate"]
    assert views[0]["picture"]["label"] == "benign"
    assert "keeps" in views[0]["detail"]
    assert len(pixel_files(pushed)) == 1


def test_the_same_picture_twice_in_one_upload_is_stored_once(pushed):
    views = pushed.upload(("benign.png", picture(1)), ("benign 2.png", picture(1))).json["images"]
    assert [view["status"] for view in views] == ["stored", "duplicate"]
    assert pushed.child.pictures.tally("skin").counts == {"benign": 1}


def test_a_duplicate_may_bring_the_missing_label(pushed):
    pushed.upload(("photo.png", picture(1)))
    (view,) = pushed.upload(("photo.png", picture(1)), label="malignant").json["images"]
    assert (view["status"], view["picture"]["label"]) == ("duplicate", "malignant")


HEADER = b"IHDR" + (60000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
PNG_OF_60000_PIXELS = b"\x89PNG\r\n\x1a\n\0\0\0\r" + HEADER + zlib.crc32(HEADER).to_bytes(4, "big")
REFUSED = {
    "text": (b"this is no picture, whatever it is called", "not_a_picture", 422),
    "truncated": (picture(1, (64, 64), format="JPEG")[:700], "truncated", 422),
    "huge": (
        PNG_OF_60000_PIXELS,
        "too_many_pixels",
        413,
    ),
    "25 MB": (picture(1) + bytes(25_000_000), "too_large", 413),
    "empty": (b"", "empty", 422),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_with_its_reason_and_leaves_nothing(pushed, name):
    data, code, status = REFUSED[name]
    pushed.upload(("benign.png", picture(5)))
    before = pixel_files(pushed)
    answer = pushed.upload(("benign_1.jpg", data))
    assert answer.status_code == status, answer.text
    (view,) = answer.json["images"]
    assert view["status"] == "refused"
    assert answer.json["error"] == view["error"]
    assert view["error"] == code
    assert pixel_files(pushed) == before
    assert drafts(pushed) == []


def test_an_animated_file_is_refused_and_a_cmyk_and_a_16_bit_file_are_converted(pushed):
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    animated, cmyk, deep = io.BytesIO(), io.BytesIO(), io.BytesIO()
    frames[0].save(animated, "PNG", save_all=True, append_images=frames[1:])
    Image.new("CMYK", (9, 9), (200, 10, 30, 0)).save(cmyk, "JPEG")
    Image.fromarray(np.full((9, 9), 40000, np.uint16)).save(deep, "PNG")
    files = [(f"benign {i}.x", f.getvalue()) for i, f in enumerate((animated, cmyk, deep))]
    views = pushed.upload(*files).json["images"]
    assert [view["status"] for view in views] == ["refused", "stored", "stored"]
    assert views[0]["error"] == "animated"


def test_one_bad_file_does_not_hold_up_the_others(pushed):
    answer = pushed.upload(("a.png", b"text"), *named(2))
    assert answer.status_code == 201
    assert [view["status"] for view in answer.json["images"]] == ["refused", "stored", "stored"]


def test_a_label_that_the_study_does_not_have(pushed):
    answer = pushed.upload(("a.png", picture(1)), label="wart")
    assert (answer.status_code, answer.json["error"]) == (422, "unknown_label")
    assert "benign" in answer.json["detail"]
    assert pixel_files(pushed) == []


def test_an_upload_without_a_file_or_a_study(pushed):
    assert pushed.upload().json["error"] == "no_file"
    assert pushed.upload(("a.png", picture(1)), study="").status_code == 422
    assert pushed.upload(("a.png", picture(1)), study="../etc").status_code == 404


def test_a_full_disk_leaves_nothing_and_keeps_what_was_there(pushed, monkeypatch):
    pushed.upload(*named(3))
    before = pixel_files(pushed)
    written = []

    def full(path, data):
        written.append(path)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr(pushed.child.folder, "_write", full)
    answer = pushed.upload(*named(3, start=10))
    assert (answer.status_code, answer.json["error"]) == (507, "storage_failure")
    assert "No space" in answer.json["detail"]
    assert len(written) == 2
    assert pixel_files(pushed) == before
    assert pushed.child.pictures.tally("skin").labelled == 3


def test_a_failing_array_leaves_no_file(pushed, monkeypatch):
    def full(*_):
        raise StorageFailure("The pixels could not be written")

    monkeypatch.setattr("imaging.array_file.PixelArray.append", full)
    assert pushed.upload(*named(2)).status_code == 507
    assert pixel_files(pushed) == []


def test_a_failing_database_leaves_neither_file_nor_pixels(pushed, monkeypatch):
    from sqlalchemy.exc import OperationalError

    def full(*_):
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(pushed.child.pictures, "add", full)
    assert pushed.upload(*named(2)).status_code == 507
    assert pixel_files(pushed) == []
    assert not pushed.child.folder.array(STUDY).open().any()


def test_after_a_failed_write_the_same_upload_goes_through(pushed, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(PictureFolder, "_path", lambda *_: pushed.child.state.root)
        patch.setattr(PictureFolder, "discard", lambda *_: None)
        assert pushed.upload(*named(1)).status_code == 507
    assert pushed.upload(*named(1)).status_code == 201


def test_pictures_are_listed_by_label_newest_first(pushed):
    pushed.upload(*named(6), ("photo.png", picture(99)))
    listed = pushed.client.get(
        "/api/v1/images?study=skin&label=benign&limit=3&offset=1", headers=pushed.site
    ).json
    assert listed["total"] == 4
    ids = [view["id"] for view in listed["images"]]
    times = [view["added_at"] for view in listed["images"]]
    assert len(set(ids)) == 3
    assert times == sorted(times, reverse=True)
    unlabelled = pushed.client.get(
        "/api/v1/images?study=skin&unlabelled=true", headers=pushed.site
    ).json
    assert unlabelled["total"] == 1


def test_a_picture_and_its_thumbnail_can_be_looked_at(pushed):
    (view,) = pushed.upload(("benign.png", picture(1, (400, 300)))).json["images"]
    address = f"/api/v1/images/{view['picture']['id']}"
    whole = pushed.client.get(f"{address}?study=skin", headers=pushed.site)
    assert np.array_equal(
        np.array(Image.open(io.BytesIO(whole.data))),
        np.array(Image.open(io.BytesIO(picture(1, (400, 300))))),
    )
    small = pushed.client.get(f"{address}/thumbnail?study=skin", headers=pushed.site)
    assert max(Image.open(io.BytesIO(small.data)).size) == 192


def test_a_new_label_makes_a_picture_new(pushed):
    (view,) = pushed.upload(("benign.png", picture(1))).json["images"]
    pushed.child.pictures.deal("skin", "t", fraction=0, seed=0)
    pushed.child.pictures.confirm("t")
    assert pushed.child.pictures.tally("skin").new_labelled == 0
    answer = pushed.client.patch(
        f"/api/v1/images/{view['picture']['id']}",
        json={"study": "skin", "label": "malignant"},
        headers=pushed.site,
    )
    assert answer.json["label"] == "malignant"
    assert pushed.child.pictures.tally("skin").new_labelled == 1


def test_a_deleted_picture_is_gone_everywhere(pushed):
    pushed.upload(*named(2))
    gone, kept = sorted(pushed.child.pictures.places("skin").items(), key=lambda item: item[1])
    answer = pushed.client.delete(f"/api/v1/images/{gone[0]}?study=skin", headers=pushed.site)
    assert answer.status_code == 204
    assert pixel_files(pushed) == [f"{kept[0]}.png"]
    pixels = pushed.child.folder.array(STUDY).open()
    assert not pixels[gone[1]].any()
    assert pixels[kept[1]].any()


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_a_picture_that_is_not_there(pushed, method):
    address = f"/api/v1/images/{'0' * 64}?study=skin"
    body = {"json": {"study": "skin", "label": "benign"}} if method == "patch" else {}
    answer = getattr(pushed.client, method)(address, headers=pushed.site, **body)
    assert (answer.status_code, answer.json["error"]) == (404, "unknown_picture")


def second_study(pushed) -> None:
    """Sends the same classes under another id and in another case."""
    study = STUDY.model_copy(update={"id": "moles", "classes": ("Benign", "mélanome")})
    push = pushed.push().model_copy(update={"study": study})
    answer = pushed.client.put(
        "/api/v1/studies/moles", json=push.model_dump(mode="json"), headers=pushed.master
    )
    assert answer.status_code == 200, answer.text


def test_a_picture_of_one_study_needs_no_study(pushed):
    second_study(pushed)
    (view,) = pushed.upload(("benign.png", picture(1))).json["images"]
    address = f"/api/v1/images/{view['picture']['id']}"
    for place in (address, f"{address}/thumbnail"):
        assert pushed.client.get(place, headers=pushed.site).status_code == 200
    changed = pushed.client.patch(address, json={"label": "malignant"}, headers=pushed.site)
    assert (changed.json["study"], changed.json["label"]) == ("skin", "malignant")
    assert pushed.client.delete(address, headers=pushed.site).status_code == 204
    assert pushed.client.get(address, headers=pushed.site).status_code == 404


def test_a_picture_of_two_studies_needs_one(pushed):
    second_study(pushed)
    (view,) = pushed.upload(("benign.png", picture(1))).json["images"]
    pushed.upload(("benign.png", picture(1)), study="moles")
    address = f"/api/v1/images/{view['picture']['id']}"
    answers = [
        pushed.client.get(address, headers=pushed.site),
        pushed.client.get(f"{address}/thumbnail", headers=pushed.site),
        pushed.client.patch(address, json={"label": None}, headers=pushed.site),
        pushed.client.delete(address, headers=pushed.site),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json["error"]) == (422, "study_needed")
        assert "['moles', 'skin']" in answer.json["detail"]
    gone = pushed.client.delete(f"{address}?study=moles", headers=pushed.site)
    assert gone.status_code == 204
    assert pushed.client.get(address, headers=pushed.site).status_code == 200


def test_pictures_of_all_studies_are_listed_by_label_in_any_spelling(pushed):
    second_study(pushed)
    pushed.upload(*named(3))
    pushed.upload(("BENIGN.png", picture(7)), ("Me\u0301lanome.png", picture(8)), study="moles")

    def total(query: str) -> int:
        return pushed.client.get(f"/api/v1/images{query}", headers=pushed.site).json["total"]

    assert total("") == 5
    assert total("?label=BENIGN") == 3
    assert total("?label=BENIGN&study=moles") == 1
    assert total("?label=ME\u0301LANOME") == 1
    assert total("?label=nevus") == 0
    assert pushed.child.pictures.tally("moles").counts == {"Benign": 1, "m\u00e9lanome": 1}


def test_the_first_picture_after_the_last_was_deleted(pushed):
    (view,) = pushed.upload(*named(1)).json["images"]
    pushed.client.delete(f"/api/v1/images/{view['picture']['id']}?study=skin", headers=pushed.site)
    assert pushed.upload(*named(1)).status_code == 201


def delete_all(site):
    listed = site.client.get("/api/v1/images?study=skin", headers=site.site).json["images"]
    for view in listed:
        site.client.delete(f"/api/v1/images/{view['id']}?study=skin", headers=site.site)


@pytest.mark.parametrize("state", ["queued", "training"])
def test_a_task_never_sees_pictures_that_came_in_the_place_of_deleted_ones(site, state):
    push = site.push()
    site.upload(*named(5))
    tasks, store = site.child.task_store, site.child.pictures
    tasks.add(task_of(push))
    if state == "training":
        tasks.begin("task-1")
    dealt = [example.row for example in store.deal("skin", "task-1", fraction=0, seed=1)]
    delete_all(site)
    site.upload(*[(f"{number}.png", picture(number)) for number in range(100, 107)])
    array = site.child.folder.array(STUDY)
    assert not array.open()[dealt].any()
    assert all(array.open()[row].any() for row in store.places("skin").values())
    # Once no task holds a place, the array begins anew with the first picture.
    delete_all(site)
    tasks.end("task-1", "cancelled")
    site.upload(*named(2))
    assert sorted(store.places("skin").values()) == [0, 1]
    assert len(array) == 2


def test_pictures_are_listed_by_when_they_were_added(pushed):
    pushed.upload(*named(2))
    middle = pushed.clock()
    pushed.upload(*named(3, start=10))

    def total(query: str) -> int:
        address = f"/api/v1/images?study=skin&{query}"
        return pushed.client.get(address, headers=pushed.site).json["total"]

    assert (total(f"until={middle}"), total(f"since={middle}")) == (2, 3)
    assert total(f"since={middle}&label=malignant") == 1
    answer = pushed.client.get("/api/v1/images?since=nan", headers=pushed.site)
    assert answer.status_code == 422


def test_pictures_that_look_alike_are_paired(pushed):
    pixels = np.random.default_rng(4).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    files = []
    for factor in (1.0, 0.9):
        file = io.BytesIO()
        Image.fromarray((pixels * factor).astype(np.uint8)).save(file, "PNG")
        files.append((f"benign_{factor}.png", file.getvalue()))
    stored = pushed.upload(*files, *named(5)).json["images"]
    address = "/api/v1/images/alike?study=skin"
    told = pushed.client.get(address, headers=pushed.site).json
    (pair,) = told["pairs"]
    ids = {view["picture"]["id"] for view in stored[:2]}
    assert {pair["one"]["id"], pair["other"]["id"]} == ids
    assert (told["looked"], told["total"]) == (7, 7)
    assert pushed.client.get(address, headers=pushed.master).status_code == 403
