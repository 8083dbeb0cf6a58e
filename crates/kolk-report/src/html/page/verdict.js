// The verdict: what is wrong, what was checked, what was measured.
import { byId, element, fill, pick, plain, restButton, tableHead } from "./dom.js";
import { duration, grouped, ratio } from "./format.js";
import { steps } from "./inspector.js";
import { isAdd, pathOf, showPath } from "./paths.js";

const CHECKS = {
  perf: "latencies were measured",
  exceptions: "no node failed",
  stats: "operations of every kind succeeded",
  availability: "enough operations succeeded",
  net: "messages were counted",
  protocol: "nodes kept to the protocol",
  workload: "the workload's promises",
};

/// What counts in every run that is not held to Maelstrom's checks alone.
const BY_DEFAULT = new Set(["malformed-reply", "two-leaders"]);

/// How a run has to be made so that an anomaly counts that does not count in this one.
function countsWith(anomaly) {
  return BY_DEFAULT.has(anomaly.type) ? "without --as maelstrom" : "with --strict";
}

/// All anomalies that count and those that would with `--strict`, in the order that the verdict
/// gives them.
export function findAnomalies(results) {
  return (results.findings ?? []).map(({ check, stronger, place, counts, promise }) => {
    const anomaly = results[check]?.[stronger ? "stronger" : "anomalies"]?.[place] ?? {};
    return { ...anomaly, check, counts, promise };
  });
}

function isCheck(tree) {
  return typeof tree === "object" && tree !== null && "valid" in tree;
}

const WORD = (valid) => (valid === true ? "valid" : valid === false ? "invalid" : "unknown");
const SIGN = { valid: "✓", invalid: "✗", unknown: "?" };
const CLASS = { valid: "ok", invalid: "fail", unknown: "info" };

/// The line at the top, which stays in sight.
export function drawHeader({ plan, results, ended, anomalies }) {
  const word = WORD(results.valid);
  const uncounted = anomalies.filter((anomaly) => !anomaly.counts);
  const isRestricted = word === "valid" && uncounted.length > 0;
  const isMaelstroms =
    results.run.challenge || uncounted.some((anomaly) => BY_DEFAULT.has(anomaly.type));
  const restriction = isMaelstroms ? " with --as maelstrom" : " without --strict";
  const node =
    plan.node.kind === "built-in" ? `built-in ${plan.node.name}` : plan.node.path.split("/").pop();
  document.title = `${SIGN[word]} ${plain(plan.workload.name)} – kolk`;
  const parts = [
    plain(node),
    `${plan.nodes.length} ${plan.nodes.length === 1 ? "node" : "nodes"}`,
    duration(ended) + (plan.clock === "virtual" ? " virtual" : ""),
    results.run.deterministic ? "deterministic" : "paced",
    `seed ${plan.seed.replace(/^0x0+(?=.)/, "0x")}`,
  ];
  fill(
    byId("headline"),
    element(
      "span",
      { class: `verdict ${CLASS[word]}` },
      `${SIGN[word]} ${word}${isRestricted ? restriction : ""}`,
    ),
    element("strong", {}, plain(plan.workload.name)),
    element("span", { class: "soft" }, parts.join(" · ")),
  );
}

/// The panel: cards, checks, measures.
export function drawVerdict(state) {
  const { run } = state;
  fill(byId("cards"), [causes(run.results), cards(state)]);
  fill(byId("checks"), checkTable(run), slowest(state));
}

/// What lies behind the findings, and whether Maelstrom would accept the run.
function causes(results) {
  const lines = (results.causes ?? []).map((cause) =>
    element("p", { class: "cause" }, element("b", {}, "Likely cause: "), `${plain(cause)}.`),
  );
  if (results.valid === false && results.lenient === true) {
    const challenge = results.run.challenge;
    const asks = challenge
      ? `kolk asks more of challenge ${plain(challenge.id)}`
      : "kolk asks more with --strict";
    lines.unshift(element("p", { class: "cause" }, `Maelstrom would accept this run; ${asks}.`));
  }
  return lines;
}

function cards(state) {
  const { anomalies, results } = state.run;
  const list = element("div", { class: "cards" });
  const shown = new Map();
  const draw = (anomaly, number) => {
    const total = results[anomaly.check].counts?.[anomaly.type] ?? 1;
    const card = element(
      "article",
      { class: `card ${anomaly.counts ? "fail" : "info"}`, "data-anomaly": number },
      element(
        "h3",
        {},
        element("span", { class: "chip" }, plain(anomaly.type)),
        total > 1 && element("small", {}, ` ${grouped(total)} of its kind`),
      ),
      element("p", {}, plain(anomaly.claim)),
      steps(anomaly),
      anomaly.promise &&
        element(
          "p",
          { class: "soft" },
          `Maelstrom overlooks it. kolk asks more${anomaly.counts ? "" : `, and it counts ${countsWith(anomaly)}`}: ${plain(anomaly.promise)}.`,
        ),
      anomaly.operations?.length > 0 &&
        pick(
          `show ${anomaly.operations.length === 1 ? "its operation" : `its ${anomaly.operations.length} operations`}`,
          () => {
            state.select({ kind: "anomaly", number, anomaly }, { reveal: true });
            byId("diagram-panel").scrollIntoView({ behavior: "smooth", block: "start" });
          },
          "Select them in all panels",
        ),
    );
    state.listen((what) => {
      if (what.has("selection"))
        card.classList.toggle("selected", state.selection?.anomaly === anomaly);
    });
    return card;
  };
  // Of each kind the first, or the first three if there are few kinds, and the rest on request.
  const rest = [];
  const each = new Set(anomalies.map((anomaly) => anomaly.type)).size > 2 ? 1 : 3;
  anomalies.forEach((anomaly, number) => {
    const seen = shown.get(anomaly.type) ?? 0;
    shown.set(anomaly.type, seen + 1);
    if (seen < each) list.append(draw(anomaly, number));
    else rest.push([anomaly, number]);
  });
  const more = restButton(
    list,
    rest,
    ([anomaly, number]) => draw(anomaly, number),
    `${rest.length} more of these kinds`,
  );
  return anomalies.length > 0 ? [list, more] : [];
}

