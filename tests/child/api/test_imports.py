"""Pictures of the site's own disk: a dry run, an import, and whatever must not be imported."""

import io
import tarfile
import zipfile

import pytest

from child.settings import _import_folder
from federated.errors import InvalidInput
from tests.child.conftest import Site, picture


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


@pytest.fixture
def importing(make_child, clock, disk):
    child = make_child(import_folder=disk)
    tokens = {role: {"Authorization": f"Bearer {child.tokens.mint(role)}"} for role in ROLES}
    site = Site(child, child.app.test_client(), clock, **tokens)
    site.push()
    return site


ROLES = ("site", "master")


def class_folders(folder):
    """Two benign and three malignant pictures, one of an unknown class, two that are none."""
    for name, numbers in {"benign": (1, 2), "Malignant": (3, 4, 5), "wart": (6,)}.items():
        (folder / name).mkdir(parents=True)
        for number in numbers:
            (folder / name / f"PLANTED {number}.png").write_bytes(picture(number))
    (folder / "benign" / "notes.txt").write_text("no picture")
    (folder / "benign" / "cut.png").write_bytes(picture(9)[:60])


def imported(site, source, **changes):
    """Starts an import and waits for its end."""
    body = {"study": "skin", "source": source, **changes}
    answer = site.client.post("/api/v1/imports", json=body, headers=site.site)
    assert answer.status_code == 202, answer.text
    site.child.imports._thread.join(30)
    return site.client.get(f"/api/v1/imports/{answer.json['id']}", headers=site.site).json


def reasons(view):
    return {one["reason"]: one["count"] for one in view["refusals"]}


def test_a_dry_run_counts_and_stores_nothing_and_the_import_does_as_it_said(importing, disk):
    class_folders(disk / "clinic")
    importing.upload(("benign.png", picture(2)))
    dry = imported(importing, "clinic")
    assert (dry["state"], dry["dry_run"], dry["layout"]) == (
        "done",
        True,
        "class folders in a folder",
    )
    assert dry["counts"] == {"benign": 1, "malignant": 3}
    assert (dry["looked"], dry["files"], dry["duplicates"], dry["refused"]) == (8, 8, 1, 3)
    assert reasons(dry)["The study has no class “wart”."] == 1
    assert reasons(dry)["Not a JPEG, PNG or DICOM picture."] == 1
    assert importing.child.pictures.tally("skin").labelled == 1
    real = imported(importing, "clinic", dry_run=False)
    told = ("counts", "unlabelled", "duplicates", "refused", "refusals", "looked")
    assert {name: real[name] for name in told} == {name: dry[name] for name in told}
    assert importing.child.pictures.tally("skin").counts == {"benign": 2, "malignant": 3}
    again = imported(importing, "clinic", dry_run=False)
    assert (again["counts"], again["duplicates"]) == ({}, 5)
    listed = importing.client.get("/api/v1/imports", headers=importing.site).json["imports"]
    assert [view["dry_run"] for view in listed] == [False, False, True]
    kept = b"".join(p.read_bytes() for p in importing.child.state.root.rglob("*") if p.is_file())
    assert b"PLANTED" not in kept


def test_archives_and_labels_from_names_and_groups_of_a_table(importing, disk):
    with zipfile.ZipFile(disk / "names.zip", "w") as archive:
        for name, number in {"benign_1": 1, "malignant_2": 2, "lesion_3": 3}.items():
            archive.writestr(f"{name}.png", picture(number))
    view = imported(importing, "names.zip", labels_from="file-names", dry_run=False)
    assert (view["counts"], view["unlabelled"]) == ({"benign": 1, "malignant": 1}, 1)
    rows = "image,label,patient_id\na,benign,7\nb,malignant,7\nc,benign,8\n"
    with tarfile.open(disk / "table.tar", "w") as archive:
        files = {f"{name}.png": picture(10 + place) for place, name in enumerate("abc")}
        for name, data in {"labels.csv": rows.encode(), **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    assert imported(importing, "table.tar", dry_run=False)["counts"] == {
        "benign": 2,
        "malignant": 1,
    }
    from tests.child.api.test_image_groups import rows as stored

    hashes = [row.group_hash for row in stored(importing)]
    assert hashes[:3] == [None] * 3
    assert hashes[3] == hashes[4] != hashes[5]


@pytest.mark.parametrize("name", ["../disk", "..", ".", "/etc", ".hidden", "link", "a.txt", "x\0"])
def test_nothing_but_what_is_listed_can_be_imported(importing, disk, name):
    (disk / "clinic").mkdir()
    (disk / ".hidden").mkdir()
    (disk / "link").symlink_to("/etc")
    (disk / "a.txt").write_text("a,b")
    listed = importing.client.get("/api/v1/imports/sources", headers=importing.site).json
    assert listed["configured"]
    assert [source["name"] for source in listed["sources"]] == ["clinic"]
    body = {"study": "skin", "source": name}
    answer = importing.client.post("/api/v1/imports", json=body, headers=importing.site)
    assert (answer.status_code, answer.json["error"]) == (404, "unknown_source")


def test_links_out_of_a_source_and_broken_archives_are_refused(importing, disk, tmp_path):
    class_folders(disk / "clinic")
    outside = tmp_path / "outside.png"
    outside.write_bytes(picture(20))
    (disk / "clinic" / "benign" / "link.png").symlink_to(outside)
    assert reasons(imported(importing, "clinic"))["A link that leads out of the data set."] == 1
    (disk / "broken.zip").write_bytes(b"PK\x03\x04 and nothing more")
    broken = imported(importing, "broken.zip")
    assert broken["state"] == "failed"
    assert broken["detail"]


def test_one_at_a_time_and_it_ends_when_it_is_stopped_or_the_child_closes(importing, disk):
    class_folders(disk / "clinic")
    imports, uploads = importing.child.imports, importing.child.uploads
    with uploads._storing:
        body = {"study": "skin", "source": "clinic", "dry_run": False}
        first = importing.client.post("/api/v1/imports", json=body, headers=importing.site).json
        second = importing.client.post("/api/v1/imports", json=body, headers=importing.site)
        assert (second.status_code, second.json["error"]) == (409, "import_running")
        address = f"/api/v1/imports/{first['id']}"
        assert importing.client.delete(address, headers=importing.site).status_code == 204
    imports._thread.join(30)
    assert imports.get(first["id"]).state in ("stopped", "done")
    imports.close()
    assert not imports._thread.is_alive()
    refused = importing.client.post("/api/v1/imports", json=body, headers=importing.site)
    assert refused.status_code == 409


def test_without_a_folder_and_without_the_sites_token(pushed, importing):
    body = {"study": "skin", "source": "clinic"}
    for method, path in (("get", "imports/sources"), ("get", "imports"), ("post", "imports")):
        call = getattr(importing.client, method)
        assert call(f"/api/v1/{path}", json=body, headers=importing.master).status_code == 403
        assert call(f"/api/v1/{path}", json=body).status_code == 401
    answer = pushed.client.post("/api/v1/imports", json=body, headers=pushed.site)
    assert (answer.status_code, answer.json["error"]) == (404, "no_import_folder")
    listed = pushed.client.get("/api/v1/imports/sources", headers=pushed.site).json
    assert listed["configured"] is False


def test_the_folder_is_there_and_apart_from_the_state(disk, tmp_path):
    assert _import_folder(str(disk), tmp_path / "state") == disk
    for folder, state in ((disk / "no", tmp_path / "state"), (disk, disk), (disk, disk / "state")):
        with pytest.raises(InvalidInput, match="import-folder"):
            _import_folder(str(folder), state)
