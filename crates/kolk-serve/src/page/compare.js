// Two runs side by side: what decided them, what came of it.
import { ask, nameOf, pathOf } from "./api.js";
import { element, fill, plain } from "./dom.js";
import { duration, ratio } from "./format.js";
import { headOf } from "./run.js";
import { drawnLink } from "./row.js";
import { chartOf, latenciesOf } from "./spark.js";

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/// A tree's leaves by their paths: `network.latency` → 100. Lists are leaves.
function leaves(tree, before = "", found = new Map()) {
  if (!isObject(tree)) return found;
  for (const [key, value] of Object.entries(tree)) {
    const path = before ? `${before}.${key}` : key;
    if (isObject(value) && Object.keys(value).length > 0) leaves(value, path, found);
    else found.set(path, value);
  }
  return found;
}

/// The paths of two maps, in the order in which they appear.
const pathsOf = (maps) => [...new Set(maps.flatMap((map) => [...map.keys()]))];

function shown(value) {
  if (value === undefined) return "–";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return plain(text.length > 300 ? `${text.slice(0, 300)}… (${text.length} characters)` : text);
}

/// A table of two columns; rows are names and two texts.
function sides(title, names, rows) {
  if (rows.length === 0) return null;
  const body = rows.map(([name, one, other, differs]) =>
    element(
      "tr",
      { class: differs && "differs" },
      element("td", { class: "soft" }, name),
      element("td", {}, one),
      element("td", {}, other),
    ),
  );
  const head = element(
    "tr",
    {},
    [title, ...names].map((text) => element("th", { scope: "col" }, text)),
  );
  return element(
    "table",
    { class: "sides" },
    element("colgroup", {}, element("col", { class: "name" }), element("col"), element("col")),
    element("thead", {}, head),
    element("tbody", {}, body),
  );
}

/// What the plans differ in. Faults are told by how many there are, and at what times.
function planRows(runs) {
  const maps = runs.map(({ plan }) => leaves(plan ?? {}));
  const rows = [];
  for (const path of pathsOf(maps)) {
    const [one, other] = maps.map((map) => map.get(path));
    if (JSON.stringify(one) === JSON.stringify(other)) continue;
    const tell =
      path === "faults"
        ? faultTimes
        : path === "nodes"
          ? (nodes) => (nodes ? `${nodes.length}: ${plain(nodes.join(" "))}` : "–")
          : path === "time-limit"
            ? duration
            : shown;
    rows.push([plain(path), tell(one), tell(other), true]);
  }
  return rows;
}

function faultTimes(faults) {
  if (!Array.isArray(faults)) return "–";
  if (faults.length === 0) return "none";
  const first = faults
    .slice(0, 6)
    .map(({ fault, begin, end }) => `${plain(fault)} ${duration(begin)} … ${duration(end)}`);
  if (faults.length > first.length) first.push(`${faults.length - first.length} more`);
  return first.map((line) => element("div", {}, line));
}

const isCheck = (tree) => isObject(tree) && "valid" in tree;
const verdictOf = (valid) =>
  valid === true ? "✓ valid" : valid === false ? "✗ invalid" : "? unknown";

/// Each check, and its anomalies by kind.
function checkRows(runs) {
  const names = [
    ...new Set(
      runs.flatMap(({ results }) =>
        Object.entries(results ?? {})
          .filter(([name, tree]) => isCheck(tree) && name !== "timeline")
          .map(([name]) => name),
      ),
    ),
  ];
  const tell = (results, name) => {
    const tree = results?.[name];
    if (!isCheck(tree)) return "–";
    const kinds = Object.entries(countsOf(tree)).map(
      ([kind, count]) => `${plain(kind)} × ${count}`,
    );
    return [verdictOf(tree.valid), kinds.length > 0 && `: ${kinds.join(", ")}`]
      .filter(Boolean)
      .join("");
  };
  return names.map((name) => {
    const [one, other] = runs.map(({ results }) => tell(results, name));
    return [plain(name), one, other, one !== other];
  });
}

function countsOf(tree) {
  const counts = Object.create(null);
  for (const { type } of [...(tree.anomalies ?? []), ...(tree.stronger ?? [])])
    counts[type] = tree.counts?.[type] ?? (counts[type] ?? 0) + 1;
  return counts;
}

