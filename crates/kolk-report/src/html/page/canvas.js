// What all drawings over time have in common: size, colours, axis, cursor, mouse and wheel.
import { byId, fill } from "./dom.js";
import { counted, moment, niceStep, tick } from "./format.js";

/// Where the plot begins: all drawings stand exactly below each other.
export const GUTTER = 92;
const AXIS_HEIGHT = 22;

/// The colours of the page, read from its style.
export const theme = { read };

function read() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  for (const name of [
    "ink",
    "soft",
    "faint",
    "line",
    "paper",
    "panel",
    "accent",
    "good",
    "bad",
    "doubtful",
    "band",
    "band-edge",
    "select",
  ]) {
    theme[name] = color(name);
  }
  theme.kinds = Array.from({ length: 8 }, (_, place) => color(`kind-${place}`));
  theme.font = "12px system-ui, sans-serif";
  theme.small = "11px system-ui, sans-serif";
}

/// The colour of a message type.
export function kindColor(kind) {
  if (kind.color === "error") return theme.bad;
  return kind.color === "setup" ? theme.faint : theme.kinds[kind.color];
}

/// A drawing over time on a canvas. Those that extend it say how high it is (`height`), draw it
/// (`paint`), and what is where (`hit`).
export class Drawing {
  constructor(
    canvas,
    state,
    { redrawOn = ["view", "cursor", "hover", "selection", "filter"] } = {},
  ) {
    this.canvas = canvas;
    this.state = state;
    this.run = state.run;
    this.pen = canvas.getContext("2d");
    this.isVisible = true;
    this.isPrinting = false;
    this.redrawOn = redrawOn;
    state.listen((what) => {
      if (this.redrawOn.some((name) => what.has(name))) this.draw();
    });
    new ResizeObserver(() => this.drawSoon()).observe(canvas.parentElement);
    new IntersectionObserver(([entry]) => {
      this.isVisible = entry.isIntersecting;
      if (this.isVisible && this.isStale) this.drawSoon();
    }).observe(canvas);
    this.listen();
  }

  /// Draws with the next frame.
  drawSoon() {
    if (this.isAwaited) return;
    this.isAwaited = true;
    requestAnimationFrame(() => this.isAwaited && this.draw());
  }

  /// Draws now, or once it can be seen.
  draw() {
    this.isAwaited = false;
    if (!this.isVisible && !this.isPrinting) {
      this.isStale = true;
      return;
    }
    this.isStale = false;
    const scale = this.isPrinting ? 2 : window.devicePixelRatio || 1;
    this.width = this.canvas.parentElement.clientWidth;
    const height = this.height();
    if (this.width < GUTTER + 20) return;
    this.plotWidth = this.width - GUTTER - 8;
    const [wide, high] = [Math.round(this.width * scale), Math.round(height * scale)];
    if (this.canvas.width !== wide || this.canvas.height !== high) {
      this.canvas.width = wide;
      this.canvas.height = high;
      this.canvas.style.height = `${height}px`;
    }
    this.pen.setTransform(scale, 0, 0, scale, 0, 0);
    this.pen.clearRect(0, 0, this.width, height);
    this.pen.font = theme.font;
    this.pen.textBaseline = "middle";
    this.paint(this.pen, height);
  }

  /// Where a place on the time axis is.
  x(place) {
    const { from, to } = this.state;
    return GUTTER + ((place - from) / (to - from)) * this.plotWidth;
  }

  /// Which place on the time axis is there.
  placeAt(x) {
    const { from, to } = this.state;
    return from + ((x - GUTTER) / this.plotWidth) * (to - from);
  }

  /// Keeps what is painted within the plot.
  clipped(height, paint) {
    const { pen } = this;
    pen.save();
    pen.beginPath();
    pen.rect(GUTTER, 0, this.plotWidth, height);
    pen.clip();
    paint();
    pen.restore();
  }

