"""Decodes with clients/python what the fuzzer sends on standard input; a line for each."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "python"))

from veltrix import frames  # noqa: E402
from veltrix.codes import Rejection  # noqa: E402
from veltrix.events import Event  # noqa: E402


def frame(data):
    found = frames.decode(data)
    if found is None:
        return "more"
    state = "whole" if found.is_intact else "damaged"
    return f"frame {found.type} {found.batch} {found.count} {found.size} {state}"


def event(data):
    read = Event.unpack(data)
    read.validate()
    if read.pack() != data:
        return "the event is packed otherwise"
    form = json.dumps(read.to_json(), separators=(",", ":"))
    return (f"event {read.kind} {read.flags} {read.hunt} {read.producer} {read.sequence} "
            f"{read.player} {read.time} {read.x} {read.y} {read.z} {read.treasure} {read.value} "
            f"{form}")


def hello(data):
    read = frames.Hello.unpack(data)
    if read.pack() != data:
        return "the hello is packed otherwise"
    name = ",".join(str(byte) for byte in read.hunt.encode())
    return f"hello {read.producer} {read.ack} {read.rights} {read.options} {name}"


def main():
    source, sink = sys.stdin.buffer, sys.stdout
    while head := source.read(3):
        data = source.read(head[1] | head[2] << 8)
        try:
            line = (frame, frame, event, hello)[head[0]](data)
        except Rejection as fault:
            line = f"refused {int(fault.code)} {int(fault.field)} {fault.position}"
        except Exception as fault:  # a crash of the client is a finding, not the end
            line = f"crashed: {fault!r}"
        sink.write(line + "\n")
        sink.flush()


main()
