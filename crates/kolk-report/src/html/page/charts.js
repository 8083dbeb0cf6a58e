// Latency, rates and messages per operation over time.
import { Drawing, GUTTER, theme } from "./canvas.js";
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
    return { count, step, edges, seconds: (bin) => (times[bin + 1] > times[bin] ? (times[bin + 1] - times[bin]) / 1e9 : NaN) };
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
    const y = (nanos) => bottom - (Math.log10(Math.max(nanos, least) / least) / top) * (bottom - CHART_TOP);
    const marks = [[0, "0"]];
    for (let value = 1e6; value <= most; value *= 10) marks.push([value, duration(value)]);
    this.scale(marks, y);
    this.clipped(height, () => {
      this.points(pen, first, last, starts, y);
      const bins = this.bins();
      const quantiles = this.quantiles(starts, bins);
      this.curve(quantiles.map((of) => of?.max), bins, y, theme.faint, [2, 3], 1.2);
      this.curve(quantiles.map((of) => of?.high), bins, y, theme.soft, [6, 3]);
      this.curve(quantiles.map((of) => of?.median), bins, y, theme.ink, []);
    });
    this.legend([["median", theme.ink, []], ["99 %", theme.soft, [6, 3]], ["max", theme.faint, [2, 3]]]);
    this.cursors(bottom);
    this.scaleY = y;
    this.shown = [first, last];
  }

  points(pen, first, last, starts, y) {
    const { operations } = this.run;
    const isDense = last - first > POINTS_MAX;
    const chosen = this.state.selection?.operations;
    const colors = [theme.good, theme.bad, theme.doubtful];
    pen.globalAlpha = isDense ? 0.15 : 0.65;
    for (const outcome of [0, 2, 1]) {
      pen.fillStyle = colors[outcome];
      for (let i = first; i < last; i++) {
        if (operations.outcome[i] !== outcome) continue;
        const took = operations.completed[i] - operations.invoked[i];
        if (Number.isNaN(took)) continue;
        mark(pen, this.x(starts[i]), y(took), outcome, isDense);
      }
    }
    pen.globalAlpha = 1;
    for (const place of chosen ?? []) {
      const took = operations.completed[place] - operations.invoked[place];
      if (Number.isNaN(took)) continue;
      pen.strokeStyle = theme.ink;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(this.x(starts[place]), y(took), 5, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  quantiles(starts, bins) {
    const { operations } = this.run;
    return Array.from({ length: bins.count }, (_, bin) => {
      const [first, last] = this.range(starts, bins, bin);
      const sorted = [];
      for (let i = first; i < last; i++) {
        if (operations.outcome[i] === 0) sorted.push(operations.completed[i] - operations.invoked[i]);
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

/// A dot for ok, a cross for fail, a ring for info.
function mark(pen, x, y, outcome, isDense) {
  if (isDense || outcome === 0) {
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
  paint(pen, height) {
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
      counts.forEach((count, outcome) => rates[outcome].push(count / bins.seconds(bin)));
      const [from, to] = this.range(sent, bins, bin);
      let servers = 0;
      for (let i = from; i < to; i++) {
        if (isServer[messages.src[i]] && isServer[messages.dest[i]]) servers++;
      }
      perOperation.push(last > first ? servers / (last - first) : NaN);
    }
    const most = Math.max(1, ...rates.flat().filter(Number.isFinite));
    const y = (rate) => bottom - (rate / most) * (bottom - CHART_TOP - 4);
    this.scale([[0, "0"], [most / 2, `${ratio(most / 2)} /s`], [most, `${ratio(most)} /s`]], y);
    const peak = Math.max(...perOperation.filter(Number.isFinite), 0);
    const y2 = (value) => bottom - (value / (peak || 1)) * (bottom - CHART_TOP - 4);
    this.clipped(height, () => {
      this.curve(rates[0], bins, y, theme.good, []);
      if (rates[1].some(Boolean)) this.curve(rates[1], bins, y, theme.bad, [6, 3]);
      if (rates[2].some(Boolean)) this.curve(rates[2], bins, y, theme.doubtful, [2, 3]);
      if (peak > 0) this.curve(perOperation, bins, y2, theme.accent, [8, 3, 2, 3]);
    });
    const entries = [["ok", theme.good, []], ["fail", theme.bad, [6, 3]], ["info", theme.doubtful, [2, 3]]];
    const legend = entries.filter((_, outcome) => outcome === 0 || rates[outcome].some(Boolean));
    if (peak > 0) legend.push([`server messages per operation (top: ${ratio(peak)})`, theme.accent, [8, 3, 2, 3]]);
    this.legend(legend);
    this.cursors(bottom);
  }
}
