// The live page of a hunt: one module, in the order in which things flow.
//
//   Words     outside text and numbers made fit to show
//   Survey    map text -> outlines of streets, meadows, water, houses, trees
//   Painter   outlines -> a picture, at any scale
//   Chart     which part of the world is on screen, and the painted ground below it
//   Scene     players, treasures and claims, drawn above the ground on every frame
//   Live      the connection: snapshots and deltas in order, or a plain word about why not
//   Panel     board, figures, books and feed
//   Page      joins them
//
// Everything that names a player, treasure or hunt comes from outside. It is kept in Maps, never as
// a property name, and reaches the page only as textContent or canvas text.
//
// Longer than a file should be, because the page is served as one module without a build step; read
// a section as you would read a file.

// Words -------------------------------------------------------------------------------------------

const grouped = new Intl.NumberFormat("en");
const number = value => Number.isFinite(value) ? grouped.format(value) : "–";
const atOffset = offset => `offset ${number(offset)}`;

/** An id as one short line: no control or direction characters, at most two marks on a letter. */
function plain(id) {
  if (typeof id === "number") return "#" + id;
  const text = String(id).slice(0, 200)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/gu, "")
    .replace(/[\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF]/g, "")
    .replace(/(\p{M}{2})\p{M}+/gu, "$1").trim();
  const letters = Array.from(text);
  if (letters.length === 0) return "(no name)";
  return letters.length > 40 ? letters.slice(0, 39).join("") + "…" : text;
}

function milliseconds(us) {
  if (!Number.isFinite(us)) return "–";
  const ms = us / 1000;
  return (ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : number(Math.round(ms))) + " ms";
}

