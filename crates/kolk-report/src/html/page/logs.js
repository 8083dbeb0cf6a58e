// What the nodes wrote to stderr, in step with the cursor and the selection: a list for every node, or
// one of all nodes in the order of time.
import { lowerBound } from "./data.js";
import { byId, element, fill, pick, plain } from "./dom.js";
import { counted, duration, moment } from "./format.js";

const LOG_ROW = 17;
const LOG_HEIGHT = 260;
/// Beyond this many pixels browsers do not scroll an element truly.
const TALL_MAX = 16e6;
/// How many lines before and after a moment are shown beside a message, and at the moment itself.
const AROUND = 3;
const AROUND_MAX = 8;
/// On the real clock a line is noticed a little after it was written.
const PACED_DELAY = 5e6;

/// A list for every node that wrote anything, and a button for one list of all.
export function drawLogs(state) {
  const { logs } = state.run;
  const written = logs.filter((log) => log.count > 0);
  const quiet = logs.filter((log) => log.count === 0).map((log) => plain(log.node));
  const lists = element("div", { class: "lists" });
  let panes = [];
  const show = (sources) => {
    panes = sources.map((source) => new Pane(state, source));
    fill(
      lists,
      panes.map((pane) => pane.element),
    );
  };
  const isTimed = written.every((log) => log.isTimed);
  fill(
    byId("logs"),
    written.length > 1 &&
      isTimed &&
      mergeBox((isMerged) => show(isMerged ? [merged(written)] : written.map(single))),
    written.length > 0 &&
      !isTimed &&
      element("p", { class: "soft" }, "This run does not say when its nodes wrote what."),
    lists,
    quiet.length > 0 &&
      element(
        "p",
        { class: "soft" },
        written.length === 0
          ? "No node wrote anything to stderr."
          : `${quiet.join(", ")} wrote nothing.`,
      ),
  );
  show(written.map(single));
  const follow = () => {
    for (const pane of panes) pane.follow();
  };
  Promise.all(written.map((log) => log.times())).then(follow);
  state.listen((what) => {
    if (what.has("cursor") || what.has("selection")) follow();
  });
}

/// The choice between a list a node and one list of all.
function mergeBox(show) {
  const box = element("input", {
    type: "checkbox",
    id: "merge",
    onchange: () => show(box.checked),
  });
  return element("label", { class: "soft" }, box, " all nodes in one list, by time");
}

/// A node's log as the lines of a list: how many, and of each when, whose and what.
function single(log) {
  return {
    name: plain(log.node),
    count: log.count,
    times: log.times,
    node: () => log.node,
    line: (place) => [place, null, log.texts.get(place)],
  };
}

/// All logs as one list, in the order of time; at the same instant in the order of the nodes.
function merged(logs) {
  const count = logs.reduce((sum, log) => sum + log.count, 0);
  let order = null;
  const times = async () => {
    const each = await Promise.all(logs.map((log) => log.times()));
    if (!order) order = mergeOrder(each, count);
    return order.times;
  };
  return {
    name: "all nodes",
    count,
    times,
    node: (place) => logs[order.log[place]].node,
    line: (place) => {
      const log = logs[order.log[place]];
      return [order.line[place], plain(log.node), log.texts.get(order.line[place])];
    },
  };
}

function mergeOrder(each, count) {
  const order = {
    log: new Uint16Array(count),
    line: new Uint32Array(count),
    times: new Float64Array(count),
  };
  const next = each.map(() => 0);
  for (let place = 0; place < count; place++) {
    let first = -1;
    for (let log = 0; log < each.length; log++) {
      if (
        next[log] < each[log].length &&
        (first < 0 || each[log][next[log]] < each[first][next[first]])
      )
        first = log;
    }
    order.log[place] = first;
    order.times[place] = each[first][next[first]];
    order.line[place] = next[first]++;
  }
  return order;
}

/// A list of lines, drawn as far as it is in sight.
class Pane {
  constructor(state, source) {
    this.state = state;
    this.source = source;
    this.moments = new Map();
    this.lines = element("div", { class: "lines" });
    const tall = element("div", { class: "tall" }, this.lines);
    const whole = source.count * LOG_ROW;
    this.scale = Math.max(1, whole / TALL_MAX);
    tall.style.height = `${whole / this.scale}px`;
    this.scroll = element(
      "div",
      {
        class: "scroll",
        tabindex: 0,
        role: "log",
        "aria-label": `log of ${source.name}`,
        title: "Click a line to go to its time",
        onscroll: () => this.draw(),
        onclick: (event) => this.go(event),
        onkeydown: (event) => this.key(event),
      },
      tall,
    );
    this.element = element(
      "section",
      { class: "log" },
      element(
        "h3",
        {},
        source.name,
        element("small", {}, ` ${counted(source.count, "line", "lines")}`),
      ),
      this.scroll,
    );
    this.draw();
    this.follow();
  }

  first() {
    return Math.max(0, Math.floor((this.scroll.scrollTop * this.scale) / LOG_ROW));
  }

