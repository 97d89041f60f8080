"""docs/self-hosting.md followed literally, from a bare Debian to a song that was taken apart, behind Caddy and https.

    python -m benchmarks.bare_debian [--root FOLDER] [--large]

As root, on a machine with debootstrap: makes a bare Debian in a folder, runs there each command that the page prints
for an installation without containers, and then does what the page leaves to its reader: the edits of the environment,
and a certificate (made by itself). No systemd runs in such a folder, so a stand-in for `systemctl` starts what the
units say: their user, environment, folder and commands. The site runs in a network of its own. With --large, the same
on PostgreSQL and Redis, with what the small site holds moved there by backup and restore.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
CHECKOUT, HOST = "/root/unbraid", "stems.example.org"
APT = "apt-get install -qq -y --no-install-recommends"
UNBRAID = "set -a; . /etc/unbraid.env; set +a; runuser -u unbraid --"

SYSTEMCTL = r"""#!/usr/bin/env python3
import configparser, os, pathlib, pwd, shlex, subprocess, sys
UNITS = pathlib.Path("/etc/systemd/system")
def read(name):
    template, _, instance = name.removesuffix(".service").partition("@")
    path = UNITS / (name if not instance else f"{template}@.service")
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(path if path.exists() else f"{path}.service")
    return unit
def environment(path):
    lines = [line for line in pathlib.Path(path).read_text().splitlines() if line and line[0] != "#"]
    return dict(shlex.split(line)[0].split("=", 1) for line in lines)
def start(name):
    unit = read(name)
    for wanted in unit.get("Unit", "Wants", fallback="").split():
        if wanted.startswith("unbraid-"):
            start(wanted)
    if not unit.has_section("Service"):
        return
    service = unit["Service"]
    user = pwd.getpwnam(service["User"])
    folder = pathlib.Path("/var/lib") / service["StateDirectory"]
    folder.mkdir(exist_ok=True)
    os.chown(folder, user.pw_uid, user.pw_gid)
    given = dict(user=user.pw_uid, group=user.pw_gid, extra_groups=[], cwd="/")
    given["env"] = {"PATH": "/usr/bin:/bin", "HOME": user.pw_dir} | environment(service["EnvironmentFile"])
    if before := service.get("ExecStartPre"):
        subprocess.run(shlex.split(before), check=True, **given)
    log = open(f"/var/log/{name}.log", "ab")
    subprocess.Popen(shlex.split(service["ExecStart"]), stdout=log, stderr=log, start_new_session=True, **given)
words = [word for word in sys.argv[1:] if not word.startswith("-")]
assert words[0] == "enable", words
for name in words[1:]:
    start(name)
"""

SERVE = f"""
set -eu
ip link set lo up
grep -q {HOST} /etc/hosts || echo 127.0.0.1 localhost {HOST} >> /etc/hosts
"""

LARGE_SERVICES = """
pg_ctlcluster $(pg_lsclusters -h | cut -d' ' -f1,2) start
redis-server --daemonize yes --save '' > /dev/null
runuser -u postgres -- psql -q -c "CREATE ROLE unbraid LOGIN PASSWORD 'secret'" \\
    -c "CREATE DATABASE unbraid OWNER unbraid"
"""

FRONT = f"""
SITE_HOST={HOST} caddy start --config /etc/caddy/Caddyfile > /var/log/caddy.log 2>&1
waited=0
until curl --silent --fail --cacert /root/cert.pem https://{HOST}/healthz > /root/health; do
    waited=$((waited + 1)); [ $waited -lt 600 ] || {{ cat /var/log/unbraid-*.log /var/log/caddy.log; exit 1; }}; sleep 1
