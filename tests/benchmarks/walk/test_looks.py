"""Each fault that a walk looks for is found where it is, and nothing where it is not."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from benchmarks.walk.looks import faults_of, foreign
from tests.chromium import CHROMIUM, FLAGS
from webapp.language import speaking

NAMES = ("malignant", "clinic a")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Choose the next round", ["Choose the next round"]),
        ("轮次 3: waiting for the sites", ["waiting for the sites"]),
        ("已收到 malignant 的图片", []),
        ("站点 clinic a 与 clinic a", []),
        ("聚合规则：联邦平均（FedAvg）", []),
        ("Nachbar et al., J. Am. Acad. Dermatol. 30 (1994) 551.", []),
    ],
)
def test_english_is_heard_and_names_are_not(said: str, found: list[str]) -> None:
    faults = foreign([said], NAMES)
    assert [fault.split(": ")[1].split(" (in")[0] for fault in faults] == found


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser.new_page(viewport={"width": 390, "height": 600})
        browser.close()


HEAD = "<html lang='zh'><head><title>x</title></head><body><main><h1>标题</h1>"


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<p>一切都好。</p>", ""),
        ("<div style='width: 500px'>宽</div>", "pixels wider than the screen"),
        ("<p style='color: #ccc; background: #fff'>看不清的文字</p>", "color-contrast"),
        ("<img src='data:,'>", "image-alt"),
        ("<p>Traceback (most recent call last)</p>", "programmer's words"),
        ("<p>Waiting for the next round</p>", "speaks English"),
        ("<input aria-label='Choose the next round'>", "speaks English"),
        ("<code>python -m child serve with these words</code>", ""),
    ],
)
def test_a_page_with_a_fault_is_found_out(page: Any, body: str, fault: str) -> None:
    page.set_content(f"{HEAD}{body}</main></body></html>")
    with speaking("zh"):
        found = faults_of(page, "zh", NAMES)
    if fault:
        assert fault in found[0]
    else:
        assert found == []
