// The evidence for the anomaly that is selected, as pictures: the smallest part of the history that
// shows it; for linearizability where the longest order ends; for values that were lost or late how they
// went from node to node.
import { byId, element, fill, pick, plain } from "./dom.js";
import { counted, cut } from "./format.js";
import { summary } from "./operations.js";
import { elementOf, pathTable } from "./paths.js";
import { PICTURED_MAX, pictureOf } from "./subhistory.js";

/// How many operations of an order are listed at first.
const ORDER_SHOWN = 60;

export class Evidence {
  constructor(state) {
    this.state = state;
    state.listen((what) => what.has("selection") && this.draw());
    this.draw();
  }

  /// It stays while operations and messages are looked at, and goes when nothing is selected.
  draw() {
    const { selection } = this.state;
    if (selection && selection.kind !== "anomaly") return;
    if (selection?.anomaly === this.shown) return;
    this.shown = selection?.anomaly;
    const parts = this.shown ? this.parts(this.shown) : [];
    byId("evidence-panel").hidden = parts.length === 0;
    fill(byId("evidence"), parts);
  }

  parts(anomaly) {
    const found = counterexample(this.state.run, anomaly);
    const indices = found?.minimal ?? anomaly.smallest ?? anomaly.operations ?? [];
    const places = this.places(indices);
    const parts = [];
    if (places.length > 1 && places.length <= PICTURED_MAX) {
      parts.push(
        element(
          "h3",
          {},
          found || anomaly.smallest
            ? "The smallest part of the history that shows it"
            : "Its operations",
        ),
        pictureOf(this.state, places, minimalMarks(this.state.run, found, places), anomaly),
      );
    }
    if (found) parts.push(this.order(found));
    const value = elementOf(this.state.run, anomaly);
    if (value !== null) parts.push(pathTable(this.state, value));
    return parts;
  }

  places(indices) {
    const { operations } = this.state.run;
    return indices
      .map((index) => operations.byIndex.get(index))
      .filter((place) => place !== undefined)
      .sort((a, b) => a - b);
  }

  /// Where the longest order of all the key's operations ends, and why it does not go on.
  order(found) {
    const { run } = this.state;
    const link = (index, isLong) => {
      const place = run.operations.byIndex.get(index);
      if (place === undefined) return `op ${index}`;
      const button = pick(
        `op ${index}`,
        () => this.state.select({ kind: "operation", place }),
        "Select the operation",
      );
      if (isLong)
        run.values
          .get(place)
          .then((value) => button.append(` ${cut(summary(run, place, value), 40)}`));
      return button;
    };
    const last = found.order.slice(-ORDER_SHOWN);
    const hidden = found["order-count"] - last.length;
    const more = found["remaining-count"] - found.remaining.length;
    return element(
      "div",
      { class: "columns" },
      element(
        "div",
        {},
        element(
          "h3",
          {},
          "The longest order that explains what all saw ",
          element("small", {}, counted(found["order-count"], "operation", "operations")),
        ),
        element(
          "p",
          { class: "order" },
          hidden > 0 && `… ${hidden} before, `,
          last.map((index) => [link(index, true), " "]),
        ),
        found.values.length > 0 &&
          element(
            "p",
            {},
            "Then ",
            element("b", {}, plain(found.values.join(" or "))),
            " is there.",
          ),
      ),
      element(
        "div",
        {},
        element("h3", {}, "What is left, and why it does not fit"),
        element(
          "ul",
          { class: "rows" },
          found.remaining.map(({ operation, why }) =>
            element("li", {}, link(operation), `  ${plain(why)}`),
          ),
          more > 0 && element("li", { class: "soft" }, `and ${more} more`),
        ),
      ),
    );
  }
}

/// Why a history is not linearizable, if that is what an anomaly is about.
export function counterexample({ results }, anomaly) {
  const found = anomaly.check === "workload" ? results.workload?.counterexamples : undefined;
  return found?.find(({ operation }) => operation === anomaly.operations?.[0]) ?? null;
}

/// For an anomaly's operations what the order says of each: `{ text, kind }` by place.
export function orderMarks({ operations }, found) {
  const marks = new Map();
  const mark = (index, text, kind) => {
    const place = operations.byIndex.get(index);
    if (place !== undefined) marks.set(place, { text, kind });
  };
  const first = found["order-count"] - found.order.length + 1;
  for (const [number, index] of found.order.entries()) {
    mark(index, String(first + number), "placed");
  }
  for (const { operation } of found.remaining) mark(operation, "?", "left");
  mark(found.operation, "✗", "broken");
  return marks;
}

/// In the small picture the order is counted from one.
function minimalMarks(run, found, places) {
  const marks = new Map();
  if (!found) return marks;
  const all = orderMarks(run, found);
  const placed = places
    .filter((place) => all.get(place)?.kind === "placed")
    .sort((a, b) => Number(all.get(a).text) - Number(all.get(b).text));
  for (const [number, place] of placed.entries()) {
    marks.set(place, { text: String(number + 1), kind: "placed" });
  }
  for (const place of places)
    if (all.has(place) && !marks.has(place)) marks.set(place, all.get(place));
  return marks;
}
