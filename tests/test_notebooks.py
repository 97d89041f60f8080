"""The tour runs from its first cell to its last, and what is kept of it in the repository is such a run."""

import json
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
TOUR = REPOSITORY / "notebooks" / "tour.ipynb"


def test_the_tour_runs_and_shows_what_the_repository_shows(tmp_path: Path) -> None:
    for name in ("demo", "docs"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    copy = tmp_path / "notebooks" / TOUR.name
    copy.parent.mkdir()
    copy.write_bytes(TOUR.read_bytes())
    command = [sys.executable, "-m", "jupyter", "execute", "--inplace", TOUR.name]
    done = subprocess.run(command, cwd=copy.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert _shown(copy) == _shown(TOUR)
    assert (copy.parent / "stems" / "lithium-demo" / "vocals.ogg").exists()


def _shown(notebook: Path) -> list[tuple[int, list[str]]]:
    """The number and the kinds of output of every cell with code; one text may have come in pieces."""
    cells: list[dict[str, Any]] = json.loads(notebook.read_text())["cells"]
    return [
        (cell["execution_count"], [kind for kind, _ in groupby(_kinds(cell))])
        for cell in cells
        if cell["cell_type"] == "code"
    ]


def _kinds(cell: dict[str, Any]) -> list[str]:
    return [kind for output in cell["outputs"] for kind in output.get("data", ["text"])]
