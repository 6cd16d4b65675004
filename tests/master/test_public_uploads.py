"""The master's own pictures: split once, counted once, refused with a reason."""

from __future__ import annotations

import io

from PIL import Image

from tests.master.federation import Federation


def picture(shade: int) -> io.BytesIO:
    data = io.BytesIO()
    Image.new("RGB", (9, 9), (shade, 0, 0)).save(data, "PNG")
    data.seek(0)
    return data


def test_public_pictures_are_split_and_counted_once(federation: Federation) -> None:
    federation.study()
    files = [(picture(number), f"benign_{number}.png") for number in range(40)]
    images = federation.call("POST", "/studies/skin/images", data={"file": files})
    assert images.status_code == 201
    parts = federation.get("/studies/skin")["pictures"]
    assert parts["audit"]["benign"] + parts["test"]["benign"] == 40
    assert parts["audit"]["benign"] > 8
    assert parts["test"]["benign"] > 8
    again = federation.call(
        "POST", "/studies/skin/images", data={"file": [(picture(3), "benign_3.png")]}
    )
    assert again.status_code == 200
    assert again.get_json()["images"][0]["status"] == "duplicate"


def test_a_label_is_stored_as_the_study_spells_it(federation: Federation) -> None:
    study = {"id": "moles", "name": "Moles", "classes": ["Mélanome", "母斑"], "size": 12}
    federation.post("/studies", study)
    for number, (name, form) in enumerate(
        [("x.png", {"label": "ME\u0301LANOME"}), ("me\u0301lanome.png", {}), ("母斑_1.png", {})]
    ):
        answer = federation.call(
            "POST",
            "/studies/moles/images",
            data={"file": [(picture(number), name)], "part": "test", **form},
        )
        assert answer.status_code == 201, answer.get_data(as_text=True)
    parts = federation.get("/studies/moles")["pictures"]
    assert parts["test"] == {"M\u00e9lanome": 2, "母斑": 1}


def test_refused_pictures_say_why_and_leave_nothing(federation: Federation) -> None:
    federation.study()
    for data, name, form, code in (
        (io.BytesIO(b"hello"), "benign.jpg", {}, "not_a_picture"),
        (picture(1), "benign.png", {"label": "tumour"}, "unknown_label"),
        (picture(1), "holiday.png", {}, "no_label"),
    ):
        answer = federation.call(
            "POST", "/studies/skin/images", data={"file": [(data, name)], **form}
        )
        assert answer.status_code == 422
        assert answer.get_json()["error"] == code
        assert answer.get_json()["images"][0]["status"] == "refused"
    assert federation.get("/studies/skin")["pictures"] == {}
    assert not list(federation.settings.state.glob("pictures/skin/*"))
