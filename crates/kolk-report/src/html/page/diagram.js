// The space-time diagram: a lane for everybody who sends or receives, an arrow for every message.
import { Drawing, GUTTER, kindColor, theme, tooMany } from "./canvas.js";
import { FATES } from "./data.js";
import { Counts, Touching } from "./density.js";
import { plain } from "./dom.js";
import { duration, moment } from "./format.js";
import { describeStop, given } from "./lives.js";

/// How many arrows are drawn one by one, at most, and for each pixel of the diagram's width: beyond
/// that nobody can tell them apart.
const ARROWS_MAX = 8000;
const ARROWS_A_PIXEL = 2.5;
const LABELS_MAX = 70;
const LANES_TOP = 24;
/// What is counted of each lane where arrows are too many.
const TABLES = { sent: 0, received: 1, dropped: 2 };

export class Diagram extends Drawing {
  constructor(canvas, state) {
    super(canvas, state);
    this.segments = new Float32Array(4 * (ARROWS_MAX + 1));
    this.drawn = new Int32Array(ARROWS_MAX + 1);
    this.drawnCount = 0;
    this.marks = [];
    this.renew();
    state.listen((what) => what.has("filter") && this.layOut());
  }

  /// The run has become more.
  renew() {
    this.layOut();
    this.findCopies();
  }

  /// Nodes that ran again, by when they did.
  setMarks(marks) {
    this.marks = marks;
    this.draw();
  }

  /// Which lane everybody has, and its name.
  layOut() {
    const { state, run } = this;
    this.lanes = [];
    this.laneOf = new Int32Array(run.actors.byNumber.length).fill(-1);
    this.counted = null;
    for (const actor of run.actors.sorted) {
      if (state.hidden.actors.has(actor.number)) continue;
      const isJoined = actor.group === "client" && state.joinsClients;
      const last = this.lanes[this.lanes.length - 1];
      if (isJoined && last?.isJoined) last.count++;
      else this.lanes.push({ name: actor.name, group: actor.group, isJoined, count: 1 });
      this.laneOf[actor.number] = this.lanes.length - 1;
    }
    for (const lane of this.lanes) if (lane.isJoined) lane.name = `${lane.count} clients`;
    const room = Math.max(320, Math.min(620, window.innerHeight - 220));
    this.laneHeight = Math.min(58, Math.max(20, room / Math.max(this.lanes.length, 1)));
  }

  /// The second copies of messages, by message.
  findCopies() {
    this.copiesOf = new Map();
    const { copies } = this.run.messages;
    for (let i = 0; i < copies.count; i++) {
      const list = this.copiesOf.get(copies.message[i]) ?? [];
      this.copiesOf.set(copies.message[i], [...list, i]);
    }
  }

  height() {
    return LANES_TOP + this.lanes.length * this.laneHeight + 26;
  }

  y(lane) {
    return LANES_TOP + (lane + 0.5) * this.laneHeight;
  }

  /// True if the filters let everything through.
  isFree() {
    const { hidden, onlyOperation } = this.state;
    return hidden.kinds.size === 0 && hidden.actors.size === 0 && !onlyOperation;
  }

  /// Calls back for every message in the window that the filters let through.
  eachInView(found) {
    const { state, run } = this;
    const { spans } = run.messages;
    const isFree = this.isFree();
    (state.isOrdinal ? spans.orders : spans.times).each(state.from, state.to, (i) => {
      if (isFree || state.isShown(i)) found(i);
    });
  }

  paint(pen, height) {
    const { state } = this;
    const bottom = height - 22;
    this.axis(bottom);
    this.faults(pen);
    this.laneLines(pen);
    this.drawnCount = 0;
    const most = Math.min(ARROWS_MAX, Math.floor(this.plotWidth * ARROWS_A_PIXEL));
    // Few messages are looked through for every frame, many are counted once.
    const count =
      this.run.messages.count > most ? this.counts().touching.count(state.from, state.to) : 0;
    this.isDense = count > most;
    if (!this.isDense) this.eachInView((place) => (this.drawn[this.drawnCount++] = place));
    this.inView = this.isDense ? count : this.drawnCount;
    this.clipped(bottom, () => {
      if (this.isDense) this.density(pen);
      else this.arrows(pen);
      this.selected(pen);
    });
    this.clipped(bottom, () => this.restarts(pen));
    if (this.isDense) this.remark(tooMany(count, "message"), 12);
    this.cursors(bottom);
    if (state.selection?.kind === "message") this.ring(pen, state.selection.place);
  }