/// What was measured, and by how much the second is more or less.
function measureRows(runs) {
  const maps = runs.map(
    ({ results }) =>
      new Map(
        (results?.measures ?? []).map((measure) => [
          `${measure.check}: ${measure.name.replaceAll("-", " ")}`,
          measure,
        ]),
      ),
  );
  return pathsOf(maps).map((name) => {
    const [one, other] = maps.map((map) => map.get(name));
    const tell = (measure) =>
      measure ? `${ratio(measure.value ?? NaN)} ${plain(measure.unit)}` : "–";
    return [
      plain(name),
      tell(one),
      [tell(other), change(one?.value, other?.value)],
      one?.value !== other?.value,
    ];
  });
}

function change(one, other) {
  if (typeof one !== "number" || typeof other !== "number" || one === other || one === 0)
    return null;
  const factor = other / one;
  const text =
    factor >= 2 || factor <= 0.5
      ? `× ${ratio(factor)}`
      : `${factor > 1 ? "+" : "−"}${ratio(Math.abs(factor - 1) * 100)} %`;
  return element("span", { class: "soft" }, `  ${text}`);
}

/// Limits of a challenge, and what was measured.
function limitRows(runs) {
  const maps = runs.map(({ results }) => {
    const { challenge } = results?.run ?? {};
    return new Map(
      (challenge?.limits ?? []).map((limit) => [`${challenge.id}: ${limit.name}`, limit]),
    );
  });
  const tell = (limit) => {
    if (!limit) return "–";
    const value =
      limit.value === null ? "not measured" : `${ratio(limit.value)} ${plain(limit.unit)}`;
    return `${limit.holds ? "✓" : "✗"} ${value}${limit.below === null ? "" : ` (must be below ${ratio(limit.below)})`}`;
  };
  return pathsOf(maps).map((name) => {
    const [one, other] = maps.map((map) => map.get(name));
    return [plain(name), tell(one), tell(other), one?.value !== other?.value];
  });
}

/// Quantiles of latency by kind of operation.
function latencyRows(runs) {
  const names = [
    ["0.5", "median"],
    ["0.95", "95 %"],
    ["0.99", "99 %"],
    ["1", "longest"],
  ];
  const named = (quantiles) =>
    Object.fromEntries(names.map(([at, name]) => [name, quantiles?.[at]]));
  const maps = runs.map(({ results }) =>
    leaves(
      Object.fromEntries(
        Object.entries(results?.perf?.latencies ?? {}).map(([kind, quantiles]) => [
          kind,
          named(quantiles),
        ]),
      ),
    ),
  );
  const tell = (ms) => (typeof ms === "number" ? duration(ms * 1e6) : "–");
  return pathsOf(maps).map((path) => {
    const [one, other] = maps.map((map) => map.get(path));
    return [
      plain(path.replace(".", ", ")),
      tell(one),
      [tell(other), change(one, other)],
      one !== other,
    ];
  });
}

/// Draws the comparison of two runs, named as `workload/time`.
export async function drawComparison(main, names) {
  const runs = await Promise.all(
    names.map((name) => {
      const [workload = "", time = ""] = (name ?? "").split("/");
      return ask(pathOf("/api/runs", { workload, time }));
    }),
  );
  const latencies = await Promise.all(runs.map(({ row }) => latenciesOf(row)));
  const titles = runs.map(({ row }) => plain(nameOf(row)));
  document.title = `${titles.join(" and ")} – kolk`;
  const plans = planRows(runs);
  fill(
    main,
    runs.map(({ row }, number) => [
      headOf(
        row,
        element("span", {
          class: number === 0 ? "swatch" : "swatch second",
          title: "Its line in the chart",
        }),
      ),
      element(
        "div",
        { class: "tools" },
        drawnLink(row),
        element("a", { href: pathOf("/runs", row) }, "run and files"),
      ),
    ]),
    element("h2", {}, "Median latency over time"),
    chartOf(latencies),
    element("h2", {}, "Plan"),
    plans.length > 0
      ? sides("what differs", titles, plans)
      : element("p", { class: "soft" }, "The plans are the same."),
    element("h2", {}, "Checks"),
    sides("check", titles, [...checkRows(runs), ...limitRows(runs)]),
    element("h2", {}, "Measured"),
    sides("measure", titles, measureRows(runs)),
    element("h2", {}, "Latency of operations"),
    sides("kind, quantile", titles, latencyRows(runs)),
  );
}
