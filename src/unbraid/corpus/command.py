"""`unbraid corpus list | build | verify`: the arguments in, sentences out."""

from __future__ import annotations

import argparse
import json
import sys

from unbraid import corpus
from unbraid.errors import UsageError


def corpus_command(args: argparse.Namespace) -> int:
    """Run one action; 1 if verify finds faults, else 0. `args`: see the command line."""
    if args.action == "list":
        return _list(args)
    if args.action == "build":
        return _build(args)
    return _verify(args)


def _list(args: argparse.Namespace) -> int:
    sources = corpus.list_sources(material=args.material)
    if args.json:
        for source in sources:
            print(json.dumps(source.line(), ensure_ascii=False))
        return 0
    for source in sources:
        print(f"{source.id:56} {source.source:7} {source.split:6} {source.licence:17} {source.attribution}")
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