  faults(pen) {
    const { run } = this;
    run.faults.forEach((fault) => {
      const isSplit = fault.isolated.length > 0;
      const touched = isSplit ? new Set(fault.isolated) : fault.touched;
      let place = null;
      this.lanes.forEach((lane, number) => {
        if (lane.group !== "node" || !touched.has(lane.name)) return;
        const middle = this.y(number);
        place =
          this.band(fault, middle - this.laneHeight / 2, middle + this.laneHeight / 2) || place;
      });
      if (!place) return;
      const what = isSplit ? `${fault.isolated.join(" ")} cut off` : faultName(fault);
      pen.fillStyle = theme.soft;
      pen.font = theme.small;
      pen.textAlign = "left";
      const [left, right] = place;
      this.clipped(LANES_TOP, () => {
        if (pen.measureText(what).width < right - left - 6)
          pen.fillText(what, left + 4, LANES_TOP - 8);
      });
      pen.strokeStyle = theme["band-edge"];
      pen.beginPath();
      pen.moveTo(left, LANES_TOP - 1.5);
      pen.lineTo(right, LANES_TOP - 1.5);
      pen.stroke();
      pen.font = theme.font;
    });
  }

  /// Where a node ran again: a wedge on its lane, with what it was given then.
  restarts(pen) {
    pen.font = theme.small;
    pen.textAlign = "left";
    const free = new Map();
    for (const mark of this.marks) {
      const [x, y] = this.markPlace(mark);
      if (y === null || x < GUTTER || x > this.width) continue;
      pen.fillStyle = theme.good;
      pen.strokeStyle = theme.paper;
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(x, y - 6);
      pen.lineTo(x + 9, y);
      pen.lineTo(x, y + 6);
      pen.closePath();
      pen.fill();
      pen.stroke();
      const text = `${mark.how === "paused" ? "on" : "up"}: ${given(mark)}`;
      if (x < (free.get(y) ?? 0) || this.laneHeight < 30) continue;
      const width = pen.measureText(text).width;
      pen.fillStyle = theme.paper;
      pen.globalAlpha = 0.8;
      pen.fillRect(x + 1, y - this.laneHeight / 2 + 2, width + 4, 13);
      pen.globalAlpha = 1;
      pen.fillStyle = theme.good;
      pen.fillText(text, x + 3, y - this.laneHeight / 2 + 9);
      free.set(y, x + width + 10);
    }
    pen.font = theme.font;
  }

  markPlace(mark) {
    const lane = this.lanes.findIndex(({ group, name }) => group === "node" && name === mark.node);
    return [this.x(this.state.placeOf(mark.up)), lane < 0 ? null : this.y(lane)];
  }

  /// The restart that the mouse is over.
  markAt(x, y) {
    return this.marks.find((mark) => {
      const [left, middle] = this.markPlace(mark);
      return middle !== null && Math.abs(x - left - 4) < 8 && Math.abs(y - middle) < 8;
    });
  }

  laneLines(pen) {
    this.lanes.forEach((lane, number) => {
      const y = this.laneLine(this.y(number));
      this.label(plain(lane.name), y, lane.group === "node" ? theme.ink : theme.soft);
      if (number > 0 && this.lanes[number - 1].group !== lane.group) {
        pen.strokeStyle = theme.faint;
        pen.setLineDash([1, 4]);
        pen.beginPath();
        const between = Math.round(y - this.laneHeight / 2) + 0.5;
        pen.moveTo(8, between);
        pen.lineTo(this.width - 8, between);
        pen.stroke();
        pen.setLineDash([]);
      }
    });
  }

  /// From where to where a message's arrow goes, as `[x0, y0, x1, y1]` in `line`.
  place(message, end, endOrder, fate, line) {
    const { state, run } = this;
    const { messages } = run;
    const [from, to] = [this.laneOf[messages.src[message]], this.laneOf[messages.dest[message]]];
    if (from < 0 || to < 0) return false;
    line[0] = this.x(state.isOrdinal ? messages.order[message] : messages.sent[message]);
    line[1] = this.y(from);
    line[2] = fate === 0 ? this.width : this.x(state.isOrdinal ? endOrder : end);
    line[3] = this.y(to);
    // One that never arrived ends half way to whom it was for.
    if (fate !== 1) line[3] = line[1] + (line[3] - line[1]) * 0.55;
    if (fate === 0) line[2] = line[0] + 18;
    return true;
  }

