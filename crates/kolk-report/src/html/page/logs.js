// What the nodes wrote to stderr.
import { byId, element, fill, plain } from "./dom.js";
import { counted } from "./format.js";

const LOG_ROW = 17;
const LOG_HEIGHT = 260;

/// A column for every node that wrote anything, drawn as far as it is in sight.
export function drawLogs(state) {
  const { logs } = state.run;
  const written = logs.filter((log) => log.count > 0);
  const quiet = logs.filter((log) => log.count === 0).map((log) => plain(log.node));
  fill(
    byId("logs"),
    written.map((log) => logPane(log)),
    quiet.length > 0 && element("p", { class: "soft" }, written.length === 0 ? "No node wrote anything to stderr." : `${quiet.join(", ")} wrote nothing.`),
  );
}

function logPane(log) {
  const lines = element("div", { class: "lines" });
  const tall = element("div", { class: "tall" }, lines);
  const scroll = element("div", { class: "scroll", tabindex: 0, role: "log", "aria-label": `log of ${plain(log.node)}` }, tall);
  tall.style.height = `${log.count * LOG_ROW}px`;
  const draw = async () => {
    const first = Math.max(0, Math.floor(scroll.scrollTop / LOG_ROW) - 5);
    const last = Math.min(log.count, first + Math.ceil(LOG_HEIGHT / LOG_ROW) + 10);
    const texts = await Promise.all(Array.from({ length: last - first }, (_, k) => log.texts.get(first + k)));
    lines.style.transform = `translateY(${first * LOG_ROW}px)`;
    fill(lines, texts.map((text, k) => element("div", { class: "line" }, element("span", { class: "number" }, String(first + k + 1)), plain(text))));
  };
  scroll.addEventListener("scroll", draw);
  draw();
  return element("section", { class: "log" }, element("h3", {}, plain(log.node), element("small", {}, ` ${counted(log.count, "line", "lines")}`)), scroll);
}

/// The log lines around a message, where it is known when they were written.
export function logsAround() {
  return null;
}
