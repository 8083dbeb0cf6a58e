// The run: what decided it, and the lines that repeat it.
import { byId, element, fill, plain } from "./dom.js";
import { duration, grouped, moment } from "./format.js";

export function drawRun({ plan, results, meta, messages, operations }) {
  const { run } = results;
  const folder = runFolder();
  const rows = [
    [
      "workload",
      [
        plan.workload.name,
        ...Object.entries(plan.workload.settings ?? {}).map(([key, value]) => `--${key} ${value}`),
      ].join(" "),
    ],
    ["node", [plan.node.name ?? plan.node.path, ...(plan.node.args ?? [])].join(" ")],
    plan.node.sha256 && ["SHA-256", plan.node.sha256],
    ["nodes", plan.nodes.join(" ")],
    ["seed", plan.seed],
    ["clock", `${plan.clock} (${run.deterministic ? "deterministic" : "paced"})`],
    [
      "load",
      `${plan.concurrency} workers, ${plan.rate} operations a second for ${duration(plan["time-limit"])}`,
    ],
    ["network", network(plan.network)],
    ["faults", faults(plan.faults)],
    [
      "judged",
      [
        plan.strict ? "strict" : "as in Maelstrom",
        plan.availability !== null && `availability ${plan.availability}`,
      ]
        .filter(Boolean)
        .join(", "),
    ],
    [
      "ended",
      `${run.ending.kind}${run.ending.node ? ` (${run.ending.node})` : ""}, ${moment(run.ended)}`,
    ],
    [
      "counted",
      `${grouped(operations.count)} operations, ${grouped(messages.count)} messages, ${grouped(run["event-count"])} events`,
    ],
    ["digest", run.digest],
    [
      "kolk",
      `${plan["kolk-version"]}, draws ${plan.draws}, plan format ${plan.format}, page format ${meta.format}`,
    ],
  ];
  const lines = [
    ["run it again", `kolk replay ${folder}`],
    plan.clock === "virtual" && ["prove it repeats", `kolk verify ${folder}`],
    ["judge it again", `kolk check ${folder}/history.jsonl -w ${plan.workload.name}`],
    ["draw this page again", `kolk report ${folder}`],
  ];
  fill(
    byId("run"),
    element(
      "dl",
      {},
      rows
        .filter(Boolean)
        .map(([name, value]) => [element("dt", {}, name), element("dd", {}, plain(value))]),
    ),
    element(
      "dl",
      { class: "commands" },
      lines
        .filter(Boolean)
        .map(([name, line]) => [
          element("dt", {}, name),
          element("dd", {}, element("code", {}, plain(line))),
        ]),
    ),
    element(
      "details",
      {},
      element("summary", {}, "plan.json"),
      element("pre", { class: "json" }, plainJson(plan)),
    ),
    element(
      "details",
      {},
      element("summary", {}, "results.json"),
      element("pre", { class: "json" }, plainJson(results)),
    ),
  );
}

function plainJson(value) {
  return JSON.stringify(value, null, 2).split("\n").map(plain).join("\n");
}

function network({ latency, loss, duplication, ...rest }) {
  const parts = [`latency ${latency} ms ${rest["latency-dist"]}`];
  if (loss > 0) parts.push(`loss ${loss}`);
  if (duplication > 0) parts.push(`duplication ${duplication}`);
  return parts.join(", ");
}

function faults(list) {
  if (list.length === 0) return "none";
  const kinds = {};
  for (const fault of list) kinds[fault.fault] = (kinds[fault.fault] ?? 0) + 1;
  return Object.entries(kinds)
    .map(([kind, count]) => `${count} × ${kind}`)
    .join(", ");
}

/// Where the page lies, if it was opened as a file.
function runFolder() {
  if (location.protocol !== "file:") return "RUN";
  const path = decodeURIComponent(location.pathname).replace(/\/[^/]*$/, "");
  return /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
