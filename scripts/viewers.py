"""Viewers of a hunt over plain sockets: server-sent events and WebSockets, as slow as they are told to be.

Standard library only; used by scripts/soak and Tests/Linearizability.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import time


class Viewer:
    """One connection; `messages` gives what comes, and ends when the connection does."""

    def __init__(self, port, hunt, kind, bytes_per_second=None, buffer_bytes=None, timeout=10.0):
        """kind: "sse" or "websocket". bytes_per_second: how fast it reads, None for as fast as it comes.
        buffer_bytes: its receive buffer, None for the system's."""
        self.rate, self.received, self.is_over = bytes_per_second, bytearray(), False
        self.peer = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if buffer_bytes is not None:
            self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self.peer.settimeout(timeout)
        try:
            self.peer.connect(("127.0.0.1", port))
            self._open(hunt, kind)
        except BaseException:
            self.peer.close()
            raise

    def _open(self, hunt, kind):
        if kind == "sse":
            self.messages = self._events
            self.peer.sendall(
                f"GET /v1/hunts/{hunt}/live HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            self._head(b"200")
            return
        self.messages = self._texts
        key = base64.b64encode(os.urandom(16)).decode()
        self.peer.sendall(
            "GET /v1/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        self._head(b"101")
        data, mask = json.dumps({"subscribe": {"hunt": hunt}}).encode(), os.urandom(4)
        self._frame(1, data, mask)

    def _frame(self, opcode, data, mask=b"\0\0\0\0"):
        self.peer.sendall(bytes((0x80 | opcode, 0x80 | len(data))) + mask
                          + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)))

    def close(self):
        self.is_over = True
        try:
            self.peer.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the engine closed it first

    def _head(self, status):
        while b"\r\n\r\n" not in self.received:
            self._more()
        head, _, rest = bytes(self.received).partition(b"\r\n\r\n")
        if head[9:12] != status:
            raise ConnectionError(head.decode(errors="replace"))
        self.received = bytearray(rest)
        self.is_chunked = b"transfer-encoding: chunked" in head.lower()

    def _more(self):
        size = 65_536 if self.rate is None else max(256, self.rate // 10)
        data = self.peer.recv(size)
        if not data:
            raise ConnectionError("closed by the engine")
        self.received += data
        if self.rate is not None:
            time.sleep(len(data) / self.rate)

    def _take(self, size) -> bytes:
        while len(self.received) < size:
            self._more()
        data = bytes(self.received[:size])
        del self.received[:size]
        return data

    def _line(self) -> bytes:
        while b"\n" not in self.received:
            self._more()
        return self._take(self.received.index(b"\n") + 1)

    def _body(self):
        """The bytes of the stream's body, as they come."""
        while True:
            if not self.is_chunked:
                yield self._take(max(1, len(self.received)))
                continue
            size = int(self._line().split(b";")[0], 16)
            yield self._take(size)
            self._take(2)
            if size == 0:
                return

    def _events(self):
        text = b""
        try:
            for data in self._body():
                text += data
                while b"\n\n" in text:
                    event, text = text.split(b"\n\n", 1)
                    for line in event.split(b"\n"):
                        if line.startswith(b"data: "):
                            yield json.loads(line[6:])
        except OSError:
            pass  # the end, ours or the engine's
        finally:
            self.peer.close()

    def _texts(self):
        try:
            while True:
                first, second = self._take(2)
                size = second & 127
                if size == 126:
                    size = struct.unpack(">H", self._take(2))[0]
                elif size == 127:
                    size = struct.unpack(">Q", self._take(8))[0]
                data = self._take(size)
                if first & 15 == 1:
                    yield json.loads(data)
                elif first & 15 == 8:
                    return
                elif first & 15 == 9:
                    self._frame(10, data)
        except OSError:
            pass  # the end, ours or the engine's
        finally:
            self.peer.close()