/** Hunt time: a clock when it counts from 1970, a duration when it counts from the start. */
function moment(ms) {
  if (!Number.isFinite(ms)) return "";
  if (ms > 1e12) return new Date(ms).toLocaleTimeString("en-GB");
  const s = Math.floor(ms / 1000), two = n => String(n).padStart(2, "0");
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

function scramble(i) {
  i = Math.imul(i ^ i >>> 16, 0x45d9f3b);
  i = Math.imul(i ^ i >>> 16, 0x45d9f3b);
  return (i ^ i >>> 16) >>> 0;
}

// Okabe and Ito's colours without the green and yellow that a map needs for itself.
const PLAYER_COLOURS = {
  light: ["#0072b2", "#d55e00", "#cc79a7", "#56b4e9", "#e69f00", "#7a4fbf", "#1b1b1b"],
  dark: ["#4aa8e8", "#ff8a3c", "#f09fcb", "#8fd3ff", "#ffc247", "#b79bff", "#f4f1ea"],
};

function colourOf(id) {
  let h = 2166136261;
  for (const letter of String(id).slice(0, 200)) h = Math.imul(h ^ letter.codePointAt(0), 16777619);
  return scramble(h) % PLAYER_COLOURS.light.length;
}

// Survey ------------------------------------------------------------------------------------------

const STREET = 1, GRASS = 2, MARSH = 4, HOUSE = 8, STONE = 16, TREE = 32, WATER = 64;
const LETTERS = { ".": STREET, G: GRASS, S: MARSH, T: TREE, W: WATER, O: STONE };
const CELLS_MAX = 1 << 22;      // some ten seconds of survey; larger maps stay bare ground
const ROOFS = 6;

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

function pathOf(loops) {
  const path = new Path2D();
  for (const loop of loops) {
    path.moveTo(loop[0][0], loop[0][1]);
    for (let i = 1; i < loop.length; i++) path.lineTo(loop[i][0], loop[i][1]);
    path.closePath();
  }
  return path;
}

/** Everything a painter needs to know about one map; taken once, in about a second at most. */
class Survey {
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

// Painter -----------------------------------------------------------------------------------------

const INKS = {
  light: {
    soil: "#e6dcbc", street: "#fbf7ee", grass: "#d3dfb8", marsh: "#bdd4bd", reed: "#7fa189",
    water: ["#93bfd6", "#a2cadd", "#b2d4e3"], shore: "#6c9cb5",
    roofs: ["#e2b699", "#daa98e", "#e8c2a6", "#d5a692", "#dfb9a2", "#cfae9d"], stone: "#b1aba6",
    roofInk: "#8d6150", stoneInk: "#5f5955", shadow: "rgb(92 72 44 / 24%)",
    lit: "255 250 235", dim: "70 30 20", relief: 0.30,
    crowns: [["#9dbf88", "#7fa56f"], ["#a9c78f", "#8aae76"], ["#8fb37e", "#739a68"]],
  },
  dark: {
    soil: "#2a3030", street: "#363c43", grass: "#212d2b", marsh: "#1f3136", reed: "#38585a",
    water: ["#101f30", "#14263a", "#192e44"], shore: "#37597a",
    roofs: ["#574743", "#50413f", "#5d4c45", "#4c4041", "#554947", "#474041"], stone: "#63676d",
    roofInk: "#17161a", stoneInk: "#1b1e22", shadow: "rgb(0 0 0 / 36%)",
    lit: "255 214 170", dim: "0 0 0", relief: 0.24,
    crowns: [["#2f4b40", "#223a33"], ["#355446", "#274038"], ["#2a453d", "#1e352f"]],
  },
};

/** Fills a canvas with what lies from cell (left, top) on, at `k` pixels per cell. */
function paint(canvas, survey, theme, left, top, k) {
  const c = canvas.getContext("2d", { alpha: false }), ink = INKS[theme];
  const { width, height } = survey;
  const fill = (path, style) => { c.fillStyle = style; c.fill(path, "evenodd"); };
  const stroke = (path, style, cells) => {
    c.strokeStyle = style;
    c.lineWidth = cells;
    c.stroke(path);
  };
  const within = (path, draw) => { c.save(); c.clip(path, "evenodd"); draw(); c.restore(); };
  c.setTransform(k, 0, 0, k, -left * k, -top * k);
  c.lineJoin = c.lineCap = "round";
  c.fillStyle = ink.soil;
  c.fillRect(0, 0, width, height);
  fill(survey.street, ink.street);
  fill(survey.green, ink.grass);
  fill(survey.marsh, ink.marsh);
  const inView = (x, y, r) => (x + r - left) * k > 0 && (x - r - left) * k < canvas.width
    && (y + r - top) * k > 0 && (y - r - top) * k < canvas.height;

  const reeds = new Path2D();
  for (const i of survey.reeds) {
    const x = i % width, y = Math.floor(i / width) + 0.5;
    if (inView(x, y, 2)) { reeds.moveTo(x, y); reeds.lineTo(x + 1.8, y); }
  }
  stroke(reeds, ink.reed, 0.3);

  // Fine lines follow the shore, as on an engraved chart: each is what a narrower band leaves of a
  // wider one.
  fill(survey.water, ink.water[0]);
  within(survey.water, () => {
    stroke(survey.water, ink.shore, 10.4);
    stroke(survey.water, ink.water[1], 9.9);
    stroke(survey.water, ink.shore, 5.5);
    stroke(survey.water, ink.water[2], 4.9);
  });
  stroke(survey.water, ink.shore, 0.8);

  c.translate(1, 1);
  for (const { path } of survey.buildings) fill(path, ink.shadow);
  c.translate(-1, -1);
  for (const { colour, path, slopes } of survey.buildings) {
    fill(path, ink.roofs[colour] ?? ink.stone);
    within(path, () => slopes.forEach((slope, i) => {
      const light = Math.cos((i - 5) * Math.PI / 4);      // the sun stands in the north-west
      c.fillStyle = `rgb(${light > 0 ? ink.lit : ink.dim} / ${Math.abs(light) * ink.relief})`;
      c.fill(slope);
    }));
    stroke(path, colour < ROOFS ? ink.roofInk : ink.stoneInk, Math.max(0.32, 0.5 / k));
  }

  c.fillStyle = ink.shadow;
  for (const [x, y, r] of survey.trees) {
    if (!inView(x, y, r + 1)) continue;
    c.beginPath();
    c.arc(x + 0.6, y + 0.6, r, 0, 7);
    c.fill();
  }
  for (const [x, y, r, tone] of survey.trees) {
    if (!inView(x, y, r)) continue;
    const [body, rim] = ink.crowns[tone];
    for (const [style, size, shift] of [[rim, r, 0], [body, r * 0.74, r * 0.18]]) {
      c.fillStyle = style;
      c.beginPath();
      c.arc(x - shift, y - shift, size, 0, 7);
      c.fill();
    }
  }
}

// Chart -------------------------------------------------------------------------------------------

const ZOOM_MAX = 20;            // CSS pixels per cell
const BASE_PIXELS_MAX = 8e6;    // the whole map, kept for panning; 32 MB

/** Where the world is on screen. The ground is painted whole once, and again sharply at rest. */
class Chart {
  constructor(canvas, top) {
    this.canvas = canvas;
    this.top = top;
    this.context = canvas.getContext("2d", { alpha: false });
    this.width = this.height = 0;           // cells; zero until a world is known
    this.scale = 1;                         // CSS pixels per cell
    this.x = this.y = 0;                    // the cell at the view's top left corner
    this.fitted = true;                     // keep fitting on resize until somebody moves the map
    this.survey = this.base = this.sharp = null;
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.resize();
  }

  resize() {
    const box = this.canvas.getBoundingClientRect();
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.viewWidth = Math.max(1, box.width);
    this.viewHeight = Math.max(1, box.height);
    for (const canvas of [this.canvas, this.top]) {
      canvas.width = Math.round(this.viewWidth * this.ratio);
      canvas.height = Math.round(this.viewHeight * this.ratio);
    }
    if (this.fitted) this.fit(this.filled); else this.moved();
  }

  /** Shows the world in `text`; throws a sentence when it is not a map, and shows bare ground. */
  load(text, width, height) {
    this.survey = null;
    this.width = width || 1000;
    this.height = height || 1000;
    try {
      this.survey = new Survey(text);
      this.width = this.survey.width;
      this.height = this.survey.height;
    } finally {
      this.repaint();
      // On a phone held upright the whole map is a stamp, so the page begins with its middle.
      const tall = this.viewHeight / this.viewWidth * this.width / this.height;
      this.fit(tall > 1.3 ? Math.min(tall, 1.9) : 1);
    }
  }

  setTheme(theme, paper, line) {
    Object.assign(this, { theme, paper, line });
    this.repaint();
    this.moved();
  }

  repaint() {
    this.base = this.sharp = null;
    if (!this.survey) return;
    const k = Math.min(8, Math.sqrt(BASE_PIXELS_MAX / (this.width * this.height)));
    this.base = this.picture(0, 0, this.width, this.height, k);
  }

  picture(left, top, width, height, k) {
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width * k));
    canvas.height = Math.max(1, Math.round(height * k));
    paint(canvas, this.survey, this.theme, left, top, k);
    return { canvas, left, top, width, height, k };
  }

  /** Where the view is closer than the base picture is fine, the visible part is painted anew. */
  sharpen() {
    const k = this.scale * this.ratio;
    this.sharp = null;
    if (!this.survey || k < this.base.k * 1.1) return;
    const left = Math.max(0, this.x), top = Math.max(0, this.y);
    const right = Math.min(this.width, this.x + this.viewWidth / this.scale);
    const bottom = Math.min(this.height, this.y + this.viewHeight / this.scale);
    if (right <= left || bottom <= top) return;
    this.sharp = this.picture(left, top, right - left, bottom - top, k);
    this.stale = true;
  }

  moved() {
    this.stale = true;
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.sharpen(), 180);
  }

  get fitScale() {
    return Math.min(this.viewWidth / this.width, this.viewHeight / this.height) * 0.985;
  }

  fit(filled = 1) {
    this.fitted = true;
    this.filled = filled;
    if (this.width) {
      this.scale = this.fitScale * filled;
      this.x = (this.width - this.viewWidth / this.scale) / 2;
      this.y = (this.height - this.viewHeight / this.scale) / 2;
    }
    this.moved();
  }

  /** Zooms by `factor` about a point of the view, which stays where it is. */
  zoom(factor, px = this.viewWidth / 2, py = this.viewHeight / 2) {
    const least = this.fitScale * 0.7;
    const scale = Math.min(Math.max(this.scale * factor, least), Math.max(ZOOM_MAX, least));
    this.x += px / this.scale - px / scale;
    this.y += py / this.scale - py / scale;
    this.scale = scale;
    this.hold();
  }

  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.hold();
  }

  centre(x, y, scale = this.scale) {
    this.scale = scale;
    this.x = x - this.viewWidth / 2 / scale;
    this.y = y - this.viewHeight / 2 / scale;
    this.hold();
  }

  /** The middle of the view never leaves the map, so nobody gets lost beyond its edge. */
  hold() {
    const halfX = this.viewWidth / 2 / this.scale, halfY = this.viewHeight / 2 / this.scale;
    this.x = Math.min(Math.max(this.x + halfX, 0), this.width) - halfX;
    this.y = Math.min(Math.max(this.y + halfY, 0), this.height) - halfY;
    this.fitted = false;
    this.moved();
  }

  /** Redraws the ground when something changed; free otherwise. */
  draw() {
    if (!this.stale) return;
    this.stale = false;
    const c = this.context, k = this.scale * this.ratio;
    c.fillStyle = this.paper;
    c.fillRect(0, 0, this.canvas.width, this.canvas.height);
    c.imageSmoothingQuality = "high";
    for (const layer of [this.base, this.sharp]) {
      if (!layer) continue;
      c.drawImage(layer.canvas, (layer.left - this.x) * k, (layer.top - this.y) * k,
        layer.width * k, layer.height * k);
    }
    c.strokeStyle = this.line;
    c.lineWidth = this.ratio;
    c.strokeRect(-this.x * k, -this.y * k, this.width * k, this.height * k);
  }
}

