"""Takes the pictures of the guides again, in a real browser: one function a picture.

    python docs/screenshots.py --url http://127.0.0.1:8500 playground replay

The pages of the classroom need no server: `python -m streamlit run webapp/app.py` is enough. The
others need a demo with some rounds behind it (`./run_all.sh`), a `--link` to sign in with
(`./run_all.sh link`), and `COMMONSIGHT_PICTURE` for the file that is classified; `results` shows
the newest run, or the one of which `COMMONSIGHT_RUN` is the id. Chromium is found as `--chromium`.
"""

from __future__ import annotations

import argparse
import io
import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import FloatRect, Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
WIDTH = 1180
GROUNDS = 32
"""Colours that a picture keeps exactly: the most frequent ones."""
PATIENCE = 60_000
"""Milliseconds that a page may take to be drawn."""


def opened(page: Page, url: str, path: str, **query: object) -> None:
    """Opens a page of the web app and waits until it is drawn."""
    page.goto(f"{url}/{path}?{urlencode({'lang': 'en', **query})}")
    connected = "[data-testid='stApp'][data-test-connection-state='CONNECTED']"
    page.wait_for_selector(connected, timeout=PATIENCE)
    settled(page)


def settled(page: Page) -> None:
    """Waits until the page is drawn."""
    page.wait_for_selector("[data-test-script-state='notRunning']", timeout=PATIENCE)
    page.wait_for_timeout(1500)
    page.wait_for_selector("[data-test-script-state='notRunning']", timeout=PATIENCE)


def tall(page: Page, height: int) -> None:
    """Makes the window as high as what is to be seen, and waits until the page is drawn anew."""
    page.set_viewport_size({"width": WIDTH, "height": height})
    settled(page)


def story(page: Page, url: str) -> None:
    """The six panels; the first page of the classroom has the bare address."""
    opened(page, url, "")
    page.get_by_role("link", name="Story").click()
    settled(page)
    page.set_viewport_size({"width": WIDTH, "height": 1500})


def by_hand(page: Page, url: str) -> None:
    """Three sites, and their mean as arithmetic."""
    opened(page, url, "by_hand")


def playground(page: Page, url: str) -> None:
    """The scenario in which each site knows a part, after six rounds."""
    opened(page, url, "playground", preset="uneven", alpha=0.15, epochs=5, seed=4, round=6)
    page.set_viewport_size({"width": WIDTH, "height": 1250})


def hostile(page: Page, url: str) -> None:
    """Two federations side by side: the mean and the median, with one hostile site."""
    one = {"sites": 6, "alpha": 3.0, "hostile": "flip"}
    two = {f"b_{name}": value for name, value in one.items()} | {"b_strategy": "median"}
    opened(page, url, "playground", preset="hostile", **one, **two, two=1, round=5)
    page.set_viewport_size({"width": WIDTH, "height": 1450})


def predict(page: Page, url: str) -> None:
    """The question that comes before the answer."""
    query = {"preset": "uneven", "alpha": 0.15, "epochs": 5, "seed": 4}
    opened(page, url, "playground", **query, predict=1)
    page.set_viewport_size({"width": WIDTH, "height": 1150})


def replay(page: Page, url: str) -> None:
    """One filter of a real run, as each site returned it."""
    opened(page, url, "replay", round=2, filter=12)
    page.set_viewport_size({"width": WIDTH, "height": 1500})


def quiz(page: Page, url: str) -> None:
    """A question of the quiz with its explanation."""
    opened(page, url, "quiz")
    page.get_by_text("The changed weights, and how many").first.click()
    page.get_by_text("0.5", exact=True).click()
    settled(page)


def classify(page: Page, url: str) -> None:
    """A picture at a site, from what arrived to the model's answer."""
    _classified(page, url)
    page.get_by_text("What arrived").scroll_into_view_if_needed()
    tall(page, 2900)


def checklists(page: Page, url: str) -> None:
    """The clinician's own look and opinion, filled in."""
    _classified(page, url)
    page.get_by_text("ABCDE", exact=True).click()
    settled(page)
    for label, number in (("A: asymmetry", "1"), ("B: border", "4")):
        page.get_by_role("radiogroup", name=label).get_by_text(number, exact=True).click()
        settled(page)
    for word in ("light brown", "dark brown", "black", "pigment network", "dots", "globules"):
        page.get_by_text(word, exact=True).click()
        settled(page)
    page.get_by_text("I disagree").click()
    settled(page)
    page.get_by_role("combobox", name="Your own class").click()
    page.get_by_role("option").first.click()
    tall(page, 4100)


def _classified(page: Page, url: str) -> None:
    """The page Classify with an answer to the file that `COMMONSIGHT_PICTURE` names."""
    opened(page, url, "classify")
    page.get_by_text("I may use this picture").click()
    settled(page)
    page.locator("input[type=file]").set_input_files(os.environ["COMMONSIGHT_PICTURE"])
    page.get_by_text("What the model makes of it").wait_for(timeout=PATIENCE)
    settled(page)