done
cat /root/health; echo
"""

SONG = f"""
token=$({UNBRAID} /opt/unbraid/bin/python -m unbraid_web shell --no-imports -c "
from unbraid_web.accounts.models import User
from unbraid_web.api.models import Token
user = User.objects.filter(email='ana@{HOST}').first() or User.objects.create_user('ana@{HOST}', 'strings and hammers')
print(Token.make(user, 'bare')[1])")
api() {{ curl --silent --fail --cacert /root/cert.pem -H "Authorization: Bearer $token" "$@"; }}
api -F file=@{CHECKOUT}/demo/lithium-demo.flac https://{HOST}/api/v1/songs > /root/song
id=$(sed 's/.*"id": *"\\([^"]*\\)".*/\\1/' /root/song)
waited=0
until api https://{HOST}/api/v1/songs/$id | grep -q '"state": *"done"'; do
    waited=$((waited + 1)); [ $waited -lt 1800 ] || {{ api https://{HOST}/api/v1/songs/$id; exit 1; }}; sleep 1
done
echo "the song was done after $waited seconds"
api --location --retry 60 --retry-all-errors -o /root/vocals.flac \\
    https://{HOST}/api/v1/songs/$id/stems/vocals.flac
head -c 4 /root/vocals.flac; stat -c ' %s bytes of vocals' /root/vocals.flac
{UNBRAID} /opt/unbraid/bin/unbraid doctor
"""


def documented_commands() -> list[str]:
    """Return the commands of the page for an installation without containers."""
    page = (ROOT / "docs/self-hosting.md").read_text()
    block = re.search(r"\*\*Without containers\*\*.*?```\n(.*?)```", page, re.S)
    assert block
    return [line.split("   #")[0].strip() for line in block[1].splitlines() if line.strip()]


class Debian:
    """A Debian in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        if not (root / "etc/debian_version").exists():
            subprocess.run(["debootstrap", "--variant=minbase", "bookworm", str(root)], check=True)

    def run(self, script: str, *, own_network: bool = False) -> None:
        """Run a script as root; what it started in the background ends with it."""
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_INDEX", "HTTPS_PROXY"))}
        environment = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
        network = ["--net"] if own_network else []
        enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *network, f"--mount-proc={self.root}/proc"]
        command = [*enter, "chroot", str(self.root), "sh", "-c", f"cd {CHECKOUT} 2>/dev/null; {script}"]
        subprocess.run(command, check=True, env=environment | kept | {"DEBIAN_FRONTEND": "noninteractive"})

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)


def edit(debian: Debian, **settings: str) -> None:
    """Change lines of the environment as a person would."""
    path = debian.root / "etc/unbraid.env"
    text = path.read_text()
    for name, value in settings.items():
        text, count = re.subn(rf"^#?{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        assert count == 1, name
    path.write_text(text)


def install(debian: Debian, *, large: bool) -> list[str]:
    """Run what needs the network, and return the commands that start something."""
    shutil.copy2("/etc/resolv.conf", debian.root / "etc/resolv.conf")
    for name in ("null", "zero", "urandom"):
        if not (debian.root / "dev" / name).exists():
            subprocess.run(["cp", "-a", f"/dev/{name}", str(debian.root / "dev")], check=True)
    checkout = debian.root / CHECKOUT.lstrip("/")
    checkout.mkdir(parents=True, exist_ok=True)
    subprocess.run(f"git archive HEAD | tar x -C '{checkout}'", shell=True, check=True, cwd=ROOT)
    debian.write("/usr/local/bin/systemctl", SYSTEMCTL, 0o755)
    debian.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
    debian.run(f"apt-get update -qq && {APT} ca-certificates curl openssl iproute2")
    shutil.copy2(CERTIFICATES, debian.root / str(CERTIFICATES).lstrip("/"))
    if large:
        debian.run(f"{APT} postgresql redis-server")
    starting = []
    for command in documented_commands():
        if command.startswith("systemctl"):
            starting.append(command)
        else:
            print(f"$ {command}", flush=True)
            debian.run(command)
    debian.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout /root/key.pem -out /root/cert.pem "
        f"-subj /CN={HOST} -addext subjectAltName=DNS:{HOST} 2>/dev/null && "
        r"sed -i 's|^\trequest_body|\ttls /root/cert.pem /root/key.pem\n&|' /etc/caddy/Caddyfile"
    )
    edit(debian, UNBRAID_URL=f"https://{HOST}", UNBRAID_METRICS_TOKEN="a-token-of-the-benchmark")
    return [command for command in starting if "caddy" not in command]


def main() -> int:
    """Follow the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder of the Debian, made if it is not there, and kept")
    parser.add_argument("--large", action="store_true", help="PostgreSQL and Redis, too")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unbraid-debian-") as own:
        debian = Debian(args.root or Path(own))
        start = "".join(f"echo '$ {command}'; {command}\n" for command in install(debian, large=args.large))
        debian.run(SERVE + start + FRONT + SONG, own_network=True)
        if args.large:
            grow(debian, start)
    return 0


def grow(debian: Debian, start: str) -> None:
    """Move the site to PostgreSQL and Redis, and use it there."""
    debian.run(f"{UNBRAID} /opt/unbraid/bin/python -m unbraid_web backup /var/lib/unbraid/backup")
    edit(
        debian, DATABASE_URL="postgres://unbraid:secret@localhost/unbraid", UNBRAID_BROKER_URL="redis://localhost/0",
        UNBRAID_CACHE_URL="redis://localhost/1", UNBRAID_DATA="/var/lib/unbraid/large",
    )  # fmt: skip
    restore = f"{UNBRAID} /opt/unbraid/bin/python -m unbraid_web restore /var/lib/unbraid/backup\n"
    debian.run(SERVE + LARGE_SERVICES + restore + start + FRONT + SONG, own_network=True)


if __name__ == "__main__":
    sys.exit(main())
