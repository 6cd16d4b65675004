"""The credits page: who has what, and how the credits of a round arose."""

from federated.views import RoundCredits
from tests.webapp import sample
from tests.webapp.conftest import Open, shown
from tests.webapp.scripted import Script, ok


def test_a_round_tells_what_was_measured_and_what_each_update_brought(open_app: Open) -> None:
    app = open_app("rewards", "console", round="2")
    assert not app.exception
    told = shown(app)
    for words in (
        "The rule is **Shapley**",
        "started from was right for 70.0 % of the audit pictures",
        "The model of all updates is right for 77.9 %",
        "The average is over 6 orders; 8 models were measured",
        "100.00 credits were granted to 2 updates",
        "12.0 percentage points in all",
        "site-3,\N{MINUS SIGN}4.1,0.00,65.9 %,9",
        "6.3,52.50,76.3 %,15",
    ):
        assert words in told, words


def master_rounds(master: Script, *rounds: RoundCredits) -> None:
    found = sample.rewards().model_copy(update={"rounds": [*rounds]})
    master[f"GET runs/{sample.RUN}/rewards"] = ok(found)


def test_a_pending_round_tells_how_far_it_is(open_app: Open, master: Script) -> None:
    master_rounds(master, sample.credits_pending(2))
    told = shown(open_app("rewards", "console"))
    assert "12 models are measured so far, of at most 200" in told
    assert "Updates pending" in told
    assert "Credits of pending updates are still being worked out" in told
    assert "10.05" in told


def test_a_round_without_credits_tells_why_in_the_masters_words(
    open_app: Open, master: Script
) -> None:
    why = "The master has no audit pictures to measure the updates on."
    none = sample.credits_pending(2).model_copy(update={"state": "none", "reason": why})
    bare = sample.rewards().model_copy(update={"rounds": [none], "ledger": []})
    master[f"GET runs/{sample.RUN}/rewards"] = ok(bare)
    master["GET rewards"] = ok(bare)
    app = open_app("rewards", "console")
    assert not app.exception
    told = shown(app)
    assert why in told
    assert "The ledger has no entry yet" in told


def test_a_policy_and_a_state_of_a_newer_master_break_nothing(
    open_app: Open, master: Script
) -> None:
    newer = sample.credits_granted(2).model_copy(update={"policy": "banzhaf"})
    master[f"GET runs/{sample.RUN}/rewards"] = ok(
        sample.rewards().model_copy(update={"rounds": [newer]})
    )
    app = open_app("rewards", "console")
    assert not app.exception
    assert "+6.3" in shown(app)


def test_an_older_master_tells_no_round(open_app: Open, master: Script) -> None:
    master[f"GET runs/{sample.RUN}/rewards"] = ok({"ledger": [], "leaderboard": []})
    app = open_app("rewards", "console")
    assert not app.exception
    assert "which has not kept it" in shown(app)
