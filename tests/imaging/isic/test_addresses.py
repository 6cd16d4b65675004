"""Where an archive may send us: nowhere that only we can reach."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from imaging.errors import ArchiveRefused
from imaging.isic.addresses import check_address, resolve
from imaging.isic.archive import ARCHIVE_URL

NAMES = {
    "api.isic-archive.com": ["34.199.30.37"],
    "content.isic-archive.com": ["18.66.1.2", "2600:9000:2250::1"],
    "records.clinic.example": ["10.1.2.3"],
    "printer.example": ["18.66.1.2", "192.168.7.8"],
    "router.example": ["fe80::1%eth0"],
    "cloud.example": ["169.254.169.254"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "shared.example": ["100.64.0.1"],
    "many.example": ["224.0.0.1"],
    "localhost": ["::1", "127.0.0.1"],
    "8.8.8.8": ["8.8.8.8"],
    "2620:fe::fe": ["2620:fe::fe"],
    "127.0.0.1": ["127.0.0.1"],
    "2130706433": ["127.0.0.1"],
    "0x7f.1": ["127.0.0.1"],
    "134744072": ["8.8.8.8"],
    "0x8080808": ["8.8.8.8"],
}


def named(host: str) -> Sequence[str]:
    """A name service of the test."""
    return NAMES.get(host, ())


@pytest.mark.parametrize(
    "address",
    [
        "https://content.isic-archive.com/a/ISIC_0000000.jpg?Expires=1&Signature=x~y_%2F@z",
        "https://content.isic-archive.com:8443/a",
        "HTTPS://Content.ISIC-archive.com/a",
        # Nobody knows it here, but perhaps a proxy does.
        "https://unknown.example/a",
    ],
)
def test_servers_that_everybody_can_reach_are_asked(address: str) -> None:
    check_address(address, ARCHIVE_URL, named)


@pytest.mark.parametrize(
    "host", [name for name in NAMES if not name.startswith(("api", "content"))]
)
def test_numbers_and_inner_networks_are_not(host: str) -> None:
    written = f"[{host}]" if ":" in host else host
    with pytest.raises(ArchiveRefused, match=r"is a number|in a network of its own"):
        check_address(f"https://{written}/a", ARCHIVE_URL, named)


def test_what_is_refused_is_told_without_what_signs_it() -> None:
    with pytest.raises(ArchiveRefused) as caught:
        check_address("https://records.clinic.example/a?sig=secret", ARCHIVE_URL, named)
    assert "secret" not in str(caught.value)


def test_an_encrypted_archive_sends_to_encrypted_servers_only() -> None:
    address = "http://content.isic-archive.com/a"
    with pytest.raises(ArchiveRefused, match="not encrypted"):
        check_address(address, ARCHIVE_URL, named)
    check_address(address, "http://api.isic-archive.com/", named)


@pytest.mark.parametrize("archive", ["http://127.0.0.1:8000/api/v2/", "http://localhost/"])
def test_an_archive_within_a_network_may_send_to_others_within(archive: str) -> None:
    for host in ("127.0.0.1:9", "localhost", "records.clinic.example", "8.8.8.8"):
        check_address(f"http://{host}/a", archive, named)


def test_an_archive_that_is_a_number_is_not_thereby_within_a_network() -> None:
    check_address("https://134744072/a", "https://8.8.8.8/", named)
    with pytest.raises(ArchiveRefused, match="network of its own"):
        check_address("https://127.0.0.1/a", "https://8.8.8.8/", named)


@pytest.mark.parametrize(
    "address",
    [
        "https://content.isic-archive.com\\@127.0.0.1/a",
        "https://user@content.isic-archive.com/a",
        "https://content.isic-archive.com:99999/a",
        "https://content.isic-archive.com:0/a",
        "https://content.isic-archive.com\n/a",
        "https://content.isic-archive.com#@127.0.0.1/a",
        " https://content.isic-archive.com/a",
        "https://[not:an::address::]/a",
        "https://k\u00e4fer.example/a",
        "https:///a",
        "https://",
        "ftp://content.isic-archive.com/a",
        "file:///etc/passwd",
    ],
)
def test_addresses_of_another_form_are_refused(address: str) -> None:
    with pytest.raises(ArchiveRefused, match="another form"):
        check_address(address, ARCHIVE_URL, named)


def test_this_computer_knows_itself_by_name_and_by_number() -> None:
    assert "127.0.0.1" in resolve("localhost")
    assert resolve("127.1") == ["127.0.0.1"]
    assert resolve("x" * 64 + ".example") == ()
