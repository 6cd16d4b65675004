"""Somebody at a browser, who knows the words of a page by their keys and not by their language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from benchmarks.browser import ALL_THERE, FLAGS, IDLE, PATIENCE, STILL, chromium
from benchmarks.walk.looks import faults_of
from webapp.language import LANGUAGES, PARAMETER
from webapp.texts import text

LOCALES = {"en": "en-GB", "zh": "zh-CN", "ru": "ru-RU"}
DESK, PHONE = 1440, 390
"""Widths in pixels."""
HEIGHTS = {DESK: 1000, PHONE: 844}
TALLEST = 6000
"""Pixels of a picture's height: of a longer page the beginning."""
TRIES = 3
"""A page that is drawn anew just then closes a list that was opened."""
HOST = "127.0.0.1"
PHONE_AGENT = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Mobile Safari/537.36"
)
"""By this a page knows that it is on a phone, and closes its navigation after a choice."""


@dataclass(frozen=True, slots=True)
class Setting:
    """In what a story is walked.

    Attributes:
        language: One of `webapp.language.LANGUAGES`.
        width: Of the window, in pixels.
        scheme: `light` or `dark`.
    """

    language: str
    width: int
    scheme: str

    def __str__(self) -> str:
        return f"{self.language}-{self.width}-{self.scheme}"


