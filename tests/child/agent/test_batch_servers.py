"""Which addresses a site fetches from."""

import pytest

from child.agent.batch_servers import batch_servers
from federated.errors import NotAllowed
from imaging.errors import WrongBatchUrl

ANYWHERE = ["http://10.0.0.7:9000/a", "https://x.example", "ftp://x.example/skin", "s3://bucket/a"]
FOLDERS = ["/srv/skin", "file:///srv/skin"]


AWAY, HERE = "https://master.example:8443", "http://127.0.0.1:8501"


def allowed(url: str, *named: str, master: str = AWAY) -> bool:
    try:
        batch_servers(named, master).check(url)
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize("named", [(), ("https://x.example",)])
def test_a_refusal_says_what_the_operator_can_do(named):
    with pytest.raises(NotAllowed) as refusal:
        batch_servers(named, AWAY).check("/srv/skin")
    assert refusal.value.code == "batch_server_not_allowed"
    assert "the operator can add this one with --batch-servers" in refusal.value.problem


@pytest.mark.parametrize("url", ANYWHERE)
def test_any_server_may_be_used_unless_some_are_named(url):
    assert allowed(url)
    assert not allowed(url, "https://other.example")


@pytest.mark.parametrize("url", FOLDERS)
def test_folders_are_for_a_master_on_this_machine(url):
    assert allowed(url, master=HERE)
    assert allowed(url, master="http://[::1]:8501")
    assert not allowed(url, master="https://127.0.0.1.example")
    assert not allowed(url)
    assert allowed(url, "/srv")
    assert allowed(url, "file:///srv/skin/")
    assert not allowed(url, "https://x.example", master=HERE)


@pytest.mark.parametrize(
    ("url", "holds"),
    [
        ("https://x.example/skin", True),
        ("https://x.example/skin/v2", True),
        ("https://X.Example:443/skin/", True),
        ("https://x.example./skin", True),
        ("https://x.example/s%6Bin", True),
        ("https://x.example/skin-private", False),
        ("https://x.example/ski", False),
        ("https://x.example/Skin", False),
        ("https://x.example", False),
        ("https://x.example//skin", False),
        ("https://x.example.evil.example/skin", False),
        ("https://x.example:8443/skin", False),
        ("http://x.example/skin", False),
        ("https://x.example/skin/./..x", False),
        ("https://x.example/skin/a%5C..%5C..%5Csecret", False),
    ],
)
def test_whole_parts_of_an_address_count(url, holds):
    assert allowed(url, "ftp://y.example", "https://x.example/skin") is holds


@pytest.mark.parametrize(
    "url", ["https://x.example/skin/%2e%2e/secret", "https://x.example/skin/%2E./secret"]
)
def test_no_way_leads_up_again(url):
    with pytest.raises(WrongBatchUrl):
        allowed(url, "https://x.example/skin")


def test_a_bucket_has_case_and_a_host_has_none():
    assert allowed("s3://Bucket/a", "s3://Bucket")
    assert not allowed("s3://bucket/a", "s3://Bucket")


@pytest.mark.parametrize(
    "url", ["x.example/skin", "https://[::1/skin", "https://x.example:99999/a"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(WrongBatchUrl):
        allowed(url)
    with pytest.raises(WrongBatchUrl):
        allowed("https://x.example", url)


def test_only_what_is_named_is_read_with_the_sites_own_keys():
    servers = batch_servers(["s3://bucket/skin"], AWAY)
    assert servers.names("s3://bucket/skin/v2")
    assert not servers.names("s3://bucket/other")
    # Anything may be fetched from, and nothing is named.
    assert not batch_servers([], HERE).names("s3://bucket/skin")
