import datetime

import pytest
from streamlit.testing.v1 import AppTest

from tests.webapp import sample
from tests.webapp.conftest import Open, shown
from tests.webapp.scripted import CHILDREN, ScriptedServers, ok, refused
from webapp.views.pictures_counts import counts_csv
from webapp.views.pictures_gallery import UNLABELLED
from webapp.views.pictures_labels import changed


def add(app: AppTest, count: int) -> AppTest:
    files = [(f"benign_{place}.png", sample.png(place), "image/png") for place in range(count)]
    app.file_uploader[0].set_value(files)
    next(button for button in app.button if button.label == "Add to site-1").click().run()
    return app


def test_an_upload_is_answered_file_by_file(open_app: Open, servers: ScriptedServers) -> None:
    app = add(open_app("pictures"), 2)
    (call,) = servers.made("POST", "images")
    assert call.token == "token-site-1"
    assert b'filename="benign_1.png"' in call.body
    table = app.table[0].value
    assert list(table["What happened"]) == ["✓ stored", "× refused"]
    assert list(table["Pixels, sent → stored"]) == ["640 × 480 → 96 × 96", "–"]
    assert list(table["Label from"]) == ["the file's name", "–"]
    assert "1 stored, 0 already there, 1 refused." in shown(app)
    assert not app.file_uploader[0].value


def test_many_files_go_a_few_at_a_time(open_app: Open, servers: ScriptedServers) -> None:
    app = add(open_app("pictures"), 36)
    sent = [call.body.count(b"filename=") for call in servers.made("POST", "images")]
    assert sent == [8, 8, 8, 8, 4]
    # Of many files only those that were refused are told of, one in each of the five calls.
    assert "5 stored, 0 already there, 5 refused." in shown(app)
    assert list(app.table[0].value.columns) == ["File", "Reason"]
    assert len(app.table[0].value) == 5