class Walker:
    """One person at one browser.

    Args:
        page: Of Playwright.
        address: Of this person's web app.
        setting: Language, width and colours.
        album: Folder of the pictures.
        names: Words of the data itself, which no language changes.
    """

    def __init__(
        self, page: Any, address: str, setting: Setting, album: Path, names: Sequence[str]
    ) -> None:
        self.page = page
        self.setting = setting
        self.faults: list[str] = []
        self.steps = 0
        self._address = address
        self.album = album
        self._names = names
        page.set_default_timeout(PATIENCE)
        page.on("request", self._asked)
        page.on("console", self._heard)

    def open(self, name: str, **query: object) -> None:
        """Opens a page by its name."""
        asked = urlencode({PARAMETER: self.setting.language, **query})
        self.page.goto(f"{self._address}/{name}?{asked}")
        self.settle()

    def enter(self, link: str) -> None:
        """Signs in with a one-time link."""
        self.page.goto(link)
        self.settle()

    def go(self, name: str) -> None:
        """Goes to a page by the navigation."""
        self.navigation()
        self.page.get_by_role("link", name=ending(text(f"nav.{name}"))).first.click()
        self.settle()

    def navigation(self) -> None:
        """Opens the navigation, which a phone hides behind a button."""
        opener = self.page.get_by_test_id("stExpandSidebarButton")
        if self.setting.width == PHONE and opener.count():
            opener.click()
            self.page.wait_for_timeout(400)

    def settle(self) -> None:
        """Waits until the page is drawn, whatever it draws."""
        self.page.wait_for_selector(IDLE, timeout=PATIENCE)
        self.page.wait_for_timeout(400)
        self.page.wait_for_selector(STILL, timeout=PATIENCE)
        self.page.wait_for_function(ALL_THERE, timeout=PATIENCE)

    def press(self, key: str, **values: object) -> None:
        """Presses the button with that text."""
        self.button(text(key, **values)).click()
        self.settle()

    def button(self, label: str) -> Any:
        """The button of that label, its icon's name aside."""
        return self.page.get_by_role("button", name=ending(label)).first

    def pick(self, key: str, **values: object) -> None:
        """Picks the option with that text: of a radio, of pills or of a segmented control."""
        self.page.get_by_text(text(key, **values), exact=True).first.click()
        self.settle()

    def tick(self, key: str, **values: object) -> None:
        """Ticks or unticks the box with that text."""
        label = text(key, **values)
        self.page.get_by_test_id("stCheckbox").filter(has_text=label).locator("label").first.click()
        self.settle()

    def unfold(self, key: str, **values: object) -> None:
        """Opens what is folded away under that text, where it is not open yet."""
        head = self.page.locator("details > summary").filter(has_text=text(key, **values)).first
        if not head.evaluate("one => one.parentElement.open"):
            head.click()
        self.settle()

    def fill(self, label: str, words: str) -> None:
        """Writes into the field of that label."""
        field = self.page.get_by_label(label, exact=True).first
        field.fill(words)
        field.press("Enter")
        self.settle()

    def choose(self, key: str, option: str) -> None:
        """Chooses an option from the list of that label."""
        wanted = self.page.get_by_role("option", name=ending(option)).first
        for _ in range(TRIES):
            self.page.get_by_role("combobox", name=text(key)).first.click()
            self.page.wait_for_timeout(500)
            if wanted.is_visible():
                break
        wanted.click()
        self.settle()

    def slide(self, label: str, presses: str, times: int, nth: int = 0) -> None:
        """Moves a slider by the keyboard."""
        grip = self.page.get_by_role("slider", name=label).nth(nth)
        grip.focus()
        for _ in range(times):
            grip.press(presses)
        self.settle()

    def hand(self, *files: Path) -> None:
        """Hands files over to the page's uploader."""
        self.page.locator("input[type=file]").first.set_input_files(list(files))
        self.settle()

    def sees(self, key: str, **values: object) -> None:
        """Waits until a text stands on the page."""
        self.sees_words(bare(text(key, **values)))

    def sees_words(self, words: str | re.Pattern[str]) -> None:
        """Waits until words of the data stand on the page."""
        self.page.get_by_text(words).first.wait_for(timeout=PATIENCE)

    @contextmanager
    def taking(self, ends: bytes | str) -> Iterator[None]:
        """Within, a file is downloaded; it is to begin with `ends`, or to have it in its text."""
        with self.page.expect_download() as download:
            yield
        content = Path(download.value.path()).read_bytes()
        name = download.value.suggested_filename
        fits = content.startswith(ends) if isinstance(ends, bytes) else ends in content.decode()
        if not fits:
            self.faults.append(f"download {name}: begins with {content[:40]!r}")
        (self.album / f"{self._stem(name)}").write_bytes(content)

    def shoot(self, name: str) -> None:
        """Takes a picture of the whole page, and notes what is wrong with it."""
        self.steps += 1
        self.settle()
        height = self._fitting()
        self.page.set_viewport_size({"width": self.setting.width, "height": height})
        self.page.wait_for_timeout(500)
        self.page.screenshot(path=self.album / f"{self._stem(name)}.png")
        found = faults_of(self.page, self.setting.language, self._names)
        self.faults += [f"{name}: {fault}" for fault in found]
        self._as_it_was()

    def _fitting(self) -> int:
        """The height at which all of the page is seen."""
        script = "() => document.querySelector('[data-testid=stMain]').scrollHeight"
        least = HEIGHTS[self.setting.width]
        return int(max(least, min(int(self.page.evaluate(script)) + 20, TALLEST)))

    def _as_it_was(self) -> None:
        width = self.setting.width
        self.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})

    def _stem(self, name: str) -> str:
        return f"{self.setting}-{self.album.name}-{self.steps:02d}-{name}"

    def _asked(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.hostname != HOST:
            self.faults.append(f"asked a stranger: {request.url}")

    def _heard(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.faults.append(f"breaks the content security policy: {message.text}")


def ending(label: str) -> re.Pattern[str]:
    """A name that ends so: before a label may stand its icon, and behind it its shortcut."""
    words = r"\s+".join(map(re.escape, bare(label).split()))
    return re.compile(rf"(^|\s){words}(\s+(\S+ )?(Ctrl|Shift|[A-Z])( \+ .*)?)?$")


def bare(written: str) -> str:
    """A text without its marks of emphasis, as it stands on the page."""
    return re.sub(r"\*\*|`|:material/\w+:\s*", "", written)


@contextmanager
def walker(driver: Any, address: str, setting: Setting, album: Path, names: Sequence[str]) -> Any:
    """A browser of its own for one story.

    Args:
        driver: Playwright.
        address: Of the web app.
        setting: Language, width and colours.
        album: Folder of the pictures; its name is the person's.
        names: Words of the data.
    """
    if setting.language not in LANGUAGES:
        raise KeyError(setting.language)
    browser = driver.chromium.launch(executable_path=chromium(), args=[*FLAGS])
    as_phone = {"is_mobile": True, "has_touch": True, "user_agent": PHONE_AGENT}
    context = browser.new_context(
        **(as_phone if setting.width == PHONE else {}),
        viewport={"width": setting.width, "height": HEIGHTS[setting.width]},
        color_scheme=setting.scheme,
        locale=LOCALES[setting.language],
    )
    album.mkdir(parents=True, exist_ok=True)
    try:
        yield Walker(context.new_page(), address, setting, album, names)
    finally:
        browser.close()
