"""A stranger's words that Markdown would make something of, and whether a page lets it."""

import re

from streamlit.testing.v1 import AppTest

from tests.webapp.conftest import shown

EVIL = "![x](http://evil.example) **b** <b> :red[r] www.evil.example a@evil.example\n# t"
ALIVE = ("![x]", "](http", "**b**", "<b>", ":red[r]", "http://evil", "www.evil", "a@evil", "\n# t")


def told_as_words(app: AppTest) -> bool:
    """Whether the stranger's words are on the page, and no part of them is Markdown there."""
    told = shown(app)
    if "evil" not in told:
        return False
    # What stands in a block of code, or in one within a sentence, is text to every browser.
    for block in app.code:
        told = told.replace(block.value, "")
    # A grid draws what is in its cells as it is; a table does not.
    for grid in app.dataframe:
        told = told.replace(grid.value.to_csv(index=False), "")
    told = re.sub(r"(?<!\\)`[^`]*`", "", told)
    return not any(alive in told for alive in ALIVE)
