"""The whole story in a real browser against real servers: from the first page to a model file."""

import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from benchmarks.walk.looks import hindrances
from engines.processes.webapp_server import new_link
from tests.chromium import CHROMIUM, FLAGS
from webapp.frame import pages_of

ROOT = Path(__file__).resolve().parents[2]
READY = "Commonsight is ready: "
CONNECTED = "[data-testid='stApp'][data-test-connection-state='CONNECTED']"
IDLE = "[data-test-script-state='notRunning']"
PATIENCE = 90_000
"""Milliseconds to wait for what a loaded machine takes long for."""

COLUMN = """title => {
  for (const table of document.querySelectorAll("table")) {
    const place = [...table.querySelectorAll("th")].map(th => th.innerText).indexOf(title);
    const rows = [...table.querySelectorAll("tbody tr")];
    if (place >= 0 && rows.length) return rows.map(row => row.children[place].innerText);
  }
}"""
"""The cells below a title, once there is a table that has it."""

FRAME_BY_FRAME = """() => {
  window.palest = 1;
  const look = () => {
    for (const one of document.querySelectorAll("[data-stale='true']")) {
      const style = getComputedStyle(one);
      if (style.filter === "none") palest = Math.min(palest, style.opacity);
    }
    requestAnimationFrame(look);
  };
  look();
}"""
"""How pale anything becomes that is about to be drawn anew, but what takes long and shows it."""

