"""`unbraid corpus list | build | verify | pack | unpack | fetch`: the arguments in, sentences out."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from unbraid import corpus
from unbraid.corpus.audio_files import SOURCES
from unbraid.errors import UsageError


def corpus_command(args: argparse.Namespace) -> int:
    """Run one action; 1 if verify finds faults, else 0. `args`: see the command line."""
    actions = {
        "list": _list,
        "build": _build,
        "verify": _verify,
        "pack": _pack,
        "unpack": _unpack,
        "fetch": _fetch,
    }
    return actions[args.action](args)


def _list(args: argparse.Namespace) -> int:
    if args.folder:
        return _hours(Path(args.folder))
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
    from unbraid.corpus import manifest

    table = manifest.hours(manifest.read(folder / manifest.NAME))
    sources = [*SOURCES, *sorted({name for row in table.values() for name in row}.difference(SOURCES))]
    print(f"| split | licence | {' | '.join(sources)} |")
    print("|---" * (2 + len(sources)) + "|")
    for (split, licence), row in sorted(table.items()):
        print(f"| {split} | {licence} | {' | '.join(f'{row.get(source, 0.0):.2f}' for source in sources)} |")
    return 0


def _build(args: argparse.Namespace) -> int:
    if args.out is None:
        raise UsageError("Say where to build the corpus: unbraid corpus build --hours 20 -o DIR.")
    from unbraid.corpus.building import Built

    def progress(built: Built) -> None:
        print(f"\r{built.hours:.2f} of {args.hours:g} hours, {built.songs} songs", end="", file=sys.stderr, flush=True)

    built = corpus.build(
        args.hours, args.seed, args.out, material=args.material, workers=args.workers, on_progress=progress
    )
    print(file=sys.stderr)
    for failure in built.failed:
        print(failure, file=sys.stderr)
    print(f"{built.hours:.2f} hours in {built.songs} songs, {built.new} of them new, {len(built.failed)} failed.")
    return 0


def _verify(args: argparse.Namespace) -> int:
    folder = args.folder or args.out
    if folder is None:
        raise UsageError("Say which corpus to verify: unbraid corpus verify DIR.")
    problems = corpus.verify(folder, material=args.material)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems found." if problems else "The corpus is clean.")
    return 1 if problems else 0


def _pack(args: argparse.Namespace) -> int:
    if args.folder is None or args.out is None:
        raise UsageError("Say which corpus to pack, and into what: unbraid corpus pack DIR -o SHARD.tar.")
    from unbraid.corpus import shards

    if not 8 <= args.kbps <= 256:
        raise UsageError(f"{args.kbps} kbit/s is not what Opus is made for: --kbps 8 to 256.")
    packed = shards.pack(args.folder, args.out, int(args.max_size * 2**20), args.kbps)
    for sentence in packed.skipped:
        print(sentence, file=sys.stderr)
    size = packed.size / 2**20
    print(f"{packed.hours:.2f} hours in {packed.songs} songs, {size:.1f} MiB, {len(packed.skipped)} skipped.")
    return 0


def _unpack(args: argparse.Namespace) -> int:
    if args.folder is None or args.out is None:
        raise UsageError("Say which shard to unpack, and where to: unbraid corpus unpack SHARD.tar -o DIR.")
    from unbraid.corpus import shards

    print(f"{shards.unpack(args.folder, args.out)} songs unpacked.")
    return 0


def _fetch(args: argparse.Namespace) -> int:
    from unbraid.corpus import fetching, instruments, places, repositories

    print(f"{fetching.salamander()} recordings of the Salamander piano lie in {places.SALAMANDER}.")
    for instrument in instruments.REPOSITORIES:
        instrument.fetch()
    print(f"The instruments of {len(instruments.REPOSITORIES)} repositories lie in {places.INSTRUMENTS}.")
    solos = sum(collection.fetch() for collection in repositories.COLLECTIONS)
    print(f"{solos} recordings of singers and instruments lie in {places.REPOSITORIES}.")
    return 0
