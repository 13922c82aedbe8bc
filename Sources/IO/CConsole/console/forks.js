// Forks: what the hunt would be without a player's events, or as of an earlier offset; then so or not.

import { number, counted, atOffset, plain } from "./words.js";
import { $, write, make } from "./elements.js";

const BUILDING_MS = 400;        // between two looks at a fork that is being built
const RESTING_MS = 5000;
const DIFF_ROWS = 50;

/** A player as the form takes one: digits are a number, `name:7` is the name "7". */
function playerOf(text) {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  return text.startsWith("name:") ? text.slice(5) : text;
}

/** `12 → 15 (+3)`; a dash where somebody has no such figure. */
function change(pair, isRank) {
  const [main, fork] = Array.isArray(pair) ? pair : [];
  const cell = make("td"), gain = isRank ? main - fork : fork - main;
  const say = value => value === null || value === undefined ? "–" : number(value);
  cell.append(`${say(main)} → ${say(fork)} `);
  if (Number.isFinite(main) && Number.isFinite(fork) && gain !== 0) {
    const sign = isRank ? (gain > 0 ? "▲" : "▼") + number(Math.abs(gain))
      : (gain > 0 ? "+" : "−") + number(Math.abs(gain));
    cell.append(make("b", gain > 0 ? "up" : "down", sign));
  }
  return cell;
}

/** Who had a prize and who has it in the fork, `Treasure #4: anna → ben`, from rows of one player each. */
function handOvers(rows) {
  const treasures = new Map();
  for (const { treasure, player, claims: [before, after] } of rows) {
    const sides = treasures.get(treasure) ?? { had: [], has: [] };
    const times = Math.abs(before - after);
    const name = plain(player) + (times > 1 ? ` (${number(times)} claims)` : "");
    (before > after ? sides.had : sides.has).push(name);
    treasures.set(treasure, sides);
  }
  return [...treasures].flatMap(([treasure, { had, has }]) =>
    Array.from({ length: Math.max(had.length, has.length) }, (_, at) =>
      `Treasure ${plain(treasure)}: ${had[at] ?? "nobody"} → ${has[at] ?? "nobody"}`));
}

/** The forks of the hunt on show: made, compared with the hunt, promoted or discarded. */
export class Forks {
  constructor() {
    this.labels = new Map();    // what was asked for, by fork, as far as this page asked
    this.last = Promise.resolve();  // the last thing that somebody asked for
    this.waiting = 0;
    $("unplay").onsubmit = event => this.submit(event, () => this.unplay());
    $("rollback").onsubmit = event => this.submit(event, () => this.rollback());
    $("forkMore").onclick = () => this.attempt(() => this.compare(this.cursor));
    $("forkAgain").onclick = () => this.attempt(() => this.compare());
    $("forkDiscard").onclick = () => this.attempt(() => this.discard());
    $("forkPromote").onclick = () => $("forkSure").showModal();
    $("forkSure").onclose = () => {
      if ($("forkSure").returnValue === "promote") this.attempt(() => this.promote());
      $("forkSure").returnValue = "";
    };
  }

  /** Shows the forks of another hunt. */
  async enter(hunt) {
    clearTimeout(this.next);
    this.hunt = hunt;
    this.forks = [];
    this.labels.clear();
    this.choose(undefined);
    this.list();
    write($("forksSaid"), "");
    // Asked of the description, because an engine without forks would answer 404, a fault.
    this.known ??= fetch("/openapi.json").then(answer => answer.text())
      .then(text => text.includes("/forks"), () => false);
    const isKnown = await this.known;
    if (this.hunt !== hunt) return;
    $("forks").hidden = !isKnown;
    if (isKnown) this.look();
  }

  // Asking the engine

  async call(method, path, body, headers = {}) {
    const hunt = this.hunt, options = { method, headers, cache: "no-store" };
    if (body !== undefined) {
      options.body = JSON.stringify(body);
      headers["Content-Type"] = "application/json";
    }
    const answer = await fetch(`/v1/hunts/${encodeURIComponent(hunt)}${path}`, options);
    const text = await answer.text();
    if (this.hunt !== hunt) throw new Error("another hunt is on show now");
    let json = {};
    try { json = JSON.parse(text || "{}"); } catch { /* the status says enough */ }
    if (!answer.ok) {
      const why = json.error?.message ?? `status ${answer.status}`;
      throw new Error(answer.status === 412 ? `it changed since you looked: ${why}` : why);
    }
    return json;
  }

  /** Runs one thing that somebody asked for, after those asked for before, and says what went wrong. */
  attempt(act) {
    this.waiting += 1;
    $("forks").setAttribute("aria-busy", "true");
    this.last = this.last.then(act).catch(fault => this.say(fault.message, true)).then(() => {
      this.waiting -= 1;
      if (this.waiting === 0) $("forks").removeAttribute("aria-busy");
    });
  }

  submit(event, act) {
    event.preventDefault();
    this.attempt(act);
  }

  say(words, isFault = false) {
    $("forksSaid").classList.toggle("down", isFault);
    write($("forksSaid"), plain(words));
  }

  async unplay() {
    const text = $("unplayWho").value.trim(), from = $("unplayFrom").value.trim();
    if (!text) return;
    const body = { players: [playerOf(text)] };
    if (from) body.from = Number(from);
    await this.make("/unplay", body, `without ${plain(playerOf(text))}`);
  }

