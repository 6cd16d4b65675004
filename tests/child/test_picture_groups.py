import pytest

from child.picture_groups import LONGEST_WORD, PictureGroups, checked_word
from federated.errors import InvalidInput


def test_one_word_is_one_hash_for_as_long_as_the_secret_lives(tmp_path):
    path = tmp_path / "secrets" / "groups"
    first = PictureGroups(path).hash("skin", "lesion 7")
    assert PictureGroups(path).hash("skin", "lesion 7") == first
    assert len(first) == 64
    others = [("skin", "lesion 8"), ("moles", "lesion 7"), ("ski", "n/lesion 7")]
    assert first not in [PictureGroups(path).hash(*other) for other in others]
    assert PictureGroups(tmp_path / "another").hash("skin", "lesion 7") != first
    assert PictureGroups(path).hash("skin", "") is None


def test_the_secret_is_for_its_owner_alone(tmp_path):
    path = tmp_path / "groups"
    PictureGroups(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text()) >= 43


def test_a_word_counts_however_it_was_typed():
    assert checked_word("  Mu\u0308ller 3\n") == checked_word("M\u00fcller 3")
    assert checked_word(" \t") == ""


def test_too_long_a_word_is_refused_without_telling_it_again():
    assert checked_word("x" * LONGEST_WORD)
    with pytest.raises(InvalidInput, match="201 characters") as refusal:
        checked_word("Erika" + "x" * 196)
    assert "Erika" not in str(refusal.value)
