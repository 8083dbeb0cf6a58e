// The operations: a lane for every worker, a bar from invocation to completion.
import { Drawing, GUTTER, fitting, theme, tooMany } from "./canvas.js";
import { OUTCOMES } from "./data.js";
import { Greatest, Touching } from "./density.js";
import { plain } from "./dom.js";
import { counterexample, orderMarks } from "./evidence.js";
import { cut, duration, moment } from "./format.js";

const BARS_MAX = 4000;
/// Beyond this many bars nobody sees that their corners are round.
const ROUND_MAX = 600;
const BARS_TOP = 8;
/// How bad an outcome is, for columns that show the worst: ok, fail, info.
const RANKS = [1, 3, 2];

export class Operations extends Drawing {
  constructor(canvas, state) {
    super(canvas, state);
    this.bars = [];
    this.renew();
  }

  /// How many lanes there are; the run may have become more.
  renew() {
    const { operations, plan } = this.run;
    this.counted = null;
    // A process that ends with an open operation is followed by another of the same worker.
    this.workers = Math.max(1, plan.concurrency);
    let most = 0;
    for (const process of operations.process) most = Math.max(most, process + 1);
    this.laneCount = Math.min(this.workers, most) || 1;
    this.hasSuccessors = most > this.workers;
    this.laneHeight = Math.min(26, Math.max(7, 460 / this.laneCount));
  }

  height() {
    return BARS_TOP + this.laneCount * this.laneHeight + 26;
  }

  y(lane) {
    return BARS_TOP + (lane + 0.5) * this.laneHeight;
  }

  /// Where an operation begins and ends on the axis.
  span(place) {
    const { operations } = this.run;
    return this.state.isOrdinal
      ? [operations.order[place], operations.endOrder[place]]
      : [operations.invoked[place], operations.completed[place]];
  }

  paint(pen, height) {
    const { state, run } = this;
    const bottom = height - 22;
    this.axis(bottom);
    for (const fault of run.faults) this.band(fault, 0, bottom);
    this.lanes();
    const { spans } = run.operations;
    const found = [];
    const own = state.isOrdinal ? spans.orders : spans.times;
    const count =
      run.operations.count > BARS_MAX ? this.counts().touching.count(state.from, state.to) : 0;
    if (count <= BARS_MAX) own.each(state.from, state.to, (place) => found.push(place));
    this.inView = Math.max(count, found.length);
    this.bars = [];
    this.clipped(bottom, () => {
      if (count > BARS_MAX) this.density(pen);
      else for (const place of found) this.bar(pen, place, found.length);
      for (const place of state.selection?.operations ?? []) this.outline(pen, place);
      this.order(pen);
    });
    if (count > BARS_MAX) this.remark(tooMany(count, "operation"), 12);
    this.cursors(bottom);
  }

  lanes() {
    const every = Math.ceil(13 / this.laneHeight);
    for (let lane = 0; lane < this.laneCount; lane++) {
      const y = this.laneLine(this.y(lane));
      if (lane % every === 0)
        this.label(this.hasSuccessors ? `worker ${lane}` : `process ${lane}`, y, theme.soft);
    }
  }

  color(outcome) {
    return [theme.good, theme.bad, theme.doubtful][outcome];
  }

  /// Where an operation's bar is: `[left, top, width, height]`.
  box(place) {
    const { operations } = this.run;
    const [from, to] = this.span(place);
    const lane = operations.process[place] % this.workers;
    const thick = Math.max(4, this.laneHeight - 6);
    const left = Math.max(this.x(from), GUTTER - 4);
    const right = Number.isNaN(to) ? this.width : Math.min(this.x(to), this.width);
    return [left, this.y(lane) - thick / 2, Math.max(right - left, 3), thick];
  }

