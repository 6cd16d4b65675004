import pytest

from federated.states import NodeState, RoundState, RunState, TaskState
from webapp import words
from webapp.texts import text


@pytest.mark.parametrize("state", [*NodeState, *RoundState, *RunState, *TaskState])
def test_every_state_has_word_icon_and_symbol(state: str) -> None:
    shown = words.sign(state)
    assert shown.icon != "help"
    assert shown.word
    assert words.marked(state) == f"{shown.symbol} {shown.word}"


def test_a_state_of_a_newer_version_shows_as_its_own_word() -> None:
    assert words.sign("hibernating").word == "hibernating"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (words.percent(0.8149), "81.5\u00a0%"),
        (words.percent(None), "–"),
        (words.percent(0.5, 0), "50\u00a0%"),
        (words.figure(0.12345), "0.123"),
        (words.figure(None), "–"),
        (words.small(-0.000578123), "\u22120.000578"),
        (words.small(1523.7), "1\u202f520"),
        (words.small(-2345678.0), "\u22122\u202f350\u202f000"),
        (words.small(3.2e11), "3.2e+11"),
        (words.whole(1234567), "1\u202f234\u202f567"),
        (words.size(999), "999\u00a0B"),
        (words.size(16_700), "17\u00a0kB"),
        (words.size(6_640_000), "6.6\u00a0MB"),
        (words.span(2.44), "2.4\u00a0s"),
        (words.span(89), "89\u00a0s"),
        (words.span(600), "10\u00a0min"),
        (words.span(7200), "2\u00a0h"),
        (words.span(3 * 86_400), "3\u00a0d"),
        (words.ago(None, 100.0), "never"),
        (words.ago(99.5, 100.0), "just now"),
        (words.ago(58.0, 100.0), "42\u00a0s ago"),
    ],
)
def test_values_as_people_read_them(written: str, expected: str) -> None:
    assert written == expected


def test_markdown_in_a_servers_sentence_stays_text() -> None:
    hostile = "[click](http://evil) **now** `x` :red[y] <b>"
    assert words.plain(hostile) == (
        r"\[click\]\(`http://evil`\) \*\*now\*\* \`x\` \:red\[y\] \<b\>"
    )


def test_a_strangers_lines_stay_one_line_without_links_and_entities() -> None:
    hostile = "one\n\n    code\n# title\nWWW.evil.example a@b.example &colon;smile&colon;"
    escaped = words.plain(hostile)
    assert escaped == (r"one code \# title `WWW.evil.example` `a@b.example` \&colon;smile\&colon;")


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("The batches at http://127.0.0.1:1/x cannot be read.", "`http://127.0.0.1:1/x` cannot"),
        ('No answer of "ftp://a.example/b".', '"`ftp://a.example/b`".'),
        ("(see www.evil.example)", r"\(see `www.evil.example`\)"),
        ("x`http://a.example`y", r"x\``http://a.example`\`y"),
        ("_https://a.example/", r"\_`https://a.example/`"),
        ("no address: http:// www. a@b", r"http\:// www. a\@b"),
    ],
)
def test_an_address_is_code_and_never_a_link(sentence: str, shown: str) -> None:
    assert shown in words.plain(sentence)


@pytest.mark.parametrize("sentence", ["- x", "1. x", "12. x", "---", "= x", "* x", "+ x", "3) x"])
def test_no_sentence_begins_a_list_or_a_line(sentence: str) -> None:
    escaped = words.plain(sentence)
    assert escaped.replace("\\", "") == sentence
    assert "\\" in escaped[:3]


def test_no_line_ends_between_a_figure_and_its_unit() -> None:
    assert words.plain(f"all of\n it:  {words.percent(0.5)}") == "all of it\\: 50.0\u00a0%"


@pytest.mark.parametrize("figure", ["25.0\u00a0%", "0.578", "-3.2", "–", "1.5e-05", "12"])
def test_a_figure_is_left_as_it_is(figure: str) -> None:
    assert words.plain(figure) == figure


def test_a_long_sentence_is_made_plain_at_once() -> None:
    # What takes a time that grows with the square of the length would take minutes here.
    for part in ("a", "a.", "www.", "a@", "http://", "[", "`"):
        assert len(words.plain(part * 100_000)) >= len(part) * 100_000


def test_a_reason_becomes_a_sentence() -> None:
    assert words.opened("not heard of for *12* s") == r"Not heard of for \*12\* s"
    assert words.opened("") == ""


def test_a_text_is_filled_with_words_alone() -> None:
    assert words.told("sites.asks", name="**x**") == text("sites.asks", name=r"\*\*x\*\*")


def test_figures_of_any_size_stay_short() -> None:
    assert words.figure(0.12345) == "0.123"
    assert len(words.figure(1e300)) < 12


@pytest.mark.parametrize(
    ("uncertainty", "says"),
    [(0.05, "sure of itself"), (0.5, "fairly sure"), (0.7, "not sure"), (0.99, "pure guess")],
)
def test_how_sure_is_told_in_words(uncertainty: float, says: str) -> None:
    assert says in words.sureness(uncertainty)


def test_a_share_in_a_sentence_from_elsewhere_is_written_as_on_the_pages() -> None:
    told = "Accuracy 80.8% on 40 pictures, 5% more; see http://a.test/x1%20y"
    assert words.plain(told).startswith("Accuracy 80.8\u00a0% on 40 pictures, 5\u00a0% more; see")
    assert "x1%20y" in words.plain(told)
    assert words.alike("a1% and 3%x stay") == "a1% and 3%x stay"
