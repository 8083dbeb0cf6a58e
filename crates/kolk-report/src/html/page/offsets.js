// For the log: the offsets of each key. A cell for every offset at which anything was seen; a click
// shows what stands there, who sent it and who polled it first.
import { byId, element, fill, pick, plain, tableHead } from "./dom.js";
import { counted, grouped } from "./format.js";
import { shape, shapeButton } from "./svg.js";

const CELL = 14;
const CELL_HIGH = 18;
/// How many keys are drawn at first, and how many cells of one: a button shows more.
const KEYS_SHOWN = 16;
const CELLS_SHOWN = 400;
/// How many entries a table shows around the one that was clicked.
const ENTRIES_AROUND = 6;

/// What became of an entry, as the classes of its cell; what is worse comes later.
const STATES = {
  polled: "polled",
  unpolled: "acknowledged, and no poll returned it: none came so far",
  lost: "sent for sure and never polled, though what comes after it was",
  unsent: "polled, and nobody sent it",
  conflict: "one of several values at this offset",
};

/// The panel, if the run is one of the log.
export function drawOffsets(state) {
  const { run } = state;
  byId("offsets-panel").hidden = !run.offsets;
  if (!run.offsets) return;
  const keys = run.offsets.keys
    .map((key) => judge(run.offsets, key))
    .filter((key) => key.count > 0);
  // What is wrong comes first, then in the order of the keys' first appearance.
  keys.sort((a, b) => b.bad - a.bad);
  const views = element("div", { class: "keys" });
  const more = element("button", {
    type: "button",
    class: "more",
    onclick: () => grow(keys.length),
  });
  let next = 0;
  const grow = (end) => {
    for (; next < Math.min(end, keys.length); next++) views.append(keyView(state, keys[next]));
    more.textContent = `${grouped(keys.length - next)} more keys`;
    more.hidden = next >= keys.length;
  };
  grow(KEYS_SHOWN);
  const legend = Object.entries(STATES).map(([name, text]) =>
    element("span", {}, element("i", { class: `cell ${name}` }), ` ${text} `),
  );
  fill(
    byId("offset-keys"),
    element(
      "p",
      { class: "soft legend" },
      legend,
      element(
        "span",
        {},
        element("i", { class: "cell hole" }),
        " offsets at which nothing was seen",
      ),
    ),
    views,
    more,
  );
}

/// What became of each entry of a key, and how much of it is bad.
function judge(offsets, { name, first, count }) {
  let last = -1;
  for (let at = 0; at < count; at++) if (offsets.reader[first + at] >= 0) last = at;
  const states = [];
  let bad = 0;
  for (let at = 0; at < count; at++) {
    const place = first + at;
    const isShared =
      (at > 0 && offsets.offset[place - 1] === offsets.offset[place]) ||
      (at + 1 < count && offsets.offset[place + 1] === offsets.offset[place]);
    const isPolled = offsets.reader[place] >= 0;
    const state = isShared
      ? "conflict"
      : offsets.writer[place] < 0
        ? "unsent"
        : isPolled
          ? "polled"
          : at < last
            ? "lost"
            : "unpolled";
    if (state !== "polled" && state !== "unpolled") bad++;
    states.push(state);
  }
  return { name, first, count, states, bad };
}

function keyView(state, key) {
  const { offsets } = state.run;
  const greatest = offsets.offset[key.first + key.count - 1];
  const head = [
    element("b", {}, `key ${plain(key.name)}`),
    element(
      "small",
      { class: "soft" },
      ` ${counted(key.count, "entry", "entries")}, offsets ${grouped(offsets.offset[key.first])} to ${grouped(greatest)}`,
    ),
    key.bad > 0 &&
      element("small", { class: "bad" }, ` · ${counted(key.bad, "is wrong", "are wrong")}`),
  ];
  const table = element("div", {});
  const cells = element("div", { class: "scroll-x" });
  const draw = (count) => {
    const isWhole = count >= key.count;
    fill(
      cells,
      strip(state, key, Math.min(count, key.count), (at) => showEntries(state, key, at, table)),
      !isWhole &&
        element(
          "button",
          { type: "button", class: "more", onclick: () => draw(key.count) },
          `${grouped(key.count - count)} more`,
        ),
    );
  };
  draw(CELLS_SHOWN);
  return element(
    "div",
    { class: "key", "data-key": key.name },
    element("div", {}, head),
    cells,
    table,
  );
}

/// The cells, with gaps where offsets are left out.
function strip(state, key, count, onpick) {
  const { offsets } = state.run;
  const parts = [];
  let x = 0;
  for (let at = 0; at < count; at++) {
    const offset = offsets.offset[key.first + at];
    const hole = offset - (at > 0 ? offsets.offset[key.first + at - 1] : -1) - 1;
    if (hole > 0) {
      parts.push(
        shape(
          "rect",
          { class: "hole", x: x + 1, y: 4, width: CELL - 2, height: CELL_HIGH - 8 },
          shape(
            "title",
            {},
            counted(hole, "offset at which nothing was seen", "offsets at which nothing was seen"),
          ),
        ),
      );
      x += CELL;
    }
    const name = key.states[at];
    const [left, right] = [x + 1, x + CELL - 1];
    const title = `offset ${grouped(offset)}: ${STATES[name]}`;
    parts.push(
      shapeButton(
        { class: `cell ${name}`, "aria-label": title },
        () => onpick(at),
        shape("title", {}, title),
        shape("rect", { x: left, y: 1, width: CELL - 2, height: CELL_HIGH - 2 }),
        name === "lost" &&
          shape("path", {
            d: `M${left + 2},4 L${right - 2},${CELL_HIGH - 4} M${right - 2},4 L${left + 2},${CELL_HIGH - 4}`,
          }),
      ),
    );
    x += CELL;
  }
  return shape(
    "svg",
    {
      class: "strip",
      width: x,
      height: CELL_HIGH,
      viewBox: `0 0 ${x} ${CELL_HIGH}`,
      role: "group",
      "aria-label": "offsets",
    },
    ...parts,
  );
}

/// The entries around one: what stands where, who sent it, who polled it first.
function showEntries(state, key, at, table) {
  const { offsets, operations } = state.run;
  const operation = (place, text) =>
    place < 0
      ? "nobody"
      : pick(
          `${text ?? ""}op ${operations.index[place]}`,
          () => state.select({ kind: "operation", place }, { reveal: true }),
          "Select the operation",
        );
  const [from, to] = [
    Math.max(0, at - ENTRIES_AROUND),
    Math.min(key.count, at + ENTRIES_AROUND + 1),
  ];
  const row = (entry) => {
    const place = key.first + entry;
    const value = element("td", {}, "…");
    offsets.values.get(place).then((text) => fill(value, element("b", {}, plain(text))));
    const polls = offsets.polls[place];
    return element(
      "tr",
      { class: entry === at ? "here" : null },
      element("td", {}, grouped(offsets.offset[place])),
      value,
      element("td", {}, operation(offsets.writer[place])),
      element(
        "td",
        {},
        operation(offsets.reader[place]),
        polls > 1 && element("span", { class: "soft" }, ` and ${grouped(polls - 1)} more`),
      ),
      element(
        "td",
        { class: key.states[entry] === "polled" ? "soft" : "bad" },
        STATES[key.states[entry]],
      ),
    );
  };
  const rows = Array.from({ length: to - from }, (_, k) => row(from + k));
  fill(
    table,
    element(
      "table",
      {},
      tableHead(["offset", "value", "sent by", "polled first by", ""]),
      element("tbody", {}, rows),
    ),
  );
}