function checkTable({ results, plan }) {
  const measures = results.measures ?? [];
  const rows = Object.entries(results)
    .filter(([name, tree]) => isCheck(tree) && name !== "timeline")
    .map(([name, tree]) => {
      const word = WORD(tree.valid);
      const own = measures.filter((measure) => measure.check === name);
      return element(
        "tr",
        {},
        element("td", { class: CLASS[word] }, `${SIGN[word]} ${name}`),
        element("td", { class: "soft" }, CHECKS[name] ?? ""),
        element(
          "td",
          {},
          own.map((measure) =>
            element(
              "span",
              { class: "measure" },
              `${measure.name.replaceAll("-", " ")} `,
              element("b", {}, `${ratio(measure.value ?? NaN)} ${measure.unit}`),
              limit(measure, plan),
            ),
          ),
        ),
        element(
          "td",
          {},
          (tree.notes ?? []).map((note) => element("div", { class: "soft" }, plain(note))),
        ),
      );
    });
  const { challenge } = results.run;
  for (const held of challenge?.limits ?? []) rows.push(limitRow(held, challenge));
  return element(
    "table",
    {},
    tableHead(["check", "", "measured", "notes"]),
    element("tbody", {}, rows),
  );
}

/// The values that took longest to be in every read: who added each, who missed it last, where it went.
function slowest(state) {
  const { results, operations } = state.run;
  const values = results.workload?.["worst-stale"] ?? [];
  if (values.length === 0) return null;
  const pickOperation = (event, text) => {
    const place = event && placeOfEvent(state.run, event);
    return place === undefined || place === null
      ? text
      : pick(
          text,
          () => state.select({ kind: "operation", place }, { reveal: true }),
          "Select the operation",
        );
  };
  const way = (event, last) => {
    const place = event && placeOfEvent(state.run, event);
    if (place === undefined || place === null || !isAdd(state.run, place)) return null;
    const end = last && placeOfEvent(state.run, last);
    const until = operations.completed[end ?? place];
    return pick(
      "where it went",
      async () => {
        const path = await pathOf(state.run, {
          place,
          until: Number.isNaN(until) ? state.run.ended : until,
        });
        showPath(state, path);
      },
      "Follow the value from node to node",
    );
  };
  const row = (value) =>
    element(
      "tr",
      {},
      element("td", {}, element("b", {}, plain(JSON.stringify(value.element)))),
      element("td", {}, duration(value["stable-latency"] * 1e6)),
      element("td", {}, pickOperation(value.known, "added")),
      element("td", {}, pickOperation(value["last-absent"], "missed last")),
      element("td", {}, way(value.known, value["last-absent"])),
    );
  return element(
    "details",
    { class: "slowest" },
    element(
      "summary",
      {},
      `The ${values.length === 1 ? "value" : `${values.length} values`} that took longest to be seen by everybody`,
    ),
    element("table", {}, element("tbody", {}, values.map(row))),
  );
}

/// The operation that an event of the history belongs to.
function placeOfEvent({ operations }, event) {
  const place = operations.byIndex.get(event.index);
  if (place !== undefined || event.type === "invoke") return place;
  for (let i = 0; i < operations.count; i++) {
    if (operations.process[i] === event.process && operations.completed[i] === event.time) return i;
  }
  return undefined;
}

/// A challenge's limit, and what was measured.
function limitRow(held, challenge) {
  const value = held.value === null ? "not measured" : `${ratio(held.value)} ${held.unit}`;
  const asked = [
    held.below !== null && `must be below ${ratio(held.below)} ${held.unit}`,
    held.goal !== null && `our goal for this node: at most ${ratio(held.goal)} ${held.unit}`,
  ];
  return element(
    "tr",
    {},
    element(
      "td",
      { class: held.below === null ? "soft" : held.holds ? "ok" : "fail" },
      `${held.below === null ? "·" : held.holds ? "✓" : "✗"} challenge ${challenge.id}`,
    ),
    element("td", { class: "soft" }, held.name),
    element(
      "td",
      {},
      element("b", {}, value),
      element(
        "span",
        { class: "soft" },
        `  (${asked.filter(Boolean).join(", ") || "measured only"})`,
      ),
    ),
    element("td", {}),
  );
}

/// What a measure is held to.
function limit(measure, plan) {
  if (measure.name === "availability" && plan.availability !== null) {
    return element(
      "span",
      { class: "soft" },
      plan.availability === 1 ? "  (wanted: total)" : `  (wanted ≥ ${ratio(plan.availability)})`,
    );
  }
  if (measure.name === "rate")
    return element("span", { class: "soft" }, `  (asked for ${ratio(plan.rate)} /s)`);
  return null;
}