  /// ok is filled, fail is empty and crossed out, info is hollow and open at its right end.
  bar(pen, place, count) {
    const { operations } = this.run;
    const outcome = operations.outcome[place];
    const [left, top, width, high] = this.box(place);
    this.bars.push([left, top, width, high, place]);
    const isDim =
      this.state.selection &&
      this.state.selection.operations.size > 0 &&
      !this.state.selection.operations.has(place);
    pen.globalAlpha = isDim ? 0.35 : 1;
    pen.strokeStyle = this.color(outcome);
    pen.fillStyle = this.color(outcome);
    pen.lineWidth = 1.5;
    if (outcome === 0 && count > ROUND_MAX) pen.fillRect(left, top, width, high);
    else if (outcome === 0) {
      pen.beginPath();
      pen.roundRect(left, top, width, high, 2);
      pen.fill();
    } else {
      pen.fillStyle = theme.paper;
      pen.fillRect(left, top, width, high);
      pen.setLineDash(outcome === 2 ? [4, 3] : []);
      pen.beginPath();
      pen.moveTo(left + width, top);
      pen.lineTo(left, top);
      pen.lineTo(left, top + high);
      pen.lineTo(left + width, top + high);
      if (outcome === 1) {
        pen.closePath();
        pen.moveTo(left, top + high);
        pen.lineTo(left + Math.min(width, high), top);
      }
      pen.stroke();
      pen.setLineDash([]);
    }
    if (count <= 400 && high >= 11 && width > 34)
      this.text(pen, place, left, top, width, high, outcome);
    pen.globalAlpha = 1;
  }

  text(pen, place, left, top, width, high, outcome) {
    const value = this.run.values.peek(place);
    if (value === undefined) this.loadValues(place);
    pen.font = theme.small;
    pen.fillStyle = outcome === 0 ? theme.paper : theme.ink;
    const visible = Math.max(left, GUTTER);
    pen.fillText(
      fitting(pen, summary(this.run, place, value), left + width - visible - 8),
      visible + 4,
      top + high / 2 + 0.5,
    );
    pen.font = theme.font;
  }

  async loadValues(place) {
    if (this.isLoading) return;
    this.isLoading = true;
    await this.run.values.get(place);
    this.isLoading = false;
    this.drawSoon();
  }

  outline(pen, place) {
    const [left, top, width, high] = this.box(place);
    pen.strokeStyle = theme.ink;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.roundRect(left - 2, top - 2, width + 4, high + 4, 3);
    pen.stroke();
  }

  /// Where the longest linearizable order of an anomaly's key ends: the numbers of what is in it, and
  /// marks on what is left.
  order(pen) {
    const { selection } = this.state;
    if (selection?.kind === "anomaly" && selection.anomaly !== this.marked) {
      const found = counterexample(this.run, selection.anomaly);
      this.marks = found && orderMarks(this.run, found);
      this.marked = selection.anomaly;
    } else if (!selection) this.marked = this.marks = null;
    pen.font = theme.small;
    pen.textAlign = "center";
    pen.lineWidth = 1.5;
    for (const [place, { text, kind }] of this.marks ?? []) {
      const [left, top, width, high] = this.box(place);
      const right = left + width;
      if (right < GUTTER || left > this.width) continue;
      const at = Math.min(Math.max((left + right) / 2, GUTTER + 8), this.width - 16);
      const reach = Math.max(7, pen.measureText(text).width / 2 + 4);
      pen.fillStyle = theme.paper;
      pen.strokeStyle = { placed: theme.ink, broken: theme.bad, left: theme.doubtful }[kind];
      pen.beginPath();
      pen.roundRect(at - reach, top + high / 2 - 7, reach * 2, 14, 7);
      pen.fill();
      pen.stroke();
      pen.fillStyle = pen.strokeStyle;
      pen.fillText(text, at, top + high / 2 + 0.5);
    }
    pen.textAlign = "left";
    pen.font = theme.font;
  }

  /// Where operations of which outcome are, and how many at any time: made once for each axis.
  counts() {
    const { state, run } = this;
    if (this.counted?.isOrdinal === state.isOrdinal) return this.counted;
    const { operations } = run;
    const own = state.isOrdinal ? operations.spans.orders : operations.spans.times;
    const worst = new Greatest(this.laneCount, state.whole());
    for (let place = 0; place < operations.count; place++) {
      const [from, to] = this.span(place);
      worst.mark(
        operations.process[place] % this.workers,
        from,
        Number.isNaN(to) ? Infinity : to,
        RANKS[operations.outcome[place]],
      );
    }
    this.counted = {
      isOrdinal: state.isOrdinal,
      worst: worst.finish(),
      touching: new Touching(own.starts, own.ends),
    };
    return this.counted;
  }

  /// Every column of a lane in the colour of its worst outcome.
  density(pen) {
    const columns = Math.ceil(this.plotWidth / 2);
    const lanes = this.columnRanks(columns);
    const thick = Math.max(3, Math.round(this.laneHeight - 4));
    [theme.good, theme.doubtful, theme.bad].forEach((color, rank) => {
      pen.fillStyle = color;
      lanes.forEach((ranks, lane) => {
        const top = Math.round(this.y(lane) - thick / 2);
        // Columns of the same colour are one bar.
        for (let column = 0; column < columns; column++) {
          if (ranks[column] !== rank + 1) continue;
          const first = column;
          while (column + 1 < columns && ranks[column + 1] === rank + 1) column++;
          pen.fillRect(GUTTER + first * 2, top, (column + 1 - first) * 2, thick);
        }
      });
    });
  }

