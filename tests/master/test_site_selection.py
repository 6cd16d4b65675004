"""Which sites a round takes, and what is said of the others."""

from __future__ import annotations

from tests.master.federation import Federation

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}, "training": {"epochs": 1}}


def test_a_site_with_too_few_pictures_is_left_out_with_the_reason(
    federation: Federation,
) -> None:
    federation.study()
    federation.site("clinic-a", labelled=20)
    federation.site("clinic-b", labelled=4)
    run = federation.run(**PLAN)
    view = federation.last_round(run)
    assert [task["node_name"] for task in view["tasks"]] == ["clinic-a"]
    assert view["excluded"][0]["node_name"] == "clinic-b"
    reason = "too few labelled pictures: 4, of which 4 would train; at least 5 must"
    assert view["excluded"][0]["reason"] == reason


def test_pictures_that_only_judge_do_not_count_towards_the_least(federation: Federation) -> None:
    federation.study()
    federation.site("clinic-a", labelled=10)
    plan = {"privacy": {"min_examples": 10}}
    answer = federation.call("POST", "/runs", json={"study": "skin", "plan": plan})
    assert "10, of which 8 would train; at least 10 must" in answer.get_json()["detail"]
    federation.site("clinic-b", labelled=1000)
    sly = {"privacy": {"min_examples": 10}, "training": {"validation_fraction": 0.995}}
    answer = federation.call("POST", "/runs", json={"study": "skin", "plan": sly})
    assert "1000, of which 4 would train; at least 10 must" in answer.get_json()["detail"]


def test_no_site_is_a_409_that_names_each_reason(federation: Federation) -> None:
    federation.study()
    federation.site("clinic-a", labelled=3)
    federation.join("clinic-b", approve=False)
    answer = federation.call("POST", "/runs", json={"study": "skin", "plan": PLAN})
    assert answer.status_code == 409
    assert answer.get_json()["error"] == "no_sites"
    assert "clinic-a: too few labelled pictures" in answer.get_json()["detail"]
    assert "clinic-b: not approved yet" in answer.get_json()["detail"]
