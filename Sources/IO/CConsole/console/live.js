// Live: the connection; snapshots and deltas in order, or a plain word about why not.

import { plain } from "./words.js";

const STALE_MS = 3000;
const SILENT_MS = 10000;        // then the connection is given up and made anew
const BACKOFF_MS = [500, 10000];

/** One hunt's snapshots and deltas in order. `onState(is, words)` says how it stands, always. */
export class Live {
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
