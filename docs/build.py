"""Build the documentation as a website that reads from disk, without a network: `python docs/build.py site`.

The pages are the Markdown files of the repository. They are copied to a temporary folder, where links that lead out of
docs/ are pointed at pages, and references to commands and endpoints are filled in from the code. Sphinx renders the
copies; every warning is an error.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES_OUTSIDE_DOCS = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "EXPERIMENTS.md": "experiments.md",
    "src/unbraid/weights/MODEL_CARD.md": "model-card.md",
}
CONTENTS = {
    "Using it": [
        "quick-start",
        "command-line",
        "python",
        "catalogues",
        "web",
        "api",
        "self-hosting",
        "troubleshooting",
    ],
    "Understanding it": [
        "architecture",
        "speed",
        "analysis",
        "model-card",
        "experiments",
        "Diary, December 2026 <experiments/2026-12>",
        "Diary, November 2026 <experiments/2026-11>",
    ],
    "Training it": ["training", "corpus", "evaluation", "conditions"],
    "The project": ["contributing", "changelog"],
}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
COPIED_AS_IT_IS = "listen"
STYLE = "h1 { font-size: clamp(1.7rem, 8vw, 2.5rem); }"  # a long title fits a phone


def main() -> int:
    """Build into the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    with tempfile.TemporaryDirectory(prefix="unbraid-docs-") as folder:
        stage(Path(folder))
        failed = render(Path(folder), out)
    if not failed:
        shutil.copytree(DOCS / COPIED_AS_IT_IS, out / COPIED_AS_IT_IS, dirs_exist_ok=True)
        print(f"The documentation is in {out / 'index.html'}")
    return failed


def stage(folder: Path) -> None:
    """Copy all pages and pictures into `folder`, ready for Sphinx."""
    shutil.copytree(DOCS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", COPIED_AS_IT_IS))
    generated = {"<!-- commands -->": commands, "<!-- endpoints -->": endpoints}
    for page in [*sorted(DOCS.rglob("*.md")), *(ROOT / name for name in PAGES_OUTSIDE_DOCS)]:
        markdown = page.read_text(encoding="utf-8")
        for marker, generate in generated.items():
            if marker in markdown:
                markdown = markdown.replace(marker, generate())
        target = folder / on_the_site(str(page.relative_to(ROOT)))
        target.write_text(with_links_on_the_site(markdown, page, target.relative_to(folder)), encoding="utf-8")
    (folder / "_static").mkdir()
    (folder / "_static/site.css").write_text(STYLE, encoding="utf-8")
    with (folder / "index.md").open("a", encoding="utf-8") as index:
        for caption, pages in CONTENTS.items():
            index.write("\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""]))


def on_the_site(name: str) -> str:
    """The place of a file of the repository below the site's folder; empty if it has none."""
    return PAGES_OUTSIDE_DOCS.get(name) or (name.removeprefix("docs/") if name.startswith("docs/") else "")


def with_links_on_the_site(markdown: str, page: Path, target: Path) -> str:
    """Point links at the site's pages; a link to a file that the site does not have becomes its words."""

    def replaced(match: re.Match[str]) -> str:
        image, words, link = match.groups()
        path, hash_sign, anchor = link.partition("#")
        if not path or re.match(r"[a-z]+:", link):
            return match[0]
        place = on_the_site(os.path.relpath(page.parent / path, ROOT))
        if not place:
            return words
        scheme = "as-it-is:" if place.startswith(COPIED_AS_IT_IS) else ""
        return f"{image}[{words}]({scheme}{os.path.relpath(place, target.parent)}{hash_sign}{anchor})"

    return LINK.sub(replaced, markdown)


def render(folder: Path, out: Path) -> int:
    """Run Sphinx; returns its exit code."""
    from sphinx.application import Sphinx

    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    settings: dict[str, Any] = {
        "project": "unbraid",
        "version": version,
        "copyright": "the unbraid authors, MIT",
        "extensions": ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"],
        "autodoc_member_order": "bysource",
        "autodoc_typehints_format": "short",
        "myst_heading_anchors": 4,
        "myst_url_schemes": {"http": None, "https": None, "mailto": None, "as-it-is": {"url": "{{path}}"}},
        "highlight_language": "none",
        "default_role": "code",
        "html_theme": "furo",
        "html_title": f"unbraid {version}",
        "html_static_path": ["_static"],
        "html_css_files": ["site.css"],
        "html_show_sphinx": False,
        "html_copy_source": False,
    }
    sphinx = Sphinx(
        folder, None, out, folder / ".doctrees", "html", settings, status=None, warningiserror=True, freshenv=True
    )
    sphinx.build(force_all=True)
    return sphinx.statuscode


def commands() -> str:
    """Every command with its arguments, from the parser itself."""
    from unbraid.cli import command_parser

    return "\n".join(line for parser in leaves(command_parser()) for line in described(parser))


def leaves(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """The parsers of the commands that have no commands below them."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [leaf for action in below for sub in action.choices.values() for leaf in leaves(sub)] or [parser]


def described(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The lines about one command."""
    formatter = parser._get_formatter()
    yield from (f"### {parser.prog}", "", parser.description or "", "")
    yield from ("```", " ".join(parser.format_usage().removeprefix("usage: ").split()), "```", "")
    yield from ("| argument | meaning |", "|---|---|")
    for action in parser._actions:
        if action.help and action.help != argparse.SUPPRESS and action.dest != "help":
            named = formatter._format_action_invocation(action).replace("|", "\\|")
            yield f"| `{named}` | {formatter._expand_help(action)} |"
    yield ""


def endpoints() -> str:
    """Every request that the REST API takes, from its OpenAPI description."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "unbraid_web.settings")
    import django

    django.setup()
    from unbraid_web.api.endpoints import api

    rows = ["| request | what it does | status |", "|---|---|---|"]
    for path, methods in api.get_openapi_schema(path_prefix="/api/v1/")["paths"].items():
        for method, operation in methods.items():
            statuses = ", ".join(str(status) for status in operation["responses"])
            rows.append(f"| `{method.upper()} {path}` | {operation['description']} | {statuses} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
