#!/usr/bin/env python3
"""Draws Examples/town.map: an old river town in MovingAI form. Same seed, same bytes.

usage: scripts/draw-town.py [--seed <n>] [--out <file>]
  --seed <n>    0...4294967295; the committed map is seed 7                default 7
  --out <file>  written whole, or not at all                default Examples/town.map
exit: 0 written, 1 the town failed a check (see `check`), 2 bad usage

Letters. Passable: `.` street, `G` grass, `S` marsh. Blocked: `@` house, `O` stonework (walls,
churches, boats), `T` tree, `W` water. A diagonal step needs both of its corners free, so two cells
are connected exactly when orthogonal steps connect them; `reachable` relies on that.

How. Nothing is drawn by hand cell by cell. Roads, river and wall are splines, stamped into fields
that say for each cell how far it lies from them. Quarters are the Voronoi cells of a jittered
polar net (old town) and a jittered lattice (new town); each is cut in two again and again, first by
alleys, then into lots. A cell is a house when its lot is built on and the nearest street, quay or
square is closer than the lot is deep; what remains behind is courtyard. Everything is looked up
through a gentle warp of the plane, which bends the streets.

Above 800 lines because half of them are this one town's set pieces, which nothing else would use.
"""

import argparse
import math
import os
import random
import sys
from collections import deque

WIDTH, HEIGHT = 768, 576
FAR = 1e9
PASSABLE = b".GS"

OLD_TOWN = (300.0, 290.0)   # the middle of the ring wall
BAY = (744.0, 594.0)        # the middle of the bay's circle; most of it is off the map
BAY_RADIUS = 172.0
NEW_TOWN_TURN = math.radians(14)


# Chance ------------------------------------------------------------------------------------------

def chance(*keys):
    """A number in 0..<1 that depends on integer keys alone, so that drawing order does not."""
    h = 0x9E3779B97F4A7C15
    for key in keys:
        h = ((h ^ (key & 0xFFFFFFFF)) * 0xD6E8FEB86659FD93) & 0xFFFFFFFFFFFFFFFF
        h ^= h >> 32
    return (h >> 11) / (1 << 53)


class Noise:
    """Smooth value noise in 0...1 with features about `scale` cells wide."""

    def __init__(self, seed, scale):
        self.scale = scale
        self.columns = int((WIDTH + 200) / scale) + 3
        rows = int((HEIGHT + 200) / scale) + 3
        self.knots = [chance(seed, 77, i) for i in range(self.columns * rows)]

    def __call__(self, x, y):
        u, v = (x + 100) / self.scale, (y + 100) / self.scale
        i, j = int(u), int(v)
        u -= i
        v -= j
        u *= u * (3 - 2 * u)
        v *= v * (3 - 2 * v)
        k, c, knots = j * self.columns + i, self.columns, self.knots
        a = knots[k] + (knots[k + 1] - knots[k]) * u
        b = knots[k + c] + (knots[k + c + 1] - knots[k + c]) * u
        return a + (b - a) * v


# Shapes ------------------------------------------------------------------------------------------

def spline(points, closed=False, step=4.0):
    """Catmull-Rom through `points`, tuples of any length; a point about every `step` cells."""
    n = len(points)
    out = []
    for i in range(n if closed else n - 1):
        at = (lambda k: points[k % n]) if closed else (lambda k: points[min(max(k, 0), n - 1)])
        p, q, r, s = at(i - 1), at(i), at(i + 1), at(i + 2)
        pieces = max(1, round(math.hypot(r[0] - q[0], r[1] - q[1]) / step))
        for k in range(pieces):
            t = k / pieces
            out.append(tuple(
                b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
                for a, b, c, d in zip(p, q, r, s)))
    out.append(points[0] if closed else points[-1])
    return out


class Line:
    """For each cell: signed room to the nearest stamped line, and where along which line that is.

    `room` is the distance to the line less its half width, so below zero is on it. `along` counts
    cells from the line's start; `side` is +1 or -1.
    """

    def __init__(self):
        self.room = [FAR] * (WIDTH * HEIGHT)
        self.along = [0.0] * (WIDTH * HEIGHT)
        self.side = [0] * (WIDTH * HEIGHT)
        self.name = [-1] * (WIDTH * HEIGHT)

    def stamp(self, points, half, reach, name=0):
        """`points` may carry a third number, their own half width, in place of `half`."""
        room, start = self.room, 0.0
        for a, b in zip(points, points[1:]):
            dx, dy = b[0] - a[0], b[1] - a[1]
            length = math.hypot(dx, dy)
            if length < 1e-9:
                continue
            half_a, half_b = (a[2], b[2]) if len(a) > 2 else (half, half)
            outer = reach + max(half_a, half_b)
            x0, x1 = sorted((a[0], b[0]))
            y0, y1 = sorted((a[1], b[1]))
            for y in range(max(0, int(y0 - outer)), min(HEIGHT, int(y1 + outer) + 2)):
                row = y * WIDTH
                for x in range(max(0, int(x0 - outer)), min(WIDTH, int(x1 + outer) + 2)):
                    px, py = x + 0.5 - a[0], y + 0.5 - a[1]
                    t = (px * dx + py * dy) / (length * length)
                    t = 0.0 if t < 0 else 1.0 if t > 1 else t
                    ex, ey = px - t * dx, py - t * dy
                    d = math.sqrt(ex * ex + ey * ey) - half_a - t * (half_b - half_a)
                    if d < room[row + x]:
                        room[row + x] = d
                        self.along[row + x] = start + t * length
                        self.side[row + x] = 1 if dx * py - dy * px > 0 else -1
                        self.name[row + x] = name
            start += length
        return start


