"""`unbraid corpus`: makes, checks and packs the songs that models are trained on."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unbraid.cli import options
from unbraid.cli.extras import extra
from unbraid.errors import UsageError

if TYPE_CHECKING:
    from unbraid.corpus.building.build import Built


def add_parser(commands: Any) -> None:
    """Add the command, its sub-commands and their options."""
    description = "Make, check and pack the songs that models are trained on."
    parser = commands.add_parser("corpus", help="make the songs that models are trained on", description=description)
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def add(name: str, run: Any, sentence: str) -> argparse.ArgumentParser:
        description = f"{sentence[0].upper()}{sentence[1:]}."
        action: argparse.ArgumentParser = actions.add_parser(name, help=sentence, description=description)
        action.set_defaults(run=run)
        return action

    listing = add("list", _list, "list the raw material, or the hours of a built corpus")
    listing.add_argument("folder", nargs="?", type=options.path, metavar="DIR", help="a built corpus")
    options.add_material(listing)
    options.add_json(listing, "one JSON object per source, each on its own line")

    add("fetch", _fetch, "download the raw material that has a public address")

    build = add("build", _build, "build a corpus of song folders; an interrupted build continues")
    build.add_argument(
        "--hours", type=options.positive, default=20.0, help="hours of music to build, at least (default: 20)"
    )
    options.add_seed(build, default=1)
    build.add_argument("-o", "--out", type=options.path, required=True, metavar="DIR", help="folder to build it in")
    options.add_material(build)
    build.add_argument("--workers", type=options.count, default=2, help="songs to make at once (default: 2)")

    verify = add("verify", _verify, "check a corpus for clipped, silent, broken, misnamed and leaked songs")
    verify.add_argument("folder", type=options.path, metavar="DIR", help="the corpus")
    options.add_material(verify)

    pack = add("pack", _pack, "pack a corpus into one small file, for another machine")
    pack.add_argument("folder", type=options.path, metavar="DIR", help="the corpus")
    pack.add_argument(
        "-o", "--out", type=options.output_file(".tar"), required=True, metavar="BUNDLE.tar", help="file to write"
    )
    pack.add_argument(
        "--max-size", type=options.positive, default=64.0, metavar="MIB", help="largest size of the file (default: 64)"
    )
    pack.add_argument(
        "--kbps", type=options.whole, default=96, help="bit rate of a stereo stem, 8 to 256 kbit/s (default: 96)"
    )

    unpack = add("unpack", _unpack, "unpack a file made by `unbraid corpus pack` into song folders")
    unpack.add_argument("bundle", type=options.path, metavar="BUNDLE.tar", help="file made by `unbraid corpus pack`")
    unpack.add_argument("-o", "--out", type=options.path, required=True, metavar="DIR", help="folder to unpack into")


@extra("corpus")
def _list(args: argparse.Namespace) -> int:
    from unbraid import corpus

    if args.folder:
        return _hours(args.folder)
    sources = corpus.list_sources(material=args.material)
    if args.json:
        for source in sources:
            print(json.dumps(source.line(), ensure_ascii=False))
        return 0
    for source in sources:
        print(f"{source.id:56} {source.source:7} {source.split:6} {source.licence:17} {source.attribution}")
    return 0


def _hours(folder: Path) -> int:
    """A built corpus as a table of hours, in Markdown."""
    from unbraid.corpus.audio_files import SOURCES
    from unbraid.corpus.building import manifest

    table = manifest.hours(manifest.read(folder / manifest.NAME))
    sources = [*SOURCES, *sorted({name for row in table.values() for name in row}.difference(SOURCES))]
    print(f"| split | licence | {' | '.join(sources)} |")
    print("|---" * (2 + len(sources)) + "|")
    for (split, licence), row in sorted(table.items()):
        print(f"| {split} | {licence} | {' | '.join(f'{row.get(source, 0.0):.2f}' for source in sources)} |")
    return 0


@extra("corpus")
def _build(args: argparse.Namespace) -> int:
    from unbraid import corpus

    def progress(built: "Built") -> None:
        print(f"\r{built.hours:.2f} of {args.hours:g} hours, {built.songs} songs", end="", file=sys.stderr, flush=True)

    built = corpus.build(
        args.hours, args.seed, args.out, material=args.material, workers=args.workers, on_progress=progress
    )
    print(file=sys.stderr)
    for failure in built.failed:
        print(failure, file=sys.stderr)
    print(f"{built.hours:.2f} hours in {built.songs} songs, {built.new} of them new, {len(built.failed)} failed.")
    return 0


@extra("corpus")
def _verify(args: argparse.Namespace) -> int:
    from unbraid import corpus

    problems = corpus.verify(args.folder, material=args.material)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems found." if problems else "The corpus is clean.")
    return 1 if problems else 0


@extra("corpus")
def _pack(args: argparse.Namespace) -> int:
    from unbraid.corpus.building import shards

    if not 8 <= args.kbps <= 256:
        raise UsageError(f"{args.kbps} kbit/s is out of range for Opus: give --kbps 8 to 256.")
    packed = shards.pack(args.folder, args.out, int(args.max_size * 2**20), args.kbps)
    for sentence in packed.skipped:
        print(sentence, file=sys.stderr)
    size = packed.size / 2**20
    print(f"{packed.hours:.2f} hours in {packed.songs} songs, {size:.1f} MiB, {len(packed.skipped)} skipped.")
    return 0


@extra("corpus")
def _unpack(args: argparse.Namespace) -> int:
    from unbraid.corpus.building import shards

    print(f"{shards.unpack(args.bundle, args.out)} songs unpacked.")
    return 0


@extra("corpus")
def _fetch(args: argparse.Namespace) -> int:
    from unbraid.corpus.sources import fetch
    from unbraid.corpus.sources.folders import material_folders

    material = material_folders()
    failures = fetch.fetch_all(material, on_progress=lambda source: print(f"Fetching {source.name}", file=sys.stderr))
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"The raw material is in {material.target}; {len(failures)} sources are missing.")
    return 1 if failures else 0
