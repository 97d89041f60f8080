"""What a self-hoster copies says what the code does."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.web.browser.chromium import need

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMMANDS = {path.stem for path in (ROOT / "src/unbraid_web").glob("*/management/commands/[a-z]*.py")}
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def settings_in_code() -> set[str]:
    code = "".join((ROOT / "src/unbraid_web" / name).read_text() for name in ("settings.py", "paths.py"))
    read = re.findall(r"""(?:environ\.get\(|environ\[|flag\(|number\()"([A-Z0-9_]+)\"""", code)
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
        for mounted in (volume.split(":")[0] for volume in service.get("volumes", [])):
            assert not mounted.startswith(".") or (DEPLOY / mounted).exists()


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_run_what_exists(unit: Path) -> None:
    started = re.findall(r"-m unbraid_web (\w+)", unit.read_text())
    assert started and set(started) <= COMMANDS


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
