// Which of the pages this is.
import { byId, element, fill } from "./dom.js";
import { drawComparison } from "./compare.js";
import { drawRunPage } from "./run.js";
import { RunsTable } from "./table.js";

async function open() {
  const main = byId("main");
  const names = location.pathname.split("/").slice(1).map(decodeURIComponent);
  if (names[0] === "runs") await drawRunPage(main, { workload: names[1], time: names[2] });
  else if (names[0] === "compare") {
    const asked = new URLSearchParams(location.search);
    await drawComparison(main, [asked.get("a"), asked.get("b")]);
  } else {
    const table = new RunsTable(main);
    // For tests, and for those who look from the browser's console.
    Object.assign(window, { kolk: { table } });
    await table.watch();
  }
  document.body.classList.remove("loading");
  document.documentElement.dataset.ready = "true";
}

open().catch((error) => {
  document.body.classList.remove("loading");
  fill(
    byId("main"),
    element("p", { class: "problem" }, String(error.message ?? error)),
    element("p", {}, element("a", { href: "/" }, "all runs")),
  );
  document.documentElement.dataset.ready = "true";
});
