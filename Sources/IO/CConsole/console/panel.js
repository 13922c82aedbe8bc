// Panel: board, figures, books and feed.

import { number, atOffset, plain, milliseconds, PLAYER_COLOURS, colourOf } from "./words.js";
import { $, write, make } from "./elements.js";

const BOARD_ROWS = 20;
const FEED_ROWS = 24;
const SHIFT_MS = 5000;          // how long a movement arrow stays
const SPARK_MS = 60000;

export class Panel {
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
