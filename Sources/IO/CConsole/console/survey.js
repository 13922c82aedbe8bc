// Survey: map text -> outlines of streets, meadows, water, houses, trees.

import { scramble } from "./words.js";

const STREET = 1, GRASS = 2, MARSH = 4, HOUSE = 8, STONE = 16, TREE = 32, WATER = 64;
const LETTERS = { ".": STREET, G: GRASS, S: MARSH, T: TREE, W: WATER, O: STONE };
const CELLS_MAX = 1 << 22;      // some ten seconds of survey; larger maps stay bare ground
export const ROOFS = 6;

/** MovingAI text as one class per cell; throws a sentence when it is not that. */
function parseMap(text) {
  const head = /^type\s+\S+\s+height\s+(\d+)\s+width\s+(\d+)\s+map\r?\n/.exec(text);
  if (!head) throw new Error("The world is not a grid map, so there is no ground to draw.");
  const height = +head[1], width = +head[2];
  if (!(width > 0 && height > 0 && width * height <= CELLS_MAX)) {
    throw new Error(`A map of ${head[2]} × ${head[1]} cells is too large to draw here.`);
  }
  const cells = new Uint8Array(width * height).fill(HOUSE);
  text.slice(head[0].length).split(/\r?\n/, height).forEach((row, y) => {
    const length = Math.min(width, row.length);
    for (let x = 0; x < length; x++) cells[y * width + x] = LETTERS[row[x]] ?? HOUSE;
  });
  return { width, height, cells };
}

/** The closed outlines of a mask, in cells, with the mask on their right; holes run backwards. */
function outlines(mask, width, height) {
  // One bit per side of a cell that faces out, kept at the corner where that side begins.
  const row = width + 1, sides = new Uint8Array(row * (height + 1));
  const step = [1, row, -1, -row];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (!mask[i]) continue;
      const c = y * row + x;
      if (y === 0 || !mask[i - width]) sides[c] |= 1;
      if (x === width - 1 || !mask[i + 1]) sides[c + 1] |= 2;
      if (y === height - 1 || !mask[i + width]) sides[c + row + 1] |= 4;
      if (x === 0 || !mask[i - 1]) sides[c + row] |= 8;
    }
  }
  const loops = [];
  for (let first = 0; first < sides.length; first++) {
    while (sides[first]) {
      const loop = [];
      let at = first, way = 31 - Math.clz32(sides[first] & -sides[first]), was = -1;
      do {
        sides[at] &= ~(1 << way);
        if (way !== was) loop.push([at % row, Math.floor(at / row)]);
        was = way;
        at += step[way];
        // Turn right first: cells that touch by a corner are not connected, for walkers either.
        way = [way + 1 & 3, way, way + 3 & 3].find(w => sides[at] >> w & 1) ?? way;
      } while (at !== first);
      loops.push(loop);
    }
  }
  return loops;
}

/** Douglas and Peucker on a closed line: steps of cells become the straight wall they stand for. */
function straighten(loop, slack) {
  const n = loop.length, keep = new Uint8Array(n + 1);
  let far = 0, most = -1;
  for (let i = 1; i < n; i++) {
    const d = (loop[i][0] - loop[0][0]) ** 2 + (loop[i][1] - loop[0][1]) ** 2;
    if (d > most) { most = d; far = i; }
  }
  keep[0] = keep[far] = 1;
  const open = [[0, far], [far, n]];
  while (open.length) {
    const [from, to] = open.pop(), [ax, ay] = loop[from], [bx, by] = loop[to % n];
    const dx = bx - ax, dy = by - ay, length = Math.hypot(dx, dy) || 1;
    let worst = slack, at = -1;
    for (let i = from + 1; i < to; i++) {
      const d = Math.abs((loop[i][0] - ax) * dy - (loop[i][1] - ay) * dx) / length;
      if (d > worst) { worst = d; at = i; }
    }
    if (at >= 0) {
      keep[at] = 1;
      open.push([from, at], [at, to]);
    }
  }
  const out = loop.filter((_, i) => keep[i]);
  // A stall two cells wide must not shrink to a splinter.
  return slack < 0.4 || areaOf(out) / areaOf(loop) > 0.7 ? out : straighten(loop, slack / 2);
}

function areaOf(loop) {
  let twice = 0;
  for (let i = 0, b = loop[loop.length - 1]; i < loop.length; b = loop[i++]) {
    twice += b[0] * loop[i][1] - loop[i][0] * b[1];
  }
  return twice / 2;
}

/** Chaikin: every corner cut at a quarter of its sides, so that shores and meadows are round. */
function round(loop, times) {
  for (; times > 0; times--) {
    loop = loop.flatMap(([ax, ay], i) => {
      const [bx, by] = loop[(i + 1) % loop.length];
      return [[ax * 0.75 + bx * 0.25, ay * 0.75 + by * 0.25],
        [ax * 0.25 + bx * 0.75, ay * 0.25 + by * 0.75]];
    });
  }
  return loop;
}

export function pathOf(loops) {
  const path = new Path2D();
  for (const loop of loops) {
    path.moveTo(loop[0][0], loop[0][1]);
    for (let i = 1; i < loop.length; i++) path.lineTo(loop[i][0], loop[i][1]);
    path.closePath();
  }
  return path;
}