  arrows(pen) {
    const { messages } = this.run;
    const { selection } = this.state;
    const groups = new Map();
    const line = [0, 0, 0, 0];
    const add = (number, message, end, endOrder, fate) => {
      if (!this.place(message, end, endOrder, fate, line)) return;
      const key = messages.kind[message] * 8 + fate;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(line[0], line[1], line[2], line[3]);
      if (number !== null) this.segments.set(line, number * 4);
    };
    this.segments.fill(NaN);
    for (let k = 0; k < this.drawnCount; k++) {
      const i = this.drawn[k];
      add(k, i, messages.end[i], messages.endOrder[i], messages.fate[i]);
      for (const copy of this.copiesOf.get(i) ?? []) {
        add(
          null,
          i,
          messages.copies.end[copy],
          messages.copies.endOrder[copy],
          messages.copies.fate[copy],
        );
      }
    }
    const crowd = this.drawnCount / this.plotWidth;
    const alpha = Math.min(0.9, Math.max(0.18, 0.55 / Math.sqrt(crowd || 1)));
    const isCrowded = crowd > 0.6;
    pen.globalAlpha = selection && selection.messages.size > 0 ? Math.min(alpha, 0.25) : alpha;
    for (const [key, lines] of groups) {
      this.strokes(pen, this.run.kinds[key >> 3], key & 7, lines, isCrowded ? 1 : 1.3, !isCrowded);
    }
    pen.globalAlpha = 1;
    if (this.drawnCount <= LABELS_MAX) this.labels(pen);
  }

  /// Arrows of one type and fate.
  strokes(pen, kind, fate, lines, width, hasHeads) {
    const color = fate > 1 ? theme.bad : kindColor(kind);
    pen.strokeStyle = color;
    pen.fillStyle = color;
    pen.lineWidth = width;
    // Dashes are slow, and where arrows are crowded nobody sees them.
    pen.setLineDash(!hasHeads ? [] : kind.isReply ? [5, 3] : fate === 0 ? [1, 3] : []);
    pen.beginPath();
    for (let k = 0; k < lines.length; k += 4) {
      pen.moveTo(lines[k], lines[k + 1]);
      pen.lineTo(lines[k + 2], lines[k + 3]);
    }
    pen.stroke();
    pen.setLineDash([]);
    if (fate === 1 && hasHeads) heads(pen, lines);
    if (fate > 1) crosses(pen, lines, hasHeads);
  }

  labels(pen) {
    const { messages, kinds } = this.run;
    pen.font = theme.small;
    pen.textAlign = "center";
    // Where a label stands already there is no room for another.
    const taken = [];
    for (let k = 0; k < this.drawnCount; k++) {
      const [x0, y0, x1, y1] = this.segments.subarray(k * 4, k * 4 + 4);
      const length = Math.hypot(x1 - x0, y1 - y0);
      const kind = kinds[messages.kind[this.drawn[k]]];
      const fate = messages.fate[this.drawn[k]];
      const text =
        plain(kind.name) + (fate > 1 ? ` (${["", "", "lost", "cut off", "dead node"][fate]})` : "");
      if (!(length > pen.measureText(text).width + 24)) continue;
      const [middleX, middleY] = [(x0 + x1) / 2, (y0 + y1) / 2];
      const reach = pen.measureText(text).width / 2;
      const [acrossX, acrossY] = [
        (Math.abs(x1 - x0) / length) * reach + 8,
        (Math.abs(y1 - y0) / length) * reach + 8,
      ];
      if (
        taken.some(
          ([x, y, wide, high]) =>
            Math.abs(x - middleX) < wide + acrossX && Math.abs(y - middleY) < high + acrossY,
        )
      )
        continue;
      taken.push([middleX, middleY, acrossX, acrossY]);
      let angle = Math.atan2(y1 - y0, x1 - x0);
      if (Math.abs(angle) > Math.PI / 2) angle += Math.PI;
      pen.save();
      pen.translate(middleX, middleY);
      pen.rotate(angle);
      pen.fillStyle = fate > 1 ? theme.bad : kindColor(kind);
      pen.fillText(text, 0, -6);
      pen.restore();
    }
    pen.font = theme.font;
    pen.textAlign = "left";
  }

