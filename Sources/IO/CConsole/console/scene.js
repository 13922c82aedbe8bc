// Scene: players, treasures and claims, drawn above the ground on every frame.

import { number, plain, PLAYER_COLOURS, colourOf } from "./words.js";
import { pathOf } from "./survey.js";

const RIPPLES_MAX = 160;
const RIPPLE_MS = 1500;
const LEAP_CELLS = 14;          // farther than this between two updates is a jump, not a walk

// One player's walk in the flat array: from (x, y), to (x, y), since when, colour.
const WALK = 6;

/** What moves. `slots` finds a player's place in `ids` and, times WALK, in `walks`. */
export class Scene {
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

  /** From what the server calls a place to a cell; undefined for one that is not drawn. */
  locate(x, y) {
    return Number.isFinite(x) && Number.isFinite(y) ? [x, y] : undefined;
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
    const [id] = row, cell = this.locate(row[1], row[2]);
    if (!cell) return;
    const [x, y] = cell;
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
    if (!Array.isArray(row)) return;
    const [id, , , free, stock, points] = row;
    // One that is not drawn counts all the same; a canvas draws nothing at no number.
    const [x, y] = this.locate(row[1], row[2]) ?? [NaN, NaN];
    this.treasures.set(id, { id, x, y, free, stock, points });
  }

  claim(claim, now) {
    const treasure = this.treasures.get(claim.treasure);
    if (treasure && Number.isFinite(claim.free)) treasure.free = claim.free;
    const told = claim.x !== undefined && this.locate(claim.x, claim.y);
    const [x, y] = told || [treasure?.x, treasure?.y];
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
