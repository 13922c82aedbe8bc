// Roads: nodes and edges of a network -> lines, and where each node is on the page's ground.

const SIDE = 1000;              // cells along the longer side of the ground
const MARGIN = 16;

const INKS = {
  light: { soil: "#e9e2d0", casing: "#c9bda2", road: "#fffdf7" },
  dark: { soil: "#20272c", casing: "#151a1e", road: "#55616b" },
};

/** A network's edges as drawn on its coordinates, x to the east and y to the north. */
export class Roads {
  constructor(buffer) {
    const view = new DataView(buffer), whole = "The world's roads did not come whole.";
    if (buffer.byteLength < 8) throw new Error(whole);
    const nodes = view.getUint32(0, true), edges = view.getUint32(4, true);
    if (buffer.byteLength !== 8 + nodes * 12 + edges * 8 || nodes === 0) throw new Error(whole);
    const node = i => [view.getInt32(12 + i * 12, true), view.getInt32(16 + i * 12, true)];
    let [west, south] = node(0), [east, north] = [west, south];
    for (let i = 1; i < nodes; i++) {
      const [x, y] = node(i);
      west = Math.min(west, x);
      east = Math.max(east, x);
      south = Math.min(south, y);
      north = Math.max(north, y);
    }
    const scale = (SIDE - 2 * MARGIN) / Math.max(1, east - west, north - south);
    this.width = Math.ceil((east - west) * scale) + 2 * MARGIN;
    this.height = Math.ceil((north - south) * scale) + 2 * MARGIN;
    const spot = i => {
      const [x, y] = node(i);
      return [(x - west) * scale + MARGIN, (north - y) * scale + MARGIN];
    };
    this.spots = new Map();
    for (let i = 0; i < nodes; i++) this.spots.set(view.getUint32(8 + i * 12, true), spot(i));
    this.lines = new Path2D();
    for (let i = 0; i < edges; i++) {
      const at = 8 + nodes * 12 + i * 8;
      const [from, to] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
      if (from >= nodes || to >= nodes) throw new Error(whole);
      this.lines.moveTo(...spot(from));
      this.lines.lineTo(...spot(to));
    }
    // Roads are as wide as there is room between them.
    this.wide = Math.min(5, Math.max(0.7, 0.22 * SIDE / Math.sqrt(nodes)));
  }

  /** The cell of a node by its id; undefined for one that is not there. */
  place(id) {
    const spot = this.spots.get(id);
    return spot && [spot[0] - 0.5, spot[1] - 0.5];
  }

  paint(canvas, theme, left, top, k) {
    const c = canvas.getContext("2d", { alpha: false }), ink = INKS[theme];
    c.fillStyle = ink.soil;
    c.fillRect(0, 0, canvas.width, canvas.height);
    c.setTransform(k, 0, 0, k, -left * k, -top * k);
    c.lineJoin = c.lineCap = "round";
    for (const [style, width] of [[ink.casing, this.wide * 1.5], [ink.road, this.wide]]) {
      c.strokeStyle = style;
      c.lineWidth = Math.max(width, 0.9 / k);
      c.stroke(this.lines);
    }
  }
}
