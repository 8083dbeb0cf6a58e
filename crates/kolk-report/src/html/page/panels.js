// The drawings over time, and what happens to them from outside.
import { follow } from "./causality.js";
import { Latency, Rate } from "./charts.js";
import { Diagram } from "./diagram.js";
import { byId } from "./dom.js";
import { Filters, recolor } from "./filters.js";
import { Operations } from "./operations.js";
import { Overview } from "./overview.js";
import { pathOf, pathSelection } from "./paths.js";

/// All drawings, from the top of the page to its end.
export function drawPanels(state) {
  const canvas = (id) => byId(id).querySelector("canvas");
  return [
    new Overview(canvas("overview"), state),
    new Diagram(canvas("diagram"), state),
    new Operations(canvas("operations"), state),
    new Latency(canvas("latency"), state),
    new Rate(canvas("rate"), state),
  ];
}

/// Reads the state out of the address, what a selection there leads to included. False if the address
/// says nothing new.
export function restore(state) {
  const { run } = state;
  const chains = (place, direction) => follow(run, place, direction);
  return state.restore(chains, async (of) => pathSelection(await pathOf(run, of)));
}

/// Redraws when the address, the colours or the paper change. Returns the filters.
export function listenToWindow(state, drawings) {
  const filters = new Filters(state);
  window.addEventListener("hashchange", () => {
    restore(state);
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
  return filters;
}
