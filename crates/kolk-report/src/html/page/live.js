// A run that goes on: its journal and history as they grow, in the shape that data.js reads out of a
// finished page, and the same drawings over them.
import { theme } from "./canvas.js";
import { linkMessages } from "./causality.js";
import { complete, lowerBound } from "./data.js";
import { byId, element, fill, plain } from "./dom.js";
import { counted, duration, grouped } from "./format.js";
import { Inspector } from "./inspector.js";
import { listenToKeys } from "./keyboard.js";
import { drawPanels, listenToWindow, restore } from "./panels.js";
import { State } from "./state.js";

/// How often the files are looked at, at the most, and how much longer than the drawing took.
const LOOK_MS = 400;
const REST = 4;

/// How much of a journal is followed: what is beyond shows in the report, when the run is over.
const JOURNAL_BYTES_MAX = 64e6;

const LIVE_FATES = { loss: 2, partition: 3 };
const LIVE_OUTCOMES = { ok: 0, fail: 1, info: 2 };

/// Numbers that become more.
class Growing {
  constructor(Kind) {
    this.numbers = new Kind(1024);
    this.count = 0;
  }

  push(number) {
    if (this.count === this.numbers.length) {
      const more = new this.numbers.constructor(2 * this.count);
      more.set(this.numbers);
      this.numbers = more;
    }
    this.numbers[this.count++] = number;
  }

  view() {
    return this.numbers.subarray(0, this.count);
  }
}

/// Names as numbers, in the order in which they appear.
class LiveNames {
  constructor(names = []) {
    this.list = [...names];
    this.numbers = new Map(this.list.map((name, number) => [name, number]));
  }

  number(name) {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    this.numbers.set(name, this.list.length);
    this.list.push(name);
    return this.list.length - 1;
  }
}

/// Texts that are all at hand.
class LiveTexts {
  constructor(list) {
    this.list = list;
  }

  peek(number) {
    return this.list[number];
  }

  async get(number) {
    return this.list[number] ?? "";
  }

  async scan(from, to, isWanted, found) {
    for (let number = from; number < to; number++)
      if (isWanted(number)) found(number, this.list[number]);
  }
}

const columns = (kinds) =>
  Object.fromEntries(Object.entries(kinds).map(([name, Kind]) => [name, new Growing(Kind)]));
const views = (tables) =>
  Object.fromEntries(Object.entries(tables).map(([name, column]) => [name, column.view()]));

const isNamed = (id) => id !== undefined && id !== null;

/// What a request is called, as text: any JSON, and a number by all its digits.
function requestId(body, key, json) {
  const id = body[key];
  if (typeof id !== "number" || Number.isSafeInteger(id)) return JSON.stringify(id);
  let [depth, found] = [0, JSON.stringify(id)];
  const tokens = json.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g);
  tokens.forEach((token, at) => {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth === 1 && token === `"${key}"` && tokens[at + 1] === ":") found = tokens[at + 2];
  });
  return found;
}

/// What has been read of a run.
export class LiveRun {
  constructor(plan) {
    this.plan = plan;
    this.actors = new LiveNames();
    this.kinds = new LiveNames();
    this.functions = new LiveNames();
    this.nodes = new LiveNames(plan.nodes);
    this.eventCount = 0;
    this.messages = columns({
      id: Float64Array,
      sent: Float64Array,
      order: Float64Array,
      src: Uint32Array,
      dest: Uint32Array,
      kind: Uint32Array,
      op: Float64Array,
      cause: Int32Array,
      request: Int32Array,
      fate: Uint8Array,
      end: Float64Array,
      endOrder: Float64Array,
    });
    this.copies = columns({
      message: Float64Array,
      fate: Uint8Array,
      end: Float64Array,
      endOrder: Float64Array,
    });
    this.operations = columns({
      index: Float64Array,
      invoked: Float64Array,
      completed: Float64Array,
      process: Uint32Array,
      node: Int32Array,
      function: Uint8Array,
      outcome: Uint8Array,
      phase: Uint8Array,
    });
    this.bodies = [];
    this.values = [];
    this.requests = new Map();
    // By process the place of the operation that is not over.
    this.open = new Map();
    this.faultsBegan = null;
    this.run = {};
  }

  /// A line of the journal.
  journal(text) {
    const line = JSON.parse(text);
    const order = this.eventCount++;
    if (line.event === "send") this.send(line, order, text);
    else if (line.event === "receive") this.end(line, order, 1);
    else if (line.event === "drop") this.end(line, order, LIVE_FATES[line.reason] ?? 4);
  }

