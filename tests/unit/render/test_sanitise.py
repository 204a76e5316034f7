"""Text from outside cannot steer what shows it: one law and its telling examples for each medium."""

import json
import re
import unicodedata
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.render import text as sanitise
from reconciler.render.text import github_data, github_property, html_page, json_text, terminal, visible, whole_line

each = pytest.mark.parametrize

CONTROLS = [
    "\x1b[31m",
    "\x1b]8;;https://evil.example\x07",
    "\x9b2J",
    "\x85",
    "\x00",
    "\x7f",
    "\r",
    "\n",
    "\r\n",
    "\u2028",
]
UNSEEN = ["\u202e", "\u2066", "\u200f", "\u061c", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u034f", "\u3164", "\ufe0f"]
PRIVATE = ["\u2029", "\U000e0041", "\ud800", "\ue000"]
COMMANDS = [
    "::",
    "::add-mask::",
    "##[",
    "##[error]",
    "##vso[task.setvariable]",
    "##teamcity[",
    "###[",
    "  ::",
    "\u00a0::",
]
TAGS = ["<script>", "</b>", "<!--", "&lt;", "&#60;", '"', "'", "<a href=x>", "]]>", "<?x?>", "&amp", "&nbsp;", "{{x}}"]
MARKS = [
    "`",
    "``",
    "*",
    "**",
    "_",
    "__a__",
    "[x](y)",
    "![x](y)",
    "[x]: y",
    "[^1]",
    "|",
    "\\",
    "\\|",
    "~~",
    "~~~",
    "```",
]
BLOCKS = [
    "$x$",
    "- ",
    "+ ",
    "* ",
    "1. ",
    "1) ",
    "# ",
    "###### ",
    "> ",
    "---",
    "===",
    "    ",
    "\t",
    "%0A",
    ",",
    ":",
    " ",
]
LINKS = ["<http://x>", "http://x.y", "www.x.y", "a@b.cd", "@team", "#12", "GH-12", "!12", ":tada:"]
NASTY = [*CONTROLS, *UNSEEN, *PRIVATE, *COMMANDS, *TAGS, *MARKS, *BLOCKS, *LINKS]
TEXTS = st.lists(st.sampled_from(NASTY) | st.text(max_size=5), max_size=8).map("".join)
COMMAND = re.compile(r"##[A-Za-z]*\[")

hostile = given(TEXTS)


def is_harmless(character):
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


@hostile
def test_no_terminal_text_holds_a_control_a_direction_or_a_line_end(text):
    shown = terminal(text)
    assert all(is_harmless(character) for character in shown)
    assert len(shown.splitlines()) <= 1


@hostile
def test_no_line_of_a_terminal_is_a_command_of_a_ci_runner(text):
    shown = whole_line(terminal(text))
    assert not shown.strip().startswith("::")
    assert not COMMAND.search(shown)


@given(TEXTS, TEXTS)
def test_a_line_put_together_of_harmless_texts_is_no_command_either(one, other):
    shown = whole_line(terminal(one) + terminal(other))
    assert not shown.strip().startswith("::")
    assert not COMMAND.search(shown)


@hostile
def test_making_text_visible_twice_is_the_same_as_once(text):
    assert visible(visible(text)) == visible(text)
    assert whole_line(terminal(whole_line(terminal(text)))) == whole_line(terminal(text))


@each(
    ("text", "shown"),
    [
        ("int_13", "int_13"),
        ("Größe 東京 ☂️", "Größe 東京 ☂️"),
        ("a\tb", "a b"),
        ("red\x1b[31m", r"red\x1b[31m"),
        ("\x9b2J", r"\x9b2J"),
        ("a\r\nb", r"a\x0d\x0ab"),
        ("txt\u202egpj", r"txt\u202egpj"),
        ("a\u200bb", r"a\u200bb"),
        ("soft\u00adhyphen", r"soft\xadhyphen"),
        ("\u3164", r"\u3164"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("half\ud800", r"half\ud800"),
        ("##[error]no", r"##\[error]no"),
        ("x ##vso[task.complete]", r"x ##\vso[task.complete]"),
        ("# heading [1]", "# heading [1]"),
    ],
)
def test_a_terminal_shows_what_cannot_be_seen_and_leaves_the_rest(text, shown):
    assert terminal(text) == shown


@each("text", ["::add-mask::x", "  ::error::x", "\u3000::stop-commands::x"])
def test_a_line_that_would_be_a_workflow_command_gets_a_backslash(text):
    assert whole_line(text) == text.replace("::", "\\::", 1)


def test_double_colons_within_a_line_stay():
    assert whole_line("android:com.a::b") == "android:com.a::b"


@given(st.recursive(TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)))
def test_a_json_document_keeps_its_meaning_and_holds_no_command(value):
    text = json_text(json.dumps([value], indent=2))
    assert json.loads(text) == [value]
    assert not COMMAND.search(text)
    assert not any(line.strip().startswith("::") for line in text.splitlines())


class Page(HTMLParser):
    """What a page holds: its tags with their attributes, its comments and declarations, and its text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.others = [], "", []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, text):
        self.text += text

    def handle_comment(self, text):
        self.others.append(text)

    handle_decl = handle_pi = unknown_decl = handle_comment


@hostile
def test_html_text_never_becomes_a_tag_a_comment_or_an_entity(text):
    page = Page(sanitise.html(text))
    assert (page.tags, page.others) == ([], [])
    assert page.text == visible(text)


@hostile
@example('" onmouseover="alert(1)')
@example("' onmouseover='alert(1)")
def test_html_text_stays_inside_the_quotes_of_an_attribute(text):
    safe = sanitise.html(text)
    page = Page(f"""<p title="{safe}"></p><p title='{safe}'></p>""")
    assert page.tags == [("p", {"title": visible(text)})] * 2
    assert page.text == ""


COMMONMARK = MarkdownIt("commonmark")
TABLES = MarkdownIt("commonmark").enable("table").enable("strikethrough")


def words(tokens):
    """The text of tokens that hold nothing but text, without the spaces that have no width."""
    assert {token.type for token in tokens} <= {"text", "text_special"}
    return "".join(token.content for token in tokens).replace("\u200b", "")


@hostile
@example("    indented")
@example("a  ")
@example("1. one")
@example("12) twelve")
@example("[x]: https://evil.example")
def test_markdown_text_is_one_paragraph_of_exactly_that_text(text):
    tokens = COMMONMARK.parse(sanitise.markdown(text))
    if visible(text) == "":
        assert tokens == []
        return
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert words(tokens[1].children) == visible(text)


@hostile
def test_markdown_text_stays_in_its_cell_of_a_table(text):
    safe = sanitise.markdown(text)
    tokens = TABLES.parse(f"| a | b |\n|---|---|\n| {safe} | end |\n")
    cells = [words(token.children) for token in tokens if token.type == "inline"]
    assert [cell.strip() for cell in cells] == ["a", "b", visible(text).strip(), "end"]


@hostile
def test_markdown_text_stays_in_its_item_and_its_emphasis(text):
    tokens = COMMONMARK.parse(f"- **x** {sanitise.markdown(text)}\n- next\n")
    assert [token.type for token in tokens].count("list_item_open") == 2
    inline = next(token for token in tokens if token.type == "inline")
    assert {token.type for token in inline.children} <= {"strong_open", "strong_close", "text", "text_special"}


RENDERED_LATER = re.compile(r"[@#!]\w|\bGH-\d|:[\w+-]+:|://|\bwww\.", re.IGNORECASE)


@hostile
def test_rendered_markdown_holds_nothing_that_a_site_turns_into_a_link_or_a_mention(text):
    tokens = COMMONMARK.parse(sanitise.markdown(text))
    rendered = "".join(child.content for token in tokens for child in token.children or ())
    assert not RENDERED_LATER.search(rendered)


@each(
    ("text", "source"),
    [
        ("level end 3 (high)", r"level end 3 \(high\)"),
        ("int_13", r"int\_13"),
        ("a|b", "a&#124;b"),
        ("<b>", "&lt;b&gt;"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("# title", r"\# title"),
        ("ask @team", "ask @&#8203;team"),
        ("see #12", "see #&#8203;12"),
        ("https://x.y", "https:&#8203;//x.y"),
        ("a\nb", r"a&#92;x0ab"),
    ],
)
def test_markdown_source_stays_readable(text, source):
    assert sanitise.markdown(text) == source


class TestHtmlInMarkdown:
    @hostile
    def test_it_is_the_text_of_its_tag_and_nothing_a_site_looks_for(self, text):
        tokens = MarkdownIt("commonmark", {"html": True}).parse(f"<p>{sanitise.markdown_html(text)}</p>\n\nend\n")
        assert [token.type for token in tokens][:2] == ["html_block", "paragraph_open"]
        page = Page(tokens[0].content)
        assert (page.tags, page.others) == ([("p", {})], [])
        assert page.text.rstrip("\n").replace("\u200b", "") == visible(text)
        assert not RENDERED_LATER.search(page.text)


class TestClipped:
    @given(TEXTS, st.integers(6, 40))
    def test_it_is_the_text_or_its_head_and_tail_and_how_much_is_left_out(self, text, limit):
        shown, told = visible(text), sanitise.clipped(text, limit)
        if len(shown) <= limit:
            assert told == shown
            return
        head, more, tail = re.fullmatch(r"(.*)…\((\d+) more\)…(.*)", told, re.DOTALL).groups()
        assert (shown.startswith(head), shown.endswith(tail)) == (True, True)
        assert len(head) + int(more) + len(tail) == len(shown)
        assert len(head) + len(tail) == limit

    def test_names_that_differ_at_their_end_stay_apart(self):
        assert sanitise.clipped("x" * 999 + "a", 60) != sanitise.clipped("x" * 999 + "b", 60)


def decoded(text):
    """As GitHub's runner reads a workflow command's data."""
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, character)
    return text


@hostile
def test_a_github_message_is_one_line_that_reads_as_it_was(text):
    data = github_data(text)
    assert all(is_harmless(character) for character in data)
    lines = [terminal(line) for line in re.split(r"\r\n|\r|\n", text)]
    assert decoded(data) == "\n".join(lines)


@hostile
def test_a_github_property_cannot_end_itself(text):
    told = github_property(text)
    assert not set(":,\r\n") & set(told)
    assert decoded(told.replace("%3A", ":").replace("%2C", ",")) == terminal(text)


def test_github_escapes_are_those_of_its_rules():
    assert github_data("100 % a:b, c\r\nd\ne") == "100 %25 a:b, c%0Ad%0Ae"
    assert github_property("apps/a.yaml:1, 50 %") == "apps/a.yaml%3A1%2C 50 %25"


@each("command", ["##[error]x", "##vso[task.complete]", "###[group]", "##teamcity[x]"])
def test_a_page_shows_what_runners_would_obey_and_holds_it_not(command):
    page = html_page(f"<td>{command}</td>")
    assert unescape(page) == f"<td>{command}</td>"
    assert not re.search(r"##[A-Za-z]*\[", page)
    assert html_page("## [a] #1") == "## [a] #1"
