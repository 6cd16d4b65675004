"""Bad pictures at a real child: a clear answer, nothing lost, nothing left behind."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.e2e.pictures import files, picture, png
from tests.e2e.running import new_study

STUDY = "bad-pictures"
SITE = "site-1"


def jpeg(mode="RGB", side=40):
    file = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", quality=95)
    return file.getvalue()


def png_that_declares(width, height):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def animated():
    file = io.BytesIO()
    frames = [Image.new("RGB", (12, 12), colour) for colour in ("red", "blue")]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    return file.getvalue()


REFUSED = {
    "text named .jpg": (b"Dear colleague, this is no picture at all.", {422}),
    "an empty file": (b"", {422}),
    "a truncated JPEG": (jpeg()[:-300], {422}),
    "a truncated PNG": (picture("red", 1)[:-30], {422}),
    "a PNG that declares 60000 x 60000": (png_that_declares(60_000, 60_000), {413}),
    "a file of 25 MB": (b"\xff\xd8\xff" + bytes(25_000_000), {413}),
    "an animated PNG": (animated(), {422}),
    "a GIF": (b"GIF89a" + bytes(100), {422}),
}

CONVERTED = {
    "a CMYK JPEG": jpeg("CMYK"),
    "a 16-bit PNG": png(np.arange(900, dtype=np.uint16).reshape(30, 30) * 64),
    "a grey JPEG": jpeg("L"),
}


@pytest.fixture(scope="module")
def child(running):
    new_study(running, STUDY, {SITE: {"blue": 2, "red": 3}})
    return running.children[SITE]


@pytest.fixture
def unchanged(running, child):
    """Fails the test if the site's store is not what it was before."""

    def contents():
        folder = running.state / "children" / SITE / "pictures"
        kept = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
        return child.get("/images", study=STUDY), counts(child), kept

    before = contents()
    yield
    assert contents() == before


def counts(child):
    (held,) = (held for held in child.status().studies if held.study.id == STUDY)
    return held.counts


def post(child, data, name="red.jpg", **fields):
    return child._session.post(
        f"{child.url}/api/v1/images",
        files={"file": (name, data)},
        data={"study": STUDY} | fields,
        timeout=60,
    )


@pytest.mark.parametrize("what", list(REFUSED))
def test_what_is_no_picture_is_refused_and_leaves_nothing(child, unchanged, what):
    data, statuses = REFUSED[what]
    response = post(child, data, label="red")
    assert response.status_code in statuses
    answer = response.json()
    assert answer["error"]
    assert len(answer["detail"]) > 20
    assert [image["status"] for image in answer["images"]] == ["refused"]


@pytest.mark.parametrize("what", list(CONVERTED))
def test_unusual_pictures_are_converted(child, what):
    response = post(child, CONVERTED[what], label="red")
    assert response.status_code == 201
    (image,) = response.json()["images"]
    assert image["status"] == "stored"
    child.call("DELETE", f"/images/{image['picture']['id']}", params={"study": STUDY})


def test_a_label_that_the_study_does_not_have_is_refused(child, unchanged):
    response = post(child, picture("red", 900), label="green")
    assert response.status_code == 422
    assert "blue" in response.json()["detail"]


def test_a_study_that_does_not_exist_is_refused(child, unchanged):
    assert post(child, picture("red", 901), study="elsewhere").status_code == 404


def test_a_form_without_a_file_is_refused(child, unchanged):
    response = child._session.post(f"{child.url}/api/v1/images", data={"study": STUDY}, timeout=60)
    assert response.status_code == 422


def test_the_same_picture_twice_is_stored_once(child):
    first = post(child, picture("red", 902), label="red")
    assert first.status_code == 201
    before = counts(child)
    again = post(child, picture("red", 902), name="copy.jpg", label="red")
    assert again.status_code == 200
    assert [image["status"] for image in again.json()["images"]] == ["duplicate"]
    assert counts(child) == before


def test_one_bad_file_does_not_cost_the_good_ones_beside_it(child):
    before = counts(child)
    good = files("red", [903, 904])
    views = child.add_pictures(STUDY, [good[0], ("bad.jpg", b"text"), good[1]], "red")
    assert [view.status for view in views] == ["stored", "refused", "stored"]
    assert counts(child)["red"] == before["red"] + 2


def test_a_file_name_says_the_label(child):
    (view,) = child.add_pictures(STUDY, [("Blue (3).png", picture("blue", 905))], None)
    assert (view.picture.label, view.label_source) == ("blue", "file_name")


@pytest.mark.parametrize("what", [what for what in REFUSED if what != "an empty file"])
def test_predictions_refuse_the_same(child, unchanged, what):
    data, statuses = REFUSED[what]
    response = child._session.post(
        f"{child.url}/api/v1/predict",
        files={"file": ("x.jpg", data)},
        data={"study": STUDY},
        timeout=60,
    )
    assert response.status_code in statuses
    assert set(response.json()) >= {"error", "detail"}
