"""The command line: arguments in, sentences out; what does the work is imported by the command that needs it."""

import argparse
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from unbraid.audio.formats import FORMATS
from unbraid.errors import UnbraidError

Arguments = argparse.Namespace


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 for a failure, 2 for a request that makes no sense."""
    args = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        code: int | None = args.command(args)
        return code or 0
    except UnbraidError as error:
        print(f"unbraid: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("unbraid: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read our output has read enough
        sys.stderr.close()
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="unbraid", description="Take songs apart into vocals, drums, bass, piano and other."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (_separate, _info, _bench, _evaluate, _corpus, _train, _export, _web):
        add(commands)
    return parser


def _separate(commands: Any) -> None:
    parser = commands.add_parser("separate", help="take songs apart", description="Take songs apart into their stems.")
    parser.add_argument("songs", nargs="+", metavar="SONG", help="a sound file, a folder of them, or - for a pipe")
    parser.add_argument("-o", "--out", default="stems", metavar="DIR", help="where DIR/<song>/<stem> go (stems)")
    parser.add_argument("--stems", metavar="NAME,...", help="only these, for instance vocals,drums")
    parser.add_argument("--two-stems", metavar="NAME", help="this one and everything else, the accompaniment")
    parser.add_argument("--format", choices=tuple(FORMATS), default="wav", help="of the files (wav)")
    parser.add_argument(
        "--bit-depth", choices=("16", "24", "32f"), help="of wav (32f, which keeps the exact sum) and flac (24)"
    )
    parser.add_argument("--mono", action="store_true", help="fold the song down to one channel first")
    parser.add_argument("--start", type=float, default=0.0, metavar="SECONDS", help="begin there in the song")
    parser.add_argument("--duration", type=float, metavar="SECONDS", help="take only so much of it")
    parser.add_argument("--skip-existing", action="store_true", help="leave out songs whose stems are all there")
    parser.add_argument("--plot", action="store_true", help="draw the stems too, into DIR/<song>/stems.png")
    parser.add_argument(
        "--dask", metavar="SCHEDULER", help="let the workers of this Dask cluster do it; songs may be URLs like s3://…"
    )
    _add_model(parser)
    parser.add_argument("--quiet", "-q", action="store_true", help="say nothing unless something is wrong")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line for each song")

    def run(args: Arguments) -> int:
        from unbraid.cli.separate import separate_command

        return separate_command(args)

    parser.set_defaults(command=run)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="FILE.onnx", help="instead of the one that comes with unbraid")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="what to compute on (auto)")
    parser.add_argument(
        "--strict", action="store_true", help="compute in fp32 even where the processor has the faster bf16"
    )


def _info(commands: Any) -> None:
    parser = commands.add_parser("info", help="say what the model is and what it runs on")
    _add_model(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object")

    def run(args: Arguments) -> None:
        from unbraid.cli.info import info_command

        info_command(args)

    parser.set_defaults(command=run)


def _bench(commands: Any) -> None:
    parser = commands.add_parser("bench", help="measure how fast songs are separated here")
    parser.add_argument("song", nargs="?", metavar="SONG", help="a song of yours; left out, a minute of made-up sound")
    _add_model(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object")

    def run(args: Arguments) -> None:
        from unbraid.cli.info import bench_command

        bench_command(args)

    parser.set_defaults(command=run)


def _evaluate(commands: Any) -> None:
    parser = commands.add_parser("evaluate", help="score a model on songs whose stems are known")
    parser.add_argument("dataset", metavar="DATASET", help="a folder of song folders with a file for each stem")
    parser.add_argument("--model", metavar="FILE.onnx", help="instead of the one that comes with unbraid")
    parser.add_argument("--json", metavar="FILE", help="write the report here")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the report here, with spectrograms of one song")
    parser.add_argument(
        "--bsseval", action="store_true", help="measure ISR, SIR and SAR too (museval; takes as long as the songs)"
    )
    parser.add_argument(
        "--conditions",
        action="store_true",
        help="score the songs in mono, on the telephone, as MP3 … (20 times as long)",
    )
    parser.set_defaults(command=lambda args: _call("unbraid.evaluation.report", "evaluate_command", args, "evaluate"))


def _corpus(commands: Any) -> None:
    parser = commands.add_parser("corpus", help="make the songs that models are trained on")
    parser.add_argument("action", choices=("list", "build", "verify", "pack", "unpack", "fetch"), help="what to do")
    parser.add_argument("folder", nargs="?", metavar="PATH", help="the corpus (unpack: the shard)")
    parser.add_argument("--hours", type=float, default=20.0, help="at least so many (20)")
    parser.add_argument("--seed", type=int, default=1, help="decides every song (1)")
    parser.add_argument("-o", "--out", metavar="PATH", help="what is built, packed or unpacked")
    parser.add_argument("--material", metavar="DIR", help="the raw material (else $UNBRAID_CORPUS)")
    parser.add_argument("--workers", type=int, default=2, help="songs made at a time (2)")
    parser.add_argument("--max-size", type=float, default=64.0, metavar="MIB", help="pack: no larger than this (64)")
    parser.add_argument("--kbps", type=int, default=96, help="pack: kbit/s of a stem in stereo (96)")
    parser.add_argument("--json", action="store_true", help="list: one JSON object a line")
    parser.set_defaults(command=lambda args: _call("unbraid.cli.corpus", "corpus_command", args, "corpus"))


def _train(commands: Any) -> None:
    parser = commands.add_parser("train", help="train a model")
    parser.add_argument("preset", metavar="PRESET", help="which network, for instance unbraid or m5")
    parser.add_argument("--resume", action="store_true", help="go on where the last run stopped")
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="DIR[=WEIGHT]",
        help="a folder of song folders with a file for each stem, or a .tar of `corpus pack`, drawn from WEIGHT "
        "times as often; may be repeated",
    )
    parser.add_argument("--valid", action="append", default=[], metavar="DIR", help="held-out songs, in folders too")
    parser.add_argument("--out", metavar="DIR", help="where checkpoint, log and curves go (runs/PRESET)")
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="train for so long in all, interruptions not counted"
    )
    parser.add_argument("--steps", type=int, metavar="N", help="or for so many steps")
    parser.add_argument(
        "--from", dest="start_from", metavar="FILE", help="start from the weights of a checkpoint or model"
    )
    parser.add_argument("--batch", type=int, metavar="N", help="excerpts a step, of all processes (the preset's)")
    parser.add_argument("--learning-rate", type=float, metavar="RATE", help="at its highest (the preset's)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn at random (0)")
    parser.set_defaults(command=lambda args: _call("unbraid.cli.train", "train_command", args, "train"))


def _export(commands: Any) -> None:
    parser = commands.add_parser("export", help="make a model file of a checkpoint")
    parser.add_argument(
        "--average",
        metavar="FILE",
        help="take the mean with the weights of the checkpoint or model that the training went on from",
    )
    parser.add_argument("--times", type=float, default=1.0, metavar="N", help="those count N times as much (1)")
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="of a training")
    parser.add_argument("-o", "--out", required=True, metavar="FILE.onnx", help="the model file")
    parser.set_defaults(command=lambda args: _call("unbraid.cli.train", "export_command", args, "train"))


def _web(commands: Any) -> None:
    parser = commands.add_parser("web", help="serve the website on this machine and open it")
    parser.add_argument("--port", type=int, default=8000, help="where to listen (8000)")

    def run(args: Arguments) -> None:
        serve = _load("unbraid_web.serve", "web")
        serve.main(port=args.port)

    parser.set_defaults(command=run)


def _call(module: str, function: str, args: Arguments, extra: str) -> int | None:
    """Run `function(args)` of a module that may need an extra."""
    code: int | None = getattr(_load(module, extra), function)(args)
    return code


def _load(module: str, extra: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise UnbraidError(
            f"This command needs {error.name}, which is not installed: pip install 'unbraid[{extra}]'."
        ) from error


def _terminated(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from unbraid import __version__

        print(f"unbraid {__version__}")
        parser.exit()
