"""The `value` of edge events: what shall become of an edge or of blocks, in nine forms."""

from __future__ import annotations

from .codes import Field, Rejection, Result

DIRECTION_MAX = 25
COST_MAX = 2**31 - 1
SIDE_MAX = 32
BLOCKS_MAX = 512

SHORT, STEP, OPEN, EDGE, OPEN_EDGE, ADD, REMOVE, PLACE, BREAK = range(9)

_FORM, _DIRECTION, _WIDTH, _HEIGHT, _DEPTH = 40, 32, 44, 49, 54
_BLOCK = 1 << 12
_BITS = {
    SHORT: 0x1FFF, STEP: 0x1F << _DIRECTION | 0xFF, OPEN: 0x1F << _DIRECTION, EDGE: COST_MAX,
    OPEN_EDGE: 0, ADD: COST_MAX, REMOVE: 0, PLACE: 0x7FFF << _WIDTH, BREAK: 0x7FFF << _WIDTH,
}


def form(value) -> int:
    return value >> _FORM & 15


def box(value):
    """Blocks along x, y and z."""
    return tuple((value >> shift & 31) + 1 for shift in (_WIDTH, _HEIGHT, _DEPTH))


def is_valid(value) -> bool:
    kind = form(value)
    if value < 0 or kind > BREAK or value & ~(_BITS[kind] | kind << _FORM):
        return False
    if kind == SHORT:
        return (value >> 8 & 15) < 8
    if kind in (STEP, OPEN):
        return (value >> _DIRECTION & 31) <= DIRECTION_MAX
    if kind == ADD:
        return (value & COST_MAX) >= 1
    if kind in (PLACE, BREAK):
        width, height, depth = box(value)
        return width * height * depth <= BLOCKS_MAX
    return True


def step(direction, multiplier) -> int:
    """A multiplier for the edge that leaves (x, y, z): 0 closes it."""
    _check(direction, 0, DIRECTION_MAX)
    _check(multiplier, 0, 255)
    if direction < 8:
        return multiplier | direction << 8
    return STEP << _FORM | direction << _DIRECTION | multiplier


def block(direction, multiplier) -> int:
    """The whole block: placed by a multiplier of 0, broken by any other; the direction is nothing."""
    _check(direction, 0, 7)
    _check(multiplier, 0, 255)
    return multiplier | direction << 8 | _BLOCK


def open_step(direction) -> int:
    _check(direction, 0, DIRECTION_MAX)
    return OPEN << _FORM | direction << _DIRECTION


def edge(cost) -> int:
    _check(cost, 0, COST_MAX)
    return EDGE << _FORM | cost


def open_edge() -> int:
    return OPEN_EDGE << _FORM


def add(cost) -> int:
    _check(cost, 1, COST_MAX)
    return ADD << _FORM | cost


def remove() -> int:
    return REMOVE << _FORM


def place(width=1, height=1, depth=1) -> int:
    """A box of blocks that begins at (x, y, z) and grows with x, y and z."""
    return _box(PLACE, width, height, depth)


def break_(width=1, height=1, depth=1) -> int:
    return _box(BREAK, width, height, depth)


def to_json(treasure, value) -> dict:
    """The keys of an edge event's `treasure` and `value`."""
    kind = form(value)
    direction = value >> _DIRECTION & 31
    is_long = kind == STEP and direction < 8 or kind in (PLACE, BREAK) and box(value) == (1, 1, 1)
    if is_long or not is_valid(value):  # of a form that has a shorter one, keys would mean that
        parts = {"treasure": treasure} if treasure else {}
        return {**parts, "value": value}
    if kind in (EDGE, OPEN_EDGE, REMOVE):
        parts = {"edge": treasure}
    elif kind == ADD:
        parts = {"to": treasure}
    else:
        parts = {"treasure": treasure} if treasure else {}
    if kind == SHORT:
        parts |= {"multiplier": value & 255, "direction": value >> 8 & 15}
        if value & _BLOCK:
            parts["block"] = True
    elif kind == STEP:
        parts |= {"multiplier": value & 255, "direction": direction}
    elif kind == OPEN:
        parts["direction"] = direction
    elif kind in (EDGE, ADD):
        parts["cost"] = value & COST_MAX
    elif kind in (PLACE, BREAK):
        parts |= zip(("width", "height", "depth"), box(value))
    words = {OPEN: "open", OPEN_EDGE: "open", ADD: "add", REMOVE: "remove", PLACE: "place", BREAK: "break"}
    if kind in words:
        parts["change"] = words[kind]
    return parts


def _box(kind, *sides):
    blocks = 1
    for side in sides:
        _check(side, 1, SIDE_MAX)
        blocks *= side
    _check(blocks, 1, BLOCKS_MAX)
    if blocks == 1:
        return _BLOCK | (kind == BREAK)
    width, height, depth = (side - 1 for side in sides)
    return kind << _FORM | width << _WIDTH | height << _HEIGHT | depth << _DEPTH


def _check(number, least, most):
    if not least <= number <= most:
        raise Rejection(Result.OUT_OF_RANGE, Field.VALUE, 56)
