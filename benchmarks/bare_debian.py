"""docs/self-hosting.md followed literally: from a bare Debian to a song that was taken apart, small and grown.

    python -m benchmarks.bare_debian [--folder FOLDER]

As root, on a machine with mmdebstrap, systemd-nspawn, slirp4netns and curl: boots a bare Debian 12 with systemd and a
network of its own, runs there each command that the page prints for an installation without containers, and takes a
song apart through https: first with the small one, then with that to which it grows. What the page leaves to its reader
is done here: a certificate that Caddy makes by itself, and a bucket, on a server that speaks S3 outside of that Debian.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
from tests.s3_server import s3_server

ROOT = Path(__file__).resolve().parents[1]
HOST, BUCKET = "stems.example.org", "stems"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
CHECKOUT = "/root/unbraid"
OUTSIDE = "10.0.2.2"  # where slirp4netns shows the machine itself; it answers names at 10.0.2.3
PATIENCE = 1800.0
ACCOUNT = f"""
from unbraid_web.accounts.models import User
from unbraid_web.api.models import Token
user = User.objects.filter(email="ana@{HOST}").first() or User.objects.create_user("ana@{HOST}", "strings and hammers")
print(Token.make(user, "visitor")[1])
"""


def documented_commands() -> list[str]:
    """Return the page's blocks of commands for an installation without containers."""
    page = (ROOT / "docs/self-hosting.md").read_text()
    part = page.split("## Without containers")[1].split("\n## ")[0]
    return re.findall(r"^```\n(.*?)^```", part, re.MULTILINE | re.DOTALL)