PICTURES = {"site-1": 8, "site-2": 20}
"""Unequal, so that an unweighted average would show other shares."""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo as `./run_all.sh` starts it: its address and its state folder."""
    state = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "engines.processes", "demo", "--state", str(state)]
    process = subprocess.Popen(
        [*command, "--port-base", "18500"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    try:
        yield _address(process), state
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def _address(process):
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith(READY):
            return line.removeprefix(READY).partition("/enter?")[0]
    raise AssertionError("The demo did not start:\n" + "".join(said))


@pytest.fixture
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Visitor:
    """Somebody at the browser; keeps what the browser asked of other hosts."""

    def __init__(self, browser, demo, width=1440, scheme="light"):
        self.address, state = demo
        context = browser.new_context(
            viewport={"width": width, "height": 1200}, color_scheme=scheme, locale="en-GB"
        )
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.strangers, self.violations = [], []
        self.page.on("request", self._note)
        self.page.on("console", self._hear)
        self.page.goto(new_link(state))
        self.page.wait_for_selector(CONNECTED)

    def _note(self, request):
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.strangers.append(request.url)

    def _hear(self, message):
        if "Content Security Policy" in message.text:
            self.violations.append(message.text)

    def open(self, name):
        self.page.goto(f"{self.address}/{name}")
        self.page.wait_for_selector(CONNECTED)

    def sees(self, words):
        expect(self.page.get_by_text(words).first).to_be_visible(timeout=PATIENCE)

    def hands(self, files):
        """Hands files over, once the uploader of what was sent before is gone."""
        uploader = self.page.locator("input[type=file]")
        expect(uploader).to_have_count(1)
        uploader.set_input_files(files)

    def presses(self, label):
        self.page.get_by_role("button", name=label).click()


def pictures_of(state, site):
    """Pictures to try at a site: of every class in turn, with the class in the name."""
    by_class = {}
    for path in sorted((state / "pictures-to-try" / site).iterdir()):
        by_class.setdefault(path.name.rsplit("_", 1)[0], []).append(path)
    assert len(by_class) >= 2
    return [path for some in zip(*by_class.values(), strict=False) for path in some]


def test_from_the_first_page_to_a_model_file(demo, browser, tmp_path):
    _, state = demo
    visitor = Visitor(browser, demo)

    visitor.open("")
    visitor.sees("The pictures stay home, the model travels")
    visitor.sees("No site has a labelled picture yet")

    visitor.open("sites")
    for name in PICTURES:
        card = visitor.page.locator("[data-testid=stVerticalBlock]", has_text=name).last
        expect(card).to_contain_text("received global model", timeout=PATIENCE)
    expect(visitor.page.get_by_text(re.compile(r"received global model.*HTTP 20\d"))).to_have_count(
        2, timeout=PATIENCE
    )
    expect(visitor.page.get_by_test_id("stMetric")).to_have_count(10, timeout=PATIENCE)

    for site, count in PICTURES.items():
        visitor.open(f"pictures?site={site}")
        chosen = pictures_of(state, site)[:count]
        visitor.hands(chosen)
        visitor.sees(re.compile(r"_\d+\.jpg"))
        visitor.presses(f"Add to {site}")
        visitor.sees(f"{count} stored, 0 already there, 0 refused.")
        visitor.sees(f"{count} pictures: {count} new since the last training, 0 without a label.")

    broken = tmp_path / "melanoma_99.jpg"
    broken.write_text("This is text, not a picture.")
    visitor.hands(broken)
    visitor.sees("melanoma_99.jpg")
    visitor.presses("Add to site-2")
    visitor.sees("0 stored, 0 already there, 1 refused.")

    visitor.open("train")
    rounds = visitor.page.get_by_label("Rounds", exact=True)
    rounds.fill("2")
    rounds.press("Enter")
    visitor.presses("Start the run")
    visitor.presses("Start now")
    visitor.sees(re.compile(r"Round 1 of 2"))

    visitor.open("results")
    expect(visitor.page.get_by_text("completed").first).to_be_visible(timeout=2 * PATIENCE)
    visitor.sees("2 / 2")
    visitor.page.get_by_role("tab", name="Sites").click()
    visitor.sees("✓ accepted")
    # Each site keeps a fifth for validation: 6 of 8 and 16 of 20 train, or nearly so.
    shares = [
        float(share.rstrip("\u00a0%")) for share in _column(visitor.page, "Weight in the mean")
    ]
    examples = [int(number) for number in _column(visitor.page, "Training pictures")]
    assert examples[0] < examples[1]
    assert shares == pytest.approx([100 * n / sum(examples) for n in examples], abs=0.06)
    visitor.page.get_by_role("tab", name="Model").click()
    visitor.sees("Tensor by tensor")
    visitor.page.get_by_role("tab", name="Evaluation").click()
    visitor.sees("Confusion matrix")

    with visitor.page.expect_download() as download:
        visitor.presses("Model of round 2 (.keras)")
    with zipfile.ZipFile(download.value.path()) as model:
        assert {"config.json", "metadata.json", "model.weights.h5"} <= set(model.namelist())
    with visitor.page.expect_download() as download:
        visitor.presses("History (CSV)")
    history = Path(download.value.path()).read_text()
    assert "site-1" in history
    assert "site-2" in history

    visitor.open("rewards")
    visitor.sees("Leaderboard")

    visitor.open("classify?site=site-1")
    visitor.sees("round 2")
    visitor.page.get_by_text("I may use this picture").click()
    visitor.hands(pictures_of(state, "site-2")[-1])
    visitor.sees("What the model makes of it")
    visitor.sees(re.compile(r"Most probable first: "))
    visitor.sees("Strength of the map")
    assert visitor.page.locator("img[alt*='a heat map over it']").count() == 1
    with visitor.page.expect_download() as download:
        visitor.presses("Report as PDF")
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    images = visitor.page.locator("[data-testid='stMain'] img").all()
    held = [str(image.get_attribute("src")) for image in images] + [download.value.url]
    assert {visitor.page.request.get(url).status for url in held} == {200}
    visitor.presses("Delete now")
    visitor.sees("this page holds nothing of the picture")
    visitor.page.wait_for_selector(IDLE)
    assert {visitor.page.request.get(url).status for url in held} == {404}

    assert visitor.strangers == []
    assert visitor.page.get_by_text("Traceback").count() == 0


def test_a_run_without_waiting_on_public_batches(demo, browser):
    _, state = demo
    visitor = Visitor(browser, demo)
    visitor.open("train")
    for choice in ("Without waiting", "Assigned batches"):
        visitor.page.get_by_role("radio", name=choice).click()
    # The demo offers its own batches; a first start packs them, and the page hears of it.
    expect(visitor.page.get_by_label("Where the batches lie", exact=True)).to_have_value(
        str(state / "batches")
    )
    every = visitor.page.get_by_text("Every 2 updates make a new version of the model.")
    expect(every).to_be_visible(timeout=2 * PATIENCE)
    rounds = visitor.page.get_by_label("Rounds", exact=True)
    rounds.fill("2")
    rounds.press("Enter")
    visitor.presses("Start the run")
    visitor.presses("Start now")
    visitor.sees(re.compile(r"Without waiting \(FedBuff\) · a batch for each site"))

    visitor.open("results?tab=sites")
    visitor.sees("Without waiting (FedBuff)")
    visitor.page.evaluate(FRAME_BY_FRAME)
    expect(visitor.page.get_by_text("completed").first).to_be_visible(timeout=2 * PATIENCE)
    visitor.sees("Updates that counted: 4")
    # The page refreshed itself meanwhile, and nothing of it flickered.
    assert visitor.page.evaluate("palest") == 1
    began = [int(number) for number in _column(visitor.page, "Began from round")]
    behind = [int(number) for number in _column(visitor.page, "Versions behind")]
    assert [b + age for b, age in zip(began, behind, strict=True)] == [1, 1]
    names = {entry["sha256"][:8] for entry in json.loads(_index(state))["batches"]}
    assert {work.removeprefix("batch ") for work in _column(visitor.page, "Work")} <= names
    assert visitor.strangers == []


def _index(state):
    return (state / "batches" / "index.json").read_text()


def _column(page, title):
    """The cells of a column of the first table that has it, without units."""
    # Looked at in one go: the page may draw its tables anew at any moment.
    cells = page.wait_for_function(COLUMN, arg=title, timeout=PATIENCE).json_value()
    return [cell.removesuffix(" %") for cell in cells]


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_every_page_fits_the_screen_and_is_for_everybody(demo, browser, width, scheme):
    visitor = Visitor(browser, demo, width, scheme)
    for name in ("", *pages_of("demo")):
        visitor.open(name)
        # The last line of every page: all above it is drawn.
        visitor.sees("Commonsight is for research and teaching")
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert visitor.page.evaluate(wider) <= 0, name
        assert visitor.page.locator("h1").count() == 1, name
        visitor.page.wait_for_selector(IDLE)
        assert hindrances(visitor.page) == [], name
    if width == 390:
        # The navigation covers the page there, and goes once something is chosen.
        visitor.page.get_by_test_id("stExpandSidebarButton").click()
        visitor.page.get_by_role("link", name="Sites").click()
        expect(visitor.page.locator("[data-testid=stSidebar]")).to_have_attribute(
            "data-collapsed", "true"
        )
    assert visitor.strangers == []
    assert visitor.violations == []


def test_a_stranger_is_told_how_to_get_a_link(demo, browser):
    page = browser.new_context(locale="en-GB").new_page()
    assert page.goto(f"{demo[0]}/overview").status == 401
    expect(page.get_by_text("./run_all.sh link")).to_be_visible()
    assert hindrances(page) == []