  /// For each lane the rank of the worst outcome in each column of the window; 0 for none.
  columnRanks(columns) {
    const { state, run } = this;
    const lanes = Array.from({ length: this.laneCount }, () => new Uint8Array(columns));
    const { worst } = this.counts();
    if (worst.isFine(state.from, state.to, columns)) {
      for (const [lane, ranks] of lanes.entries()) {
        worst.columns(lane, state.from, state.to, ranks);
      }
      return lanes;
    }
    const { operations } = run;
    const scale = columns / (state.to - state.from);
    (state.isOrdinal ? operations.spans.orders : operations.spans.times).each(
      state.from,
      state.to,
      (place) => {
        const [from, to] = this.span(place);
        const ranks = lanes[operations.process[place] % this.workers];
        const rank = RANKS[operations.outcome[place]];
        const last = Number.isNaN(to)
          ? columns - 1
          : Math.min(columns - 1, Math.floor((to - state.from) * scale));
        for (
          let column = Math.max(0, Math.floor((from - state.from) * scale));
          column <= last;
          column++
        )
          if (ranks[column] < rank) ranks[column] = rank;
      },
    );
    return lanes;
  }

  hit(x, y) {
    let best = null;
    for (const [left, top, width, high, place] of this.bars) {
      const isInside =
        x >= left - 3 && x <= left + width + 3 && y >= top - 3 && y <= top + high + 3;
      if (isInside && (best === null || width < best.width)) best = { width, place };
    }
    return best && { kind: "operation", place: best.place };
  }

  over(found, x, y) {
    this.canvas.classList.toggle("over", Boolean(found));
    this.tip(found && describeOperation(this.run, found.place), x, y);
  }
}

/// What an operation does, in few words: `write 7`, `read → [1,2,3]`. Of what it asked and got, only that
/// of `anomaly`'s key, if it has one.
export function summary(run, place, value, anomaly) {
  const { operations, meta } = run;
  const name = meta.functions[operations.function[place]];
  if (value === undefined) return name;
  const [asked, got] = value.split("\n").map((text) => ofKey(text, anomaly?.key));
  const isOk = operations.outcome[place] === 0;
  const first = asked === "null" ? "" : ` ${asked}`;
  if (got === "null" || (isOk && got === asked)) return plain(name + first);
  return plain(`${name}${first} ${isOk ? "→" : "✗"} ${got}`);
}

/// A transaction's micro-operations on a key, or a poll's messages of it, and how many parts are left
/// out; anything else as it is, and numbers that JavaScript would round.
export function ofKey(text, key) {
  if (key === undefined || !text.startsWith("[[") || /\d{16}/.test(text)) return text;
  let hidden = 0;
  const isIt = (name) => {
    const found = (typeof name === "string" ? name : JSON.stringify(name)) === key;
    hidden += found ? 0 : 1;
    return found;
  };
  const isLog = (part) => part !== null && typeof part === "object" && !Array.isArray(part);
  const kept = JSON.parse(text).flatMap((part) => {
    if (!Array.isArray(part) || typeof part[0] !== "string") return [part];
    if (part.length === 2 && isLog(part[1]))
      return [
        [part[0], Object.fromEntries(Object.entries(part[1]).filter(([name]) => isIt(name)))],
      ];
    return part.length < 2 || isIt(part[1]) ? [part] : [];
  });
  return hidden > 0 ? `${JSON.stringify(kept)} and ${hidden} of other keys` : text;
}

/// An operation in a line.
export function describeOperation(run, place) {
  const { operations, meta } = run;
  const node = operations.node[place] >= 0 ? ` → ${plain(meta.nodes[operations.node[place]])}` : "";
  const took = operations.completed[place] - operations.invoked[place];
  const ending = Number.isNaN(took)
    ? "never completed"
    : `${OUTCOMES[operations.outcome[place]]} after ${duration(took)}`;
  const what = cut(summary(run, place, run.values.peek(place)), 80);
  return `op ${operations.index[place]}  process ${operations.process[place]}${node}  ${what}  ${moment(operations.invoked[place])}, ${ending}`;
}
