"""A door between two programs: open, shut, one that lets in and never answers, or one that dawdles."""

import contextlib
import select
import socket
import threading
import time
from enum import Enum


class Door:
    """Listens at a port of its own and passes everything on to another one, as its `way` says."""

    class Way(Enum):
        """How it behaves."""

        OPEN = "open"
        SHUT = "refuses"
        SILENT = "takes connections, never answers"
        SLOW = "dawdles"

    def __init__(self, host: str, port: int, slow_seconds: float = 0.5) -> None:
        self._target, self._slow_seconds = (host, port), slow_seconds
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._way = self.Way.OPEN
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._let_in, daemon=True).start()

    @property
    def way(self) -> "Door.Way":
        """How it behaves now."""
        return self._way

    @way.setter
    def way(self, way: "Door.Way") -> None:
        self._way = way
        if way is self.Way.SHUT:
            for connection in list(self._open):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _let_in(self) -> None:
        while True:
            here, _ = self._listener.accept()
            if self._way is self.Way.SHUT:
                here.close()
            else:
                threading.Thread(target=self._pass_on, args=(here,), daemon=True).start()

    def _pass_on(self, here: socket.socket) -> None:
        with contextlib.suppress(OSError), here, socket.create_connection(self._target) as there:
            self._open |= {here, there}
            other = {here: there, there: here}
            try:
                while True:
                    for source in select.select([here, there], [], [], 1.0)[0]:
                        while self._way is self.Way.SILENT:
                            time.sleep(0.1)
                        data = source.recv(2**16)
                        if not data:
                            return
                        if self._way is self.Way.SLOW and source is there:
                            time.sleep(self._slow_seconds)
                        other[source].sendall(data)
            finally:
                self._open -= {here, there}
