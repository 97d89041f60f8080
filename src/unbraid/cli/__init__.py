"""The command line: arguments in, sentences out. Each command imports the code it needs."""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from unbraid.cli import bench, corpus, doctor, evaluate, export, info, separate, train, web
from unbraid.cli.streams import safe_streams
from unbraid.errors import UnbraidError, os_error_sentence

COMMANDS = (separate, info, bench, evaluate, corpus, train, export, web, doctor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 for a failure, 2 for an invalid request."""
    with safe_streams() as streams, _stopped_by_signals():
        args = command_parser().parse_args(arguments)
        try:
            code: int | None = args.run(args)
        except UnbraidError as error:
            print(f"unbraid: {error}", file=sys.stderr)
            return error.exit_code
        except OSError as error:
            print(f"unbraid: {os_error_sentence(error)}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("unbraid: stopped.", file=sys.stderr)
            return 130
        return code or streams.exit_code()


def command_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands and their options, which the documentation uses too."""
    parser = argparse.ArgumentParser(
        prog="unbraid", description="Split songs into vocals, drums, bass, piano and other."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_CommandParser)
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the work as Ctrl+C does, with everything temporary removed.

    A signal that is ignored, as under `nohup`, or that the calling program handles is left alone.
    """
    numbers = {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}
    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        numbers = set()

    def stop(number: int, frame: object) -> NoReturn:
        for caught in handled:  # people press twice, closing terminals send more than one: the tidying goes on
            signal.signal(caught, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in numbers}
    handled = [number for number in numbers if before[number] in (signal.SIG_DFL, signal.default_int_handler)]
    for number in handled:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])


class _CommandParser(argparse.ArgumentParser):
    """The parser of one command; options may also come between songs."""

    _is_mixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        # The intermixed parsing of Python before 3.12.8 calls this very method, and takes no commands of commands.
        if self._is_mixing or self._subparsers is not None or "--" in args:
            return super().parse_known_args(args, namespace)
        self._is_mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_mixing = False


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from unbraid import __version__

        print(f"unbraid {__version__}")
        parser.exit()
