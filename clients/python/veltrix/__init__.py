"""A client for Veltrix in the standard library alone; the protocol is docs/protocol.md."""

from .client import Client, Refused, Unavailable
from .codes import Ack, Direction, Disposition, Field, Flag, FrameType, Kind, Rejection, Result, Right
from .crc32c import crc32c
from .events import Event, Outcome
from .frames import Acknowledgement, Frame, Hello, Refusal, Welcome, decode, encode
from .http import HttpClient

__all__ = [
    "Ack", "Acknowledgement", "Client", "Direction", "Disposition", "Event", "Field", "Flag", "Frame",
    "FrameType", "Hello", "HttpClient", "Kind", "Outcome", "Refusal", "Refused", "Rejection", "Result",
    "Right", "Unavailable", "Welcome", "crc32c", "decode", "encode",
]