class Debian:
    """A Debian in a folder, booted, with a network of its own that reaches outside."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self.root = root
        include = "--include=systemd-sysv,dbus,ca-certificates"
        make = ["unshare", "--mount", "mmdebstrap"]  # what it mounts there goes with it, however it ends
        subprocess.run([*make, "--quiet", "--variant=minbase", include, "bookworm", str(root)], check=True)
        shutil.copy2(AUTHORITIES, root / AUTHORITIES.lstrip("/"))
        (root / "etc/resolv.conf").write_text("nameserver 10.0.2.3\n")
        (root / "etc/hosts").write_text(f"127.0.0.1 localhost {HOST}\n::1 localhost\n")
        checkout = root / CHECKOUT.lstrip("/")
        checkout.mkdir(parents=True)
        subprocess.run(f"git archive HEAD | tar x -C '{checkout}'", shell=True, check=True, cwd=ROOT)
        boot = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--resolv-conf=off"]
        boot += ["--link-journal=no", "--console=pipe", f"--directory={root}", "--boot"]
        quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
        machine = stack.enter_context(running(boot, **quiet))
        children = Path(f"/proc/{machine.pid}/task/{machine.pid}/children")
        wait_until("the Debian starts", lambda: children.read_text().strip())
        self.leader = children.read_text().strip()
        is_up = "systemctl is-system-running || true"
        wait_until("the Debian has booted", lambda: "running" in self.enters(is_up, capture_output=True).stdout)
        stack.enter_context(running(["slirp4netns", "--configure", self.leader, "tap0"], **quiet))

    def enters(self, script: str, *, check: bool = True, **how: Any) -> subprocess.CompletedProcess[str]:
        """Run a script there as root, in the checkout."""
        environment = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
        command = ["nsenter", "--all", "--target", self.leader, "sh", "-ec", f"cd {CHECKOUT}\n{script}"]
        environment["DEBIAN_FRONTEND"] = "noninteractive"
        return subprocess.run(command, check=check, env=environment, text=True, timeout=PATIENCE, **how)

    def follow(self, block: str) -> None:
        """Show a block of the page, and run it."""
        print(block, flush=True)
        (self.root / "root/block").write_text(block)
        self.enters("sh -e /root/block")

    def edit(self, path: str, pattern: str, replacement: str) -> None:
        """Change a file as a person would."""
        file = self.root / path.lstrip("/")
        text, count = re.subn(pattern, replacement, file.read_text(), flags=re.MULTILINE)
        assert count, (path, pattern)
        file.write_text(text)


class Visitor:
    """Somebody who comes by https, and trusts one certificate."""

    def __init__(self, debian: Debian, certificate: str) -> None:
        self.debian, self.certificate, self.token = debian, debian.root / certificate.lstrip("/"), ""

    def ask(self, path: str, *options: str) -> bytes:
        """Fetch something; empty while nobody answers well."""
        command = ["nsenter", "--net", "--target", self.debian.leader, "curl", "--silent", "--fail", "--location"]
        command += ["--resolve", f"{HOST}:443:127.0.0.1", "--cacert", str(self.certificate)]
        command += ["--header", f"Authorization: Bearer {self.token}", *options, f"https://{HOST}{path}"]
        return subprocess.run(command, capture_output=True, timeout=120).stdout

    def comes_in(self) -> None:
        """Wait until the whole site is well, and get a token."""
        wait_until("the site is well", lambda: self.ask("/healthz"))
        python = "set -a; . /etc/unbraid.env; runuser -u unbraid -- /opt/unbraid/bin/python"
        made = self.debian.enters(f"{python} -m unbraid_web shell --no-imports -c '{ACCOUNT}'", stdout=subprocess.PIPE)
        self.token = made.stdout.strip()

    def sends(self, song: Path) -> Any:
        """Upload a song, and return what is known of it when its stems are there."""
        sent = json.loads(self.ask("/api/v1/songs", "--form", f"file=@{song}"))
        began = time.monotonic()
        wait_until("the song is done", lambda: self.song(sent["id"])["state"] in ("done", "failed"))
        found = self.song(sent["id"])
        assert found["state"] == "done", found
        print(f"# the song was done after {time.monotonic() - began:.0f} s", flush=True)
        return found

    def song(self, number: str) -> Any:
        """Return what is known of a song."""
        return json.loads(self.ask(f"/api/v1/songs/{number}"))

    def hears(self, song: Any) -> None:
        """Fetch a file of each stem."""
        assert len(song["stems"]) > 1
        for stem in song["stems"]:
            wait_until(f"{stem['name']} can be fetched", lambda stem=stem: self.ask(stem["file"]))
            file = self.ask(stem["file"])
            assert file[:4] == b"fLaC", file[:80]
            print(f"# {stem['name']}: {len(file)} bytes", flush=True)


@contextmanager
def running(command: list[str], **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, and end it."""
    with subprocess.Popen(command, **how) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until(what: str, condition: Any) -> None:
    """Wait for something, with an end."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"It never came true that {what}.")
        time.sleep(1)


def main() -> int:
    """Follow the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the Debian is made for the time (1.5 GB)")
    args = parser.parse_args()
    song = ROOT / "demo/lithium-demo.flac"
    install, examine, grow = documented_commands()
    with tempfile.TemporaryDirectory(prefix="unbraid-debian-", dir=args.folder) as folder, ExitStack() as stack:
        debian = Debian(Path(folder) / "debian", stack)
        debian.follow(install)
        debian.edit("/etc/caddy/Caddyfile", r"^\treverse_proxy", "\ttls internal\n\treverse_proxy")
        debian.enters("systemctl restart caddy")
        visitor = Visitor(debian, "/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt")
        visitor.comes_in()
        old = visitor.sends(song)
        visitor.hears(old)
        debian.follow(examine)

        bucket = stack.enter_context(s3_server())
        address = bucket["AWS_ENDPOINT_URL_S3"]
        keys = {"aws_access_key_id": "name", "aws_secret_access_key": "secret"}  # as on the page
        boto3.client("s3", endpoint_url=address, region_name="us-east-1", **keys).create_bucket(Bucket=BUCKET)
        debian.follow(grow.replace("https://s3.example.net", address.replace("127.0.0.1", OUTSIDE)))
        visitor = Visitor(debian, "/etc/ssl/certs/stems.pem")
        visitor.comes_in()
        visitor.hears(visitor.song(old["id"]))
        visitor.hears(visitor.sends(song))
        debian.follow(examine)
        debian.enters("systemctl start unbraid-scale.service")  # it has to be let in under https, too
    return 0


if __name__ == "__main__":
    sys.exit(main())