  /// The axis with its marks, along the bottom.
  axis(bottom) {
    const { pen, state } = this;
    pen.strokeStyle = theme.line;
    pen.fillStyle = theme.soft;
    pen.font = theme.small;
    pen.lineWidth = 1;
    const step = niceStep(((state.to - state.from) / this.plotWidth) * 90);
    if (state.isOrdinal) this.ordinalMarks(bottom, Math.max(1, Math.round(step)));
    else {
      for (let at = Math.ceil(state.from / step) * step; at <= state.to; at += step) {
        this.mark(bottom, at, at < 0 ? "" : tick(at, step));
      }
    }
    pen.font = theme.font;
  }

  ordinalMarks(bottom, step) {
    const { events } = this.run;
    for (
      let at = Math.ceil(Math.max(this.state.from, 0) / step) * step;
      at <= Math.min(this.state.to, events.count - 1);
      at += step
    ) {
      this.mark(bottom, at, moment(events.times[at]));
    }
  }

  mark(bottom, place, text) {
    const { pen } = this;
    const x = Math.round(this.x(place)) + 0.5;
    if (x < GUTTER) return;
    pen.beginPath();
    pen.moveTo(x, 0);
    pen.lineTo(x, bottom);
    pen.stroke();
    pen.textAlign = "center";
    if (x > GUTTER + 24 && x < this.width - 30) pen.fillText(text, x, bottom + AXIS_HEIGHT / 2);
  }

  /// Faults as hatched bands between two heights.
  band(fault, top, bottom) {
    const { pen, state } = this;
    const from = Math.max(this.x(state.placeOf(fault.begin)), GUTTER);
    const to = Math.min(this.x(state.placeOf(fault.end)), this.width);
    if (to <= from) return false;
    pen.fillStyle = theme.band;
    pen.fillRect(from, top, to - from, bottom - top);
    pen.fillStyle = hatch(pen);
    pen.fillRect(from, top, to - from, bottom - top);
    return [from, to];
  }

  /// The cursor, and where the mouse is.
  cursors(height) {
    const { pen, state } = this;
    const vertical = (place, color, dash) => {
      const x = Math.round(this.x(place)) + 0.5;
      if (x < GUTTER || x > this.width) return;
      pen.strokeStyle = color;
      pen.lineWidth = 1;
      pen.setLineDash(dash);
      pen.beginPath();
      pen.moveTo(x, 0);
      pen.lineTo(x, height);
      pen.stroke();
      pen.setLineDash([]);
    };
    if (state.hover) vertical(state.hover.place, theme.faint, [2, 3]);
    if (state.cursor) vertical(state.cursor.place, theme.accent, [6, 3]);
  }

  /// The line of a lane; gives how high it is drawn.
  laneLine(y) {
    const { pen } = this;
    const at = Math.round(y) + 0.5;
    pen.strokeStyle = theme.line;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(GUTTER, at);
    pen.lineTo(this.width - 8, at);
    pen.stroke();
    return at;
  }

  /// Names along the left, cut to fit.
  label(text, y, color = theme.ink) {
    const { pen } = this;
    pen.fillStyle = color;
    pen.textAlign = "right";
    pen.fillText(fitting(pen, text, GUTTER - 16), GUTTER - 10, y);
    pen.textAlign = "left";
  }

  /// A remark within the drawing.
  remark(text, y) {
    const { pen } = this;
    pen.font = theme.small;
    const width = pen.measureText(text).width + 16;
    const left = GUTTER + (this.plotWidth - width) / 2;
    pen.fillStyle = theme.panel;
    pen.strokeStyle = theme.line;
    pen.beginPath();
    pen.roundRect(left, y - 10, width, 20, 10);
    pen.fill();
    pen.stroke();
    pen.fillStyle = theme.soft;
    pen.textAlign = "center";
    pen.fillText(text, left + width / 2, y);
    pen.textAlign = "left";
    pen.font = theme.font;
  }

  listen() {
    const { canvas, state } = this;
    /** @returns {[number, number]} */
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("wheel", (event) => this.wheel(event, at(event)), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.press(event, at(event)));
    canvas.addEventListener("pointermove", (event) => this.move(at(event), event));
    canvas.addEventListener("pointerup", (event) => this.release(event, at(event)));
    canvas.addEventListener("pointerleave", () => {
      state.hover = null;
      this.over(null, 0, 0);
      state.changed("hover");
    });
    canvas.addEventListener("dblclick", (event) => state.zoom(0.4, this.placeAt(at(event)[0])));
  }