// Scene -------------------------------------------------------------------------------------------

const RIPPLES_MAX = 160;
const RIPPLE_MS = 1500;
const LEAP_CELLS = 14;          // farther than this between two updates is a jump, not a walk

// One player's walk in the flat array: from (x, y), to (x, y), since when, colour.
const WALK = 6;

/** What moves. `slots` finds a player's place in `ids` and, times WALK, in `walks`. */
class Scene {
  constructor(canvas, chart) {
    this.canvas = canvas;
    this.chart = chart;
    this.context = canvas.getContext("2d");
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.treasures = new Map();
    this.ripples = [];
    this.step = 220;            // measured ms between updates; a walk takes that long
    this.walks = new Float64Array(1024 * WALK);
    this.clear();
  }

  clear() {
    this.slots = new Map();
    this.ids = [];
    this.treasures.clear();
    this.ripples.length = 0;
    this.followed = this.chosen = undefined;
    this.near = [];
  }

  setTheme(theme) {
    this.dark = theme === "dark";
    this.colours = PLAYER_COLOURS[theme];
    this.sprites = null;
  }

  // Updates

  snapshot(players, treasures) {
    this.clear();
    this.last = 0;
    for (const row of players) this.move(row, 0);
    for (const row of treasures) this.treasure(row);
  }

  delta(moves, left, treasures, claims, now) {
    // The pace of updates, smoothed; a pause must not turn into slow motion.
    if (this.last) this.step += (Math.min(Math.max(now - this.last, 40), 600) - this.step) * 0.15;
    this.last = now;
    for (const row of moves) this.move(row, now);
    for (const id of left) this.leave(id);
    for (const claim of claims) this.claim(claim, now);
    for (const row of treasures) this.treasure(row);
  }

  move(row, now) {
    if (!Array.isArray(row)) return;
    const [id, x, y] = row;
    if (!Number.isFinite(x) || !Number.isFinite(y)) return;
    let slot = this.slots.get(id);
    if (slot === undefined) {
      slot = this.ids.length;
      if (slot * WALK === this.walks.length) {
        const longer = new Float64Array(slot * WALK * 2);
        longer.set(this.walks);
        this.walks = longer;
      }
      this.ids.push(id);
      this.slots.set(id, slot);
      this.walks.set([x, y, x, y, now, colourOf(id)], slot * WALK);
      return;
    }
    const [hereX, hereY] = this.where(slot, now);
    const leap = Math.abs(x - hereX) + Math.abs(y - hereY) > LEAP_CELLS;
    this.walks.set(leap ? [x, y, x, y, now] : [hereX, hereY, x, y, now], slot * WALK);
  }

  /** A walker is a little late on purpose: the next update arrives before the last step ends. */
  where(slot, now) {
    const w = this.walks, i = slot * WALK, t = (now - w[i + 4]) / (this.step * 1.15);
    const part = t < 0 ? 0 : t > 1 ? 1 : t;
    return [w[i] + (w[i + 2] - w[i]) * part, w[i + 1] + (w[i + 3] - w[i + 1]) * part];
  }

  /** The last player takes the place of the one who left. */
  leave(id) {
    const slot = this.slots.get(id);
    if (slot === undefined) return;
    const last = this.ids.length - 1;
    this.walks.copyWithin(slot * WALK, last * WALK, (last + 1) * WALK);
    this.ids[slot] = this.ids[last];
    this.slots.set(this.ids[last], slot);
    this.slots.delete(id);
    this.ids.pop();
  }

  treasure(row) {
    if (!Array.isArray(row) || !Number.isFinite(row[1]) || !Number.isFinite(row[2])) return;
    const [id, x, y, free, stock, points] = row;
    this.treasures.set(id, { id, x, y, free, stock, points });
  }

  claim(claim, now) {
    const treasure = this.treasures.get(claim.treasure);
    if (treasure && Number.isFinite(claim.free)) treasure.free = claim.free;
    const x = claim.x ?? treasure?.x, y = claim.y ?? treasure?.y;
    if (!Number.isFinite(x) || !Number.isFinite(y)) return;
    if (this.ripples.length >= RIPPLES_MAX) this.ripples.shift();
    this.ripples.push({ x, y, now, text: "+" + number(claim.points) });
  }

  get open() {
    let count = 0;
    for (const t of this.treasures.values()) if (t.free > 0) count++;
    return count;
  }

  place(id, now) {
    const slot = this.slots.get(id);
    return slot === undefined ? null : this.where(slot, now).map(v => v + 0.5);
  }

  /** The treasure under a point of the view, else the nearest players to it. */
  pick(px, py, now) {
    const { scale, x, y } = this.chart, cx = x + px / scale, cy = y + py / scale;
    let treasure = null, best = (14 / scale) ** 2;
    for (const t of this.treasures.values()) {
      const d = (t.x + 0.5 - cx) ** 2 + (t.y + 0.5 - cy) ** 2;
      if (d < best) { best = d; treasure = t; }
    }
    if (treasure) return { treasure, players: [] };
    const reach = (26 / scale) ** 2, players = [];
    for (let slot = 0; slot < this.ids.length; slot++) {
      const [wx, wy] = this.where(slot, now), d = (wx + 0.5 - cx) ** 2 + (wy + 0.5 - cy) ** 2;
      if (d < reach) players.push([d, this.ids[slot]]);
    }
    players.sort((a, b) => a[0] - b[0]);
    return { treasure: null, players: players.map(p => p[1]) };
  }

  // Drawing

