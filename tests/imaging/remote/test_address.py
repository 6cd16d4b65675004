"""Addresses of folders elsewhere. What is refused stands in `test_batch_server.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from imaging.errors import WrongBatchUrl
from imaging.remote import Address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("/srv/skin", Address("/srv/skin", "file", "", None, "/srv/skin")),
        ("/srv/50%20/a b/", Address("/srv/50%20/a b", "file", "", None, "/srv/50%20/a b")),
        ("file:///srv/a%20b", Address("file:///srv/a%20b", "file", "", None, "/srv/a b")),
        ("http://h.org:81/x/", Address("http://h.org:81/x", "http", "h.org", 81, "/x")),
        ("https://h.org", Address("https://h.org", "https", "h.org", None, "")),
        ("ftp://h.org/a%20b", Address("ftp://h.org/a%20b", "ftp", "h.org", None, "/a b")),
        ("http://[::1]:80/x", Address("http://[::1]:80/x", "http", "::1", 80, "/x")),
        ("s3://les/26", Address("s3://les/26", "s3", "les", None, "/26")),
    ],
)  # fmt: skip
def test_an_address_is_taken_apart(url: str, address: Address) -> None:
    assert Address.parse(url) == address


def test_a_folder_of_this_machine_is_known_as_one() -> None:
    assert Address.parse("file:///srv/a%20b").folder == Path("/srv/a b")
    assert Address.parse("ftp://h.org/srv").folder is None


@pytest.mark.parametrize("url", ["http://ann:secret@h.org/x", "ftp://secret@h.org"])
def test_a_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(WrongBatchUrl) as refusal:
        Address.parse(url)
    assert "secret" not in refusal.value.detail
    assert "h.org" in refusal.value.detail
