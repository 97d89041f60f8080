"""The documents are true: links lead somewhere, commands exist, examples run, and the website of them builds."""

import argparse
import ast
import doctest
import importlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.tiny_models import write_mask_model
from unbraid.cli import command_parser

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for pattern in (
        "*.md",
        "demo/*.md",
        "deploy/*.md",
        "docs/**/*.md",
        "experiments/*.md",
        "notebooks/*.ipynb",
        "src/**/*.md",
    )
    for path in ROOT.glob(pattern)
)
UP_TO_DATE = [name for name in DOCUMENTS if "experiments/" not in name and name != "CHANGELOG.md"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|<(?:img|a|audio|source)\b[^>]*?\b(?:src|href)=\"([^\"]+)\"")
FENCE = re.compile(r"^```(\S*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
DJANGOS_COMMANDS = {"check", "createsuperuser", "runserver"}
OTHER_PROGRAMS_OPTIONS = {
    "--build", "--deploy", "--gpus", "--help", "--home-dir", "--inplace", "--listen", "--no-deps",
    "--no-install-recommends", "--now", "--nproc-per-node", "--nthreads", "--require-hashes", "--scale",
    "--system", "--yes",
}  # fmt: skip


def text_of(name: str) -> str:
    """A document's text; of a notebook, its words."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if name.endswith(".ipynb"):
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return text


def anchors(name: str) -> set[str]:
    """What GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(name)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files_and_headings_that_exist(name: str) -> None:
    broken = []
    for target in {markdown or html for markdown, html in LINK.findall(FENCE.sub("", text_of(name)))}:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        if not file.exists() or (anchor and anchor not in anchors(str(file.resolve().relative_to(ROOT)))):
            broken.append(target)
    assert not broken


def command_lines(name: str) -> list[str]:
    """The commands in a document's code blocks and in its inline code, continued lines joined."""
    blocks = [body.replace("\\\n", " ") for language, body in FENCE.findall(text_of(name)) if language in ("", "sh")]
    inline = re.findall(r"`([^`\n]+)`", FENCE.sub("", text_of(name)))
    lines = [line.split(" #")[0].strip() for block in [*blocks, *inline] for line in block.splitlines()]
    return [re.sub(r"^.*\| ", "", line) for line in lines]


def parser_of(words: list[str]) -> argparse.ArgumentParser:
    """The parser of the command that the words begin with; raises KeyError for an unknown command."""
    parser = command_parser()
    while below := [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]:
        if not words or not words[0].islower():
            break
        parser = below[0].choices[words.pop(0)]
    return parser


@pytest.mark.parametrize("name", UP_TO_DATE)
def test_commands_and_their_options_exist(name: str) -> None:
    for line in command_lines(name):
        found = re.match(r"(?:\S*/)?unbraid (?=[a-z])(.*)|.*-m unbraid(?:\.cli)? (.*)", line)
        if not found:
            continue
        words = (found[1] or found[2]).split()
        options = {option for action in parser_of(words)._actions for option in action.option_strings}
        assert {word for word in words if re.match("--?[a-z]", word)} <= options, line


@pytest.mark.parametrize("name", UP_TO_DATE)
def test_scripts_and_targets_exist(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for line in command_lines(name):
        if target := re.match(r"make ([a-z-]+)", line):
            assert f"\n{target[1]}:" in makefile, line
        for module in re.findall(r"-m ((?:benchmarks|experiments|tests)[\w.]*)", line):
            assert (ROOT / module.replace(".", "/")).with_suffix(".py").exists(), line
        if script := re.match(r"(?:\S*/)?python (\S+\.py)( [a-z]\w+)?", line):
            assert (ROOT / script[1]).exists(), line
            if script[1] == "manage.py" and script[2]:
                folders = (ROOT / "src/unbraid_web").glob("**/management/commands")
                commands = {path.stem for folder in folders for path in folder.glob("*.py")}
                assert script[2].strip() in commands | DJANGOS_COMMANDS, line


def test_every_option_named_anywhere_exists() -> None:
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py"), *(ROOT / "experiments").glob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    known = set(re.findall(r"\"(--[a-z][a-z0-9-]*)\"", code)) | OTHER_PROGRAMS_OPTIONS
    for name in UP_TO_DATE:
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9]", text_of(name))) <= known, name


def test_every_setting_named_anywhere_exists() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    for name in UP_TO_DATE:
        for setting in re.findall(r"\bUNBRAID_[A-Z_0-9]+", text_of(name)):
            assert f'"{setting}"' in code or f'"{setting.removeprefix("UNBRAID_")}"' in code, (name, setting)


ERRORS = {"InputError", "ModelError", "OutputError", "TrainingError", "UsageError"}


def template(message: ast.expr) -> str:
    """A message with … for what varies; empty if it is made elsewhere."""
    if isinstance(message, ast.Constant):
        return str(message.value)
    if isinstance(message, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in message.values)
    return ""


