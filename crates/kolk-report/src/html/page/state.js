// What all panels share: the window of time, the cursor, the selection, the filters. It stands in
// the URL's fragment, so that a moment can be shared.
import { lowerBound } from "./data.js";

/// Time as nanoseconds, or as the order of the journal's events.
export class State {
  constructor(run) {
    this.run = run;
    this.listeners = [];
    this.isOrdinal = prefersOrdinal(run);
    this.cursor = null;
    this.hover = null;
    this.selection = null;
    this.hidden = { kinds: new Set(), actors: new Set() };
    this.onlyOperation = false;
    this.text = "";
    this.joinsClients = run.actors.sorted.filter((actor) => actor.group === "client").length > 3;
    [this.from, this.to] = this.whole();
  }

  /// Calls back after every change with the set of what changed.
  listen(listener) {
    this.listeners.push(listener);
  }

  /// Changes something: `view`, `cursor`, `hover`, `selection` or `filter`.
  changed(...what) {
    this.pending ??= new Set();
    for (const name of what) this.pending.add(name);
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      const pending = this.pending;
      this.pending = null;
      this.isDrawing = false;
      for (const listener of this.listeners) listener(pending);
      if ([...pending].some((name) => name !== "hover")) this.storeSoon();
    });
  }

  /// The whole run, with a little room on both sides.
  whole() {
    const end = this.isOrdinal ? Math.max(this.run.events.count - 1, 1) : this.run.ended;
    return [-end * 0.01, end * 1.01];
  }

  /// Shows a window. It stays within the run, and does not become smaller than one can see.
  show(from, to) {
    const [least, most] = this.whole();
    const smallest = this.isOrdinal ? 4 : 1000;
    const width = Math.min(Math.max(to - from, smallest), most - least);
    const middle = (from + to) / 2;
    const begin = Math.min(Math.max(middle - width / 2, least), most - width);
    if (begin === this.from && begin + width === this.to) return;
    this.from = begin;
    this.to = begin + width;
    this.changed("view");
  }

  /// Makes the window `factor` times as wide, with what is at `around` staying where it is.
  zoom(factor, around = (this.from + this.to) / 2) {
    this.show(around + (this.from - around) * factor, around + (this.to - around) * factor);
  }

  /// Moves the window by a part of its width.
  pan(part) {
    const by = (this.to - this.from) * part;
    this.show(this.from + by, this.to + by);
  }

  /// Linear or ordinal time; the window stays over the same events.
  setOrdinal(isOrdinal) {
    if (isOrdinal === this.isOrdinal) return;
    const isWhole = this.isWhole();
    const [from, to] = [this.timeAt(this.from), this.timeAt(this.to)];
    this.isOrdinal = isOrdinal;
    if (isWhole) [this.from, this.to] = this.whole();
    else this.show(this.placeOf(from), this.placeOf(to));
    this.changed("view");
  }

  isWhole() {
    const [least, most] = this.whole();
    return this.from <= least && this.to >= most;
  }

  /// The nanoseconds at a place on the axis.
  timeAt(place) {
    if (!this.isOrdinal) return place;
    const { times, count } = this.run.events;
    if (count === 0) return 0;
    const below = Math.min(Math.max(Math.floor(place), 0), count - 1);
    const above = Math.min(below + 1, count - 1);
    const part = Math.min(Math.max(place - below, 0), 1);
    return times[below] + (times[above] - times[below]) * part;
  }

  /// The place of a moment on the axis.
  placeOf(nanos) {
    if (!this.isOrdinal) return nanos;
    const { times, count } = this.run.events;
    return Math.min(lowerBound(times, nanos), Math.max(count - 1, 0));
  }

  /// Selects `{ kind: "message" | "operation" | "anomaly" | "chain" | "path", … }`, or nothing.
  select(selection, { reveal = false } = {}) {
    this.selection = selection && this.resolve(selection);
    if (this.selection && reveal) this.reveal();
    const moments = this.selection?.span;
    if (moments) this.cursor = { place: this.isOrdinal ? moments.orders[0] : moments.times[0] };
    this.changed("selection", "cursor");
  }

  /// What a selection amounts to: messages, operations, and from when to when.
  resolve(selection) {
    const { messages, operations } = this.run;
    const chosen = { ...selection, messages: new Set(), operations: new Set() };
    const add = (place) => {
      chosen.operations.add(place);
      for (const message of operations.messages(place)) chosen.messages.add(message);
    };
    if (selection.kind === "message") {
      chosen.messages.add(selection.place);
      const op = messages.op[selection.place];
      if (op >= 0) chosen.operations.add(op);
    } else if (selection.kind === "operation") {
      add(selection.place);
    } else if (selection.kind === "anomaly") {
      for (const index of selection.anomaly.operations ?? []) {
        const place = operations.byIndex.get(index) ?? this.completedBy(index);
        if (place !== undefined) add(place);
      }
    } else if (selection.kind === "chain" || selection.kind === "path") {
      for (const place of selection.chain) {
        chosen.messages.add(place);
        if (messages.op[place] >= 0) chosen.operations.add(messages.op[place]);
      }
    }
    chosen.span = this.span(chosen);
    return chosen;
  }

  /// The operation that an event index of a completion belongs to: the last one invoked before it
  /// that was not over.
  completedBy(index) {
    const { operations } = this.run;
    const after = lowerBound(operations.index, index);
    return after > 0 ? after - 1 : undefined;
  }

  span(chosen) {
    const { messages, operations } = this.run;
    const times = [Infinity, -Infinity];
    const orders = [Infinity, -Infinity];
    const note = (time, order) => {
      if (Number.isNaN(time)) return;
      times[0] = Math.min(times[0], time);
      times[1] = Math.max(times[1], time);
      orders[0] = Math.min(orders[0], order);
      orders[1] = Math.max(orders[1], order);
    };
    const ownTimes = chosen.kind === "operation" || chosen.kind === "anomaly";
    for (const place of ownTimes ? chosen.operations : []) {
      note(operations.invoked[place], operations.order[place]);
      note(operations.completed[place], operations.endOrder[place]);
    }
    for (const place of chosen.messages) {
      note(messages.sent[place], messages.order[place]);
      note(messages.end[place], messages.endOrder[place]);
    }
    return times[0] <= times[1] ? { times, orders } : null;
  }

  /// Brings the selection into the window.
  reveal() {
    const span = this.selection.span;
    if (!span) return;
    const [from, to] = this.isOrdinal ? span.orders : span.times;
    const room = Math.max((to - from) * 0.25, this.isOrdinal ? 12 : 2e6);
    this.show(from - room, to + room);
  }

  /// True for messages that the filters let through.
  isShown(place) {
    const { messages } = this.run;
    if (this.hidden.kinds.has(messages.kind[place])) return false;
    if (this.onlyOperation && this.selection && !this.selection.messages.has(place)) return false;
    const { actors } = this.hidden;
    return (
      actors.size === 0 || !(actors.has(messages.src[place]) || actors.has(messages.dest[place]))
    );
  }

  storeSoon() {
    clearTimeout(this.storing);
    this.storing = setTimeout(() => this.store(), 150);
  }

  /// Writes the state into the fragment.
  store() {
    const parts = new URLSearchParams();
    if (this.isOrdinal !== prefersOrdinal(this.run))
      parts.set("axis", this.isOrdinal ? "order" : "time");
    if (!this.isWhole()) {
      const text = (place) =>
        this.isOrdinal ? String(Math.round(place * 100) / 100) : String(Math.round(place));
      parts.set("view", `${text(this.from)}..${text(this.to)}`);
    }
    if (this.cursor) parts.set("at", String(Math.round(this.timeAt(this.cursor.place))));
    const { selection } = this;
    if (selection?.kind === "message") parts.set("message", this.run.messages.id[selection.place]);
    if (selection?.kind === "operation")
      parts.set("operation", this.run.operations.index[selection.place]);
    if (selection?.kind === "anomaly") parts.set("anomaly", selection.number);
    if (selection?.kind === "path")
      parts.set(
        "path",
        `${this.run.operations.index[selection.place]}..${Math.round(selection.until)}`,
      );
    if (selection?.kind === "chain")
      parts.set(selection.direction, this.run.messages.id[selection.place]);
    const names = (set, list) =>
      [...set].map((number) => encodeURIComponent(list[number])).join(" ");
    if (this.hidden.kinds.size > 0)
      parts.set("without", names(this.hidden.kinds, this.run.meta.kinds));
    if (this.hidden.actors.size > 0)
      parts.set("hide", names(this.hidden.actors, this.run.meta.actors));
    if (this.onlyOperation) parts.set("only", "selection");
    const fragment = parts.toString();
    this.stored = fragment;
    history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
  }

  /// Reads the state out of the fragment; what it does not say is as at the beginning. `chains`
  /// follows causes for a selection that is one, `paths` the way of a value: that takes a while.
  restore(chains, paths) {
    const fragment = location.hash.slice(1);
    if (fragment === this.stored) return false;
    this.stored = fragment;
    const parts = new URLSearchParams(fragment);
    const axis = parts.get("axis");
    this.isOrdinal = axis ? axis === "order" : prefersOrdinal(this.run);
    [this.from, this.to] = this.whole();
    const numbers = (parts.get("view") ?? "").split("..").map(Number);
    if (numbers.length === 2 && numbers.every(Number.isFinite) && numbers[0] < numbers[1])
      this.show(...numbers);
    const set = (key, list) =>
      new Set(
        (parts.get(key) ?? "")
          .split(" ")
          .map((name) => list.indexOf(decode(name)))
          .filter((number) => number >= 0),
      );
    this.hidden = {
      kinds: set("without", this.run.meta.kinds),
      actors: set("hide", this.run.meta.actors),
    };
    this.onlyOperation = parts.get("only") === "selection";
    this.selection = null;
    const chosen = this.chosen(parts, chains);
    if (chosen) this.select(chosen);
    this.restorePath(parts, paths);
    const at = Number(parts.get("at") ?? NaN);
    if (Number.isFinite(at)) this.cursor = { place: this.placeOf(at) };
    this.changed("view", "cursor", "selection", "filter");
    return fragment !== "";
  }

  async restorePath(parts, paths) {
    const [index, until] = (parts.get("path") ?? "").split("..").map(Number);
    const place = this.run.operations.byIndex.get(index);
    if (place === undefined || !Number.isFinite(until)) return;
    const fragment = this.stored;
    const path = await paths({ place, until });
    if (path && this.stored === fragment) this.select(path);
  }

  chosen(parts, chains) {
    const { messages, operations } = this.run;
    const message = (key) => {
      if (!parts.has(key)) return -1;
      const place = lowerBound(messages.id, Number(parts.get(key)));
      return messages.id[place] === Number(parts.get(key)) ? place : -1;
    };
    if (message("message") >= 0) return { kind: "message", place: message("message") };
    for (const direction of ["causes", "effects"]) {
      if (message(direction) >= 0) return chains(message(direction), direction);
    }
    const operation = parts.has("operation")
      ? operations.byIndex.get(Number(parts.get("operation")))
      : undefined;
    if (operation !== undefined) return { kind: "operation", place: operation };
    const number = Number(parts.get("anomaly") ?? NaN);
    const anomaly = this.run.anomalies?.[number];
    return anomaly ? { kind: "anomaly", number, anomaly } : null;
  }
}

/// Where most messages take no time, a picture over time shows nothing but verticals.
function prefersOrdinal({ messages }) {
  let moving = 0;
  for (let i = 0; i < messages.count; i++) if (messages.end[i] > messages.sent[i]) moving++;
  return messages.count > 0 && moving < messages.count * 0.1;
}

/// A name as it was before it stood in a fragment; one that somebody mangled is no name.
function decode(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return null;
  }
}
