// Puts the page together.
import { theme } from "./canvas.js";
import { follow, linkMessages } from "./causality.js";
import { Latency, Rate } from "./charts.js";
import { readRun } from "./data.js";
import { Diagram } from "./diagram.js";
import { byId, element, fill } from "./dom.js";
import { Evidence } from "./evidence.js";
import { Filters, recolor } from "./filters.js";
import { Inspector } from "./inspector.js";
import { listenToKeys } from "./keyboard.js";
import { drawLogs } from "./logs.js";
import { drawOffsets } from "./offsets.js";
import { Operations } from "./operations.js";
import { Overview } from "./overview.js";
import { pathOf, pathSelection } from "./paths.js";
import { drawRun } from "./run.js";
import { State } from "./state.js";
import { drawHeader, drawVerdict, findAnomalies } from "./verdict.js";

async function open() {
  theme.read();
  const run = await readRun();
  linkMessages(run);
  run.anomalies = findAnomalies(run.results);
  const state = new State(run);
  const paths = async (of) => pathSelection(await pathOf(run, of));
  const chains = (place, direction) => follow(run, place, direction);
  drawHeader(run);
  drawVerdict(state);
  document.body.classList.remove("loading");
  const canvas = (id) => byId(id).querySelector("canvas");
  const drawings = [
    new Overview(canvas("overview"), state),
    new Diagram(canvas("diagram"), state),
    new Operations(canvas("operations"), state),
    new Latency(canvas("latency"), state),
    new Rate(canvas("rate"), state),
  ];
  new Evidence(state);
  new Inspector(state);
  drawOffsets(state);
  drawLogs(state);
  drawRun(run);
  listenToKeys(state);
  if (!state.restore(chains, paths) && run.anomalies.some((anomaly) => anomaly.counts)) {
    state.select({ kind: "anomaly", number: 0, anomaly: run.anomalies[0] });
    state.cursor = null;
  }
  const filters = new Filters(state);
  window.addEventListener("hashchange", () => {
    state.restore(chains, paths);
    filters.draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    recolor(filters);
    for (const drawing of drawings) drawing.draw();
  });
  const redraw = (isPrinting) => {
    if (isPrinting) recolor(filters);
    for (const drawing of drawings) {
      drawing.isPrinting = isPrinting;
      drawing.draw();
    }
  };
  window.addEventListener("beforeprint", () => redraw(true));
  window.addEventListener("afterprint", () => redraw(false));
  // For tests, and for those who look into their runs from the browser's console.
  window.kolk = { run, state, drawings };
  document.documentElement.dataset.ready = "true";
}

open().catch((error) => {
  document.documentElement.dataset.ready = "false";
  document.body.classList.remove("loading");
  fill(byId("headline"), element("span", { class: "verdict fail" }, "This report cannot be read"), element("span", {}, String(error)));
  throw error;
});