  /// What the filters let through, counted: how much each lane sent, received and did not get, and how
  /// many messages are on their way at any time.
  counts() {
    const { state, run } = this;
    const chosen = state.onlyOperation ? state.selection : null;
    const known = this.counted;
    if (known && known.isOrdinal === state.isOrdinal && known.chosen === chosen) return known;
    const { messages } = run;
    const [starts, ends] = state.isOrdinal
      ? [messages.order, messages.endOrder]
      : [messages.sent, messages.end];
    const counts = new Counts(this.lanes.length * 3, state.whole());
    const add = (table, actor, place) => {
      if (this.laneOf[actor] >= 0) counts.add(this.laneOf[actor] * 3 + table, place);
    };
    const spans = state.isOrdinal ? messages.spans.orders : messages.spans.times;
    const shown = [];
    const isFree = this.isFree();
    for (let i = 0; i < messages.count; i++) {
      if (!isFree) {
        if (!state.isShown(i)) continue;
        shown.push(i);
      }
      add(TABLES.sent, messages.src[i], starts[i]);
      const fate = messages.fate[i];
      if (fate > 0) add(fate === 1 ? TABLES.received : TABLES.dropped, messages.dest[i], ends[i]);
    }
    const only = (numbers) => (isFree ? numbers : Float64Array.from(shown, (i) => numbers[i]));
    const touching = new Touching(only(spans.starts), only(spans.ends));
    this.counted = { isOrdinal: state.isOrdinal, chosen, counts: counts.finish(), touching };
    return this.counted;
  }

  /// Too many for arrows: for every lane how much was sent (above its line), how much came (below), and
  /// what was dropped.
  density(pen) {
    const columns = Math.ceil(this.plotWidth / 2);
    const tables = this.columnCounts(columns);
    let most = 1;
    for (const [row, counts] of tables.entries())
      if (row % 3 !== TABLES.dropped) for (const count of counts) most = Math.max(most, count);
    const scale = (Math.floor(this.laneHeight / 2) - 1) / Math.log1p(most);
    const bars = (table, color, alpha) => {
      pen.fillStyle = color;
      pen.globalAlpha = alpha;
      for (let lane = 0; lane < this.lanes.length; lane++) {
        const y = Math.round(this.y(lane));
        const counts = tables[lane * 3 + table];
        for (let column = 0; column < columns; column++) {
          if (counts[column] < 0.5) continue;
          const height = Math.max(1, Math.round(Math.log1p(counts[column]) * scale));
          pen.fillRect(GUTTER + column * 2, table === TABLES.sent ? y - height : y, 2, height);
        }
      }
      pen.globalAlpha = 1;
    };
    const isDim = Boolean(this.state.selection);
    bars(TABLES.sent, theme.accent, isDim ? 0.45 : 0.8);
    bars(TABLES.received, theme.soft, isDim ? 0.35 : 0.6);
    bars(TABLES.dropped, theme.bad, 0.9);
  }

  /// For each lane and table how much lies in each column of the window.
  columnCounts(columns) {
    const { state, run } = this;
    const tables = Array.from({ length: this.lanes.length * 3 }, () => new Float32Array(columns));
    const { counts } = this.counts();
    if (counts.isFine(state.from, state.to, columns)) {
      for (const [row, table] of tables.entries()) {
        counts.columns(row, state.from, state.to, table);
      }
      return tables;
    }
    const { messages } = run;
    const [starts, ends] = state.isOrdinal
      ? [messages.order, messages.endOrder]
      : [messages.sent, messages.end];
    const scale = columns / (state.to - state.from);
    const add = (table, actor, place) => {
      const lane = this.laneOf[actor];
      const column = Math.floor((place - state.from) * scale);
      if (lane >= 0 && column >= 0 && column < columns) tables[lane * 3 + table][column]++;
    };
    this.eachInView((i) => {
      add(TABLES.sent, messages.src[i], starts[i]);
      const fate = messages.fate[i];
      if (fate > 0) add(fate === 1 ? TABLES.received : TABLES.dropped, messages.dest[i], ends[i]);
    });
    return tables;
  }

  /// The selection's messages, above all others.
  selected(pen) {
    const { state, run } = this;
    const { messages } = run;
    const chosen = state.selection?.messages;
    this.selectedDrawn = 0;
    if (!chosen || chosen.size === 0) return;
    const groups = new Map();
    const line = [0, 0, 0, 0];
    const add = (i, end, endOrder, fate) => {
      if (!this.place(i, end, endOrder, fate, line)) return;
      if (Math.max(line[0], line[2]) < GUTTER || Math.min(line[0], line[2]) > this.width) return;
      const key = messages.kind[i] * 8 + fate;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(...line);
      this.selectedDrawn++;
    };
    for (const i of chosen) {
      add(i, messages.end[i], messages.endOrder[i], messages.fate[i]);
      for (const copy of this.copiesOf.get(i) ?? []) {
        add(
          i,
          messages.copies.end[copy],
          messages.copies.endOrder[copy],
          messages.copies.fate[copy],
        );
      }
    }
    for (const [key, lines] of groups) {
      this.strokes(
        pen,
        run.kinds[key >> 3],
        key & 7,
        lines,
        this.selectedDrawn > 800 ? 1.4 : 2.4,
        this.selectedDrawn < 4000,
      );
    }
  }

