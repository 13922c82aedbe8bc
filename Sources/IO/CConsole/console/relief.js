// Relief: the highest floor of each column of voxels -> a picture from above, lit from the
// north-west.

// Ground by height, from the lowest column to the highest.
const TINTS = {
  light: ["#7fa6bd", "#9cbf9a", "#c3d3a0", "#e3d9a8", "#d9bd8d", "#c49f7c", "#efe9e2"],
  dark: ["#16283a", "#1d3a38", "#2c463a", "#454a38", "#554839", "#5e4d44", "#858078"],
};
const SOLID = 65535;            // a column without a floor: rock, up to the top
const ROCK = { light: [109, 101, 94], dark: [14, 15, 18] };

const rgb = hex => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));

/** Columns of voxels, each as high as its highest floor. */
export class Relief {
  constructor(buffer, width, height) {
    if (!(width > 0 && height > 0) || buffer.byteLength !== width * height * 2) {
      throw new Error("The world's heights did not come whole, so there is no ground to draw.");
    }
    const view = new DataView(buffer);
    this.width = width;
    this.height = height;
    this.heights = new Uint16Array(width * height);
    this.lowest = Infinity;
    this.highest = 0;
    for (let i = 0; i < this.heights.length; i++) {
      const level = this.heights[i] = view.getUint16(i * 2, true);
      if (level === SOLID) continue;
      this.lowest = Math.min(this.lowest, level);
      this.highest = Math.max(this.highest, level);
    }
    this.pictures = {};
  }

  /** One pixel a column; as sharp as the world is, at any scale. */
  picture(theme) {
    const { width, height, heights } = this, tints = TINTS[theme].map(rgb);
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d"), image = context.createImageData(width, height);
    const span = Math.max(1, this.highest - this.lowest);
    const at = (x, y) => heights[Math.max(0, y) * width + Math.max(0, x)];
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const level = heights[i], isRock = level === SOLID;
        const part = isRock ? 0 : (level - this.lowest) / span * (tints.length - 1);
        const step = Math.min(tints.length - 2, Math.floor(part));
        const [low, high] = [tints[step], tints[step + 1]], mix = part - step;
        // A slope that falls away from the light is dark, one that faces it is bright; rock throws
        // its shadow like the highest floor.
        const beside = Math.min(at(x - 1, y), this.highest) + Math.min(at(x, y - 1), this.highest);
        const light = 1 + Math.max(-0.3, Math.min(0.22, (level * 2 - beside) * 0.07));
        for (let k = 0; k < 3; k++) {
          image.data[i * 4 + k] =
            isRock ? ROCK[theme][k] : (low[k] + (high[k] - low[k]) * mix) * light;
        }
        image.data[i * 4 + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }

  paint(canvas, theme, left, top, k) {
    const c = canvas.getContext("2d", { alpha: false });
    this.pictures[theme] ??= this.picture(theme);
    c.imageSmoothingEnabled = k < 1;
    c.drawImage(this.pictures[theme], -left * k, -top * k, this.width * k, this.height * k);
  }
}