class Box:
    """A turned rectangle; `local` gives coordinates along its own axes."""

    def __init__(self, x, y, degrees, half_x, half_y):
        self.x, self.y, self.half = x, y, (half_x, half_y)
        self.turn = math.radians(degrees)
        self.cos, self.sin = math.cos(self.turn), math.sin(self.turn)
        self.radius = math.hypot(half_x, half_y)

    def local(self, x, y):
        x, y = x - self.x, y - self.y
        return x * self.cos + y * self.sin, y * self.cos - x * self.sin

    def room(self, x, y):
        u, v = self.local(x, y)
        u, v = abs(u) - self.half[0], abs(v) - self.half[1]
        if u > 0 and v > 0:
            return math.hypot(u, v)
        return max(u, v)

    def at(self, u, v):
        return self.x + u * self.cos - v * self.sin, self.y + u * self.sin + v * self.cos

    def cells(self, margin=2):
        r = self.radius + margin
        for y in range(max(0, int(self.y - r)), min(HEIGHT, int(self.y + r) + 1)):
            for x in range(max(0, int(self.x - r)), min(WIDTH, int(self.x + r) + 1)):
                u, v = self.local(x + 0.5, y + 0.5)
                yield x, y, u, v


class Disc(Box):
    def __init__(self, x, y, radius):
        super().__init__(x, y, 0, radius, radius)
        self.r = radius

    def room(self, x, y):
        return math.hypot(x - self.x, y - self.y) - self.r


def inside(polygon, x, y):
    """Even-odd rule."""
    odd = False
    x1, y1 = polygon[-1][0], polygon[-1][1]
    for p in polygon:
        x2, y2 = p[0], p[1]
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            odd = not odd
        x1, y1 = x2, y2
    return odd


def clip(polygon, nx, ny, c):
    """The part of a convex polygon where nx*x + ny*y >= c."""
    out = []
    for (x1, y1), (x2, y2) in zip(polygon, polygon[1:] + polygon[:1]):
        d1, d2 = nx * x1 + ny * y1 - c, nx * x2 + ny * y2 - c
        if d1 >= 0:
            out.append((x1, y1))
        if (d1 < 0) != (d2 < 0):
            t = d1 / (d1 - d2)
            out.append((x1 + t * (x2 - x1), y1 + t * (y2 - y1)))
    return out


def area(polygon):
    return 0.5 * abs(sum(
        x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(polygon, polygon[1:] + polygon[:1])))


# Quarters, alleys, lots --------------------------------------------------------------------------

