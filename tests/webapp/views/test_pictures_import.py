from tests.webapp import sample
from tests.webapp.conftest import Open, shown
from tests.webapp.scripted import CHILDREN, ScriptedServers, ok


def child(servers: ScriptedServers) -> dict:
    return servers.scripts[CHILDREN["site-1"]]


def test_a_source_is_looked_at_first(open_app: Open, servers: ScriptedServers) -> None:
    app = open_app("pictures", "site")
    source = next(box for box in app.selectbox if box.label == "Folder or archive")
    assert [option.replace("\u00a0", " ") for option in source.options] == [
        "older.zip · 3.1 MB",
        "ward_a",
    ]
    source.set_value("ward_a")
    next(box for box in app.selectbox if box.label == "Labels from").set_value("class-folders")
    next(button for button in app.button if button.label == "Look without storing").click().run()
    assert not app.exception
    (call,) = servers.made("POST", "imports")
    assert call.json == {
        "study": "skin",
        "source": "ward_a",
        "dry_run": True,
        "labels_from": "class-folders",
    }


def test_what_would_come_in_is_told_and_then_taken(
    open_app: Open, servers: ScriptedServers
) -> None:
    child(servers)["GET imports"] = ok({"imports": [sample.imported()]})
    app = open_app("pictures", "site")
    words = shown(app)
    assert "Nothing is stored yet" in words
    numbers, refusals = app.table[0].value, app.table[1].value
    assert list(numbers["Pictures"]) == ["7", "4", "5", "3"]
    assert list(refusals["For example"]) == ["a.txt"]
    take = next(button for button in app.button if button.label.startswith("Take in"))
    assert take.label.replace("\\", "") == "Take in 11 pictures of ward_a"
    take.click().run()
    (call,) = servers.made("POST", "imports")
    assert (call.json["dry_run"], call.json["labels_from"]) == (False, "class-folders")


def test_what_runs_survives_a_reload_and_can_be_stopped(
    open_app: Open, servers: ScriptedServers
) -> None:
    running = sample.imported(state="running", dry_run=False, looked=7, ended_at=None)
    child(servers)["GET imports"] = ok({"imports": [running]})
    child(servers)[f"DELETE imports/{running.id}"] = ok(b"", 204)
    app = open_app("pictures", "site")
    (bar,) = app.get("progress")
    assert bar.proto.text.replace("\\", "") == "Taking in ward_a: 7 files so far"
    assert not [box for box in app.selectbox if box.label == "Folder or archive"]
    app.button(key="stop-import").click().run()
    assert not app.exception
    assert servers.made("DELETE", f"imports/{running.id}")


def test_a_failure_and_a_child_without_a_folder(open_app: Open, servers: ScriptedServers) -> None:
    failed = sample.imported(state="failed", looked=0, detail="This file is no data set.")
    child(servers)["GET imports"] = ok({"imports": [failed]})
    app = open_app("pictures", "site")
    assert "This file is no data set." in app.error[0].value
    # A child of an older version knows neither question.
    del child(servers)["GET imports"], child(servers)["GET imports/sources"]
    app = open_app("pictures", "site")
    assert "--import-folder DIR" in shown(app)
    assert not app.error
