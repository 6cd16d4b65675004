"""What a headless training tells of credits, and that it waits for them."""

from __future__ import annotations

from engines.processes.credits import as_document, await_credits, reasons, rows_of
from engines.processes.report import tables
from federated.views import CreditShare, Rewards, RoundCredits


def round_(number: int, state: str = "granted", **facts: object) -> RoundCredits:
    share = CreditShare(
        task=f"t{number}",
        node="n1",
        node_name="site-1",
        num_examples=31,
        compared=None,
        contribution=None if state == "pending" else 0.0425,
        credits=100.0 if state == "granted" else 0.0,
    )
    known = {"run": "r", "policy": "shapley", "pool": 100, "created_at": 1.0, "updates": [share]}
    return RoundCredits.model_validate(known | {"round": number, "state": state} | facts)


class Answers:
    """A master that answers one thing after the other."""

    def __init__(self, *rounds: list[RoundCredits]) -> None:
        self.rounds = list(rounds)

    def get(self, path: str) -> object:
        assert path == "/runs/r/rewards"
        rewards = Rewards(ledger=[], leaderboard=[], rounds=self.rounds.pop(0))
        return rewards.model_dump(mode="json")


def test_a_training_waits_until_no_credit_is_pending(monkeypatch, capsys) -> None:
    monkeypatch.setattr("engines.processes.credits.POLL_SECONDS", 0)
    pending, done = [round_(2, "pending"), round_(1)], [round_(2), round_(1)]
    master = Answers(pending, pending, done)
    assert [one.round for one in await_credits(master, "r")] == [1, 2]
    assert master.rounds == []
    assert "".join(capsys.readouterr()).count("Measuring what each update was worth") == 1


def test_credits_are_a_table_and_what_was_not_granted_has_its_reason() -> None:
    why = "The master has no audit pictures to measure the updates on."
    rounds = [round_(1), round_(2, "none", reason=why), round_(3, "none", reason=why)]
    text = tables([], None, rounds)
    rows = [line.split() for line in text.splitlines()]
    assert ["1", "shapley", "site-1", "31", "+0.0425", "100.000"] in rows
    assert text.endswith(f"No credits in rounds 2, 3: {why}")
    assert reasons(rounds[:2]) == [f"No credits in round 2: {why}"]
    assert rows_of([])[1] == []
    assert "Credits" not in tables([], None, rounds[1:])
    assert as_document(rounds)[0]["updates"][0]["credits"] == 100.0


def test_after_several_rounds_the_sum_of_each_site_is_told_the_most_first() -> None:
    own = round_(1).updates[0]
    other = own.model_copy(update={"node": "n2", "node_name": "site-2", "credits": 60.0})
    little = own.model_copy(update={"credits": 40.0})
    rounds = [round_(1, updates=[little, other]), round_(2, updates=[little]), round_(3, "none")]
    text = tables([], None, rounds)
    rows = [line.split() for line in text.splitlines()]
    assert rows[-2:] == [["site-1", "2", "80.000"], ["site-2", "1", "60.000"]]
    # Of a single round it would be the same once more.
    assert tables([], None, rounds[:1]).splitlines()[-1].split()[0] == "1"
