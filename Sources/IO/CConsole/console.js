// The live page of a hunt. What follows one another here flows one into the other:
//
//   words     outside text and numbers made fit to show
//   elements  the page's own elements
//   survey    map text -> outlines of streets, meadows, water, houses, trees
//   painter   outlines -> a picture, at any scale
//   relief    heights of voxels -> a picture from above
//   roads     nodes and edges of a network -> lines, and where each node is
//   chart     which part of the world is on screen, and the painted ground below it
//   scene     players, treasures and claims, drawn above the ground on every frame
//   live      the connection: snapshots and deltas in order, or a plain word about why not
//   panel     board, figures, books and feed
//   forks     what if: forks of the hunt, compared, promoted, discarded
//   console   joins them
//
// Everything that names a player, treasure or hunt comes from outside. It is kept in Maps, never as
// a property name, and reaches the page only as textContent or canvas text.

import { number, atOffset, plain, moment } from "./console/words.js";
import { $, write, make } from "./console/elements.js";
import { Chart } from "./console/chart.js";
import { Town } from "./console/painter.js";
import { Relief } from "./console/relief.js";
import { Roads } from "./console/roads.js";
import { Scene } from "./console/scene.js";
import { Live } from "./console/live.js";
import { Forks } from "./console/forks.js";
import { Panel } from "./console/panel.js";

const THEMES = { auto: ["◐", "as the system"], light: ["☀", "light"], dark: ["☾", "dark"] };

class Page {
  constructor() {
    this.chart = new Chart($("ground"), $("scene"));
    this.scene = new Scene($("scene"), this.chart);
    this.panel = new Panel(player => this.follow(player));
    this.live = new Live(
      (type, message) => this.take(type, message), (is, words) => this.link(is, words));
    this.forks = new Forks();
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
    this.forks.enter(hunt);
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
    const ground = await this.ground(path, world);
    if (this.hunt !== hunt) return;
    const isFirst = this.digest === undefined;
    this.digest = world.digest;
    this.notice("");
    this.scene.locate = Scene.prototype.locate;
    try {
      // A network's width is a count of nodes.
      const isFlat = world.form !== "network";
      this.chart.load(ground, isFlat ? world.width : 0, isFlat ? world.height : 0);
    } catch (fault) {
      this.notice(fault.message);
    }
    if (world.form !== "network") return;
    // Places are numbers of nodes: what was drawn before the roads were known is drawn anew.
    const roads = this.chart.survey;
    this.scene.locate = x => roads?.place(x);
    if (isFirst) this.live.follow(hunt);
  }

  /** What makes the ground to draw of a hunt's world; throws a sentence where there is none. */
  async ground(path, world) {
    if (world.form !== "voxels" && world.form !== "network") {
      const text = await (await this.ask(path + "/world")).text();
      return () => new Town(text);
    }
    const answer = await fetch(path + "/world/drawing", { cache: "no-store" });
    if (answer.ok) {
      const buffer = await answer.arrayBuffer();
      return () => world.form === "voxels"
        ? new Relief(buffer, world.width, world.height) : new Roads(buffer);
    }
    const { error } = await answer.json().catch(() => ({}));
    const why = error?.code === "no_coordinates"
      ? "This world is a network of roads, and nobody has said where they lie"
      : `This world cannot be drawn (${plain(error?.message ?? `status ${answer.status}`)})`;
    return () => { throw new Error(why + ". Board, figures and claims are live."); };
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
    const all = Array.from(this.scene.treasures.values()).filter(t => Number.isFinite(t.x));
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