  send(line, order, text) {
    const { messages } = this;
    const place = messages.id.count;
    const [src, dest] = [this.actors.number(line.src), this.actors.number(line.dest)];
    const body = line.body ?? {};
    // The body comes last, and no quotation mark in a name stands bare.
    const json = text.slice(text.indexOf(',"body":') + 8, -1);
    const request = isNamed(body.in_reply_to)
      ? this.requests.get(`${dest} ${src} ${requestId(body, "in_reply_to", json)}`)
      : undefined;
    if (isNamed(body.msg_id))
      this.requests.set(`${src} ${dest} ${requestId(body, "msg_id", json)}`, place);
    messages.id.push(line.id);
    messages.sent.push(line.time);
    messages.order.push(order);
    messages.src.push(src);
    messages.dest.push(dest);
    messages.kind.push(this.kinds.number(String(body.type ?? "")));
    messages.op.push(line.op ?? -1);
    messages.cause.push(line.cause === undefined ? -1 : this.place(line.cause));
    messages.request.push(request ?? -1);
    messages.fate.push(0);
    messages.end.push(NaN);
    messages.endOrder.push(NaN);
    this.bodies.push(json);
  }

  end(line, order, fate) {
    const place = this.place(line.id);
    if (place < 0) return;
    const { fate: fates, end, endOrder } = this.messages;
    if (fates.numbers[place] === 0) {
      fates.numbers[place] = fate;
      end.numbers[place] = line.time;
      endOrder.numbers[place] = order;
      return;
    }
    this.copies.message.push(place);
    this.copies.fate.push(fate);
    this.copies.end.push(line.time);
    this.copies.endOrder.push(order);
  }

  /// The place of the message with an id: as a rule that is its place.
  place(id) {
    const { numbers, count } = this.messages.id;
    if (numbers[id] === id && id < count) return id;
    const place = lowerBound(numbers, id, count);
    return place < count && numbers[place] === id ? place : -1;
  }

  /// A line of the history.
  history(text) {
    const line = JSON.parse(text);
    if (typeof line.process !== "number") {
      this.faultsBegan ??= line.time;
      return;
    }
    const { operations } = this;
    const value = JSON.stringify(line.value ?? null);
    if (line.type === "invoke") {
      const place = operations.index.count;
      this.open.set(line.process, place);
      operations.index.push(line.index);
      operations.invoked.push(line.time);
      operations.completed.push(NaN);
      operations.process.push(line.process);
      operations.node.push(line.node === undefined ? -1 : this.nodes.number(line.node));
      operations.function.push(this.functions.number(line.f));
      operations.outcome.push(2);
      operations.phase.push(line.convergence ? 2 : line.final ? 1 : 0);
      this.values.push(`${value}\nnull`);
      return;
    }
    const place = this.open.get(line.process);
    if (place === undefined) return;
    this.open.delete(line.process);
    operations.completed.numbers[place] = line.time;
    operations.outcome.numbers[place] = LIVE_OUTCOMES[line.type] ?? 2;
    const asked = this.values[place].slice(0, -5);
    this.values[place] =
      `${asked}\n${line.type === "ok" ? value : JSON.stringify(line.error ?? null)}`;
  }

  /// The run so far. It is the same object every time, for whoever keeps it.
  update() {
    const { plan, run } = this;
    /** @type {Record<string, any>} */
    const messages = { count: this.messages.id.count, ...views(this.messages) };
    messages.copies = { count: this.copies.message.count, ...views(this.copies) };
    /** @type {Record<string, any>} */
    const operations = { count: this.operations.index.count, ...views(this.operations) };
    messages.op = Int32Array.from(messages.op, (index) => {
      const place = index < 0 ? -1 : lowerBound(operations.index, index);
      return operations.index[place] === index ? place : -1;
    });
    const now = Math.max(messages.sent.at(-1) ?? 0, operations.invoked.at(-1) ?? 0);
    const began =
      this.faultsBegan === null
        ? (operations.invoked[0] ?? 0)
        : this.faultsBegan - (plan.faults[0]?.begin ?? 0);
    const facts = {
      ended: now,
      "load-began": began,
      "load-ended": began + plan["time-limit"],
      deterministic: plan.clock === "virtual",
    };
    const meta = {
      plan,
      actors: this.actors.list,
      kinds: this.kinds.list,
      nodes: this.nodes.list,
      functions: this.functions.list,
      eventCount: this.eventCount,
      results: { valid: null, run: facts },
    };
    Object.assign(run, {
      meta,
      plan,
      results: meta.results,
      messages,
      operations,
      bodies: new LiveTexts(this.bodies),
      values: new LiveTexts(this.values),
      logs: [],
      anomalies: [],
    });
    complete(run);
    linkMessages(run);
    return run;
  }
}

/// A file of the run that grows, read from where it was left.
class Part {
  constructor(path, take) {
    this.path = path;
    this.take = take;
    this.bytes = 0;
    this.damaged = 0;
  }

  /// Takes the lines that are new, and tells how many bytes they have.
  async read() {
    const response = await fetch(`${this.path}/${this.bytes}`, { cache: "no-store" });
    if (!response.ok) throw new Error((await response.text()).trim());
    const content = await response.arrayBuffer();
    for (const line of new TextDecoder().decode(content).split("\n")) {
      try {
        if (line !== "") this.take(line);
      } catch {
        this.damaged++;
      }
    }
    this.bytes += content.byteLength;
    return content.byteLength;
  }
}