  /// The wheel zooms with Ctrl, or once the drawing was clicked; else the page scrolls.
  /** @param {WheelEvent} event @param {[number, number]} at */
  wheel(event, [x]) {
    const { state } = this;
    const unit = event.deltaMode === 1 ? 16 : 1;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
      event.preventDefault();
      state.pan(((event.deltaX || event.deltaY) * unit) / this.plotWidth);
    } else if (event.ctrlKey || event.metaKey || document.activeElement === this.canvas) {
      event.preventDefault();
      state.zoom(Math.exp(event.deltaY * unit * 0.002), this.placeAt(x));
    }
  }

  /** @param {PointerEvent} event @param {[number, number]} at */
  press(event, [x, y]) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = { x, y, from: this.state.from, to: this.state.to, isMoved: false };
  }

  /** @param {[number, number]} at @param {PointerEvent} event */
  move([x, y], event) {
    const { state, drag } = this;
    if (drag && event.buttons === 1) {
      drag.isMoved ||= Math.abs(x - drag.x) > 3;
      if (drag.isMoved) {
        const by = ((drag.x - x) / this.plotWidth) * (drag.to - drag.from);
        state.show(drag.from + by, drag.to + by);
      }
      return;
    }
    state.hover = x >= GUTTER ? { place: this.placeAt(x) } : null;
    this.over(x >= GUTTER ? this.hit(x, y) : null, x, y);
    state.changed("hover");
  }

  /** @param {PointerEvent} event @param {[number, number]} at */
  release(event, [x, y]) {
    const { drag } = this;
    this.drag = null;
    if (!drag || drag.isMoved || event.button !== 0 || x < GUTTER) return;
    const found = this.hit(x, y);
    if (found) this.state.select(found);
    else {
      this.state.cursor = { place: this.placeAt(x) };
      this.state.selection = null;
      this.state.changed("cursor", "selection");
    }
  }

  /** How high the drawing is, in pixels. @returns {number} */
  height() {
    throw new Error("each drawing says how high it is");
  }

  /** Draws everything. @param {CanvasRenderingContext2D} _pen @param {number} _height */
  paint(_pen, _height) {
    throw new Error("each drawing paints itself");
  }

  /** What is there, as something to select. @param {number} _x @param {number} _y @returns {any} */
  hit(_x, _y) {
    return null;
  }

  /** Says something beside the mouse, or nothing. @param {string|null} text */
  tip(text, x, y) {
    const tip = byId("tip");
    tip.hidden = !text;
    if (!text) return;
    fill(tip, text);
    const box = this.canvas.getBoundingClientRect();
    const left = Math.min(box.left + x + 14, window.innerWidth - tip.offsetWidth - 12);
    tip.style.left = `${left}px`;
    tip.style.top = `${box.top + y + 16}px`;
  }

  /** The mouse is over this, or nothing. @param {any} _found @param {number} _x @param {number} _y */
  over(_found, _x, _y) {}
}

/// A text cut to a width.
export function fitting(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  let kept = text.slice(0, 60);
  while (kept.length > 1 && pen.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}

let hatching = null;
let hatchingColor = "";

/// A fill of slanted lines: faults are told apart without colour.
function hatch(pen) {
  if (hatching && hatchingColor === theme["band-edge"]) return hatching;
  const tile = document.createElement("canvas");
  tile.width = 8;
  tile.height = 8;
  const small = tile.getContext("2d");
  small.strokeStyle = theme["band-edge"];
  small.lineWidth = 1;
  small.beginPath();
  for (const shift of [-8, 0, 8]) {
    small.moveTo(shift, 8);
    small.lineTo(shift + 8, 0);
  }
  small.stroke();
  hatchingColor = theme["band-edge"];
  hatching = pen.createPattern(tile, "repeat");
  return hatching;
}

/// What a window holds too much of to draw one by one.
export function tooMany(count, what) {
  return `${counted(count, what, `${what}s`)} in view, drawn as density: zoom in for each of them`;
}
