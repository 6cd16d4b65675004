"""A clinician: what is to be done, pictures, one picture classified, and taking part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from benchmarks.walk.servers import SITES, STUDY, VISIT, Stage, plan
from benchmarks.walk.walker import Walker
from webapp.texts import text
from webapp.words import short

SITE = SITES[0]
PDF = b"%PDF-"
ROUNDS = 40
"""Enough for a run that goes on once its plan has been read and approved."""


def walk(one: Walker, stage: Stage, folder: Path) -> None:
    """Walks the whole story.

    Args:
        one: Before the site's web app.
        stage: The servers.
        folder: For files that are handed over.
    """
    unseen = iter(stage.pictures["malignant"])
    one.enter(stage.link("site"))
    one.open("workbench")
    one.shoot("workbench")
    _adds(one, unseen, folder)
    _imports(one)
    _labels(one)
    _classifies(one, next(unseen))
    _decides(one, stage)
    one.open("model_card")
    with one.taking("# "):
        one.press("model_card.take")
    one.shoot("model-card")


def _adds(one: Walker, unseen: Iterator[Path], folder: Path) -> None:
    """Some pictures at once, one of which is none."""
    one.go("pictures")
    one.press("pictures.add", site=SITE)
    one.sees("pictures.none_chosen")
    broken = folder / "malignant_9.jpg"
    broken.write_text("No picture.")
    one.choose("pictures.label", "malignant")
    one.hand(next(unseen), next(unseen), broken)
    one.press("pictures.add", site=SITE)
    one.page.get_by_text(broken.name).first.wait_for()
    one.shoot("pictures-added")


def _imports(one: Walker) -> None:
    """A folder of the site's disk: looked at first, then taken in."""
    one.unfold("imports.title")
    one.press("imports.look")
    one.sees_words(VISIT)
    # A dry run of some files is over before anybody has read its lead.
    one.page.wait_for_timeout(2000)
    one.settle()
    one.shoot("import-looked")
    # Whoever walked before has taken it in already.
    take = one.page.get_by_role("button", name=VISIT)
    if take.count():
        take.click()
        one.sees("imports.taken", source=VISIT)
        one.shoot("import-taken")


def _labels(one: Walker) -> None:
    """The label of one picture, and the table of a whole page of them."""
    first = one.page.get_by_test_id("stPopover").get_by_role("button").first
    first.click()
    one.settle()
    one.shoot("label-of-one")
    # Its place was that in the tall window of the picture.
    one.page.keyboard.press("Escape")
    first.click()
    one.press("pictures.save")
    one.open("pictures", gallery="label")
    one.shoot("labels-of-a-page")


def _classifies(one: Walker, picture: Path) -> None:
    """From consent to deletion."""
    one.go("classify")
    one.shoot("classify-consent")
    one.tick("classify.consent")
    one.unfold("classify.taking")
    one.shoot("classify-how-to")
    one.hand(picture)
    one.sees("classify.result")
    one.page.locator("img[alt]").nth(1).wait_for()
    one.shoot("classify-answer")
    one.slide(text("classify.strength"), "ArrowLeft", 6)
    _looks(one)
    one.pick("opinion.disagree")
    one.choose("opinion.label", "benign" if _says(one, "malignant") else "malignant")
    one.fill(text("case.reference"), "A-17")
    one.shoot("classify-filled")
    with one.taking(PDF):
        one.press("case.as_pdf")
    with one.taking("A-17"):
        one.press("case.as_csv")
    one.press("forget.button")
    one.sees("forget.done")
    one.shoot("classify-deleted")


def _says(one: Walker, label: str) -> bool:
    """Whether that class is the model's answer."""
    return bool(one.page.get_by_role("heading", name=f"{label}:").count())


def _looks(one: Walker) -> None:
    """Both checklists, as the clinician fills them in."""
    one.unfold("checklist.abcde")
    for key, number in (("axes", "1"), ("segments", "4")):
        group = one.page.get_by_role("radiogroup", name=text(f"checklist.{key}"))
        group.get_by_text(number, exact=True).click()
        one.settle()
    for key in ("colour.light_brown", "colour.dark_brown", "structure.dots", "evolving.yes"):
        one.pick(key)
    one.unfold("checklist.seven")
    one.tick("sign.atypical_network")
    one.tick("checklist.all_seven")


def _decides(one: Walker, stage: Stage) -> None:
    """The site asks first; a plan comes, is read, and approved; hours, and a pause."""
    one.go("taking_part")
    one.pick("taking_part.mode_ask")
    one.press("taking_part.save")
    # A plan that this site has not seen: the language and the width make its seed.
    seed = crc32(str(one.setting).encode()) % 2**31
    asked = plan(rounds=ROUNDS, epochs=4).model_copy(update={"seed": seed})
    run = stage.federation.master.start_run(STUDY.id, asked).id
    # The page hears of it by itself.
    one.sees("taking_part.plan", plan=short(asked.sha256), study=STUDY.id)
    one.shoot("plan-asked")
    one.press("taking_part.approve")
    one.shoot("plan-approve")
    one.page.keyboard.press("Escape")
    one.press("taking_part.approve")
    one.press("taking_part.approve_confirm")
    stage.wait_for_end(run)
    if not any(
        update.node_name == SITE for update in stage.federation.master.rounds(run)[-1].updates
    ):
        one.faults.append("the site did not train by the plan that it had approved")
    one.tick("taking_part.hours")
    one.page.get_by_role("button", name=text("taking_part.save")).last.click()
    one.settle()
    one.press("taking_part.pause")
    one.sees("taking_part.paused")
    one.shoot("paused")
    one.press("taking_part.join")
    one.tick("taking_part.hours")
    one.page.get_by_role("button", name=text("taking_part.save")).last.click()
    one.settle()
    one.pick("taking_part.mode_automatic")
    one.press("taking_part.save")
    one.open("taking_part", routine=1)
    with one.taking(","):
        one.press("taking_part.take")
    one.shoot("taking-part")
