"""Runs stages in parallel: iterators run ahead in other threads, behind bounded queues."""

from collections import deque
from collections.abc import Generator, Iterable
from threading import Event, Semaphore, Thread
from typing import TypeVar

from unbraid.inference.forks import native_call

T = TypeVar("T")


def run_ahead(items: Iterable[T], depth: int, name: str) -> Generator[T, None, None]:
    """Yield `items`, computed in a thread of its own at most `depth` items ahead of the reader.

    The bounded depth is what keeps memory independent of the song's length. An exception in the thread is raised
    here, in its place in the order. Closing this generator ends the thread and closes `items` before it returns.
    """
    results: deque[T | _End] = deque()
    ready, free, closing = Semaphore(0), Semaphore(depth), Event()

    def work() -> None:
        end, iterator = _End(None), iter(items)
        try:
            for item in iterator:
                results.append(item)
                ready.release()
                free.acquire()
                if closing.is_set():
                    break
        except BaseException as error:  # KeyboardInterrupt too must reach the reader, or it waits forever
            end = _End(error)
        finally:
            if isinstance(iterator, Generator):
                iterator.close()
            results.append(end)
            ready.release()

    thread = Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
        while True:
            ready.acquire()
            item = results.popleft()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
            del item  # a tile is large: do not hold it while waiting for the next
            free.release()
    finally:
        closing.set()
        free.release()
        if thread.ident is not None:
            thread.join()
            # The system's thread ends a moment after Python's, and takes OpenVINO's locks as it does.
            with native_call():
                pass


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error
