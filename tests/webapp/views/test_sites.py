from federated.states import TaskState
from federated.views import NodeHistory, NodeTask
from tests.webapp import sample
from tests.webapp.conftest import Open, shown
from tests.webapp.hostile import EVIL, told_as_words
from tests.webapp.scripted import Script, ScriptedServers, ok


def test_statistics_of_the_weights_that_went_to_a_site(open_app: Open) -> None:
    app = open_app("sites", "console")
    expected = sample.weights(2).all
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Mean"] == f"{expected.mean:.3g}".replace("-", "\u2212")
    assert metrics["Maximum"] == f"{expected.max:.3g}"
    assert metrics.keys() == {"Mean", "Median", "Std. deviation", "Minimum", "Maximum"}


def test_a_push_that_failed_is_told_with_its_reason(open_app: Open, master: Script) -> None:
    failed = (
        sample.node("site-1", 1, 2)
        .received["skin"]
        .model_copy(update={"http_status": None, "detail": "The child did not answer"})
    )
    lost = sample.node("site-1", 1, 2, reachable=False, received={"skin": failed})
    master["GET nodes"] = ok({"nodes": [lost]})
    told = shown(open_app("sites", "console"))
    assert "The child did not answer" in told
    assert "no answer" in told
    assert "away" in told


def test_a_site_that_asks_is_let_in(
    open_app: Open, master: Script, servers: ScriptedServers
) -> None:
    asking = sample.node("site-1", 0, 0, state="pending")
    master["GET nodes"] = ok({"nodes": [asking]})
    app = open_app("sites", "console")
    app.button(key="approve-node-site-1").click().run()
    assert not servers.made("PATCH", "nodes/node-site-1")
    app.button(key="site-state").click().run()
    (call,) = servers.made("PATCH", "nodes/node-site-1")
    assert call.json == {"state": "active"}


def test_a_site_is_held_back_and_let_in_again(
    open_app: Open, master: Script, servers: ScriptedServers
) -> None:
    for before, after in [("active", "suspended"), ("suspended", "active")]:
        master["GET nodes"] = ok({"nodes": [sample.node("site-1", 1, 1, state=before)]})
        app = open_app("sites", "console", site="site-1")
        app.button(key="state-node-site-1").click().run()
        app.button(key="site-state").click().run()
        assert servers.made("PATCH", "nodes/node-site-1")[-1].json == {"state": after}


def test_how_closely_the_master_looks_is_told_with_word_icon_and_reason(
    open_app: Open, master: Script
) -> None:
    reason = "It goes 96 times as far as the median of the others."
    stories = {
        "checked": ("fact_check", "3 results in a row were good", {"good_results": 3}),
        "trusted": ("verified_user", "about one in 12", {"good_results": 12}),
        "watched": ("visibility", reason, {"good_results": 1, "standing_reason": reason}),
    }
    for standing, (icon, words, facts) in stories.items():
        node = sample.node("site-1", 1, 1, standing=standing, **facts)
        master["GET nodes"] = ok({"nodes": [node]})
        app = open_app("sites", "console")
        assert f":material/{icon}:" in shown(app)
        assert standing in shown(app)
        assert words in shown(app)


def test_a_join_token_comes_with_the_command_to_paste(
    open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app("sites", "console")
    next(button for button in app.button if button.label == "Make a join token").click().run()
    (call,) = servers.made("POST", "join-tokens")
    assert call.json == {"approve": True}
    command = app.code[-1].value
    assert command.endswith("--name my-site")
    app.segmented_control(key="way").set_value("push").run()
    assert app.code[-1].value == f"{command} --url http://127.0.0.1:8510"
    assert command.startswith("COMMONSIGHT_JOIN_TOKEN=join-once-1234 ")
    assert "--join-token" not in command
    assert "--master http://master.test" in command


def test_a_site_that_joins_the_demo_trains_with_a_single_picture_like_the_others(
    open_app: Open,
) -> None:
    app = open_app("sites", "demo")
    next(button for button in app.button if button.label == "Make a join token").click().run()
    assert app.code[-1].value.endswith(" --demo")


def test_nothing_that_a_site_says_is_taken_for_markdown(open_app: Open, master: Script) -> None:
    received = sample.node("a", 1, 2).received["skin"].model_copy(update={"detail": EVIL})
    for state in ("active", "pending"):
        node = sample.node("site-1", 1, 2, state=state, received={"skin": received})
        hostile = node.model_copy(update={"name": EVIL, "version": EVIL, "url": EVIL})
        study = sample.study()
        named = study.model_copy(update={"study": study.study.model_copy(update={"name": EVIL})})
        master["GET nodes"], master["GET studies"] = (
            ok({"nodes": [hostile]}),
            ok({"studies": [named]}),
        )
        app = open_app("sites", "console")
        assert not app.exception
        assert told_as_words(app)


def test_many_sites_are_a_table_in_pages_that_can_be_filtered(
    open_app: Open, master: Script
) -> None:
    sites = [sample.node(f"clinic-{n:02}", n, 2 * n, version="0.1.0") for n in range(50)]
    sites[7] = sites[7].model_copy(update={"reachable": False, "version": "0.2.0"})
    master["GET nodes"] = ok({"nodes": sites})
    app = open_app("sites", "console")
    (lines,) = [table.value for table in app.table]
    assert list(lines["Site"]) == [f"clinic-{n:02}" for n in range(20)]
    assert lines["Status"][7] == "○ away"
    assert lines["Pictures"][5] == "15"
    assert "0.1.0 at 49" in app.warning[0].value.replace("\\", "")
    app.segmented_control(key="site-filter").set_value("away").run()
    assert list(app.table[0].value["Site"]) == ["clinic-07"]
    app.text_input(key="site-search").set_value("no such").run()
    assert "No site fits this filter" in shown(app)


def test_one_site_tells_what_it_took_part_in_and_how_late_it_was(
    open_app: Open, master: Script
) -> None:
    tasks = [
        NodeTask(
            run=sample.RUN, round=number, state=state, reason=reason, at=sample.NOW, seconds=seconds
        )
        for number, state, reason, seconds in [
            (4, TaskState.LATE, "came 12 s after the deadline", 700.0),
            (3, TaskState.ACCEPTED, None, 20.0),
            (2, TaskState.ACCEPTED, None, 30.0),
            (1, TaskState.EXPIRED, "was not heard of", None),
        ]
    ]
    history = NodeHistory(states={"accepted": 2, "late": 1, "expired": 1}, tasks=tasks)
    master["GET nodes/node-site-1/history"] = ok(history)
    app = open_app("sites", "console", site="site-1")
    told = shown(app)
    assert "arrived 30 s after the site had taken the work (median), at most 12 min; 2 came" in told
    assert "came 12 s after the deadline" in told
    assert {metric.label: metric.value for metric in app.metric}["Accepted"] == "2"
    assert "site-2" not in "".join(heading.value for heading in app.header)