def test_every_message_has_its_cause_and_remedy() -> None:
    explained = set(re.findall(r"^\| `(.+?)` \|", text_of("docs/troubleshooting.md"), re.MULTILINE))
    missing = set()
    for path in (ROOT / "src/unbraid").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS and node.args:
                message = template(node.args[0]).replace("`", "")
                if len(re.findall(r"\w", message)) > 10 and message not in explained:
                    missing.add(message)
    assert not missing, "explain these in docs/troubleshooting.md"


@pytest.mark.parametrize("name", UP_TO_DATE)
def test_files_and_names_in_them_exist(name: str) -> None:
    prose = FENCE.sub("", text_of(name))
    for path in re.findall(r"`((?:src|docs|tests|benchmarks|experiments|notebooks|demo|deploy)/[^`\s*]+)`", prose):
        assert (ROOT / path).exists(), path
    for variable, path in re.findall(r"`(\w+)` (?:in|of) `(\w+/[^`]+\.py)`", prose):
        assert re.search(rf"\b{variable}\b", (ROOT / path).read_text(encoding="utf-8")), (variable, path)


@pytest.mark.parametrize("name", UP_TO_DATE)
def test_modules_exist(name: str) -> None:
    for dotted in re.findall(r"(?<![\w/.])unbraid(?:_web)?(?:\.[a-z_]+)+(?![\w(])", text_of(name)):
        place = ROOT / "src" / dotted.replace(".", "/")
        if not dotted.endswith(".onnx") and not place.is_dir() and not place.with_suffix(".py").exists():
            parent = place.parent / "__init__.py" if place.parent.is_dir() else place.parent.with_suffix(".py")
            assert f'"{place.name}"' in parent.read_text() or f"def {place.name}" in parent.read_text(), dotted


def test_whatever_is_added_touches_two_places_at_most() -> None:
    rows = re.findall(r"^\| an? .*", text_of("CONTRIBUTING.md"), re.MULTILINE)
    assert len(rows) > 10
    assert not [row for row in rows if len(re.findall(r"`\w+/[^`]*`", row)) > 2]


def test_the_file_tree_in_the_readme_is_that_of_the_repository() -> None:
    tree = next(body for _, body in FENCE.findall(text_of("README.md")) if "src/unbraid/" in body)
    folders: list[str] = []
    named = set()
    for line in tree.splitlines():
        indent, names = re.match(r"( *)(\S+(?: \S+)*)", line).groups()  # type: ignore[union-attr]
        folders[len(indent) // 2 :] = [names]
        parent = "".join(folder for folder in folders[:-1] if folder.endswith("/"))
        named |= {parent + name.rstrip("/") for name in names.split(", ")}
    assert not {path for path in named if not (ROOT / path).exists()}
    rooms = {f"src/unbraid/{path.name}" for path in (ROOT / "src/unbraid").iterdir() if path.name[0] not in "_p"}
    assert rooms - named == set()


@pytest.mark.parametrize("name", ["README.md", "docs/quick-start.md", "docs/python.md"])
def test_python_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_mask_model(tmp_path / "tiny.onnx")
    monkeypatch.setattr("unbraid.separator.find_model", lambda name: model)
    monkeypatch.chdir(tmp_path)
    second = np.random.default_rng(1).normal(0, 0.1, (44100, 2)).astype(np.float32)
    examples = [body for language, body in FENCE.findall(text_of(name)) if language == "python"]
    assert examples
    for song in set(re.findall(r"\"(\S+\.(?:mp3|flac))\"", "".join(examples))):
        soundfile.write(song, second, 44100)
    variables: dict[str, object] = {}
    for example in examples:
        exec(compile(ast.parse(example), name, "exec"), variables)


@pytest.mark.parametrize(
    "module",
    sorted(
        str(path.relative_to(ROOT / "src").with_suffix("")).replace("/", ".").removesuffix(".__init__")
        for path in (ROOT / "src/unbraid").rglob("*.py")
        if ">>> " in path.read_text(encoding="utf-8")
    ),
)
def test_examples_in_docstrings_hold(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted
    assert not result.failed


class Fetched(HTMLParser):
    """What a page fetches from elsewhere as soon as it is opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            self.found += [v for k, v in attrs if k in ("src", "href") and v and re.match(r"(https?:)?//", v)]


def test_the_documentation_builds_and_reads_without_a_network(tmp_path: Path) -> None:
    built = subprocess.run([sys.executable, "docs/build.py", str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    pages = {str(path.relative_to(tmp_path)): path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")}
    assert {"index.html", "listen/index.html", "experiments.html", "model-card.html"} <= set(pages)
    assert not [address for page in pages.values() for address in Fetched(page).found]
    assert 'id="unbraid-evaluate"' in pages["command-line.html"]
    assert "/api/v1/songs/{song_id}" in pages["api.html"]
    assert "Separator.separate_file" in pages["python.html"]


def test_all_sounds_of_the_samples_page_are_there_and_small() -> None:
    folder = ROOT / "docs/listen"
    sounds = re.findall(r"<audio [^>]*src=\"([^\"]+)\"", (folder / "index.html").read_text(encoding="utf-8"))
    assert len(sounds) == 18
    assert sum((folder / sound).stat().st_size for sound in sounds) < 3_000_000
    assert all(soundfile.info(folder / sound).duration > 20 for sound in sounds)