  /// A ring around both ends of the message that is pinned.
  ring(pen, message) {
    const { messages } = this.run;
    const line = [0, 0, 0, 0];
    if (
      !this.place(
        message,
        messages.end[message],
        messages.endOrder[message],
        messages.fate[message],
        line,
      )
    )
      return;
    pen.strokeStyle = theme.ink;
    pen.lineWidth = 1.5;
    for (const [x, y] of [
      [line[0], line[1]],
      [line[2], line[3]],
    ]) {
      if (x < GUTTER) continue;
      pen.beginPath();
      pen.arc(x, y, 5, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  hit(x, y) {
    let nearest = 7 * 7;
    let found = -1;
    if (this.isDense) return null;
    for (let k = 0; k < this.drawnCount; k++) {
      const distance = distanceSquared(x, y, this.segments, k * 4);
      if (distance < nearest) {
        nearest = distance;
        found = this.drawn[k];
      }
    }
    return found < 0 ? null : { kind: "message", place: found };
  }

  over(found, x, y) {
    this.canvas.classList.toggle("over", Boolean(found));
    const mark = x > GUTTER ? this.markAt(x, y) : undefined;
    this.tip(mark ? describeStop(mark) : found && describe(this.run, found.place), x, y);
  }
}

/// A message in a line.
export function describe(run, place) {
  const { messages, meta } = run;
  const who = `${plain(meta.actors[messages.src[place]])} → ${plain(meta.actors[messages.dest[place]])}`;
  const fate = messages.fate[place];
  const ending =
    fate === 1 ? `took ${duration(messages.end[place] - messages.sent[place])}` : FATES[fate];
  const kind = plain(meta.kinds[messages.kind[place]]) || "(no type)";
  return `#${messages.id[place]}  ${kind}  ${who}  ${moment(messages.sent[place])}, ${ending}`;
}

function heads(pen, lines) {
  pen.beginPath();
  for (let k = 0; k < lines.length; k += 4) {
    const [x0, y0, x1, y1] = [lines[k], lines[k + 1], lines[k + 2], lines[k + 3]];
    const length = Math.hypot(x1 - x0, y1 - y0) || 1;
    const [dx, dy] = [((x1 - x0) / length) * 7, ((y1 - y0) / length) * 7];
    pen.moveTo(x1, y1);
    pen.lineTo(x1 - dx - dy * 0.42, y1 - dy + dx * 0.42);
    pen.lineTo(x1 - dx + dy * 0.42, y1 - dy - dx * 0.42);
    pen.closePath();
  }
  pen.fill();
}

function crosses(pen, lines, isLarge) {
  const size = isLarge ? 4 : 2.5;
  pen.lineWidth = isLarge ? 1.8 : 1.2;
  pen.beginPath();
  for (let k = 0; k < lines.length; k += 4) {
    const [x, y] = [lines[k + 2], lines[k + 3]];
    pen.moveTo(x - size, y - size);
    pen.lineTo(x + size, y + size);
    pen.moveTo(x - size, y + size);
    pen.lineTo(x + size, y - size);
  }
  pen.stroke();
}

function distanceSquared(x, y, segments, at) {
  const [x0, y0] = [segments[at], segments[at + 1]];
  const [dx, dy] = [segments[at + 2] - x0, segments[at + 3] - y0];
  const along = Math.max(
    0,
    Math.min(1, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1)),
  );
  return (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2;
}

/// What a band is called that cuts nobody off: whom it hit, and how.
function faultName(fault) {
  const state = { kill: "down", pause: "paused", power: "without power" }[fault.kind];
  const whom = [...fault.touched].map(plain).join(" ");
  if (state) return `${whom} ${state}`;
  if (fault.kind === "clock" || fault.kind === "disk") return `${fault.kind} of ${whom}`;
  return `${fault.kind} ${fault.shape ?? ""}`;
}
