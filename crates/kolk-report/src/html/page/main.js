// Puts the page together.
import { theme } from "./canvas.js";
import { linkMessages } from "./causality.js";
import { readRun } from "./data.js";
import { byId, element, fill } from "./dom.js";
import { drawDisks } from "./disks.js";
import { Evidence } from "./evidence.js";
import { Inspector } from "./inspector.js";
import { listenToKeys } from "./keyboard.js";
import { drawLives } from "./lives.js";
import { drawLogs } from "./logs.js";
import { drawOffsets } from "./offsets.js";
import { drawPanels, listenToWindow, restore } from "./panels.js";
import { drawRun } from "./run.js";
import { drawSmall } from "./small.js";
import { State } from "./state.js";
import { drawTerms } from "./terms.js";
import { drawHeader, drawVerdict, findAnomalies } from "./verdict.js";

async function open() {
  theme.read();
  const run = await readRun();
  linkMessages(run);
  run.anomalies = findAnomalies(run.results);
  const state = new State(run);
  drawHeader(run);
  drawVerdict(state);
  document.body.classList.remove("loading");
  const drawings = drawPanels(state);
  new Evidence(state);
  new Inspector(state);
  drawOffsets(state);
  drawLogs(state);
  drawRun(run);
  // What is not seen at once is read when the page is there.
  const later = Promise.all([
    drawSmall(state),
    drawTerms(state, drawings),
    drawLives(state, drawings[1]),
    drawDisks(state, drawings),
  ]);
  listenToKeys(state);
  if (!restore(state) && run.anomalies.some((anomaly) => anomaly.counts)) {
    state.select({ kind: "anomaly", number: 0, anomaly: run.anomalies[0] });
    state.cursor = null;
  }
  listenToWindow(state, drawings);
  // For tests, and for those who look into their runs from the browser's console.
  Object.assign(window, { kolk: { run, state, drawings, later } });
  document.documentElement.dataset.ready = "true";
}

open().catch((error) => {
  document.documentElement.dataset.ready = "false";
  document.body.classList.remove("loading");
  fill(
    byId("headline"),
    element("span", { class: "verdict fail" }, "This report cannot be read"),
    element("span", {}, String(error)),
  );
  throw error;
});
