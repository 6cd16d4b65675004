from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from federated.messages import Heartbeat, JoinRequest, Progress
from federated.values import ServerUrl

COUNTS = {"benign": 12, "Melanoma (stage 1)": 7}


def heartbeat(**changes: Any) -> dict[str, Any]:
    return {"studies": {"skin": {"counts": COUNTS, "new_labelled": 3} | changes}}


def test_an_honest_heartbeat_passes() -> None:
    message = Heartbeat.model_validate(heartbeat() | {"tasks": ["a-1"], "version": "0.1.0+g12ab"})
    assert message.studies["skin"].counts == COUNTS


@pytest.mark.parametrize(
    "message",
    [
        heartbeat(counts={"benign": 10**30}),
        heartbeat(counts={"benign": 100_000_001}),
        heartbeat(counts={"benign": -1}),
        heartbeat(counts={"[a](http://b)": 1}),
        heartbeat(counts={f"class {i}": 1 for i in range(1001)}),
        heartbeat(new_labelled=10**30),
        {"studies": {f"s{i}": {} for i in range(1001)}},
        {"tasks": [f"t{i}" for i in range(1001)]},
        {"tasks": ["t" * 65]},
        {"version": "![a](b)"},
        {"version": "1" * 41},
        {"version": ""},
    ],
)
def test_a_heartbeat_beyond_every_measure_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Heartbeat.model_validate(message)


@pytest.mark.parametrize("field", ["epoch", "epochs", "step", "steps", "num_examples"])
def test_progress_counts_what_can_be_counted(field: str) -> None:
    assert Progress.model_validate({field: 10**6})
    with pytest.raises(ValidationError):
        Progress.model_validate({field: 10**10})


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8502",
        "https://clinic-a.example.org",
        "http://[::1]:8502",
        "http://localhost:1",
    ],
)
def test_addresses_of_servers(url: str) -> None:
    assert TypeAdapter(ServerUrl).validate_python(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://user:password@127.0.0.1",
        "http://127.0.0.1/admin",
        "http://127.0.0.1?x=1",
        "http://127.0.0.1#x",
        "http://127.0.0.1:8502/admin/delete?all=1#",
        "http://`a`",
        "http://[x](y)",
        "http://a b",
        "http://a\\b",
        "http://127.0.0.1:",
        "http://a..b",
        "http://127.0.0.1:123456",
        "http://127.0.0.1\n",
        "ftp://127.0.0.1",
        "http://",
    ],
)
def test_addresses_that_could_carry_more_than_a_server(url: str) -> None:
    with pytest.raises(ValidationError):
        Heartbeat(url=url)
    with pytest.raises(ValidationError):
        JoinRequest(join_token="a-join-token", name="a", url=url)
