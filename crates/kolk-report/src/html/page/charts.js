// Latency, rates and messages per operation over time.
import { Drawing, GUTTER, theme, tooMany } from "./canvas.js";
import { lowerBound } from "./data.js";
import { duration, ratio } from "./format.js";

const POINTS_MAX = 20_000;
const BIN_WIDTH = 18;
const CHART_TOP = 12;

/// A drawing with a vertical axis.
class Chart extends Drawing {
  height() {
    return 172;
  }

  /// The window's bins: the places of their edges and the time between them.
  bins() {
    const count = Math.max(1, Math.floor(this.plotWidth / BIN_WIDTH));
    const step = (this.state.to - this.state.from) / count;
    const edges = Array.from({ length: count + 1 }, (_, place) => this.state.from + place * step);
    const times = edges.map((edge) => this.state.timeAt(edge));
    return {
      count,
      step,
      edges,
      seconds: (bin) => (times[bin + 1] > times[bin] ? (times[bin + 1] - times[bin]) / 1e9 : NaN),
    };
  }

  /// Horizontal lines with their numbers.
  scale(marks, y) {
    const { pen } = this;
    pen.font = theme.small;
    for (const [value, text] of marks) {
      const at = Math.round(y(value)) + 0.5;
      pen.strokeStyle = theme.line;
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(GUTTER, at);
      pen.lineTo(this.width - 8, at);
      pen.stroke();
      this.label(text, at, theme.soft);
    }
    pen.font = theme.font;
  }

  /// A line through the bins' values, broken where there is none.
  curve(values, { edges, step }, y, color, dash, width = 1.6) {
    const { pen } = this;
    pen.strokeStyle = color;
    pen.lineWidth = width;
    pen.setLineDash(dash);
    pen.beginPath();
    let isOpen = false;
    values.forEach((value, bin) => {
      if (value === undefined || Number.isNaN(value)) {
        isOpen = false;
        return;
      }
      const x = this.x(edges[bin] + step / 2);
      if (isOpen) pen.lineTo(x, y(value));
      else {
        pen.moveTo(x - 2, y(value));
        pen.lineTo(x, y(value));
      }
      isOpen = true;
    });
    pen.stroke();
    pen.setLineDash([]);
  }

  /// What the curves are, along the top.
  legend(entries) {
    const { pen } = this;
    pen.font = theme.small;
    let x = this.width - 12;
    for (const [text, color, dash] of entries.toReversed()) {
      const width = pen.measureText(text).width;
      pen.fillStyle = theme.soft;
      pen.textAlign = "left";
      x -= width;
      pen.fillText(text, x, 6);
      pen.strokeStyle = color;
      pen.lineWidth = 2;
      pen.setLineDash(dash);
      pen.beginPath();
      pen.moveTo(x - 24, 6);
      pen.lineTo(x - 5, 6);
      pen.stroke();
      pen.setLineDash([]);
      x -= 38;
    }
    pen.font = theme.font;
  }

  /// The first and last operation or message of a bin.
  range(starts, { edges }, bin) {
    return [lowerBound(starts, edges[bin]), lowerBound(starts, edges[bin + 1])];
  }
}

/// Each operation's latency, and quantiles of those that ended ok.
export class Latency extends Chart {
  paint(pen, height) {
    const { state, run } = this;
    const { operations } = run;
    const bottom = height - 22;
    this.axis(bottom);
    for (const fault of run.faults) this.band(fault, CHART_TOP, bottom);
    const starts = (state.isOrdinal ? operations.spans.orders : operations.spans.times).starts;
    const [first, last] = [lowerBound(starts, state.from), lowerBound(starts, state.to)];
    let most = 1e6;
    for (let i = first; i < last; i++) {
      const took = operations.completed[i] - operations.invoked[i];
      if (took > most) most = took;
    }
    // The scale is logarithmic above a tenth of a millisecond, so that outliers leave room for the rest.
    const least = 1e5;
    const top = Math.log10((most / least) * 1.15);
    const unit = (bottom - CHART_TOP) / top;
    const y = (nanos) => bottom - Math.log10(Math.max(nanos, least) / least) * unit;
    this.nanosAt = (height) => least * 10 ** ((bottom - height) / unit);
    const marks = [[0, "0"]];
    for (let value = 1e6; value <= most; value *= 10) marks.push([value, duration(value)]);
    this.scale(marks, y);
    const bins = this.bins();
    const isDense = last - first > POINTS_MAX;
    this.clipped(height, () => {
      const quantiles = isDense
        ? this.density(pen, [first, last], starts, bins, y, bottom)
        : this.quantiles(starts, bins);
      if (!isDense) this.points(pen, first, last, starts, y);
      this.chosen(pen, starts, y);
      this.curve(
        quantiles.map((of) => of?.max),
        bins,
        y,
        theme.faint,
        [2, 3],
        1.2,
      );
      this.curve(
        quantiles.map((of) => of?.high),
        bins,
        y,
        theme.soft,
        [6, 3],
      );
      this.curve(
        quantiles.map((of) => of?.median),
        bins,
        y,
        theme.ink,
        [],
      );
    });
    if (isDense) this.remark(tooMany(last - first, "operation"), CHART_TOP + 12);
    this.legend([
      ["median", theme.ink, []],
      ["99 %", theme.soft, [6, 3]],
      ["max", theme.faint, [2, 3]],
    ]);
    this.cursors(bottom);
    this.scaleY = y;
    this.shown = [first, last];
  }