/** Everything a painter needs to know about one map; taken once, in about a second at most. */
export class Survey {
  constructor(text) {
    Object.assign(this, parseMap(text));
    const { width, height, cells } = this;
    const loops = test => outlines(cells.map((kind, i) => test(kind, i) ? 1 : 0), width, height);
    // Rounding must not nibble at the map's own corners, so what touches its edge goes beyond it.
    const past = (v, most) => v === 0 ? -12 : v === most ? most + 12 : v;
    const soft = (test, slack = 0.55) => pathOf(loops(test).map(loop => round(
      straighten(loop, slack).map(([x, y]) => [past(x, width), past(y, height)]), 2)));
    const wide = this.wide(cells.map(kind => kind & (STREET | HOUSE | STONE) ? 1 : 0));
    this.street = soft((_, i) => wide[i]);
    this.green = soft(kind => kind & (GRASS | MARSH | TREE));
    this.marsh = soft(kind => kind === MARSH, 0.9);
    this.water = soft(kind => kind === WATER, 0.8);
    const roofs = this.roofs();
    this.buildings = Array.from({ length: ROOFS + 1 }, (_, colour) => {
      const walls = loops((kind, i) => colour < ROOFS ? roofs[i] === colour + 1 : kind === STONE)
        .map(loop => straighten(loop, 1));
      return { colour, path: pathOf(walls), slopes: this.slopes(walls) };
    });
    this.trees = this.plant();
    this.reeds = Array.from(cells.keys()).filter(i => cells[i] === MARSH && scramble(i) % 5 === 0);
  }

  /** Paving at least three cells wide; furrows and footpaths are narrower and stay bare soil. */
  wide(paved) {
    const { width, height } = this, out = new Uint8Array(paved.length);
    for (let y = 1; y < height - 1; y++) {
      for (let x = 1, i = y * width + 1; x < width - 1; x++, i++) {
        const rows = [i - width, i, i + width];
        if (!rows.every(k => paved[k - 1] & paved[k] & paved[k + 1])) continue;
        for (const k of rows) out[k - 1] = out[k] = out[k + 1] = 1;
      }
    }
    return out;
  }

  /** A roof colour, 1...ROOFS, for each house cell; the same within a house. */
  roofs() {
    const { width, cells } = this, out = new Uint8Array(cells.length), stack = [];
    for (let first = 0; first < cells.length; first++) {
      if (cells[first] !== HOUSE || out[first]) continue;
      const colour = out[first] = 1 + scramble(first) % ROOFS;
      stack.push(first);
      while (stack.length) {
        const i = stack.pop(), x = i % width;
        for (const k of [x ? i - 1 : i, x < width - 1 ? i + 1 : i, i - width, i + width]) {
          if (cells[k] !== HOUSE || out[k]) continue;
          out[k] = colour;
          stack.push(k);
        }
      }
    }
    return out;
  }

  /** Hipped roofs: a slope rises from every wall; sorted by the eight ways a slope may face. */
  slopes(walls) {
    const slopes = Array.from({ length: 8 }, () => new Path2D());
    for (const wall of walls) {
      const area = areaOf(wall);
      let around = 0;
      const sides = wall.map((a, i) => {
        const b = wall[(i + 1) % wall.length], dx = b[0] - a[0], dy = b[1] - a[1];
        const length = Math.hypot(dx, dy);
        around += length;
        return { a, b, length, ux: dx / length, uy: dy / length };
      });
      // Around a courtyard the same rule gives no depth, so a usual one stands in.
      const deep = area > 0 ? Math.min(4.5, 1.45 * area / around) : 2.6;
      for (const { a, b, length, ux, uy } of sides) {
        const d = area > 0 ? Math.min(deep, length / 2) : deep;
        const inset = area > 0 ? d : -d, nx = -uy * d, ny = ux * d;
        const slope = slopes[Math.round(Math.atan2(-ux, uy) / Math.PI * 4) & 7];
        slope.moveTo(a[0], a[1]);
        slope.lineTo(b[0], b[1]);
        slope.lineTo(b[0] + nx - ux * inset, b[1] + ny - uy * inset);
        slope.lineTo(a[0] + nx + ux * inset, a[1] + ny + uy * inset);
        slope.closePath();
      }
    }
    return slopes;
  }

  /** x, y, radius and tone of each crown; where trees stand close, some stand under others. */
  plant() {
    const { width, cells } = this, trees = [];
    for (let i = 0; i < cells.length; i++) {
      if (cells[i] !== TREE) continue;
      const h = scramble(i), x = i % width, y = Math.floor(i / width);
      let crowd = 0;
      for (let k = 0; k < 25; k++) {
        crowd += cells[i + (k % 5 - 2) + (Math.floor(k / 5) - 2) * width] === TREE;
      }
      if (crowd > 3 && h % 100 > 62) continue;
      const sway = bits => ((h >>> bits & 255) / 255 - 0.5) * 0.6 + 0.5;
      trees.push([x + sway(8), y + sway(16), 0.75 + (h >>> 24) / 640 + crowd * 0.022, h % 3]);
    }
    return trees;
  }
}
