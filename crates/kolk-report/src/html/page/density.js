// How much lies where, counted once and looked up for every frame: a window of a million messages is
// drawn from a few thousand numbers. The axis is cut into fine bins; a column of the drawing is wider
// than some of them, and where it is not, there is little enough to count one by one.
//
// Whoever has more data than these were made of (a run that goes on) makes them anew.
import { lowerBound } from "./data.js";

/// How many numbers the tables of a drawing may hold together.
const NUMBERS_MAX = 8e6;
const BINS_MAX = 1 << 15;
/// How many bins a column must be wide at least, for its edges to be true enough.
const BINS_A_COLUMN = 4;

/// As many bins as there is room for.
function binsFor(rows) {
  const most = Math.min(BINS_MAX, NUMBERS_MAX / Math.max(rows, 1));
  return 2 ** Math.max(8, Math.floor(Math.log2(most)));
}

/// True if bins over a whole are fine enough for columns of a window.
function isFine(bins, [least, most], from, to, columns) {
  return ((to - from) / (most - least)) * bins >= columns * BINS_A_COLUMN;
}

/// Counts of what lies where on the axis, in some rows.
export class Counts {
  constructor(rows, whole) {
    this.whole = whole;
    this.bins = binsFor(rows);
    this.scale = this.bins / (whole[1] - whole[0]);
    this.sums = new Uint32Array(rows * (this.bins + 1));
    this.rows = rows;
  }

  add(row, place) {
    const bin = Math.floor((place - this.whole[0]) * this.scale);
    this.sums[row * (this.bins + 1) + Math.min(Math.max(bin, 0), this.bins - 1) + 1]++;
  }

  /// Makes sums of the counts: what is in a window is then a difference.
  finish() {
    const { bins, sums } = this;
    for (let row = 0; row < this.rows; row++) {
      const begin = row * (bins + 1);
      for (let bin = 1; bin <= bins; bin++) sums[begin + bin] += sums[begin + bin - 1];
    }
    return this;
  }

  isFine(from, to, columns) {
    return isFine(this.bins, this.whole, from, to, columns);
  }

  /// How many lie before a place; within a bin they are taken to lie evenly.
  before(row, place) {
    const at = Math.min(Math.max((place - this.whole[0]) * this.scale, 0), this.bins);
    const bin = Math.min(Math.floor(at), this.bins - 1);
    const begin = row * (this.bins + 1) + bin;
    return this.sums[begin] + (this.sums[begin + 1] - this.sums[begin]) * (at - bin);
  }

  /// Fills `out` with how many lie in each column of a window.
  columns(row, from, to, out) {
    const step = (to - from) / out.length;
    let last = this.before(row, from);
    for (let column = 0; column < out.length; column++) {
      const next = this.before(row, from + (column + 1) * step);
      out[column] = next - last;
      last = next;
    }
  }
}

/// The greatest of what touches each stretch of the axis, in some rows: for windows of any width, by
/// bins that are joined two by two.
export class Greatest {
  constructor(rows, whole) {
    this.whole = whole;
    this.rows = rows;
    this.bins = binsFor(rows * 2);
    this.scale = this.bins / (whole[1] - whole[0]);
    this.levels = [new Uint8Array(rows * this.bins)];
  }

  mark(row, from, to, value) {
    const [level] = this.levels;
    const first = Math.max(0, Math.floor((from - this.whole[0]) * this.scale));
    const last = Math.min(this.bins - 1, Math.floor((to - this.whole[0]) * this.scale));
    for (let at = row * this.bins + first; at <= row * this.bins + last; at++)
      if (level[at] < value) level[at] = value;
  }

  finish() {
    let below = this.levels[0];
    for (let bins = this.bins / 2; bins >= 64; bins /= 2) {
      const level = new Uint8Array(this.rows * bins);
      for (let at = 0; at < level.length; at++)
        level[at] = Math.max(below[2 * at], below[2 * at + 1]);
      this.levels.push(level);
      below = level;
    }
    return this;
  }

  isFine(from, to, columns) {
    return isFine(this.bins, this.whole, from, to, columns);
  }

  /// Fills `out` with the greatest in each column of a window.
  columns(row, from, to, out) {
    const width = ((to - from) * this.scale) / out.length;
    const number = Math.min(this.levels.length - 1, Math.max(0, Math.floor(Math.log2(width)) - 1));
    const bins = this.bins >> number;
    const level = this.levels[number];
    const scale = this.scale / 2 ** number;
    const step = (to - from) / out.length;
    for (let column = 0; column < out.length; column++) {
      const begin = (from + column * step - this.whole[0]) * scale;
      const first = Math.max(0, Math.floor(begin));
      const last = Math.min(bins - 1, Math.floor(begin + step * scale));
      let most = 0;
      for (let bin = first; bin <= last; bin++) most = Math.max(most, level[row * bins + bin]);
      out[column] = most;
    }
  }
}

/// How many spans touch a window: those that begin before its end, less those that end before its
/// beginning. Spans are given in the order of their beginnings.
export class Touching {
  constructor(starts, ends) {
    this.starts = starts;
    this.ends = Float64Array.from(ends).sort();
  }

  count(from, to) {
    return lowerBound(this.starts, to) - lowerBound(this.ends, from);
  }
}