const LIVE_SIGNS = {
  running: ["info", "▶ running"],
  valid: ["ok", "✓ valid"],
  invalid: ["fail", "✗ invalid"],
  unknown: ["info", "? unknown"],
  unfinished: ["info", "… ended without results"],
};

function drawLiveHeader({ row, note }, run) {
  const [kind, text] = LIVE_SIGNS[row.state] ?? ["fail", row.state];
  const isOver = ["valid", "invalid", "unknown"].includes(row.state);
  document.title = `${text} ${plain(row.workload)} – kolk`;
  const parts = [
    plain(row.node),
    `${row.nodeCount} ${row.nodeCount === 1 ? "node" : "nodes"}`,
    run &&
      `${duration(run.ended)}${row.clock === "virtual" ? " virtual" : ""} of ${duration(run.plan["time-limit"])} load`,
    run && `${grouped(run.operations.count)} operations`,
    run && `${grouped(run.messages.count)} messages`,
    `seed ${plain(row.seed.replace(/^0x0+(?=.)/, "0x"))}`,
  ];
  fill(
    byId("headline"),
    element("span", { class: `verdict ${kind}` }, text),
    element("strong", {}, plain(row.workload)),
    element("span", { class: "soft" }, parts.filter(Boolean).join(" · ")),
    isOver &&
      element(
        "a",
        { href: location.pathname.replace(/live$/, "report") + location.hash },
        "open the report",
      ),
    note && element("span", { class: "soft" }, note),
  );
}

/// Follows the run that the address names until it is over.
async function followRun() {
  theme.read();
  const api = `/api${location.pathname.replace(/\/live$/, "")}`;
  const first = await (await fetch(api)).json();
  for (const id of ["verdict", "logs-panel", "run-panel"]) {
    byId(id).hidden = true;
    document.querySelector(`nav a[href="#${id}"]`).toggleAttribute("hidden", true);
  }
  const live = new LiveRun(first.plan);
  const parts = [
    new Part(`${api}/journal`, (line) => live.journal(line)),
    new Part(`${api}/history`, (line) => live.history(line)),
  ];
  const view = { row: first.row, note: "" };
  let page = null;
  for (;;) {
    let rest = LOOK_MS;
    try {
      // First the state, then the files: what is over has nothing more to read after that.
      const { row } = await (await fetch(`${api}/row`, { cache: "no-store" })).json();
      let isNew = false;
      for (const part of parts) isNew = (await part.read()) > 0 || isNew;
      view.row = row;
      const damaged = parts[0].damaged + parts[1].damaged;
      view.note =
        damaged > 0 ? `${counted(damaged, "line", "lines")} of its files cannot be read` : "";
      const began = performance.now();
      if (isNew) page = showRun(live, page);
      rest += REST * (performance.now() - began);
      const isTooLong = parts[0].bytes > JOURNAL_BYTES_MAX;
      if (isTooLong)
        view.note = "it has become too long to be followed; its report will show all of it";
      drawLiveHeader(view, page?.run);
      if (isTooLong || (row.state !== "running" && !isNew)) break;
    } catch (error) {
      // The server may come back.
      view.note = error instanceof TypeError ? "kolk serve does not answer" : error.message;
      drawLiveHeader(view, page?.run);
      rest = 5 * LOOK_MS;
    }
    document.body.classList.remove("loading");
    await new Promise((done) => {
      setTimeout(done, rest);
    });
  }
  document.body.classList.remove("loading");
  document.documentElement.dataset.ended = "true";
}

/// Draws what there is: at first all panels, then what is new in them. A window over the whole run
/// stays over the whole run.
function showRun(live, page) {
  const run = live.update();
  if (page === null) {
    if (run.messages.count === 0) return null;
    const state = new State(run);
    state.joinsClients = run.plan.concurrency > 3;
    const drawings = drawPanels(state);
    new Inspector(state);
    listenToKeys(state);
    restore(state);
    const filters = listenToWindow(state, drawings);
    Object.assign(window, { kolk: { run, state, drawings, live } });
    document.documentElement.dataset.ready = "true";
    return { run, state, drawings, filters, end: state.whole()[1] };
  }
  const { state, drawings, filters } = page;
  const wasWhole = state.to >= page.end && state.from <= 0;
  for (const drawing of drawings) drawing.renew?.();
  filters.draw();
  page.end = state.whole()[1];
  if (wasWhole) [state.from, state.to] = state.whole();
  if (state.selection) state.selection = state.resolve(state.selection);
  state.changed("view");
  return page;
}

followRun().catch((error) => {
  document.body.classList.remove("loading");
  fill(
    byId("headline"),
    element("span", { class: "verdict fail" }, "This run cannot be followed"),
    element("span", {}, String(error.message ?? error)),
  );
});