def overview(page: Page, url: str) -> None:
    """The demo's first page, once something has been trained."""
    opened(page, url, "overview")
    tall(page, 1100)


def pictures(page: Page, url: str) -> None:
    """What a site holds, from the counts to the gallery."""
    opened(page, url, "pictures", site="site-3")
    tall(page, 1100)
    page.get_by_role("heading", name="What the site holds").evaluate("one => one.scrollIntoView()")
    page.wait_for_timeout(1000)


def training(page: Page, url: str) -> None:
    """A round under way."""
    opened(page, url, "train")
    tall(page, 820)


def console_overview(page: Page, url: str) -> None:
    """What the operator sees first, with a round under way."""
    opened(page, url, "overview")
    tall(page, 1500)


def console_sites(page: Page, url: str) -> None:
    """Many sites as a table."""
    opened(page, url, "sites")
    tall(page, 1100)


def console_new_run(page: Page, url: str) -> None:
    """A new run from a preset, with one group of settings open."""
    opened(page, url, "train", plan="teaching")
    if page.get_by_text("Prepare another run of this study").count():
        page.get_by_text("Prepare another run of this study").click()
        settled(page)
    page.get_by_text("Training at the sites", exact=True).click()
    settled(page)
    page.get_by_role("heading", name="A new run").scroll_into_view_if_needed()
    tall(page, 1800)


def console_credits(page: Page, url: str) -> None:
    """Who earned what."""
    opened(page, url, "rewards")
    tall(page, 1300)


def console_system(page: Page, url: str) -> None:
    """The master itself."""
    opened(page, url, "system")
    tall(page, 1200)


def results(page: Page, url: str) -> None:
    """A run from its figures to its course."""
    run = {"run": os.environ["COMMONSIGHT_RUN"]} if "COMMONSIGHT_RUN" in os.environ else {}
    opened(page, url, "results", **run)
    tall(page, 1300)


# What the page shows of the whole: from a heading to the one that ends it.
PARTS: Mapping[str, tuple[str, str]] = {
    "classify": ("What arrived", "Your own look"),
    "checklists": ("Your own look", "Report of one picture"),
}

PICTURES: Mapping[str, Callable[[Page, str], None]] = {
    "story": story,
    "by-hand": by_hand,
    "playground": playground,
    "hostile": hostile,
    "predict": predict,
    "replay": replay,
    "quiz": quiz,
    "classify": classify,
    "checklists": checklists,
    "overview": overview,
    "pictures": pictures,
    "training": training,
    "console-overview": console_overview,
    "console-sites": console_sites,
    "console-new-run": console_new_run,
    "console-credits": console_credits,
    "console-system": console_system,
    "results": results,
}


def written(content: bytes, path: Path) -> None:
    """Writes a picture in few colours, which takes a third of the room."""
    with Image.open(io.BytesIO(content)) as picture:
        whole = picture.convert("RGB")
        # By coverage: the thin lines of a chart keep their colours beside large grounds. By the
        # median: a photograph keeps its shades.
        half = (256 - GROUNDS) // 2
        rest: list[int] = []
        for method in (Image.Quantize.MAXCOVERAGE, Image.Quantize.MEDIANCUT):
            rest += whole.quantize(half, method).getpalette() or []
        # The grounds themselves are to stay what they are.
        counted = Counter(zip(*[iter(whole.tobytes())] * 3, strict=True)).most_common(GROUNDS)
        grounds = [part for colour, _ in counted for part in colour]
        palette = Image.new("P", (1, 1))
        palette.putpalette((grounds + rest)[: 256 * 3])
        whole.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)


def part(page: Page, name: str) -> FloatRect | None:
    """What of the page the picture shows; None for all of it."""
    if name not in PARTS:
        return None
    boxes = [page.get_by_role("heading", name=words).bounding_box() for words in PARTS[name]]
    first, last = (box or {"x": 0.0, "y": 0.0} for box in boxes)
    top, edge = first["y"] - 12, first["x"] - 24
    return {"x": edge, "y": top, "width": WIDTH - edge, "height": last["y"] - 12 - top}


def main() -> None:
    """Takes the pictures that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="address of the web app")
    parser.add_argument("--link", help="one-time link to sign in with: `./run_all.sh link`")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="the browser")
    parser.add_argument("pictures", nargs="*", metavar="PICTURE", help=", ".join(PICTURES))
    chosen = parser.parse_args()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chosen.chromium, args=["--no-sandbox"])
        context = browser.new_context(color_scheme="light", locale="en-GB")
        if chosen.link:
            context.new_page().goto(chosen.link)
        for name in chosen.pictures or PICTURES:
            page = context.new_page()
            page.set_viewport_size({"width": WIDTH, "height": 1000})
            PICTURES[name](page, chosen.url.rstrip("/"))
            page.wait_for_timeout(1200)
            written(page.screenshot(clip=part(page, name)), IMAGES / f"{name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