def test_too_many_files_are_not_sent(
    open_app: Open, servers: ScriptedServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.views.pictures_adding.MOST_FILES", 2)
    app = add(open_app("pictures"), 3)
    assert "3 files are chosen" in app.warning[0].value
    assert not servers.made("POST", "images")


def test_pictures_of_one_patient_get_one_word(open_app: Open, servers: ScriptedServers) -> None:
    app = open_app("pictures")
    app.text_input[0].set_value("patient 7")
    add(app, 10)
    calls = servers.made("POST", "images")
    assert [call.body.count(b'name="group"\r\n\r\npatient 7\r\n') for call in calls] == [1, 1]
    assert not app.text_input[0].value
    add(app, 1)
    assert b'name="group"' not in servers.made("POST", "images")[-1].body


def test_a_site_that_goes_away_in_an_upload_is_told_file_by_file(
    open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app("pictures")
    servers.scripts[CHILDREN["site-1"]]["POST images"] = refused(507, "full", "The disk is full.")
    add(app, 3)
    table = app.table[0].value
    files = [name.replace("\\", "") for name in table["File"]]
    assert files == ["benign_0.png", "benign_1.png", "benign_2.png"]
    assert list(table["Reason"]) == ["The disk is full."] * 3


def test_adding_nothing_is_no_error(open_app: Open, servers: ScriptedServers) -> None:
    app = open_app("pictures")
    next(button for button in app.button if button.label == "Add to site-1").click().run()
    assert "No picture is chosen yet" in app.warning[0].value
    assert not servers.made("POST", "images")


def test_each_site_is_asked_with_its_own_token(open_app: Open, servers: ScriptedServers) -> None:
    app = open_app("pictures", site="site-2")
    assert app.segmented_control(key="choice-site").value == "site-2"
    assert {call.token for call in servers.calls} == {"token-site-2"}
    assert "Pictures stay at site-2" in shown(app)


def test_a_picture_gets_another_label(open_app: Open, servers: ScriptedServers) -> None:
    name = sample.picture(1, None).id
    app = open_app("pictures")
    app.selectbox(key=f"label-{name}").set_value("malignant").run()
    app.button(key=f"save-{name}").click().run()
    (call,) = servers.made("PATCH", f"images/{name}")
    assert call.json == {"study": "skin", "label": "malignant"}


def test_a_picture_is_deleted(open_app: Open, servers: ScriptedServers) -> None:
    name = sample.picture(4, None).id
    app = open_app("pictures")
    assert app.button(key=f"delete-{name}").disabled
    app.checkbox(key=f"sure-{name}").check().run()
    app.button(key=f"delete-{name}").click().run()
    assert len(servers.made("DELETE", f"images/{name}")) == 1


def test_every_thumbnail_says_what_it_is(open_app: Open) -> None:
    app = open_app("pictures")
    alts = [image.proto.imgs[0].alt for image in app.get("imgs") or app.get("image")]
    assert len(alts) == 6
    assert "labelled malignant" in alts[3]
    assert "labelled no label" in alts[5]


def test_the_gallery_shows_one_label(open_app: Open, servers: ScriptedServers) -> None:
    app = open_app("pictures")
    app.pills(key="filter-site-1").set_value("class:malignant").run()
    assert servers.made("GET", "images")[-1].query["label"] == "malignant"


def test_the_gallery_shows_what_has_no_label(open_app: Open, servers: ScriptedServers) -> None:
    app = open_app("pictures", "site")
    app.pills(key="filter-site-1").set_value(UNLABELLED).run()
    assert not app.exception
    query = servers.made("GET", "images")[-1].query
    assert query["unlabelled"] == "true"
    assert "label" not in query


def test_a_class_may_be_called_like_a_filter(open_app: Open, servers: ScriptedServers) -> None:
    odd = sample.STUDY.model_copy(update={"classes": ("all", "none")})
    held = sample.held(study=odd, counts={"all": 1, "none": 2})
    child = servers.scripts[CHILDREN["site-1"]]
    child["GET status"] = ok(sample.status(studies=[held]))
    app = open_app("pictures", "site")
    for label in odd.classes:
        app.pills(key="filter-site-1").set_value(f"class:{label}").run()
        query = servers.made("GET", "images")[-1].query
        assert (query["label"], "unlabelled" in query) == (label, False)


def test_labels_of_a_page_are_changed_together_and_saved_once(
    open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app("pictures", "site")
    app.segmented_control(key="gallery-site-1").set_value("label").run()
    assert not app.exception
    (editor,) = [frame for frame in app.dataframe if frame.proto.editing_mode]
    assert list(editor.value["label"].fillna("")) == [*["benign"] * 3, *["malignant"] * 2, ""]
    assert all(cell.startswith("data:image/") for cell in editor.value["shown"])
    next(button for button in app.button if button.label == "Save these labels").click().run()
    assert "No label was changed." in shown(app)


def test_only_what_was_changed_is_saved() -> None:
    before = [sample.picture(place, label) for place, label in enumerate(["benign", None, "x"])]
    after = ["malignant", None, None]
    assert changed(before, after) == {before[0].id: "malignant", before[2].id: None}


def test_pictures_of_some_days(open_app: Open, servers: ScriptedServers) -> None:
    app = open_app("pictures", "site")
    days = (datetime.date(2026, 3, 2), datetime.date(2026, 3, 5))
    app.date_input(key="days-site-1").set_value(days).run()
    query = servers.made("GET", "images")[-1].query
    assert float(query["until"]) - float(query["since"]) == 4 * 86400


def test_a_reload_finds_what_was_chosen(open_app: Open, servers: ScriptedServers) -> None:
    mark = sample.picture(2, None).id
    days = {"from": "2026-03-02", "until": "2026-03-05"}
    chosen = {"label": "class:malignant", "number": "3", **days}
    child = servers.scripts[CHILDREN["site-1"]]
    child["GET images"] = ok({"images": [sample.picture(9, "benign")], "total": 60})
    app = open_app("pictures", "site", **chosen, **{"with": mark})
    query = servers.made("GET", "images")[-1].query
    assert query["label"] == "malignant"
    assert query["same_as"] == mark
    assert query["offset"] == "48"
    assert float(query["until"]) - float(query["since"]) == 4 * 86400
    assert app.pills(key="filter-site-1").value == "class:malignant"
    app.pills(key="filter-site-1").set_value("class:benign").run()
    query = servers.made("GET", "images")[-1].query
    assert (query["label"], query["offset"]) == ("benign", "0")
    app.button(key="of-all").click().run()
    assert "same_as" not in servers.made("GET", "images")[-1].query


def test_only_what_has_a_word_leads_to_what_is_of_the_same(
    open_app: Open, servers: ScriptedServers
) -> None:
    one, other = sample.picture(1, None), sample.picture(2, None)
    grouped = other.model_copy(update={"grouped": True})
    child = servers.scripts[CHILDREN["site-1"]]
    child["GET images"] = ok({"images": [one, grouped], "total": 2})
    app = open_app("pictures", "site", label="none")
    assert not [button for button in app.button if button.key == f"same-{one.id}"]
    app.button(key=f"same-{grouped.id}").click().run()
    query = servers.made("GET", "images")[-1].query
    assert query["same_as"] == grouped.id
    assert "unlabelled" not in query


def test_the_counts_are_a_file_without_any_picture() -> None:
    lines = counts_csv(sample.held(counts={"benign": 3, "malignant": 2}, unlabelled=1))
    assert lines.decode("utf-8-sig").splitlines() == [
        "study,class,pictures",
        "skin,benign,3",
        "skin,malignant,2",
        "skin,,1",
    ]


def test_pictures_that_look_alike_are_shown_when_asked_for(
    open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app("pictures", "site")
    assert not servers.made("GET", "images/alike")
    app.toggle(key="alike-site-1-skin").set_value(True).run()
    assert not app.exception
    assert "2 pairs look alike, of the newest 6 of 6 pictures." in shown(app)
    key = f"alike-0-1-{sample.picture(3, None).id}"
    app.checkbox(key=f"sure-{key}").check().run()
    app.button(key=f"delete-{key}").click().run()
    assert servers.made("DELETE", f"images/{sample.picture(3, None).id}")
