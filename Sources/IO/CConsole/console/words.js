// Words: outside text and numbers made fit to show.

const grouped = new Intl.NumberFormat("en");
export const number = value => Number.isFinite(value) ? grouped.format(value) : "–";
/** "1 page", "2 pages". */
export const counted = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
export const atOffset = offset => `offset ${number(offset)}`;

/** An id as one short line: no control or direction characters, at most two marks on a letter. */
export function plain(id) {
  if (typeof id === "number") return "#" + id;
  const text = String(id).slice(0, 200)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/gu, "")
    .replace(/[\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF]/g, "")
    .replace(/(\p{M}{2})\p{M}+/gu, "$1").trim();
  const letters = Array.from(text);
  if (letters.length === 0) return "(no name)";
  return letters.length > 40 ? letters.slice(0, 39).join("") + "…" : text;
}

export function milliseconds(us) {
  if (!Number.isFinite(us)) return "–";
  const ms = us / 1000;
  return (ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : number(Math.round(ms))) + " ms";
}

/** Hunt time: a clock when it counts from 1970, a duration when it counts from the start. */
export function moment(ms) {
  if (!Number.isFinite(ms)) return "";
  if (ms > 1e12) return new Date(ms).toLocaleTimeString("en-GB");
  const s = Math.floor(ms / 1000), two = n => String(n).padStart(2, "0");
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

export function scramble(i) {
  i = Math.imul(i ^ i >>> 16, 0x45d9f3b);
  i = Math.imul(i ^ i >>> 16, 0x45d9f3b);
  return (i ^ i >>> 16) >>> 0;
}

// Okabe and Ito's colours without the green and yellow that a map needs for itself.
export const PLAYER_COLOURS = {
  light: ["#0072b2", "#d55e00", "#cc79a7", "#56b4e9", "#e69f00", "#7a4fbf", "#1b1b1b"],
  dark: ["#4aa8e8", "#ff8a3c", "#f09fcb", "#8fd3ff", "#ffc247", "#b79bff", "#f4f1ea"],
};

export function colourOf(id) {
  let h = 2166136261;
  for (const letter of String(id).slice(0, 200)) h = Math.imul(h ^ letter.codePointAt(0), 16777619);
  return scramble(h) % PLAYER_COLOURS.light.length;
}
