"""What a self-hoster copies says what the code does."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.web.browser.chromium import need
from unbraid_web.operations.metrics import Site

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMMANDS = {path.stem for path in (ROOT / "src/unbraid_web").glob("*/management/commands/[a-z]*.py")}
LOCK = DEPLOY / "requirements.txt"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def settings_in_code() -> set[str]:
    code = "".join(path.read_text() for path in (ROOT / "src/unbraid_web").rglob("*.py"))
    read = re.findall(r"""[("']((?:UNBRAID|EMAIL)_[A-Z0-9_]+)['"]""", code)
    return {*read, "DATABASE_URL"}  # which dj_database_url reads


def test_the_example_environment_names_every_setting_and_no_other() -> None:
    example = (DEPLOY / "unbraid.env.example").read_text()
    assert set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", example, re.M)) == settings_in_code()


def test_the_defaults_in_the_example_are_those_of_the_code() -> None:
    code = (ROOT / "src/unbraid_web/settings.py").read_text()
    defaults = dict(re.findall(r"""number\("([A-Z0-9_]+)", ([0-9]+)\)""", code))
    example = dict(re.findall(r"^#([A-Z][A-Z0-9_]+)=(.*)$", (DEPLOY / "unbraid.env.example").read_text(), re.M))
    assert defaults
    assert {name: example[name] for name in defaults} == defaults


@pytest.mark.parametrize("name", ["compose.yaml", "compose.scale.yaml"])
def test_compose_files_run_what_exists(name: str) -> None:
    services = yaml.safe_load((DEPLOY / name).read_text())["services"]
    for service in services.values():
        if build := service.get("build"):
            assert (DEPLOY / build["context"] / build["dockerfile"]).exists()
        if (command := service.get("command")) and command[:3] == ["python", "-m", "unbraid_web"]:
            assert command[3] in COMMANDS
        if "env_file" in service:  # the example is written for systemd: its paths and proxy are not a container's
            set_there = re.findall(r"^([A-Z0-9_]+)=", (DEPLOY / "unbraid.env.example").read_text(), re.M)
            assert set(set_there) <= set(service["environment"])
        for mounted in (volume.split(":")[0] for volume in service.get("volumes", [])):
            assert not mounted.startswith(".") or (DEPLOY / mounted).exists()


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_run_what_exists(unit: Path) -> None:
    started = set(re.findall(r"-m unbraid_web (\w+)", unit.read_text()))
    scripts = {Path(path).name for path in re.findall(r"ExecStart=/etc/systemd/system/(\S+)", unit.read_text())}
    assert (started or scripts) and started <= COMMANDS
    assert all((unit.parent / script).stat().st_mode & 0o111 for script in scripts)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_keep_songs_from_other_users_of_the_machine(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    assert ("User=unbraid" in lines) == ("StateDirectoryMode=0750" in lines) == ("UMask=0027" in lines)


def test_the_locked_packages_are_those_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [project["optional-dependencies"][name] for name in ("web", "postgres", "broker", "s3")]
    entries = re.findall(r"^([^#\s].*?)((?: \\\n +--hash=sha256:\w{64})+)$", LOCK.read_text(), re.M)
    assert len(entries) == len(re.findall(r"^[^#\s]", LOCK.read_text(), re.M)), "each has its hashes"
    locked: dict[str, list[Requirement]] = {}
    for entry in (Requirement(line) for line, _ in entries):
        locked.setdefault(canonicalize_name(entry.name), []).append(entry)
    for wanted in map(Requirement, sum(extras, project["dependencies"])):
        versions = [next(iter(found.specifier)).version for found in locked[canonicalize_name(wanted.name)]]
        assert all(version in wanted.specifier for version in versions), f"{wanted}: run `make lock`"


@pytest.mark.django_db
def test_dashboard_and_scalers_ask_for_numbers_that_exist() -> None:
    told = {family.name for family in Site().collect()}
    texts = [(DEPLOY / name).read_text() for name in ("grafana.json", "keda.yaml", "systemd/unbraid-scale")]
    asked = [set(re.findall(r"\bunbraid_(?!web)[a-z_]+", text)) for text in texts]
    assert asked[0] == told, "the dashboard shows every number"
    assert asked[1] == asked[2] == {"unbraid_queue_length"}
    panels = json.loads(texts[0])["panels"]
    assert all(panel["targets"] for panel in panels)
    assert yaml.safe_load(texts[1])["spec"]["scaleTargetRef"]["name"] == "unbraid-worker"


def test_workers_are_started_by_the_length_of_the_queue(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    programs = {"curl": "cat $ANSWER", "systemctl": f'echo "$@" >> {calls}'}
    for name, body in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    answer = tmp_path / "answer"
    for waiting, expected in ((0, "start 1 stop 2 stop 3"), (5, "start 1 start 2"), (90, "start 1 start 2 start 3")):
        answer.write_text(f'unbraid_queue_length{{kind="separation"}} {waiting}.0\nunbraid_up{{part="disk"}} 1.0\n')
        calls.write_text("")
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ANSWER": str(answer), "MOST": "3"}
        environment["UNBRAID_METRICS_TOKEN"] = "a-token"
        subprocess.run([DEPLOY / "systemd/unbraid-scale"], env=environment, check=True, timeout=30)
        assert calls.read_text().replace("unbraid-worker@", "").split() == expected.split()


def test_nginx_takes_its_file(tmp_path: Path) -> None:
    need("nginx", packages="nginx")
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=stems.example.org"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run([*certificate, *files], check=True, capture_output=True)
    server = (DEPLOY / "nginx.conf").read_text()
    server = server.replace("/etc/ssl/certs/stems.pem", str(tmp_path / "cert.pem"))
    server = server.replace("/etc/ssl/private/stems.key", str(tmp_path / "key.pem"))
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/nginx.pid;\nevents {{}}\nhttp {{\n{server}}}\n")
    checked = subprocess.run(["nginx", "-t", "-c", str(whole)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_the_documented_server_block_is_the_one_to_copy() -> None:
    block = re.search(r"```nginx\n(.*?)```", (ROOT / "docs/self-hosting.md").read_text(), re.S)
    assert block
    assert (DEPLOY / "nginx.conf").read_text().endswith(block[1])