  async rollback() {
    const to = Number($("rollbackTo").value.trim());
    await this.make("/rollback", { to }, `as of ${atOffset(to)}`);
  }

  async make(path, body, label) {
    const { fork } = await this.call("POST", path, body);
    this.labels.set(fork.id, label);
    this.forks = [...this.forks.filter(other => other.id !== fork.id), fork];
    this.choose(fork.id);
    this.list();
    this.say(`Fork ${fork.id}, the hunt ${label}, is being built.`);
    this.lookAfter(BUILDING_MS);
  }

  async promote() {
    const fork = this.fork();
    if (!fork) return;
    await this.call("POST", `/forks/${encodeURIComponent(fork.id)}/promote`, undefined,
      { "If-Match": `"${this.compared ?? fork.digest}"` });
    this.drop(fork, `Fork ${fork.id} is the hunt now.`);
  }

  async discard() {
    const fork = this.fork();
    if (!fork) return;
    await this.call("DELETE", `/forks/${encodeURIComponent(fork.id)}`);
    this.drop(fork, `Fork ${fork.id} is discarded.`);
  }

  drop(fork, words) {
    this.forks = this.forks.filter(other => other.id !== fork.id);
    this.choose(undefined);
    this.list();
    this.say(words);
    $("unplayWho").focus();
    this.lookAfter(BUILDING_MS);
  }

  // Looking

  lookAfter(ms) {
    clearTimeout(this.next);
    this.next = setTimeout(() => this.look(), ms);
  }

  async look() {
    const { hunt } = this;
    try {
      const { forks } = await this.call("GET", "/forks");
      this.forks = Array.isArray(forks) ? forks : [];
    } catch (fault) {
      if (this.hunt !== hunt) return;
      this.say(`The forks could not be fetched: ${fault.message}`, true);
    }
    if (this.chosen !== undefined && !this.fork()) this.choose(undefined);
    this.list();
    const isBuilding = this.forks.some(fork => fork.state === "building");
    this.lookAfter(isBuilding ? BUILDING_MS : RESTING_MS);
  }

  fork() { return this.forks.find(fork => fork.id === this.chosen); }

  choose(id) {
    this.chosen = id;
    this.compared = this.cursor = undefined;
    this.shown = false;
    $("forkPlayers").tBodies[0].replaceChildren();
    $("forkPrizes").replaceChildren();
    write($("forkCounts"), "");
    $("forkPlayers").hidden = $("forkMore").hidden = true;
  }

  list() {
    const kept = new Map(Array.from($("forkList").children, item => [item.dataset.fork, item]));
    $("forkList").replaceChildren(...this.forks.map(fork => {
      // The same element stays, so that the keyboard's place in the list does.
      const item = kept.get(String(fork.id)) ?? this.entry(fork.id);
      const label = this.labels.get(fork.id) ?? atOffset(fork.offset);
      const done = Math.round(100 * Math.min(1, Math.max(0, Number(fork.progress) || 0)));
      const state = fork.state === "building" ? `building, ${done} %` : plain(fork.state);
      write(item.firstChild, `Fork ${fork.id}, ${label}: ${state}`);
      item.firstChild.setAttribute("aria-pressed", fork.id === this.chosen);
      return item;
    }));
    const fork = this.fork();
    $("forkView").hidden = !fork;
    if (!fork) return;
    $("forkPromote").disabled = $("forkAgain").disabled = fork.state !== "ready";
    if (fork.state === "failed") {
      write($("forkCounts"), `It could not be built: ${plain(fork.reason ?? "no reason given")}`);
    }
    if (fork.state === "ready" && !this.shown) {
      this.shown = true;
      this.attempt(() => this.compare());
    }
  }

  entry(id) {
    const item = make("li"), button = make("button");
    item.dataset.fork = id;
    button.onclick = () => {
      this.choose(this.chosen === id ? undefined : id);
      this.list();
    };
    item.append(button);
    return item;
  }

  // Who gains, who loses

  async compare(cursor) {
    const fork = this.fork();
    if (!fork) return;
    const from = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const diff = await this.call(
      "GET", `/forks/${encodeURIComponent(fork.id)}/diff?against=main&limit=${DIFF_ROWS}${from}`);
    if (this.chosen !== fork.id) return;
    const body = $("forkPlayers").tBodies[0], counts = diff.counts ?? {};
    if (cursor === undefined) {
      body.replaceChildren();
      $("forkPrizes").replaceChildren();
      this.compared = fork.digest;
    }
    write($("forkCounts"), Object.values(counts).every(count => !count)
      ? "Nothing differs from the hunt."
      : `Differs in ${counted(counts.players, "player")}, ${counted(counts.treasures, "treasure")},`
        + ` ${counted(counts.edges, "edge")}, ${counted(counts.prizes, "prize")};`
        + ` ${counted(diff.pages_differing, "page")}, compared in ${number(diff.micros)} µs.`);
    for (const row of diff.players ?? []) {
      const line = make("tr"), name = make("th");
      name.scope = "row";
      name.append(make("span", "name", plain(row.player)));
      line.append(name, change(row.score, false), change(row.rank, true));
      body.append(line);
    }
    for (const line of handOvers(diff.prizes ?? [])) $("forkPrizes").append(make("li", "", line));
    $("forkPlayers").hidden = body.rows.length === 0;
    this.cursor = diff.next_cursor ?? undefined;
    $("forkMore").hidden = this.cursor === undefined;
    this.say(`Fork ${fork.id} is compared with the hunt.`);
  }
}