  async draw() {
    const { source, scroll } = this;
    const drawing = {};
    this.drawing = drawing;
    const times = await source.times();
    const begin = Math.max(0, this.first() - 5);
    const end = Math.min(source.count, begin + Math.ceil(LOG_HEIGHT / LOG_ROW) + 10);
    const found = Array.from({ length: end - begin }, (_, k) => source.line(begin + k));
    const texts = await Promise.all(found.map(([, , text]) => text));
    // Another drawing may have begun meanwhile.
    if (drawing !== this.drawing) return;
    const top =
      this.scale === 1 ? begin * LOG_ROW : scroll.scrollTop + (begin - this.first()) * LOG_ROW;
    this.lines.style.transform = `translateY(${top}px)`;
    const boundary = times && this.state.cursor ? after(times, this.time()) : -1;
    fill(
      this.lines,
      found.map(([number, node], k) => {
        const place = begin + k;
        const classes = [
          "line",
          place === boundary && "now",
          times && this.isNear(source.node(place), times[place]) && "near",
        ];
        return element(
          "div",
          { class: classes.filter(Boolean).join(" "), "data-place": place },
          element("span", { class: "number" }, String(number + 1)),
          times && element("span", { class: "when" }, moment(times[place])),
          node && element("span", { class: "who" }, node),
          plain(texts[k]),
        );
      }),
    );
    scroll.dataset.drawn = String(begin);
  }

  time() {
    return this.state.timeAt(this.state.cursor.place);
  }

  /// True for lines written when a selected message was sent or received.
  isNear(node, time) {
    const moments = this.moments.get(node);
    if (!moments) return false;
    if (this.state.run.results.run.deterministic) return moments.has(time);
    for (const at of moments) if (time >= at && time <= at + PACED_DELAY) return true;
    return false;
  }

  /// Scrolls to what is selected, or to the cursor's time.
  async follow() {
    const { state, source, scroll } = this;
    const times = await source.times();
    if (!times || source.count === 0) return;
    this.moments = selectedMoments(state);
    let at = state.cursor ? this.time() : null;
    if (state.selection?.messages.size > 0) {
      const own = this.ownMoment(times);
      if (own !== null) at = own;
    }
    if (at !== null) {
      const row = Math.min(lowerBound(times, at), source.count - 1);
      const rows = Math.floor(LOG_HEIGHT / LOG_ROW);
      scroll.scrollTop = (Math.max(0, row - rows / 2) * LOG_ROW) / this.scale;
    }
    this.draw();
  }

  /// The first of the selection's moments that a node of this list was part of.
  ownMoment(times) {
    let first = null;
    for (const [node, moments] of this.moments) {
      if (this.source.node(0) !== node && this.source.name !== "all nodes") continue;
      for (const at of moments) {
        const place = lowerBound(times, at);
        if (place < times.length && (first === null || at < first)) first = at;
      }
    }
    return first;
  }

  go(event) {
    const line = event.target.closest(".line");
    if (line && getSelection().isCollapsed) this.goTo(Number(line.dataset.place));
  }

  key(event) {
    if (event.key === "Enter") this.goTo(this.first() + 1);
  }

  /// Puts the cursor at the time of a line.
  async goTo(place) {
    const times = await this.source.times();
    if (!times || place >= times.length) return;
    const { state } = this;
    const at = state.placeOf(times[place]);
    state.cursor = { place: at };
    const half = (state.to - state.from) / 2;
    if (at < state.from || at > state.to) state.show(at - half, at + half);
    state.changed("cursor");
  }
}

/// The first line that was not there at a time.
function after(times, at) {
  return lowerBound(times, at + 0.5);
}

/// When the selected messages were sent or received, by node.
function selectedMoments({ run, selection }) {
  const { messages, meta } = run;
  const moments = new Map();
  const note = (actor, at) => {
    const node = meta.actors[actor];
    if (!moments.has(node)) moments.set(node, new Set());
    moments.get(node).add(at);
  };
  for (const place of selection?.messages ?? []) {
    note(messages.src[place], messages.sent[place]);
    if (messages.fate[place] === 1) note(messages.dest[place], messages.end[place]);
  }
  return moments;
}

/// The lines that sender and receiver of a message wrote around it, where it is known when they did.
export function logsAround({ run }, place) {
  const { messages, meta } = run;
  const ends = [[messages.src[place], messages.sent[place], "sent"]];
  if (messages.fate[place] === 1)
    ends.push([messages.dest[place], messages.end[place], "received"]);
  const shown = ends.flatMap(([actor, at, what]) => {
    const log = run.logs.find(
      ({ node, count, isTimed }) => node === meta.actors[actor] && count > 0 && isTimed,
    );
    return log ? [[log, at, what]] : [];
  });
  if (shown.length === 0) return null;
  const open = pick(
    "all logs",
    () => byId("logs-panel").scrollIntoView({ behavior: "smooth" }),
    "Go to the logs",
  );
  return [
    element("h3", {}, "Logs around it"),
    shown.map((end) => linesAround(run, ...end)),
    element("p", { class: "tools" }, open),
  ];
}

function linesAround(run, log, at, what) {
  const list = element("div", { class: "lines around" }, "…");
  const fillIn = async () => {
    const times = await log.times();
    const [first, last] = [
      lowerBound(times, at),
      lowerBound(times, at + (run.results.run.deterministic ? 0.5 : PACED_DELAY)),
    ];
    const begin = Math.max(0, first - AROUND);
    const end = Math.min(log.count, Math.min(last, first + AROUND_MAX) + AROUND);
    const texts = await Promise.all(
      Array.from({ length: end - begin }, (_, k) => log.texts.get(begin + k)),
    );
    fill(
      list,
      texts.map((text, k) => {
        const line = begin + k;
        const since = times[line] - at;
        const when = since === 0 ? "then" : `${since < 0 ? "−" : "+"}${duration(Math.abs(since))}`;
        return element(
          "div",
          { class: line >= first && line < last ? "line near" : "line" },
          element("span", { class: "when" }, when),
          plain(text),
        );
      }),
    );
  };
  fillIn();
  return [element("p", { class: "soft" }, `${plain(log.node)}, when it was ${what}`), list];
}
