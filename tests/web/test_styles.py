"""Style sheets, templates and scripts name the same things: nothing is styled that no page has."""

import re
from pathlib import Path

import unbraid_web

SITE = Path(unbraid_web.__file__).parent


def read(*suffixes: str) -> str:
    files = [path for path in sorted(SITE.rglob("*")) if path.suffix in suffixes and ".min." not in path.name]
    return "\n".join(path.read_text() for path in files)


STYLES = re.sub(r"/\*.*?\*/", "", read(".css"), flags=re.DOTALL)
SELECTORS = re.sub(r"\{[^{}]*\}", " ", STYLES)
PAGES = read(".html", ".js", ".py")


def test_every_class_that_is_styled_is_used() -> None:
    styled = set(re.findall(r"\.([a-z][\w-]*)", SELECTORS))
    assert styled
    assert {name for name in styled if not re.search(rf"(?<![\w-]){name}(?![\w-])", PAGES)} == set()


def test_every_class_of_a_page_is_styled_or_looked_for_by_a_script() -> None:
    attributes = re.findall(r'(?<!\w)class="([^"]*)"', re.sub(r"{%.*?%}", " ", read(".html", ".py")))
    used = {name for value in attributes for name in re.sub(r"{{.*?}}", " ", value).split()}
    known = set(re.findall(r"\.([a-z][\w-]*)", SELECTORS + read(".js")))
    assert used - known == set()


def test_every_custom_property_is_set_and_read() -> None:
    scripts = read(".js")
    read_ = set(re.findall(r"var\((--[\w-]+)", STYLES))
    set_ = set(re.findall(r"(--[\w-]+)\s*:", STYLES)) | set(re.findall(r'"(--[\w-]+)"', scripts))
    assert read_ == set_
