// Painter: outlines -> a picture, at any scale.

import { ROOFS, Survey } from "./survey.js";

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

/** A map's survey, painted. */
export class Town extends Survey {
  /** Fills a canvas with what lies from cell (left, top) on, at `k` pixels per cell. */
  paint(canvas, theme, left, top, k) { paint(canvas, this, theme, left, top, k); }
}

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