  /// Each operation by itself: a dot for ok, a cross for fail, a ring for info.
  points(pen, first, last, starts, y) {
    const { operations } = this.run;
    const colors = [theme.good, theme.bad, theme.doubtful];
    pen.globalAlpha = 0.65;
    for (const outcome of [0, 2, 1]) {
      pen.fillStyle = colors[outcome];
      for (let i = first; i < last; i++) {
        const took = operations.completed[i] - operations.invoked[i];
        if (operations.outcome[i] === outcome && !Number.isNaN(took))
          mark(pen, this.x(starts[i]), y(took), outcome);
      }
    }
    pen.globalAlpha = 1;
  }

  /// The selected operations, with a ring around each.
  chosen(pen, starts, y) {
    const { operations } = this.run;
    pen.strokeStyle = theme.ink;
    pen.lineWidth = 2;
    for (const place of this.state.selection?.operations ?? []) {
      const took = operations.completed[place] - operations.invoked[place];
      if (Number.isNaN(took)) continue;
      pen.beginPath();
      pen.arc(this.x(starts[place]), y(took), 5, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  /// Too many for points: each cell of two by two pixels as dark as it is full, and the quantiles as
  /// exact as the cells.
  density(pen, [first, last], starts, bins, y, bottom) {
    const { operations } = this.run;
    const [columns, rows] = [bins.count * (BIN_WIDTH / 2), Math.ceil((bottom - CHART_TOP) / 2) + 1];
    const cells = new Uint32Array(columns * rows);
    const worst = new Uint8Array(columns * rows);
    const scale = columns / (this.state.to - this.state.from);
    let most = 1;
    for (let i = first; i < last; i++) {
      const took = operations.completed[i] - operations.invoked[i];
      if (Number.isNaN(took)) continue;
      const column = Math.min(columns - 1, Math.floor((starts[i] - this.state.from) * scale));
      const row = Math.min(rows - 1, Math.floor((bottom - y(took)) / 2));
      const at = column * rows + row;
      cells[at]++;
      if (cells[at] > most) most = cells[at];
      if (operations.outcome[i] > 0) worst[at] = operations.outcome[i];
    }
    const width = this.plotWidth / columns;
    const colors = [theme.good, theme.bad, theme.doubtful];
    for (let at = 0; at < cells.length; at++) {
      if (cells[at] === 0) continue;
      pen.globalAlpha =
        worst[at] > 0 ? 0.9 : 0.15 + 0.7 * (Math.log1p(cells[at]) / Math.log1p(most));
      pen.fillStyle = colors[worst[at]];
      pen.fillRect(
        GUTTER + Math.floor(at / rows) * width,
        bottom - (at % rows) * 2 - 2,
        width + 0.3,
        2,
      );
    }
    pen.globalAlpha = 1;
    return cellQuantiles(cells, rows, bins.count, (row) => this.nanosAt(bottom - row * 2));
  }

  quantiles(starts, bins) {
    const { operations } = this.run;
    return Array.from({ length: bins.count }, (_, bin) => {
      const [first, last] = this.range(starts, bins, bin);
      const sorted = [];
      for (let i = first; i < last; i++) {
        if (operations.outcome[i] === 0)
          sorted.push(operations.completed[i] - operations.invoked[i]);
      }
      if (sorted.length === 0) return undefined;
      const ordered = Float64Array.from(sorted).sort();
      const at = (part) => ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * part))];
      return { median: at(0.5), high: at(0.99), max: at(1) };
    });
  }

