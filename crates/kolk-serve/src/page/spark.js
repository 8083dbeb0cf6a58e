// Latencies over time: as small as a word, and larger for two runs.
import { ask, nameOf, pathOf } from "./api.js";
import { duration } from "./format.js";
import { shape } from "./svg.js";

const known = new Map();

/// A run's latencies. They are asked for once, unless the run has changed; null if it has none.
export function latenciesOf(row) {
  const key = `${nameOf(row)} ${row.stamp}`;
  if (row.state === "running") return ask(pathOf("/api/runs", row, "/latency")).catch(() => null);
  if (!known.has(key))
    known.set(
      key,
      ask(pathOf("/api/runs", row, "/latency")).catch(() => null),
    );
  return known.get(key);
}

/// A scale from 0 to the longest: logarithmic above a tenth of a millisecond, so that what waited for
/// a partition to heal does not flatten the rest.
function scale(longest, height) {
  const least = 1e5;
  const top = Math.log(Math.max(longest, least) / least + 1) || 1;
  return (nanos) => height - (Math.log(nanos / least + 1) / top) * height;
}

/// A path through the numbers that are there; points where one stands alone.
function path(numbers, x, y) {
  let text = "";
  const alone = [];
  numbers.forEach((number, place) => {
    if (number === null) return;
    const follows = place > 0 && numbers[place - 1] !== null;
    text += `${follows ? "L" : "M"}${x(place).toFixed(1)} ${y(number).toFixed(1)}`;
    if (!follows && (numbers[place + 1] ?? null) === null) alone.push([x(place), y(number)]);
  });
  return { text, alone };
}

/// Fills an element with a drawing once the numbers are there.
export async function drawSpark(target, row) {
  const latencies = await latenciesOf(row);
  if (!latencies || latencies.count === 0) {
    target.replaceChildren("–");
    return;
  }
  const [width, height] = [120, 22];
  const { medians, longest } = latencies;
  const most = Math.max(...longest.map((nanos) => nanos ?? 0));
  const x = (place) => 2 + (place * (width - 4)) / (medians.length - 1);
  const y = (nanos) => 2 + scale(most, height - 4)(nanos);
  const label = `Latency over time: medians up to ${duration(Math.max(...medians.map((nanos) => nanos ?? 0)))}, the longest ${duration(most)}${latencies.isCut ? " (the history's end is missing)" : ""}`;
  const drawing = shape("svg", {
    class: "spark",
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": label,
  });
  drawing.append(shape("title", {}, label));
  for (const [numbers, kind, dot] of [
    [longest, "high", "high-dot"],
    [medians, "line", "dot"],
  ]) {
    const { text, alone } = path(numbers, x, y);
    drawing.append(shape("path", { class: kind, d: text }));
    for (const [cx, cy] of alone) drawing.append(shape("circle", { class: dot, cx, cy, r: 1.4 }));
  }
  target.replaceChildren(drawing);
}

/// Two runs' medians in one chart, each over its own time from 0 to the longer one's end.
export function chartOf(pair) {
  const [width, height, left, bottom] = [1240, 150, 70, 18];
  const most = Math.max(1, ...pair.flatMap((run) => run?.medians ?? []).map((nanos) => nanos ?? 0));
  const ended = Math.max(1, ...pair.map((run) => run?.ended ?? 0));
  const high = height - bottom - 8;
  const y = (nanos) => 8 + scale(most, high)(nanos);
  const chart = shape("svg", {
    class: "chart",
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": "Median latency over time, of both runs",
  });
  for (const nanos of [0, ...[1e6, 1e7, 1e8, 1e9, 1e10, 1e11].filter((mark) => mark <= most)]) {
    chart.append(shape("line", { class: "grid", x1: left, x2: width, y1: y(nanos), y2: y(nanos) }));
    chart.append(
      shape("text", { x: left - 8, y: y(nanos) + 4, "text-anchor": "end" }, duration(nanos)),
    );
  }
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const anchor = part === 1 ? "end" : part === 0 ? "start" : "middle";
    chart.append(
      shape(
        "text",
        { x: left + part * (width - left), y: height - 3, "text-anchor": anchor },
        duration(part * ended),
      ),
    );
  }
  pair.forEach((run, number) => {
    if (!run || run.count === 0) return;
    const step = ((width - left) * (run.ended / ended)) / run.medians.length;
    const { text } = path(run.medians, (place) => left + (place + 0.5) * step, y);
    chart.append(shape("path", { class: number === 0 ? "line" : "line second", d: text }));
  });
  return chart;
}
