// One run: what it was, how it went, its files.
import { ask, filePath, nameOf, pathOf } from "./api.js";
import { element, fill, plain } from "./dom.js";
import { grouped, prettyJson, ratio } from "./format.js";
import { began, drawnLink, durationOf, faultsOf, seedOf, stateOf } from "./row.js";
import { drawSpark } from "./spark.js";

/// A length in bytes.
function bytes(count) {
  const units = ["bytes", "kB", "MB", "GB"];
  let place = 0;
  while (count >= 1000 && place < units.length - 1) {
    count /= 1000;
    place += 1;
  }
  return `${place === 0 ? grouped(count) : ratio(count)} ${units[place]}`;
}

/// What a run is, in one line, with something before it.
export function headOf(row, before = null) {
  const parts = [
    row.isBuiltIn ? `built-in ${plain(row.node)}` : plain(row.node),
    `${row.nodeCount} ${row.nodeCount === 1 ? "node" : "nodes"}`,
    row.duration !== null && `${durationOf(row)}${row.clock === "virtual" ? " virtual" : ""}`,
    faultsOf(row),
    `seed ${seedOf(row)}`,
    `began ${began(row)}`,
  ];
  return element(
    "div",
    { class: "head" },
    before,
    stateOf(row),
    element("strong", {}, plain(row.workload)),
    element("span", { class: "soft" }, parts.filter(Boolean).join(" · ")),
  );
}

/// Draws the page of a run.
export async function drawRunPage(main, run) {
  const { row, plan, results, files } = await ask(pathOf("/api/runs", run));
  document.title = `${plain(nameOf(row))} – kolk`;
  const spark = element("span");
  drawSpark(spark, row);
  const link = (name, text, kind) => element("a", { href: filePath(row, name), class: kind }, text);
  fill(
    main,
    headOf(row),
    row.problem && element("p", { class: "problem" }, plain(row.problem)),
    element("div", { class: "tools" }, drawnLink(row), element("a", { href: "/" }, "all runs")),
    element("p", { class: "soft" }, "Latency over time ", spark),
    row.anomalies.length > 0 &&
      element(
        "p",
        {},
        "Anomalies: ",
        row.anomalies.map((kind) => [element("span", { class: "chip" }, plain(kind)), " "]),
      ),
    element("h2", {}, "Files"),
    element(
      "table",
      { class: "files" },
      element(
        "tbody",
        {},
        files.map((file) =>
          element(
            "tr",
            {},
            element("td", {}, file.isServed ? link(file.path, plain(file.path)) : plain(file.path)),
            element("td", { class: "number" }, bytes(file.bytes)),
          ),
        ),
      ),
    ),
    plan &&
      element(
        "details",
        {},
        element("summary", {}, "plan.json"),
        element("pre", { class: "json" }, prettyJson(JSON.stringify(plan))),
      ),
    results &&
      element(
        "details",
        {},
        element("summary", {}, "results.json"),
        element("pre", { class: "json" }, prettyJson(JSON.stringify(results))),
      ),
  );
}