  hit(x, y) {
    const { operations } = this.run;
    const starts = (this.state.isOrdinal ? operations.spans.orders : operations.spans.times).starts;
    let nearest = 64;
    let found = null;
    const [first, last] = this.shown ?? [0, 0];
    for (let i = first; i < last; i++) {
      const took = operations.completed[i] - operations.invoked[i];
      const distance = (this.x(starts[i]) - x) ** 2 + (this.scaleY(took) - y) ** 2;
      if (distance < nearest) {
        nearest = distance;
        found = { kind: "operation", place: i };
      }
    }
    return found;
  }
}

/// The quantiles of each bin, from how full its cells are.
function cellQuantiles(cells, rows, count, nanosOf) {
  const perBin = cells.length / rows / count;
  return Array.from({ length: count }, (_, bin) => {
    const column = new Float64Array(rows);
    for (let k = 0; k < perBin; k++) {
      for (let row = 0; row < rows; row++) column[row] += cells[(bin * perBin + k) * rows + row];
    }
    const total = column.reduce((sum, part) => sum + part, 0);
    if (total === 0) return undefined;
    const at = (part) => {
      let sum = 0;
      for (let row = 0; row < rows; row++) {
        sum += column[row];
        if (sum > total * part || sum === total) return nanosOf(row);
      }
      return nanosOf(rows - 1);
    };
    return { median: at(0.5), high: at(0.99), max: at(1) };
  });
}

/// A dot for ok, a cross for fail, a ring for info.
function mark(pen, x, y, outcome) {
  if (outcome === 0) {
    pen.fillRect(x - 1.5, y - 1.5, 3, 3);
    return;
  }
  pen.strokeStyle = pen.fillStyle;
  pen.lineWidth = 1.6;
  pen.beginPath();
  if (outcome === 1) {
    pen.moveTo(x - 3.5, y - 3.5);
    pen.lineTo(x + 3.5, y + 3.5);
    pen.moveTo(x - 3.5, y + 3.5);
    pen.lineTo(x + 3.5, y - 3.5);
  } else pen.arc(x, y, 3.5, 0, 2 * Math.PI);
  pen.stroke();
}

/// Operations a second by outcome, and messages per operation.
export class Rate extends Chart {
  paint(_pen, height) {
    const { state, run } = this;
    const { operations, messages } = run;
    const bottom = height - 22;
    this.axis(bottom);
    for (const fault of run.faults) this.band(fault, CHART_TOP, bottom);
    const bins = this.bins();
    const starts = (state.isOrdinal ? operations.spans.orders : operations.spans.times).starts;
    const sent = state.isOrdinal ? messages.order : messages.sent;
    const rates = [[], [], []];
    const perOperation = [];
    const isServer = run.actors.byNumber.map((actor) => actor.group !== "client");
    for (let bin = 0; bin < bins.count; bin++) {
      const counts = [0, 0, 0];
      const [first, last] = this.range(starts, bins, bin);
      for (let i = first; i < last; i++) counts[operations.outcome[i]]++;
      for (const [outcome, count] of counts.entries()) {
        rates[outcome].push(count / bins.seconds(bin));
      }
      const [from, to] = this.range(sent, bins, bin);
      let servers = 0;
      for (let i = from; i < to; i++) {
        if (isServer[messages.src[i]] && isServer[messages.dest[i]]) servers++;
      }
      perOperation.push(last > first ? servers / (last - first) : NaN);
    }
    const most = Math.max(1, ...rates.flat().filter(Number.isFinite));
    const y = (rate) => bottom - (rate / most) * (bottom - CHART_TOP - 4);
    this.scale(
      [
        [0, "0"],
        [most / 2, `${ratio(most / 2)} /s`],
        [most, `${ratio(most)} /s`],
      ],
      y,
    );
    const peak = Math.max(...perOperation.filter(Number.isFinite), 0);
    const y2 = (value) => bottom - (value / (peak || 1)) * (bottom - CHART_TOP - 4);
    this.clipped(height, () => {
      this.curve(rates[0], bins, y, theme.good, []);
      if (rates[1].some(Boolean)) this.curve(rates[1], bins, y, theme.bad, [6, 3]);
      if (rates[2].some(Boolean)) this.curve(rates[2], bins, y, theme.doubtful, [2, 3]);
      if (peak > 0) this.curve(perOperation, bins, y2, theme.accent, [8, 3, 2, 3]);
    });
    const entries = [
      ["ok", theme.good, []],
      ["fail", theme.bad, [6, 3]],
      ["info", theme.doubtful, [2, 3]],
    ];
    const legend = entries.filter((_, outcome) => outcome === 0 || rates[outcome].some(Boolean));
    if (peak > 0)
      legend.push([
        `server messages per operation (top: ${ratio(peak)})`,
        theme.accent,
        [8, 3, 2, 3],
      ]);
    this.legend(legend);
    this.cursors(bottom);
  }
}
