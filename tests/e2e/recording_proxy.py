"""A proxy on loopback that passes every byte on and keeps a copy, until it is cut."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class RecordingProxy:
    """Stands between a caller and a server, on the level of TCP: nothing can pass it unseen.

    Args:
        target: Address of the server; may be set later, before the first call.
    """

    def __init__(self, target=None):
        self.target = target
        self.streams = []
        self._port = 0
        self._open = []
        self.mend()

    @property
    def url(self):
        """The address to call instead of the target."""
        return f"http://127.0.0.1:{self._port}"

    def mend(self):
        """Takes connections, at the same address as before it was cut."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def recorded(self):
        """Each direction of each connection as one piece of bytes."""
        return [bytes(stream) for stream in self.streams]

    def cut(self):
        """Ends all connections in the middle of whatever they do, and takes no new ones."""
        # A blocking accept wakes up on shutdown only.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._open:
            _close(end)
        self._open.clear()

    close = cut

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                caller, _ = listener.accept()
                arguments = (caller, listener)
                threading.Thread(target=self._connect, args=arguments, daemon=True).start()

    def _connect(self, caller, listener):
        parts = urlsplit(self.target)
        try:
            server = socket.create_connection((parts.hostname, parts.port))
        except OSError:
            _close(caller)
            return
        self._open += [caller, server]
        if listener.fileno() == -1:
            # It was cut in the meantime.
            _close(caller)
            _close(server)
        for source, sink in ((caller, server), (server, caller)):
            stream = bytearray()
            self.streams.append(stream)
            threading.Thread(target=_pass_on, args=(source, sink, stream), daemon=True).start()


def _pass_on(source, sink, stream):
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            stream += data
            sink.sendall(data)
    _close(source)
    _close(sink)


def _close(end):
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
