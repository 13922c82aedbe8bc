// Chart: which part of the world is on screen, and the painted ground below it.

const ZOOM_MAX = 20;            // CSS pixels per cell
const BASE_PIXELS_MAX = 8e6;    // the whole map, kept for panning; 32 MB

/** Where the world is on screen. The ground is painted whole once, and again sharply at rest. */
export class Chart {
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

  /** Shows the ground that `make` gives; when it throws a sentence, that is thrown on, and bare
   * ground is shown. */
  load(make, width, height) {
    this.survey = null;
    this.width = width || 1000;
    this.height = height || 1000;
    try {
      this.survey = make();
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
    this.survey.paint(canvas, this.theme, left, top, k);
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
