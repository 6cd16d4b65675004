import pytest

from federated.views import Event
from webapp.events import sentence

SITES = {"n1": "clinic-a"}


@pytest.mark.parametrize(
    ("kind", "words", "told"),
    [
        ("task_leased", "Task x-1-n1 is leased", "clinic-a was asked to train for round 3"),
        (
            "task_failed",
            "Task x-1-n1 is failed: It has 2 of 10 pictures",
            "clinic-a could not train for round 3: It has 2 of 10 pictures",
        ),
        ("round_closed", "Round 3 is closed", "Round 3 is averaged; there is a new global model"),
        ("run_stopped", "The run is stopped: by hand", "The run was stopped: by hand"),
        ("something_new", "The *moon* rose", r"The \*moon\* rose"),
    ],
)
def test_events_are_told_as_sentences_about_sites(kind: str, words: str, told: str) -> None:
    event = Event(id=1, at=0, run="x", kind=kind, text=words, data={"node": "n1", "round": 3})
    assert sentence(event, SITES) == told


def test_a_site_that_is_not_known_is_still_a_site() -> None:
    event = Event(id=1, at=0, run=None, kind="task_leased", text="", data={"node": "?", "round": 1})
    assert sentence(event, SITES) == "a site was asked to train for round 1"


def test_a_reason_that_repeats_the_state_is_left_out() -> None:
    text = "The run was stopped: stopped by the operator"
    assert sentence(Event(id=1, at=0, run="x", kind="run_stopped", text=text), {}) == (
        "The run was stopped"
    )


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (201, "clinic-a has the global model of round 3"),
        (507, r"Site clinic-a\: the disk is full"),
        (None, r"Site clinic-a\: the disk is full"),
    ],
)
def test_only_a_model_that_was_taken_is_told_as_such(status: int | None, told: str) -> None:
    data = {"node": "n1", "round": 3, "http_status": status}
    event = Event(
        id=1, at=0, run=None, kind="model_sent", text="Site clinic-a: the disk is full", data=data
    )
    assert sentence(event, SITES) == told
