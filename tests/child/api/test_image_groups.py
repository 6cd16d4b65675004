"""A word for pictures that were taken from the same: it decides their part, and is not kept."""

import pytest

from tests.child.conftest import named, picture


def everything(site):
    return b"".join(p.read_bytes() for p in site.child.state.root.rglob("*") if p.is_file())


def parts_by_group(site, words):
    """The parts of the pictures that had each word, by their numbers."""
    dealt = site.child.pictures.deal("skin", None, fraction=0.4, seed=1)
    part = {example.sha256: example.part for example in dealt}
    assert set(part.values()) == {"train", "validation"}
    return {word: {part[view["picture"]["id"]] for view in views} for word, views in words.items()}


def test_pictures_with_one_word_get_one_part(pushed):
    sent = {
        word: pushed.upload(*named(3, start=3 * number), group=word).json["images"]
        for number, word in enumerate(("lesion 1", "lesion 2", "lesion 3", "lesion 4"))
    }
    # A lesion gets more pictures once its part is dealt.
    parts_by_group(pushed, sent)
    for number, word in enumerate(sent):
        sent[word] += pushed.upload(*named(2, start=50 + 2 * number), group=word).json["images"]
    assert all(len(parts) == 1 for parts in parts_by_group(pushed, sent).values())


def test_each_file_may_have_a_word_of_its_own(pushed):
    words = ["a", "b", "", "a", "b", ""]
    views = pushed.upload(*named(6), group=words).json["images"]
    sent = {word: [v for v, w in zip(views, words, strict=True) if w == word] for word in "ab"}
    assert all(len(parts) == 1 for parts in parts_by_group(pushed, sent).values())
    refused = pushed.upload(*named(3), group=["a", "b"])
    assert refused.status_code == 422
    assert "one field 'group' for all files, or 3" in refused.json["detail"]


def test_the_word_is_neither_kept_nor_told(pushed):
    answer = pushed.upload(*named(2), group="PLANTED word")
    assert answer.status_code == 201
    listed = pushed.client.get("/api/v1/images?study=skin", headers=pushed.site)
    (group_hash,) = {row.group_hash for row in rows(pushed)}
    assert group_hash.encode() in everything(pushed)
    for text in (answer.text.encode(), listed.data, everything(pushed)):
        assert b"PLANTED" not in text
    for text in (answer.text, listed.text):
        assert group_hash not in text


def test_pictures_of_the_same_are_found_by_one_of_them(pushed):
    words = ["a", "b", "", "a", "a"]
    names = [v["picture"]["id"] for v in pushed.upload(*named(5), group=words).json["images"]]

    def found(place):
        url = f"/api/v1/images?study=skin&same_as={names[place]}"
        answer = pushed.client.get(url, headers=pushed.site).json
        assert all(picture["grouped"] for picture in answer["images"])
        return {picture["id"] for picture in answer["images"]}

    assert found(0) == found(4) == {names[0], names[3], names[4]}
    assert found(1) == {names[1]}
    # One without a word is like no other, not like all others without one.
    assert found(2) == set()


def rows(site):
    from sqlalchemy import select

    from child.store.picture_rows import PictureRow

    with site.child._database.read() as session:
        return session.execute(select(PictureRow.sha256, PictureRow.group_hash)).all()


def test_too_long_a_word_is_refused_and_nothing_is_stored(pushed):
    answer = pushed.upload(*named(40), group=[*["a"] * 39, "PLANTED" * 40])
    assert (answer.status_code, answer.json["error"]) == (422, "group_too_long")
    assert "PLANTED" not in answer.text
    assert not rows(pushed)


@pytest.mark.parametrize(("first", "second", "joins"), [("", "a", True), ("a", "b", False)])
def test_a_picture_sent_again_keeps_its_group_or_gets_its_first(pushed, first, second, joins):
    pushed.upload(("benign.png", picture(1)), group=first)
    (view,) = pushed.upload(("benign.png", picture(1)), group=second).json["images"]
    assert view["status"] == "duplicate"
    pushed.upload(("benign 2.png", picture(2)), group=second)
    assert (len({row.group_hash for row in rows(pushed)}) == 1) is joins