  /** Dots and gems are drawn once per size and theme, then stamped; thousands of arcs are slow. */
  makeSprites(radius) {
    const k = this.chart.ratio, stamp = (half, draw) => {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = Math.ceil(half * 2 * k);
      const c = canvas.getContext("2d");
      c.scale(k, k);
      c.translate(canvas.width / 2 / k, canvas.height / 2 / k);
      draw(c);
      return canvas;
    };
    const dots = this.colours.map(colour => stamp(radius + 1.6, c => {
      c.beginPath();
      c.arc(0, 0, radius, 0, 7);
      c.fillStyle = colour;
      c.strokeStyle = this.dark ? "rgb(8 12 16 / 80%)" : "rgb(255 255 255 / 92%)";
      c.lineWidth = Math.min(1.4, radius * 0.42);
      c.fill();
      c.stroke();
    }));
    const size = Math.min(11, 5 + radius * 1.1);
    const gem = open => stamp(size + 2.5, c => {
      const corners = [[0, -size], [size * 0.78, 0], [0, size], [-size * 0.78, 0]];
      const whole = pathOf([corners]), middle = [0, 0];
      const fill = (path, style) => { c.fillStyle = style; c.fill(path); };
      fill(whole, open ? "#f5b81c" : "rgb(120 114 104 / 38%)");
      if (open) {
        fill(pathOf([[corners[0], middle, corners[3]]]), "#ffe38a");
        fill(pathOf([[corners[1], corners[2], middle]]), "#cf8a00");
      }
      c.lineJoin = "round";
      c.lineWidth = 1.4;
      c.strokeStyle = open ? "#6b4300" : this.dark ? "#aaaeb28c" : "#544c408c";
      c.stroke(whole);
    });
    const glow = stamp(size * 2.6, c => {
      const fade = c.createRadialGradient(0, 0, size * 0.3, 0, 0, size * 2.6);
      const core = this.dark ? "255 205 90" : "255 190 40";
      fade.addColorStop(0, `rgb(${core} / 85%)`);
      fade.addColorStop(0.5, `rgb(${core} / 26%)`);
      fade.addColorStop(1, `rgb(${core} / 0%)`);
      c.fillStyle = fade;
      c.fillRect(-size * 3, -size * 3, size * 6, size * 6);
    });
    this.sprites = { radius, ratio: k, size, dots, open: gem(true), shut: gem(false), glow };
  }

  draw(now) {
    const { chart, context: c, canvas } = this, { ratio } = chart, k = chart.scale * ratio;
    // Big screens are read from afar, so what stands on the map grows with them.
    const afar = Math.min(1.8, Math.max(1, chart.viewHeight / 900));
    const wanted = Math.max(2.2, 1.5 + chart.scale * 0.42) * afar;
    const radius = Math.min(8, Math.round(wanted * 4) / 4);
    if (this.sprites?.radius !== radius || this.sprites.ratio !== ratio) this.makeSprites(radius);
    const { dots, open, shut, glow, size } = this.sprites;
    const left = -chart.x * k, top = -chart.y * k, right = canvas.width, bottom = canvas.height;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, right, bottom);

    for (const t of this.treasures.values()) {
      if (t.free > 0) continue;
      const x = (t.x + 0.5) * k + left, y = (t.y + 0.5) * k + top;
      c.drawImage(shut, x - shut.width / 2, y - shut.width / 2);
    }
    // Written out instead of calling `where`: this loop runs thousands of times a frame.
    const half = dots[0].width / 2, w = this.walks, speed = 1 / (this.step * 1.15);
    for (let i = 0, end = this.ids.length * WALK; i < end; i += WALK) {
      const t = (now - w[i + 4]) * speed, part = t < 0 ? 0 : t > 1 ? 1 : t;
      const x = (w[i] + (w[i + 2] - w[i]) * part + 0.5) * k + left;
      const y = (w[i + 1] + (w[i + 3] - w[i + 1]) * part + 0.5) * k + top;
      if (x > -half && y > -half && x < right + half && y < bottom + half) {
        c.drawImage(dots[w[i + 5]], x - half, y - half);
      }
    }
    for (const t of this.treasures.values()) {
      if (!(t.free > 0)) continue;
      const x = (t.x + 0.5) * k + left, y = (t.y + 0.5) * k + top;
      const beat = this.calm.matches ? 0.7 : 0.62 + 0.38 * Math.sin(now / 620 + t.x * 1.7 + t.y);
      c.globalAlpha = beat;
      c.drawImage(glow, x - glow.width / 2, y - glow.width / 2);
      c.globalAlpha = 1;
      c.drawImage(open, x - open.width / 2, y - open.width / 2);
      if (chart.scale > 4 && t.stock > 0) {
        // What is left, as an arc round the gem.
        c.beginPath();
        const part = Math.min(t.free / t.stock, 1);
        c.arc(x, y, (size + 4) * ratio, -Math.PI / 2, Math.PI * (2 * part - 0.5));
        c.strokeStyle = this.dark ? "#ffd877" : "#8a5a00";
        c.lineWidth = 2 * ratio;
        c.stroke();
      }
    }
    this.drawRipples(c, now, k, left, top, ratio);
    this.drawChosen(c, now, k, left, top, ratio, radius);
  }

  drawRipples(c, now, k, left, top, ratio) {
    while (this.ripples.length && now - this.ripples[0].now > RIPPLE_MS) this.ripples.shift();
    c.font = `700 ${13 * ratio}px system-ui, sans-serif`;
    c.textAlign = "center";
    c.lineJoin = "round";
    const size = Math.min(1.6, 0.5 + this.chart.scale * 0.3);
    for (const ripple of this.ripples) {
      const t = Math.max(0, now - ripple.now) / RIPPLE_MS, ease = 1 - (1 - t) ** 3;
      const x = (ripple.x + 0.5) * k + left, y = (ripple.y + 0.5) * k + top;
      c.globalAlpha = 1 - t;
      c.beginPath();
      c.arc(x, y, (this.calm.matches ? 16 : 6 + 26 * ease) * size * ratio, 0, 7);
      c.strokeStyle = this.dark ? "#ffd877" : "#b36b00";
      c.lineWidth = (2.6 - 1.8 * t) * ratio;
      c.stroke();
      const rise = (this.calm.matches ? 14 : 10 + 20 * ease) * ratio;
      c.strokeStyle = this.dark ? "rgb(10 14 18 / 85%)" : "rgb(255 252 244 / 92%)";
      c.lineWidth = 3.5 * ratio;
      c.strokeText(ripple.text, x, y - rise);
      c.fillStyle = this.dark ? "#ffe3a0" : "#6b4300";
      c.fillText(ripple.text, x, y - rise);
    }
    c.globalAlpha = 1;
  }

  /** Rings round the players under the pointer, and a name on the one being followed. */
  drawChosen(c, now, k, left, top, ratio, radius) {
    const ink = this.dark ? "#ffffff" : "#1c1a17", paper = this.dark ? "#0b0f13" : "#ffffff";
    const ring = (id, width) => {
      const at = this.place(id, now);
      if (!at) return null;
      const x = at[0] * k + left, y = at[1] * k + top;
      c.beginPath();
      c.arc(x, y, (radius + 3.5) * ratio, 0, 7);
      for (const [colour, extra] of [[paper, 2], [ink, 0]]) {
        c.strokeStyle = colour;
        c.lineWidth = (width + extra) * ratio;
        c.stroke();
      }
      return [x, y];
    };
    for (const id of this.near) ring(id, 1.2);
    if (this.followed !== undefined) {
      const at = ring(this.followed, 2);
      if (!at) return;
      c.font = `600 ${13 * ratio}px system-ui, sans-serif`;
      c.textAlign = "center";
      c.strokeStyle = paper;
      c.lineWidth = 4 * ratio;
      const name = plain(this.followed);
      c.strokeText(name, at[0], at[1] - (radius + 9) * ratio, 260 * ratio);
      c.fillStyle = ink;
      c.fillText(name, at[0], at[1] - (radius + 9) * ratio, 260 * ratio);
    }
    if (this.chosen !== undefined) {
      const t = this.treasures.get(this.chosen);
      if (!t) return;
      c.beginPath();
      c.arc((t.x + 0.5) * k + left, (t.y + 0.5) * k + top, 17 * ratio, 0, 7);
      c.strokeStyle = ink;
      c.lineWidth = 2 * ratio;
      c.stroke();
    }
  }
}

