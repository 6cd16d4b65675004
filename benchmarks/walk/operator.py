"""An operator: lets a site in, starts a run and steers it, reads what it made, and the rest."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.walk.servers import Stage
from benchmarks.walk.walker import Walker
from webapp.texts import text
from webapp.views.plan_inputs import label_of

ROUNDS, EPOCHS = 20, 20
"""Enough for a run that is still under way when somebody looks at it."""
TABS = ("progress", "sites", "model", "evaluation", "audit", "credits", "events", "settings")


def walk(one: Walker, stage: Stage, folder: Path) -> None:
    """Walks the whole story.

    Args:
        one: Before the console.
        stage: The servers.
        folder: Not used: an operator hands no file over.
    """
    one.enter(stage.link("console"))
    one.open("overview")
    one.shoot("overview")
    guest = f"guest-{one.setting.language}-{one.setting.width}"
    try:
        _lets_in(one, stage, guest)
        _starts(one)
        _steers(one)
        run = stage.federation.master.get("/runs")["runs"][0]["id"]
        stage.wait_for_end(run)
        _reads(one, run)
        for page in ("compare", "rewards", "system", "model_card"):
            one.open(page)
            one.shoot(page)
        _suspends(one, guest)
        _never_takes_a_picture(one)
    finally:
        stage.dismiss(guest)


def _lets_in(one: Walker, stage: Stage, guest: str) -> None:
    """A token, the command at the site, and the second look."""
    one.go("sites")
    one.fill(text("sites.own_name"), guest)
    one.tick("sites.approve_at_once")
    one.press("sites.make_token")
    command = one.page.locator("[data-testid='stCode']").last.inner_text()
    one.shoot("token")
    token = re.search(r"COMMONSIGHT_JOIN_TOKEN=(\S+)", command)
    if token is None or guest not in command:
        one.faults.append("the command to paste has no token, or not the name that was asked for")
        return
    stage.invite(guest, token.group(1))
    one.button(text("sites.approve")).wait_for()
    one.shoot("asks")
    one.press("sites.approve")
    one.shoot("let-in")
    one.page.get_by_role("dialog").get_by_role("button").last.click()
    one.settle()
    one.open("sites", site=guest)
    one.shoot("site")


def _starts(one: Walker) -> None:
    """A preset is looked at; then the study's own plan, with a fault, and without."""
    one.go("train")
    one.press("train.preset_teaching")
    one.unfold("form.group_training")
    one.shoot("preset")
    one.open("train")
    one.fill(label_of("rounds"), "0")
    one.shoot("fault")
    one.fill(label_of("rounds"), str(ROUNDS))
    one.fill(label_of("training.epochs"), str(EPOCHS))
    one.press("train.start")
    one.page.get_by_role("dialog").wait_for()
    one.shoot("confirm")
    one.press("form.start_now")


def _steers(one: Walker) -> None:
    """While the run is under way: whom it waits for, a pause, and on."""
    one.open("overview")
    one.shoot("under-way")
    one.go("train")
    one.press("train.pause")
    one.button(text("train.resume")).wait_for()
    one.shoot("paused")
    one.press("train.resume")
    one.shoot("resumed")


def _reads(one: Walker, run: str) -> None:
    """Every tab of the run, and what can be taken away."""
    for tab in TABS:
        one.open("results", run=run, tab=tab)
        one.shoot(f"run-{tab}")
    with one.taking(b"PK"):
        one.press("results.keras", round=ROUNDS)
    with one.taking("<!doctype html>"):
        one.press("results.report")
    with one.taking(run):
        one.press("results.plan_file")
    with one.taking("round"):
        one.press("results.history")


def _suspends(one: Walker, guest: str) -> None:
    """The guest is held back, after a second look."""
    one.open("sites", site=guest)
    one.press("sites.suspend", name=guest)
    one.shoot("suspend")
    one.page.get_by_role("dialog").get_by_role("button").last.click()
    one.settle()
    one.button(text("sites.readmit", name=guest)).wait_for()
    one.open("sites")
    one.shoot("sites")


def _never_takes_a_picture(one: Walker) -> None:
    """No page of the console has a place for one."""
    for page in ("overview", "sites", "train", "results", "compare", "rewards", "system"):
        one.open(page)
        if one.page.locator("input[type=file]").count():
            one.faults.append(f"{page} of the console takes files")