class Quarters:
    """Voronoi cells of `sites`; finds the cell of a point and the room to its edges."""

    TILE = 16

    def __init__(self, sites, street):
        """`street(i, j)` gives the half width of the street between quarters i and j."""
        self.sites, self.edges, self.polygons = sites, [], []
        for i, (x, y) in enumerate(sites):
            polygon = [(x - 90, y - 90), (x + 90, y - 90), (x + 90, y + 90), (x - 90, y + 90)]
            near = sorted(
                (math.hypot(p - x, q - y), j) for j, (p, q) in enumerate(sites) if j != i)[:24]
            edges = []
            for d, j in near:
                nx, ny = (x - sites[j][0]) / d, (y - sites[j][1]) / d
                c = nx * (x + sites[j][0]) / 2 + ny * (y + sites[j][1]) / 2
                cut = clip(polygon, nx, ny, c)
                if len(cut) != len(polygon) or area(cut) < area(polygon) - 1e-6:
                    edges.append((nx, ny, c, street(min(i, j), max(i, j)), j))
                polygon = cut
            self.edges.append(edges)
            self.polygons.append(polygon)
        self.columns = (WIDTH + 200) // self.TILE + 1
        self.tiles = {}

    def of(self, x, y):
        """The quarter's index, the room to its nearest street, and the neighbour across it."""
        key = (int(y + 100) // self.TILE) * self.columns + int(x + 100) // self.TILE
        some = self.tiles.get(key)
        if some is None:
            tx = (key % self.columns + 0.5) * self.TILE - 100
            ty = (key // self.columns + 0.5) * self.TILE - 100
            far = sorted((math.hypot(p - tx, q - ty), j) for j, (p, q) in enumerate(self.sites))
            some = [j for d, j in far if d <= far[0][0] + self.TILE * 1.5]
            self.tiles[key] = some
        best, index = FAR, 0
        for j in some:
            dx, dy = x - self.sites[j][0], y - self.sites[j][1]
            d = dx * dx + dy * dy
            if d < best:
                best, index = d, j
        room, across = FAR, -1
        for nx, ny, c, half, j in self.edges[index]:
            d = nx * x + ny * y - c - half
            if d < room:
                room, across = d, j
        return index, room, across


def lots(rng, polygon, regular, block=None):
    """Cuts a quarter into a tree: ("alley"|"gap", nx, ny, c, half, left, right) or a lot's tuple.

    A lot is ("lot", depth, setback, use). Alleys count as streets, so houses turn their faces to
    them; gaps only keep neighbours apart, and every fourth gap is a shared wall instead.
    """
    size = area(polygon)
    if block is None:
        block = rng.uniform(1100, 2300)
    lot = rng.uniform(75, 150) if not regular else rng.uniform(95, 170)
    if size < lot or len(polygon) < 3:
        use = "garden" if rng.random() < 0.035 else "house"
        return ("lot", rng.uniform(6.5, 10.5), rng.choice((0, 0, 0, 0.7, 1.2)), use)
    if size < block and size > 420 and rng.random() < 0.10:
        # One great house round a court: a cloister, an inn, the customs yard.
        return ("lot", rng.uniform(5.5, 7.5), 0.5, "house")
    edges = list(zip(polygon, polygon[1:] + polygon[:1]))
    (x1, y1), (x2, y2) = max(edges, key=lambda e: math.dist(*e))
    turn = math.atan2(y2 - y1, x2 - x1) + rng.uniform(-0.12, 0.12) * (0.15 if regular else 1)
    nx, ny = math.cos(turn), math.sin(turn)
    reach = [nx * x + ny * y for x, y in polygon]
    lo, hi = min(reach), max(reach)
    # A quarter longer the other way is cut across its true length, not its longest edge.
    across = [-ny * x + nx * y for x, y in polygon]
    if max(across) - min(across) > 1.15 * (hi - lo):
        nx, ny, lo, hi = -ny, nx, min(across), max(across)
    c = lo + (hi - lo) * rng.uniform(0.40, 0.60)
    if size > block:
        kind, half = "alley", rng.uniform(1.15, 1.7)
    else:
        kind, half = "gap", 0.0 if rng.random() < 0.25 else 0.78
    return (kind, nx, ny, c, half,
            lots(rng, clip(polygon, nx, ny, c), regular, block),
            lots(rng, clip(polygon, -nx, -ny, -c), regular, block))


def build(node, x, y, room):
    """The letter at a point `room` cells from its quarter's nearest street."""
    while node[0] != "lot":
        kind, nx, ny, c, half, left, right = node
        d = nx * x + ny * y - c
        node = left if d >= 0 else right
        d = abs(d) - half
        if kind == "alley":
            if d < 0:
                return "."
            room = min(room, d)
        elif d < 0:
            return "." if room < 11 else "G"
    _, depth, setback, use = node
    if use == "garden" or room > depth + setback:
        return "G"
    return "@" if room >= setback else "."


# The town ----------------------------------------------------------------------------------------

class Town:
    def __init__(self, seed):
        self.seed = seed
        self.rng = random.Random(seed)
        self.cells = bytearray(b"G" * (WIDTH * HEIGHT))
        self.bend_x, self.bend_y = Noise(seed + 1, 64), Noise(seed + 2, 64)
        self.rough, self.wild = Noise(seed + 3, 17), Noise(seed + 4, 75)
        self.lay_lines()
        self.lay_squares()
        self.lay_quarters()
        self.lay_fields()

    def put(self, x, y, letter, over=None):
        x, y = int(x), int(y)
        if 0 <= x < WIDTH and 0 <= y < HEIGHT:
            k = y * WIDTH + x
            if over is None or chr(self.cells[k]) in over:
                self.cells[k] = ord(letter)

    # Where things lie

    def lay_lines(self):
        self.river_points = spline([
            (655, -40, 9), (622, 20, 9.5), (548, 82, 10.5), (487, 150, 11.5), (470, 225, 12),
            (492, 300, 12.5), (548, 356, 13), (584, 412, 15), (611, 470, 18), (655, 560, 34)])
        self.river = Line()
        self.river.stamp(self.river_points, 0, 46)

        # Ring wall: a circle that its builders fitted to the ground.
        rng, (cx, cy) = self.rng, OLD_TOWN
        ring = []
        for i in range(18):
            turn = 2 * math.pi * i / 18
            r = 190 + rng.uniform(-9, 9) + 8 * math.cos(2 * turn)
            ring.append((cx + r * math.cos(turn), cy + 0.97 * r * math.sin(turn)))
        self.ring = spline(ring, closed=True)
        self.wall = Line()
        self.ring_length = self.wall.stamp(self.ring, 0, 42)
        self.within = bytearray(WIDTH * HEIGHT)
        for y in range(HEIGHT):
            for x in range(WIDTH):
                if abs(x - cx) < 230 and abs(y - cy) < 230 and inside(self.ring, x + .5, y + .5):
                    self.within[y * WIDTH + x] = 1

        self.brook = Line()
        self.brook.stamp(spline([
            (-10, 118), (30, 130), (52, 165), (40, 205), (62, 232), (86, 236), (104, 252)]),
            2.3, 20)

        roads = [  # half width, points; the first six are highways and get suburbs
            (3.1, [(300, 285), (228, 270), (170, 282), (110, 288), (52, 300), (-20, 282)]),
            (3.1, [(318, 262), (322, 200), (300, 150), (286, 95), (300, 45), (288, -20)]),
            (3.1, [(320, 300), (306, 360), (318, 420), (300, 484), (262, 530), (268, 600)]),
            (3.3, [(350, 284), (410, 262), (470, 246), (530, 246), (590, 182), (660, 168),
                   (790, 120)]),
            (3.0, [(345, 300), (400, 344), (470, 372), (548, 356), (612, 336), (680, 352),
                   (790, 330)]),
            (2.7, [(310, 172), (380, 166), (440, 160), (484, 148), (540, 154), (620, 92),
                   (700, 62), (790, 40)]),
            (2.2, [(230, 268), (204, 322), (212, 350)]),
            (2.4, [(446, 360), (500, 396), (536, 436), (556, 484), (574, 530)]),   # to the mole
            (1.9, [(404, 346), (440, 322), (505, 305), (560, 286), (612, 276)]),   # footbridge
            (2.2, [(104, 270), (60, 200), (84, 120), (150, 80), (288, 74)]),       # outer lanes
            (2.0, [(60, 300), (52, 400), (100, 480), (180, 536), (264, 536)]),
            (2.0, [(268, 522), (380, 534), (470, 500), (536, 438)]),
            (2.0, [(690, 164), (716, 240), (706, 300), (720, 345)]),
            (1.8, [(384, -10), (400, 60), (440, 96), (470, 150)]),
        ]
        self.road, self.roads = Line(), []
        for name, (half, points) in enumerate(roads):
            self.roads.append(spline(points))
            self.road.stamp(self.roads[-1], half, 24, name)
        # The street that replaced the first, smaller wall.
        inner = []
        for i in range(14):
            turn = 2 * math.pi * i / 14
            r = 92 + rng.uniform(-6, 6)
            inner.append((cx + 12 + r * math.cos(turn), cy - 4 + r * math.sin(turn)))
        self.road.stamp(spline(inner, closed=True), 2.6, 24, 90)

    def lay_squares(self):
        self.market = Box(322, 281, -9, 31, 22)
        self.close = Box(258, 250, -9, 28, 15)          # the minster's
        self.castle = Box(205, 383, 18, 34, 32)
        self.cloister = Box(392, 214, 12, 27, 21)
        self.park = Box(618, 232, 14, 47, 39)
        self.wells = [Disc(236, 182, 12), Disc(372, 398, 14), Disc(160, 284, 11), Disc(290, 428, 9)]
        self.parish = Box(592, 122, 14, 24, 16)
        self.squares = [self.market, self.close, self.castle, self.cloister, self.park,
                        self.parish] + self.wells

    def lay_quarters(self):
        rng, (cx, cy) = self.rng, OLD_TOWN
        sites = []
        for radius, count in ((22, 3), (66, 8), (113, 14), (156, 19), (202, 25), (250, 30)):
            first = rng.random()
            for i in range(count):
                turn = 2 * math.pi * (i + first + rng.uniform(-0.24, 0.24)) / count
                r = radius + rng.uniform(-9, 9)
                x, y = cx + r * math.cos(turn), cy + r * math.sin(turn)
                if not self.east(x, y):
                    sites.append((x, y))
        self.old_count = len(sites)
        cos, sin, pitch = math.cos(NEW_TOWN_TURN), math.sin(NEW_TOWN_TURN), 41
        for i in range(-9, 10):
            for j in range(-9, 10):
                u = (i + rng.uniform(-0.06, 0.06)) * pitch
                v = (j + rng.uniform(-0.06, 0.06)) * pitch * 0.86
                x, y = 640 + u * cos - v * sin, 230 + u * sin + v * cos
                if -40 < x < WIDTH + 40 and -40 < y < HEIGHT + 40 and self.east(x, y):
                    sites.append((x, y))
        self.quarters = Quarters(
            sites, lambda i, j: 1.5 + 1.1 * chance(self.seed, 5, i, j))
        self.trees = [lots(rng, polygon, i >= self.old_count)
                      for i, polygon in enumerate(self.quarters.polygons)]

    def east(self, x, y):
        """East of the river, extended to infinity by its ends."""
        line = self.river_points
        a, b = min(zip(line, line[1:]), key=lambda s: math.hypot(
            (s[0][0] + s[1][0]) / 2 - x, (s[0][1] + s[1][1]) / 2 - y))
        return (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) < 0

    def lay_fields(self):
        rng = self.rng
        sites = []
        for j in range(-4, 22):
            row = rng.uniform(-9, 9)
            for i in range(-5, 18):
                u, v = i * 58 + row + rng.uniform(-12, 12), j * 36 + rng.uniform(-6, 6)
                sites.append((u * 0.97 - v * 0.24, u * 0.24 + v * 0.97 - 40))
        self.fields = Quarters(sites, lambda i, j: 0.0)

    # Which letter a cell gets

    def draw(self):
        for y in range(HEIGHT):
            for x in range(WIDTH):
                self.cells[y * WIDTH + x] = ord(self.letter(x, y))
        self.draw_wall()
        self.draw_harbour()
        self.draw_market()
        self.draw_minster()
        self.draw_castle()
        self.draw_cloister()
        self.draw_park()
        self.draw_parish()
        self.draw_wells()
        self.tidy()

    def bay_room(self, x, y):
        d = math.hypot(x - BAY[0], y - BAY[1])
        turn = math.degrees(math.atan2(y - BAY[1], x - BAY[0]))
        wild = 0.0 if -136 < turn < -70 else min(1.0, min(abs(turn + 136), abs(turn + 70)) / 12)
        return d - BAY_RADIUS - wild * (26 * (self.wild(x, y) - 0.5) + 9 * (self.rough(x, y) - .5))

    def letter(self, x, y):
        k = y * WIDTH + x
        px, py = x + 0.5, y + 0.5
        river, road = self.river.room[k], self.road.room[k]
        cx, cy = OLD_TOWN
        turn = math.degrees(math.atan2(py - cy, px - cx))
        east = river < FAR and self.river.side[k] < 0 or river == FAR and px > 520
        bay = self.bay_room(px, py)
        old = self.within[k] and not east
        wall = self.wall.room[k] if not east else FAR
        new = east and bay > 0 and self.in_new_town(px, py)

        # Water, and what crosses it.
        if not (old or new):
            river -= 3.2 * (self.rough(px, py) - 0.5)
        if river < 0 or bay < 0:
            return "." if road < 0 and bay > 0 else "W"
        if self.brook.room[k] < 0 and not self.within[k]:
            return "." if road < 0 else "W"
        if not old and 8 < wall < 15.5 + 3 * (self.wild(px, py) - .5) and self.has_moat(turn):
            return "." if road < 0 else "W"
        if road < 0:
            return "."

        if old or new:
            room = road
            room = min(room, river - (4.2 if old else 6.4))
            if old:
                room = min(room, wall - (5.2 if self.has_wall(turn) else 12))
                if not self.has_wall(turn) and room < 0 and wall < 12 and river > 4.2:
                    return self.promenade(k, wall)
            else:
                room = min(room, bay - 7)
                if 4.6 < river < 6 and int(self.river.along[k]) % 7 < 2:
                    return "T"
            for square in self.squares:
                reach = square.radius + 26
                if abs(px - square.x) < reach and abs(py - square.y) < reach:
                    room = min(room, square.room(px, py))
            if room < 0:
                return "."
            bent = 6.0 if old else 2.5
            qx = px + bent * 2 * (self.bend_x(px, py) - 0.5)
            qy = py + bent * 2 * (self.bend_y(px, py) - 0.5)
            quarter, edge, _ = self.quarters.of(qx, qy)
            if edge < 0:
                return "."
            letter = build(self.trees[quarter], qx, qy, min(room, edge))
            if letter == "G" and chance(self.seed, 9, x // 2, y // 2) < 0.05:
                return "T"
            return letter

        if not self.has_wall(turn) and wall < 12:
            return self.promenade(k, wall)
        if wall < 20:
            # The glacis stays clear: defenders wanted to see who came.
            return "T" if wall > 16 and chance(self.seed, 8, x // 2, y // 2) < 0.07 else "G"
        return self.country(x, y, k, px, py, river, bay, road)

    def in_new_town(self, x, y):
        u, v = x - 612, y - 232
        cos, sin = math.cos(NEW_TOWN_TURN), math.sin(NEW_TOWN_TURN)
        u, v = u * cos + v * sin, v * cos - u * sin
        wobble = 1 + 0.22 * (self.wild(x, y) - 0.5)
        body = (abs(u) / 92) ** 2.6 + (abs(v) / 152) ** 2.6 < wobble
        quay = 96 < y < 450 and x < 590 + 0.12 * y
        return body or quay or math.hypot(x - 694, y - 385) < 88 * wobble and y < 440

    @staticmethod
    def has_wall(turn):
        """The northern wall came down; people walk under lime trees there."""
        return not -112 < turn < -28

    @staticmethod
    def has_moat(turn):
        return turn > 4 or turn < -148

    def promenade(self, k, wall):
        signed = wall if self.within[k] else -wall
        for row in (-8.5, -4, 4, 8.5):
            if abs(signed - row) < 1.0 and int(self.wall.along[k]) % 6 < 2:
                return "T"
        return "." if wall < 2.6 or wall > 10.5 else "G"

    def country(self, x, y, k, px, py, river, bay, road):
        seed = self.seed
        # Houses along the highways, thinning out with distance from the gates.
        name = self.road.name[k]
        if 0 <= name < 6 and 1.6 < road < 12:
            out = math.hypot(px - OLD_TOWN[0], py - OLD_TOWN[1])
            lot, within = divmod(self.road.along[k], 10 + 4 * chance(seed, 30, name))
            some = (int(lot), self.road.side[k] + 2, name)
            far = max(0.0, (out - 210) / (90 if not self.river.side[k] < 0 else 200))
            if river > 7 and bay > 9 and chance(seed, 31, *some) > 0.15 + 0.8 * far:
                depth = 7 + 3 * chance(seed, 32, *some)
                if within > 2 and 2.2 < road < depth + 2:
                    return "@"
                return "." if road < 2.2 else "G"
        if road < 20 and 0 <= name < 6 and 2 < road < 3.4 and int(self.road.along[k]) % 9 < 2:
            return "T"
        # Wet ground along the river's upper and lower reaches and the brook.
        wet = 44 * self.wild(px + 31, py) + 12 * self.rough(px, py) - 14
        water = min(river, self.brook.room[k] + 3)
        if bay < river:
            water = bay if px < 640 else FAR
        if water < wet and (py < 120 or py > 395 or px < 200):
            deep = self.rough(py, px)
            if deep > 0.74 and water > 4:
                return "W"
            return "T" if chance(seed, 12, x, y) < 0.012 else "S"
        if bay < 5:
            return "."
        # Woods: where the slow noise is high, away from roads.
        wood = self.wild(px, py) * 0.8 + 0.25 * self.rough(px, py)
        corner = min(px, WIDTH - px) + 1.2 * min(py, HEIGHT - py)
        wood += max(0.0, 0.42 - corner / 330)
        if wood > 0.70 and road > 2:
            thick = 0.35 + 1.6 * (wood - 0.70)
            some = chance(seed, 14, x // 2, y // 2) + 0.22 * (chance(seed, 15, x, y) - 0.5)
            return "T" if some < min(0.80, thick) else "G"
        return self.field(x, y, px, py, road)

    def field(self, x, y, px, py, road):
        """Meadow, furrows, orchard or garden plots, with hedges or lanes between."""
        seed = self.seed
        qx, qy = px + 22 * (self.bend_x(px, py) - .5), py + 22 * (self.bend_y(px, py) - .5)
        index, room, across = self.fields.of(qx, qy)
        pair = (min(index, across), max(index, across))
        border = chance(seed, 20, *pair)
        if border < 0.22:
            if room < 1.1:
                return "."
        elif border < 0.85 and room < 0.9 and road > 1:
            return "T" if chance(seed, 21, x // 3, y // 3) < 0.72 else "G"
        kind, turn = chance(seed, 22, index), math.pi * chance(seed, 23, index)
        cos, sin = math.cos(turn), math.sin(turn)
        u, v = qx * cos + qy * sin, qy * cos - qx * sin
        if room < 3.5 or road < 3:
            return "G"
        if kind < 0.42:
            return "." if u % 3.6 < 1.3 else "G"
        if kind < 0.68:
            return "T" if u % 6 < 2.1 and v % 6 < 2.1 else "G"
        if kind < 0.76 and room > 6:
            return "@" if chance(seed, 24, index, int(u // 60)) < .9 and \
                self.fields_middle(index, qx, qy) else "G"
        return "T" if chance(seed, 25, x // 2, y // 2) < 0.004 else "G"

    def fields_middle(self, index, x, y):
        """A farm of two barns round a yard, in the middle of its field."""
        sx, sy = self.fields.sites[index]
        u, v = x - sx, y - sy
        if chance(self.seed, 26, index) < 0.5:
            u, v = v, u
        return (-9 < u < 9 and -9 < v < -3) or (3 < u < 9 and -1.5 < v < 9)

    # Set pieces

    def block(self, box, u0, v0, u1, v1, letter, over=None):
        """Fills a rectangle given in a box's own axes."""
        for x, y, u, v in box.cells():
            if u0 <= u <= u1 and v0 <= v <= v1:
                self.put(x, y, letter, over)

    def round(self, cx, cy, radius, letter, over=None):
        for y in range(int(cy - radius) - 1, int(cy + radius) + 2):
            for x in range(int(cx - radius) - 1, int(cx + radius) + 2):
                if math.hypot(x + .5 - cx, y + .5 - cy) <= radius:
                    self.put(x, y, letter, over)

    def fountain(self, x, y, radius):
        self.round(x, y, radius + 1.3, "O")
        self.round(x, y, radius, "W")

    def draw_wall(self):
        cx, cy = OLD_TOWN
        for k in range(WIDTH * HEIGHT):
            if self.wall.room[k] > 2.0 or self.cells[k] == ord("W"):
                continue
            x, y = k % WIDTH + .5, k // WIDTH + .5
            east = self.river.room[k] < FAR and self.river.side[k] < 0
            if east or x > 560 or not self.has_wall(math.degrees(math.atan2(y - cy, x - cx))):
                continue
            if self.road.room[k] > 0.4 and self.river.room[k] > 0:
                self.cells[k] = ord("O")
        # Towers every 30 cells, and a pair at each gate and wherever the wall ends.
        since, before = 0.0, self.ring[-1]
        was = None
        for p in self.ring:
            since += math.dist(p, before)
            before = p
            x, y = p
            turn = math.degrees(math.atan2(y - cy, x - cx))
            k = int(y) * WIDTH + int(x)
            stands = self.has_wall(turn) and not self.east(x, y) and self.river.room[k] > 3
            gate = self.road.room[k] < 2.5
            if stands and not gate and since > 30 and self.road.room[k] > 9:
                self.round(x, y, 4.1, "O", ".GT@S")
                since = 0.0
            state = stands and not gate
            if was is not None and state != was:
                self.round(x, y, 4.6, "O", ".GT@S")
                since = 0.0
            was = state
        # Gate towers may have bitten into their own road.
        for k in range(WIDTH * HEIGHT):
            if self.cells[k] == ord("O") and self.road.room[k] < -0.2:
                self.cells[k] = ord(".")

    def draw_harbour(self):
        bx, by = BAY

        def at(turn, r):
            return (bx + r * math.cos(math.radians(turn)), by + r * math.sin(math.radians(turn)))

        # Warehouses behind the quay, gable to gable.
        for y in range(HEIGHT):
            for x in range(540, WIDTH):
                d = math.hypot(x + .5 - bx, y + .5 - by) - BAY_RADIUS
                turn = math.degrees(math.atan2(y + .5 - by, x + .5 - bx))
                if not -131 < turn < -80 or not -1 < d < 26:
                    continue
                k = y * WIDTH + x
                if self.road.room[k] < 0.5 or self.river.room[k] < 6:
                    continue
                if d < 7.5 or d > 21:
                    self.cells[k] = ord(".") if d < 7.5 or d < 24 else self.cells[k]
                else:
                    lot, part = divmod((turn + 180) * 3.35, 11)
                    deep = 10 + 3.5 * chance(self.seed, 41, int(lot))
                    self.cells[k] = ord("@" if part > 1.9 and 7.5 < d < 7.5 + deep else ".")
        pier = Line()
        for i, (turn, length) in enumerate(
                ((-126, 30), (-118, 44), (-110, 40), (-102, 48), (-94, 36))):
            a, b = at(turn, BAY_RADIUS + 3), at(turn, BAY_RADIUS - length)
            pier.stamp([a, b], 2.0, 2, i)
            if i in (1, 3):
                pier.stamp([at(turn - 3.6, BAY_RADIUS - length), b,
                            at(turn + 3.6, BAY_RADIUS - length)], 2.0, 2, i)
        # The mole shelters them from the south-west; a light stands at its end.
        mole = spline([at(-158, BAY_RADIUS + 8), at(-155, BAY_RADIUS - 18),
                       at(-146, BAY_RADIUS - 44), at(-128, BAY_RADIUS - 72)])
        pier.stamp(mole, 2.3, 2, 9)
        for k in range(WIDTH * HEIGHT):
            if pier.room[k] < 0:
                self.cells[k] = ord(".")
        end = mole[-1]
        self.round(end[0], end[1], 5.6, ".")
        self.round(end[0], end[1], 2.6, "O")
        # Boats beside the piers and at anchor; stone to a walker, which is what matters.
        for i, turn in enumerate((-126, -118, -110, -102, -94)):
            for j in range(3):
                if chance(self.seed, 43, i, j) < 0.8:
                    for side in (-1, 1):
                        if chance(self.seed, 44, i, j, side + 2) < 0.62:
                            r = BAY_RADIUS - 11 - 11 * j
                            x, y = at(turn + side * 4.6 / r * 57.3, r)
                            self.boat(x, y, turn, 3.6)
        for x, y, turn in ((735, 520, -60), (690, 500, 20), (752, 548, -30), (712, 548, 45)):
            self.boat(x, y, turn, 4.6)

    def boat(self, x, y, turn, half):
        box = Box(x, y, turn, half, 1.5)
        for cx, cy, u, v in box.cells():
            if (u / half) ** 2 + (v / 1.5) ** 2 <= 1:
                self.put(cx, cy, "O", "W")

    def draw_market(self):
        box = self.market
        self.block(box, -31, -22, 31, 22, ".", "@G.T")
        for row in (-8, -2.5, 3, 14.5):
            for col in range(7):
                u = -25 + col * 6.2 + (3 if row in (-2.5,) else 0)
                if abs(u - 16) > 7 and chance(self.seed, 50, int(row * 2), col) < 0.9:
                    self.block(box, u, row, u + 3.4, row + 2.1, "@")
        self.fountain(*box.at(19, 4), 3.0)
        self.block(box, -17, -21, 9, -12.5, "@")                     # town hall and its tower
        self.block(box, -7, -22, -1, -11, "O")
        for u in (-27, 27):
            for v in (-17, 17):
                self.round(*box.at(u, v), 1.3, "T")

    def church(self, box, u, length, wide):
        """Nave, transept, apse to the east, tower to the west."""
        self.block(box, u, -wide, u + length, wide, "O")
        arm = u + length * 0.58
        self.block(box, arm, -wide * 2.2, arm + wide * 1.7, wide * 2.2, "O")
        self.round(*box.at(u + length, 0), wide, "O")
        self.block(box, u - wide * 1.5, -wide * 1.15, u + 1, wide * 1.15, "O")

    def draw_minster(self):
        box = self.close
        for x, y, u, v in box.cells():
            if abs(u) < 28 and abs(v) < 15 and self.cells[y * WIDTH + x] != ord("W"):
                edge = min(28 - abs(u), 15 - abs(v))
                path = abs(v) < 5.6 or edge < 2.2 or abs(u + 21) < 5
                self.put(x, y, "." if path else "G")
        for u in range(-24, 25, 6):
            for v in (-11, 11):
                if not -16 < u < -6:
                    self.round(*box.at(u, v), 1.2, "T", "G.")
        self.church(box, -13, 31, 4.4)

    def draw_castle(self):
        box = self.castle
        for x, y, u, v in box.cells():
            edge = max(abs(u) - 34, abs(v) - 32)
            if edge > 0:
                continue
            if edge > -3.2:
                letter = "."
            elif edge > -10 + 1.5 * (self.rough(x, y) - .5):
                letter = "." if abs(v) < 1.9 and u > 0 else "W"
            elif edge > -12:
                letter = "G"
            elif edge > -14.6:
                letter = "." if abs(v) < 1.9 and u > 0 else "O"
            else:
                letter = "."
            self.put(x, y, letter)
        for u in (-20.5, 20.5):
            for v in (-18.5, 18.5):
                self.round(*box.at(u, v), 4.4, "O")
        self.round(*box.at(21, -4.5), 2.4, "O")
        self.round(*box.at(21, 4.5), 2.4, "O")
        self.block(box, -17, -15, -4, -3, "O")               # keep with a light well
        self.block(box, -13, -11, -8, -7, "G")
        self.block(box, -18, 8, 8, 15, "@")                  # hall and stables along the wall
        self.block(box, 4, -16, 17, -10, "@")
        self.round(*box.at(3, 1), 1.3, "W")
        self.round(*box.at(-12, 3), 1.4, "T")

    def draw_cloister(self):
        box = self.cloister
        self.block(box, -27, -21, 27, 21, "G", "@.GT")
        for x, y, u, v in box.cells():
            edge = max(abs(u) - 27, abs(v) - 21)
            if -2.4 < edge <= 0:
                self.put(x, y, ".")
        self.church(box, -16, 28, 3.6)
        # The church moves up so that the cloister fits south of it.
        self.block(box, -16, 6, 6, 19, "@", ".G")
        self.block(box, -11, 10.5, 1, 15.5, "G")
        self.block(box, -6.4, 14, -3.4, 21, ".")
        for i in range(5):
            for j in range(3):
                self.round(*box.at(11 + 3.6 * i * 0.9, 10 + 4 * j), 0.9, "T", "G")
        for i in range(9):
            if i not in (5, 6):
                self.round(*box.at(-22 + i * 5.6, -15.5), 1.3, "T", "G")

    def draw_park(self):
        box = self.park
        pond = Noise(self.seed + 60, 13)
        for x, y, u, v in box.cells():
            edge = max(abs(u) - 47, abs(v) - 39)
            if edge > 0 or self.river.room[y * WIDTH + x] < 7:
                continue
            centre = math.hypot(u, v)
            lake = math.hypot((u + 22) / 1.25, v - 19) - 12 - 6 * (pond(x, y) - .5)
            isle = math.hypot(u + 25, v - 19)
            path = (abs(v) < 1.6 or abs(u) < 1.6 or abs(abs(u) * 0.83 - abs(v)) < 1.4
                    or abs(centre - 25) < 1.4 or abs(edge + 6) < 1.4 or edge > -1.6
                    or 0 < lake < 2.4)
            if lake < 0 and edge < -5:
                letter = "T" if isle < 2.5 else "W"
            elif centre < 9.5:
                letter = "."
            elif path:
                letter = "."
            else:
                letter = "G"
            self.put(x, y, letter)
        self.fountain(box.x, box.y, 4.2)

        def tree(u, v, r=1.2):
            x, y = box.at(u, v)
            spots = [(int(x + a), int(y + b)) for a in (-1, 0, 1) for b in (-1, 0, 1)]
            if all(self.cells[q * WIDTH + p] == ord("G") for p, q in spots):
                self.round(x, y, r, "T")

        for u in range(-44, 45, 4):                           # avenues, then scattered groups
            for v in (-36.5, 36.5):
                tree(u, v)
            for v in (-4, 4):
                tree(u, v)
        for v in range(-32, 33, 4):
            for u in (-44.5, 44.5):
                tree(u, v)
            for u in (-4, 4):
                tree(u, v)
        for i in range(240):
            tree(-44 + 88 * chance(self.seed, 61, i), -36 + 72 * chance(self.seed, 62, i),
                 1.0 + 0.9 * chance(self.seed, 63, i))

    def draw_parish(self):
        box = self.parish
        for x, y, u, v in box.cells():
            edge = max(abs(u) - 24, abs(v) - 16)
            if edge <= 0 and self.road.room[y * WIDTH + x] > 0:
                self.put(x, y, "." if edge > -2.5 or u < -10 or abs(v) < 5 else "G")
        for i in range(9):
            for v in (-11.5, 11.5):
                if i > 3:
                    self.round(*box.at(-20 + i * 4.8, v), 1.2, "T", "G")
        self.church(box, -8, 21, 3.4)

    def draw_wells(self):
        for i, disc in enumerate(self.wells):
            if i % 2 == 0:
                self.fountain(disc.x, disc.y, 1.9)
                ring, count = disc.r - 3, 9
            else:
                self.round(disc.x, disc.y, 2.2, "T")
                ring, count = disc.r - 3, 7
            for j in range(count):
                turn = 2 * math.pi * (j + 0.3) / count
                x, y = disc.x + ring * math.cos(turn), disc.y + ring * math.sin(turn)
                self.round(x, y, 0.9, "T", ".")

    # Afterwards

    def neighbours(self, k):
        x = k % WIDTH
        if x > 0:
            yield k - 1
        if x < WIDTH - 1:
            yield k + 1
        if k >= WIDTH:
            yield k - WIDTH
        if k < WIDTH * (HEIGHT - 1):
            yield k + WIDTH

    def pieces(self, letters):
        """Connected pieces of cells whose letter is in `letters`, largest first."""
        seen = bytearray(WIDTH * HEIGHT)
        out = []
        for first in range(WIDTH * HEIGHT):
            if seen[first] or self.cells[first] not in letters:
                continue
            seen[first] = 1
            piece = [first]
            for k in piece:
                for n in self.neighbours(k):
                    if not seen[n] and self.cells[n] in letters:
                        seen[n] = 1
                        piece.append(n)
            out.append(piece)
        out.sort(key=lambda piece: (-len(piece), piece[0]))
        return out

    def surroundings(self, piece):
        counts = {}
        inside = set(piece)
        for k in piece:
            for n in self.neighbours(k):
                if n not in inside:
                    counts[self.cells[n]] = counts.get(self.cells[n], 0) + 1
        return counts

    def tidy(self):
        """Removes crumbs, opens courtyards to the street, fills what nobody could enter."""
        for piece in self.pieces(b"@"):
            stall = all(self.market.room(k % WIDTH + .5, k // WIDTH + .5) < 0 for k in piece)
            if len(piece) < 14 and not stall:
                around = self.surroundings(piece)
                green = around.get(ord("G"), 0) > around.get(ord("."), 0)
                for k in piece:
                    self.cells[k] = ord("G" if green else ".")
        for piece in self.pieces(b"W"):
            if len(piece) < 5:
                for k in piece:
                    self.cells[k] = ord("S")
        street = bytearray(WIDTH * HEIGHT)
        for k in self.pieces(PASSABLE)[0]:
            street[k] = 1
        for piece in self.pieces(PASSABLE)[1:]:
            if len(piece) < 14 or not self.open(piece, street):
                around = self.surroundings(piece)
                most = max(around, key=lambda letter: (around[letter], letter))
                for k in piece:
                    self.cells[k] = most if most in b"@TWO" else ord("T")

    def open(self, piece, street):
        """Breaks a gateway two cells wide through at most 14 cells of house, or returns false."""
        came, ring = {k: None for k in piece}, deque((k, 0) for k in piece)
        while ring:
            k, steps = ring.popleft()
            for n in self.neighbours(k):
                if n in came:
                    continue
                if street[n]:
                    while k is not None:
                        for cell in (k, k + 1, k + WIDTH, k + WIDTH + 1):
                            if cell < WIDTH * HEIGHT and self.cells[cell] in b"@T":
                                self.cells[cell] = ord(".")
                                street[cell] = 1
                        k = came[k]
                    for cell in piece:
                        street[cell] = 1
                    return True
                if self.cells[n] in b"@T" and steps < 14:
                    came[n] = k
                    ring.append((n, steps + 1))
        return False

    def check(self):
        """Faults, as sentences; none when the town may be used."""
        faults = []
        if set(self.cells) - set(b".GS@OTW"):
            faults.append("a letter outside . G S @ O T W")
        walkable = sum(self.cells.count(letter) for letter in PASSABLE)
        pieces = self.pieces(PASSABLE)
        share = len(pieces[0]) / walkable
        if share < 0.97:
            faults.append(f"only {share:.1%} of passable cells are connected, 97% wanted")
        print(f"{WIDTH} x {HEIGHT}, {walkable} passable cells, {share:.2%} in one piece of "
              f"{len(pieces)}; {len(self.pieces(b'@'))} houses, {len(self.pieces(b'W'))} waters",
              file=sys.stderr)
        return faults

    def text(self):
        rows = (self.cells[y * WIDTH:(y + 1) * WIDTH].decode() for y in range(HEIGHT))
        return f"type octile\nheight {HEIGHT}\nwidth {WIDTH}\nmap\n" + "\n".join(rows) + "\n"


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(description="draws an old river town as a MovingAI map")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", default=os.path.join(root, "Examples", "town.map"))
    options = parser.parse_args()
    if not 0 <= options.seed < 1 << 32:
        parser.error(f"--seed {options.seed}: not in 0...4294967295")
    town = Town(options.seed)
    town.draw()
    faults = town.check()
    for fault in faults:
        print(f"draw-town: {fault}", file=sys.stderr)
    if faults:
        return 1
    with open(options.out + ".part", "w", encoding="ascii", newline="\n") as file:
        file.write(town.text())
    os.replace(options.out + ".part", options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