// Live --------------------------------------------------------------------------------------------

const STALE_MS = 3000;
const SILENT_MS = 10000;        // then the connection is given up and made anew
const BACKOFF_MS = [500, 10000];

/** One hunt's snapshots and deltas in order. `onState(is, words)` says how it stands, always. */
class Live {
  constructor(onMessage, onState) {
    this.onMessage = onMessage;
    this.onState = onState;
    this.failures = 0;
    this.sockets = true;        // until two in a row fail without a word; then server-sent events
    setInterval(() => this.watch(), 250);
    addEventListener("online", () => this.waiting && this.connect());
  }

  follow(hunt) {
    this.hunt = hunt;
    this.failures = 0;
    this.connect();
  }

  connect() {
    this.close();
    this.seq = null;
    this.heard = performance.now();
    this.waiting = 0;
    this.silent = true;
    this.onState("wait", "connecting");
    if (this.sockets) this.openSocket(); else this.openEvents();
  }

  openSocket() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/v1/live`);
    socket.onopen = () => this.subscribe(socket);
    socket.onmessage = event => this.take(event.data);
    // An error is always followed by close, so close alone decides.
    socket.onclose = event => this.lost(event.reason);
    this.stop = () => {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    };
    this.again = () => socket.readyState === 1 ? this.subscribe(socket) : this.connect();
  }

  subscribe(socket) {
    socket.send(JSON.stringify({ subscribe: { hunt: this.hunt } }));
  }

  openEvents() {
    const source = new EventSource(`/v1/hunts/${encodeURIComponent(this.hunt)}/live`);
    for (const type of ["snapshot", "delta", "reset"]) {
      source.addEventListener(type, event => this.take(event.data, type));
    }
    // EventSource would retry by itself, but without backoff and without telling.
    source.onerror = () => this.lost("");
    this.stop = () => source.close();
    this.again = () => this.connect();
  }

  close() {
    clearTimeout(this.waiting);
    this.stop?.();
    this.stop = null;
  }

  take(text, type) {
    let message;
    try {
      message = JSON.parse(text || "{}");
    } catch {
      return this.lost("the server sent something that is not JSON");
    }
    if (message === null || typeof message !== "object") return;
    type ??= message.type;
    this.heard = performance.now();
    if (type === "snapshot") {
      this.seq = message.seq;
    } else if (type === "delta") {
      if (this.seq === null) return;          // belongs to the subscription before this one
      if (message.seq !== this.seq + 1) return this.resubscribe();
      this.seq = message.seq;
    } else if (type === "reset") {
      return this.resubscribe();
    } else {
      if (type === "error") this.lost("the server says " + plain(message.message ?? message.code));
      return;
    }
    this.silent = false;
    this.failures = 0;
    this.onMessage(type, message);
  }

  resubscribe() {
    this.seq = null;
    this.again();
  }

  lost(why) {
    this.close();
    // Proxies that block WebSocket let it fail before the first message; events may pass.
    if (this.silent && this.failures % 2 === 1) this.sockets = !this.sockets;
    const [least, most] = BACKOFF_MS;
    const wait = Math.min(least * 2 ** this.failures++, most) * (0.75 + Math.random() / 2);
    this.retryAt = performance.now() + wait;
    this.why = why;
    this.waiting = setTimeout(() => this.connect(), wait);
    this.watch();
  }

  watch() {
    const now = performance.now();
    if (this.hunt === undefined) return;
    if (this.waiting) {
      const s = Math.max(1, Math.ceil((this.retryAt - now) / 1000));
      const why = this.why ? ": " + plain(this.why) : "";
      this.onState("lost", `disconnected${why}, next try in ${s} s`);
    } else if (now - this.heard > SILENT_MS) {
      this.lost("no data");
    } else if (now - this.heard > STALE_MS) {
      this.onState("wait", `no data for ${Math.floor((now - this.heard) / 1000)} s`);
    } else if (!this.silent) {
      this.onState("live", this.sockets ? "live" : "live (events)");
    }
  }
}

// Panel -------------------------------------------------------------------------------------------

const BOARD_ROWS = 20;
const FEED_ROWS = 24;
const SHIFT_MS = 5000;          // how long a movement arrow stays
const SPARK_MS = 60000;

const $ = id => document.getElementById(id);

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function make(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
}

class Panel {
  constructor(onPlayer) {
    this.onPlayer = onPlayer;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.clear();
    $("handle").onclick = () => {
      const open = $("panel").classList.toggle("open");
      $("handle").setAttribute("aria-expanded", open);
    };
  }

  clear() {
    this.rows = new Map();
    this.rates = [];
    $("board").replaceChildren();
    $("feed").replaceChildren();
    $("latency").hidden = $("books").hidden = true;
    for (const id of ["rate", "players", "claims", "open", "applied"]) write($(id), "–");
    for (const id of ["figuresAt", "boardAt"]) write($(id), "");
  }

  setTheme(theme) {
    this.colours = PLAYER_COLOURS[theme];
    for (const dot of document.querySelectorAll(".dot")) this.tint(dot, +dot.dataset.colour);
  }

  tint(dot, colour) {
    dot.dataset.colour = colour;
    dot.style.background = this.colours[colour];
  }

  dot(id) {
    const dot = make("span", "dot");
    this.tint(dot, colourOf(id));
    return dot;
  }

  // Board

  board(board, offset, now) {
    if (!board || !Array.isArray(board.rows)) return;
    write($("boardName"), `Board: ${plain(board.name)}`);
    write($("boardAt"), atOffset(offset));
    const list = $("board"), rows = board.rows.slice(0, BOARD_ROWS);
    const most = Math.max(1, ...rows.map(r => Number(r.score) || 0));
    const places = new Map(Array.from(list.children, (item, i) => [item, i]));
    const focused = document.activeElement;
    const stay = new Map();
    rows.forEach((row, index) => {
      let entry = this.rows.get(row.player);
      if (!entry) entry = this.entry(row.player, this.rows.size > 0 ? now : -SHIFT_MS);
      stay.set(row.player, entry);
      if (entry.rank !== undefined && row.rank !== entry.rank) {
        if (now - entry.at > SHIFT_MS) entry.shift = 0;
        entry.shift += entry.rank - row.rank;
        entry.at = now;
      }
      entry.rank = row.rank;
      write(entry.rankCell, String(row.rank));
      write(entry.scoreCell, number(row.score));
      entry.bar.style.transform = `scaleX(${Math.max(0, Number(row.score) || 0) / most})`;
      const here = list.children[index] ?? null;
      if (here !== entry.item) list.insertBefore(entry.item, here);
    });
    for (const [player, entry] of this.rows) if (!stay.has(player)) entry.item.remove();
    this.rows = stay;
    // Moving a row takes the focus from it.
    if (list.contains(focused) && focused !== document.activeElement) focused.focus();
    this.slide(list, places);
  }

  entry(player, at) {
    const item = make("li"), button = make("button");
    const [rankCell, shiftCell, scoreCell, bar] =
      ["rank", "shift", "score", "bar"].map(name => make("span", name));
    button.append(rankCell, shiftCell, this.dot(player), make("span", "name", plain(player)),
      scoreCell, bar);
    button.setAttribute("aria-pressed", player === this.followed);
    button.onclick = () => this.onPlayer(player);
    item.append(button);
    return { item, button, bar, rankCell, shiftCell, scoreCell, shift: 0, at };
  }

  /** Rows that changed places glide there from where they were. */
  slide(list, places) {
    if (this.calm.matches || document.hidden) return;
    const height = list.firstElementChild?.offsetHeight ?? 0;
    Array.from(list.children).forEach((item, index) => {
      const was = places.get(item);
      if (was === undefined || was === index) return;
      const from = `translateY(${(was - index) * height}px)`;
      item.animate({ transform: [from, "none"] }, { duration: 320, easing: "ease-out" });
    });
  }

  arrows(now) {
    for (const entry of this.rows.values()) {
      const shift = now - entry.at < SHIFT_MS ? entry.shift : 0, cell = entry.shiftCell;
      const fresh = shift === 0 && now - entry.at < SHIFT_MS && entry.at > 0 && !entry.moved;
      if (shift !== 0) entry.moved = true;
      write(cell, shift > 0 ? "▲" + shift : shift < 0 ? "▼" + -shift : fresh ? "new" : "");
      cell.className = shift > 0 || fresh ? "shift up" : shift < 0 ? "shift down" : "shift";
    }
  }

  follow(player) {
    this.followed = player;
    for (const [id, entry] of this.rows) entry.button.setAttribute("aria-pressed", id === player);
  }

  // Figures

  figures(stats, open, total, offset, now) {
    if (!stats || typeof stats !== "object") return;
    write($("rate"), number(stats.events_per_second));
    write($("claims"), number(stats.claims));
    write($("applied"), number(stats.applied));
    write($("open"), `${number(open)} of ${number(total)}`);
    const players = stats.players_total ?? stats.players;
    write($("players"), number(players));
    if (stats.players_total > stats.players) {
      $("players").append(make("small", "", ` ${number(stats.players)} drawn`));
    }
    const ack = stats.ack_us;
    $("latency").hidden = !ack;
    if (ack) for (const p of ["p50", "p99", "p999"]) write($(p), milliseconds(ack[p]));
    write($("figuresAt"), atOffset(offset));
    this.books(stats.books);
    if (Number.isFinite(stats.events_per_second)) this.rates.push([now, stats.events_per_second]);
    while (this.rates.length && now - this.rates[0][0] > SPARK_MS) this.rates.shift();
    this.spark(now);
  }

  /** The conservation law written out with its numbers, and whether it holds. */
  books(books) {
    $("books").hidden = !books;
    if (!books) return;
    const parts = ["applied", "duplicate", "rejected", "late", "shed"];
    const off = Number(books.received) - parts.reduce((sum, name) => sum + Number(books[name]), 0);
    const mark = $("balanced");
    mark.dataset.is = books.balanced ? "yes" : "no";
    write(mark, books.balanced ? "✓ balanced" : `✕ not balanced, off by ${number(off)}`);
    write($("ledger"), `received\u00a0${number(books.received)} = `
      + parts.map(name => `${name}\u00a0${number(books[name])}`).join(" + "));
  }

  /** Events per second over the last minute, from zero. */
  spark(now) {
    const canvas = $("spark"), k = Math.min(devicePixelRatio || 1, 2);
    const width = Math.round(canvas.clientWidth * k), height = Math.round(canvas.clientHeight * k);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const c = canvas.getContext("2d"), most = Math.max(1, ...this.rates.map(r => r[1])) * 1.15;
    c.clearRect(0, 0, width, height);
    if (this.rates.length < 2) return;
    // The window grows with what is known, so a fresh page shows a line and not a stump.
    const span = Math.max(5000, now - this.rates[0][0]), line = new Path2D();
    const x = t => width * (1 - (now - t) / span) - k;
    for (const [t, rate] of this.rates) line.lineTo(x(t), height * (1 - rate / most));
    c.strokeStyle = getComputedStyle(canvas).getPropertyValue("--gold");
    c.lineWidth = 1.5 * k;
    c.stroke(line);
    line.lineTo(width - k, height);
    line.lineTo(x(this.rates[0][0]), height);
    c.globalAlpha = 0.14;
    c.fillStyle = c.strokeStyle;
    c.fill(line);
    c.globalAlpha = 1;
  }

  feed(claims, offset) {
    const list = $("feed");
    for (const claim of claims.slice(-FEED_ROWS)) {
      const item = make("li");
      item.title = `claimed by ${atOffset(offset)}`;
      const left = Number.isFinite(claim.free) ? `, ${number(claim.free)} left` : "";
      item.append(this.dot(claim.player), make("span", "name", plain(claim.player)),
        make("b", "", "+" + number(claim.points)),
        make("small", "name", plain(claim.treasure) + left));
      list.prepend(item);
    }
    while (list.children.length > FEED_ROWS) list.lastChild.remove();
  }
}

// Page --------------------------------------------------------------------------------------------

const THEMES = { auto: ["◐", "as the system"], light: ["☀", "light"], dark: ["☾", "dark"] };

class Page {
  constructor() {
    this.chart = new Chart($("ground"), $("scene"));
    this.scene = new Scene($("scene"), this.chart);
    this.panel = new Panel(player => this.follow(player));
    this.live = new Live(
      (type, message) => this.take(type, message), (is, words) => this.link(is, words));
    this.offset = null;
    this.pointers = new Map();
    this.bindTheme();
    this.bindMap();
    $("hunts").onchange = () => this.enter($("hunts").value);
    setInterval(() => this.survey(), 10000);
    this.survey();
    const frame = now => {
      requestAnimationFrame(frame);
      this.frame(now);
    };
    requestAnimationFrame(frame);
  }

  // Hunts

  async ask(path) {
    const answer = await fetch(path, { cache: "no-store" });
    if (!answer.ok) throw new Error(`${path}: status ${answer.status}`);
    return answer;
  }

  /** Which hunts there are, and whether this one still has the world we drew. */
  async survey() {
    clearTimeout(this.surveyAgain);
    try {
      const { hunts } = await (await this.ask("/v1/hunts")).json();
      this.list(Array.isArray(hunts) ? hunts : []);
      if (this.hunt !== undefined) await this.describe(this.hunt);
    } catch (fault) {
      // While a hunt is shown the connection's own word is enough.
      if (this.hunt !== undefined) return;
      this.link("lost", "cannot reach the server, next try in 2 s");
      this.surveyAgain = setTimeout(() => this.survey(), 2000);
    }
  }

  list(hunts) {
    const select = $("hunts"), names = hunts.map(h => String(h.name));
    $("choice").hidden = hunts.length < 2;
    $("hunt").hidden = hunts.length >= 2;
    if (JSON.stringify(hunts.map(h => [h.name, h.state])) !== this.listed) {
      this.listed = JSON.stringify(hunts.map(h => [h.name, h.state]));
      select.replaceChildren(...hunts.map(h => {
        const rests = h.state === "live" ? "" : ` (${plain(h.state)})`;
        const option = make("option", "", plain(h.name) + rests);
        option.value = h.name;
        return option;
      }));
      if (this.hunt !== undefined) select.value = this.hunt;
    }
    if (hunts.length === 0 && this.hunt === undefined) {
      this.link("wait", "no hunts yet");
      this.surveyAgain = setTimeout(() => this.survey(), 3000);
      return;
    }
    if (this.hunt !== undefined) return;
    let wanted = "";
    try {
      wanted = decodeURIComponent(location.hash.replace(/^#hunt=/, ""));
    } catch { /* a broken fragment names no hunt */ }
    const first = names.includes(wanted) ? wanted
      : (hunts.find(h => h.state === "live") ?? hunts[0])?.name;
    if (first !== undefined) this.enter(String(first));
  }

  enter(hunt) {
    this.hunt = hunt;
    this.digest = undefined;
    this.letGo();
    history.replaceState(null, "", "#hunt=" + encodeURIComponent(hunt));
    $("hunts").value = hunt;
    write($("hunt"), plain(hunt));
    document.title = `${plain(hunt)} · Veltrix`;
    this.notice("");
    this.scene.clear();
    this.panel.clear();
    this.live.follow(hunt);
    this.describe(hunt).catch(
      fault => this.notice(`The map could not be fetched: ${plain(fault.message)}`));
  }

  async describe(hunt) {
    const path = "/v1/hunts/" + encodeURIComponent(hunt);
    const { hunt: about } = await (await this.ask(path)).json();
    if (this.hunt !== hunt || !about) return;
    this.state = about.state;
    const world = about.world ?? {};
    if (this.digest !== undefined && this.digest === world.digest) return;
    const text = await (await this.ask(path + "/world")).text();
    if (this.hunt !== hunt) return;
    this.digest = world.digest;
    this.notice("");
    try {
      this.chart.load(text, world.width, world.height);
    } catch (fault) {
      this.notice(fault.message);
    }
  }

  // Messages

  take(type, message) {
    const now = performance.now(), list = value => Array.isArray(value) ? value : [];
    this.offset = message.offset;
    if (type === "snapshot") {
      this.scene.snapshot(list(message.players), list(message.treasures));
      if (this.followed !== undefined) this.scene.followed = this.followed;
    } else {
      const claims = list(message.claims).filter(c => c && typeof c === "object");
      this.scene.delta(
        list(message.moves), list(message.left), list(message.treasures), claims, now);
      for (const id of list(message.removed)) this.scene.treasures.delete(id);
      this.panel.feed(claims, message.offset);
    }
    const treasures = this.scene.treasures.size, open = this.scene.open;
    this.panel.board(message.board, message.offset, now);
    this.panel.arrows(now);
    this.panel.figures(message.stats, open, treasures, message.offset, now);
    write($("offset"), atOffset(message.offset));
    write($("clock"), moment(message.time_ms));
    const first = message.board?.rows?.[0];
    if (first) write($("peek"), `1. ${plain(first.player)}, ${number(first.score)} points`);
  }

  link(is, words) {
    const link = $("link"), rests = this.state && this.state !== "live";
    if (is === "live" && rests) words = plain(this.state);
    link.dataset.is = document.body.dataset.link = is;
    write(link, words);
  }

  notice(words) {
    $("notice").hidden = !words;
    write($("notice"), words);
  }

  // Frames

  frame(now) {
    if (this.followed !== undefined && !this.pointers.size) {
      const at = this.scene.place(this.followed, now);
      if (at) {
        // Ease towards the player; a hard lock would make the whole town shake.
        const { chart } = this, midX = chart.x + chart.viewWidth / 2 / chart.scale;
        const midY = chart.y + chart.viewHeight / 2 / chart.scale;
        const dx = at[0] - midX, dy = at[1] - midY;
        if (Math.abs(dx) + Math.abs(dy) > 0.3) chart.centre(midX + dx * 0.08, midY + dy * 0.08);
      }
    }
    this.chart.draw();
    this.scene.draw(now);
    if (this.pointer && (this.lastTip === undefined || now - this.lastTip > 120)) this.point(now);
  }

  // What the pointer touches

  point(now) {
    this.lastTip = now;
    const { px, py } = this.pointer, found = this.scene.pick(px, py, now);
    this.scene.near = found.players.slice(0, 7);
    const lines = [];
    if (found.treasure) lines.push(...this.describeTreasure(found.treasure));
    for (const id of this.scene.near) {
      const line = make("div");
      line.append(this.panel.dot(id), make("span", "name", plain(id)));
      lines.push(line);
    }
    const more = found.players.length - this.scene.near.length;
    if (more > 0) lines.push(make("div", "", `and ${number(more)} more here`));
    this.tip(lines, px, py);
  }

  describeTreasure(t) {
    const title = make("div");
    title.append(make("b", "name", `Treasure ${plain(t.id)}`));
    return [title, make("div", "", `${number(t.points)} points`),
      make("div", "", t.free > 0 ? `${number(t.free)} of ${number(t.stock)} left` : "exhausted")];
  }

  tip(lines, px, py) {
    const tip = $("tip");
    tip.hidden = lines.length === 0;
    if (tip.hidden) return;
    tip.replaceChildren(...lines, make("p", "at", atOffset(this.offset)));
    const { viewWidth, viewHeight } = this.chart, { offsetWidth: w, offsetHeight: h } = tip;
    const x = px + 16 + w > viewWidth ? px - 16 - w : px + 16;
    const y = Math.min(Math.max(8, py - h / 2), viewHeight - h - 8);
    tip.style.transform = `translate(${Math.max(8, Math.round(x))}px, ${Math.round(y)}px)`;
  }

  untip() {
    this.pointer = null;
    this.scene.near = [];
    this.scene.chosen = undefined;
    $("tip").hidden = true;
  }

  follow(player) {
    this.followed = this.followed === player ? undefined : player;
    this.scene.followed = this.followed;
    this.panel.follow(this.followed);
    const at = this.followed === undefined ? null : this.scene.place(player, performance.now());
    if (at && this.chart.scale < 5) this.chart.centre(at[0], at[1], 5);
    if (this.followed !== undefined) $("panel").classList.remove("open");
  }

  /** Treasures by keyboard: each press goes to the next and says what it is. */
  nextTreasure() {
    const all = Array.from(this.scene.treasures.values());
    if (all.length === 0) return;
    const index = all.findIndex(t => t.id === this.scene.chosen) + 1;
    const t = all[index % all.length];
    this.untip();
    this.letGo();
    this.scene.chosen = t.id;
    this.chart.centre(t.x + 0.5, t.y + 0.5, Math.max(this.chart.scale, 4));
    const lines = this.describeTreasure(t);
    this.tip(lines, this.chart.viewWidth / 2 + 8, this.chart.viewHeight / 2);
    write($("said"), lines.map(line => line.textContent).join(", "));
  }

  letGo() {
    if (this.followed !== undefined) this.follow(this.followed);
  }

  // Hands

  bindMap() {
    const scene = $("scene"), { chart, pointers } = this;
    const place = event => {
      const box = scene.getBoundingClientRect();
      return { px: event.clientX - box.left, py: event.clientY - box.top };
    };
    scene.onpointerdown = event => {
      if (event.button > 0) return;
      try {
        scene.setPointerCapture(event.pointerId);
      } catch { /* the pointer is gone already; its drag ends at once */ }
      pointers.set(event.pointerId, { ...place(event), start: place(event) });
      scene.classList.add("held");
    };
    scene.onpointermove = event => {
      const now = place(event), before = pointers.get(event.pointerId);
      if (!before) {
        if (event.pointerType === "mouse") this.pointer = now;
        return;
      }
      const others = Array.from(pointers).filter(([id]) => id !== event.pointerId).map(p => p[1]);
      const far = Math.hypot(now.px - before.start.px, now.py - before.start.py);
      if (others.length === 0 && (before.dragged || far > 5)) {
        if (!before.dragged) { this.untip(); this.letGo(); }
        before.dragged = true;
        chart.pan(now.px - before.px, now.py - before.py);
      } else if (others.length === 1) {
        const [other] = others;
        before.dragged = other.dragged = true;
        const span = p => Math.max(20, Math.hypot(p.px - other.px, p.py - other.py));
        chart.pan((now.px - before.px) / 2, (now.py - before.py) / 2);
        chart.zoom(span(now) / span(before), (now.px + other.px) / 2, (now.py + other.py) / 2);
      }
      before.px = now.px;
      before.py = now.py;
    };
    const up = event => {
      const before = pointers.get(event.pointerId);
      pointers.delete(event.pointerId);
      if (!pointers.size) scene.classList.remove("held");
      if (before && !before.dragged && event.type === "pointerup") {
        this.untip();
        this.pointer = place(event);
        this.lastTip = undefined;
      }
    };
    scene.onpointerup = scene.onpointercancel = up;
    scene.onpointerleave = event => {
      if (event.pointerType === "mouse" && !pointers.size) this.untip();
    };
    scene.addEventListener("wheel", event => {
      event.preventDefault();
      const { px, py } = place(event), lines = event.deltaMode === 1 ? 18 : 1;
      const turn = Math.max(-240, Math.min(240, event.deltaY * lines));
      chart.zoom(Math.exp(-turn * (event.ctrlKey ? 0.01 : 0.0022)), px, py);
    }, { passive: false });
    scene.ondblclick = event => chart.zoom(2, place(event).px, place(event).py);
    scene.onkeydown = event => this.key(event);
    $("closer").onclick = () => chart.zoom(1.5);
    $("wider").onclick = () => chart.zoom(1 / 1.5);
    $("fit").onclick = () => { this.letGo(); chart.fit(); };
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { chart } = this, step = event.shiftKey ? 240 : 70;
    const pan = (x, y) => { this.letGo(); chart.pan(x, y); };
    const keys = {
      ArrowLeft: () => pan(step, 0), ArrowRight: () => pan(-step, 0),
      ArrowUp: () => pan(0, step), ArrowDown: () => pan(0, -step),
      "+": () => chart.zoom(1.4), "=": () => chart.zoom(1.4), "-": () => chart.zoom(1 / 1.4),
      0: () => { this.letGo(); chart.fit(); }, t: () => this.nextTreasure(),
      Escape: () => { this.untip(); this.letGo(); },
    };
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : null;
    if (!act) return;
    event.preventDefault();
    act();
  }

  // Light and dark

  bindTheme() {
    const system = matchMedia("(prefers-color-scheme: dark)"), button = $("theme");
    // Storage may be forbidden; then the choice lasts as long as the page.
    let choice = "auto";
    try { choice = localStorage.getItem("veltrix-theme") ?? "auto"; } catch { /* see above */ }
    if (!Object.hasOwn(THEMES, choice)) choice = "auto";
    const apply = () => {
      const theme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
      document.documentElement.dataset.theme = theme;
      const [sign, words] = THEMES[choice], style = getComputedStyle(document.documentElement);
      write(button, sign);
      button.title = `Colours: ${words}`;
      button.setAttribute("aria-label", button.title);
      const colour = name => style.getPropertyValue(name);
      this.chart.setTheme(theme, colour("--paper"), colour("--line"));
      this.scene.setTheme(theme);
      this.panel.setTheme(theme);
    };
    system.addEventListener("change", apply);
    button.onclick = () => {
      const names = Object.keys(THEMES);
      choice = names[(names.indexOf(choice) + 1) % names.length];
      try { localStorage.setItem("veltrix-theme", choice); } catch { /* see above */ }
      apply();
    };
    apply();
  }
}

new Page();
