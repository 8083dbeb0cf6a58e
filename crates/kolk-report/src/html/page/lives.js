// Nodes that were killed or stood still: what they were given when they ran again, as marks in the
// diagram and in words below it.
import { byId, element, fill, pick, plain, restButton } from "./dom.js";
import { counted, moment } from "./format.js";

/// How many rows the table has at first.
const LIVES_SHOWN = 12;

/// Reads what became of the nodes; the diagram gets its marks, and the page its table.
export async function drawLives(state, diagram) {
  const stops = stopsOf(await state.run.nodeEvents());
  if (stops.length === 0) return;
  diagram.setMarks(stops.filter((stop) => stop.up !== null));
  fill(byId("lives-words"), livesTable(state, stops));
}

/// Every time that a node did not run: from when, how, until when, and what it was given then.
function stopsOf(events) {
  const stops = [];
  const open = new Map();
  for (const { time, node, kind, first, second } of events) {
    const stop = open.get(node);
    if (kind === "killed" || kind === "paused") {
      const next = { node, how: kind, from: time, started: null, up: null };
      open.set(node, next);
      stops.push(next);
    } else if (!stop) continue;
    else if (kind === "power") stop.how = "power";
    else if (kind === "started") stop.started = time;
    else if (kind === "up" || kind === "resumed") {
      Object.assign(stop, { up: time, delivered: first, dropped: second });
      open.delete(node);
    }
  }
  return stops;
}

/// What a node was given when it ran again, in few words.
export function given({ delivered, dropped }) {
  return `${delivered} delivered, ${dropped} dropped`;
}

/// The same in a sentence.
export function describeStop({ node, how, from, started, up, delivered, dropped }) {
  const name = plain(node);
  const began = {
    killed: `${name} was killed at ${moment(from)}`,
    power: `${name} lost its power at ${moment(from)}`,
    paused: `${name} stood still from ${moment(from)}`,
  }[how];
  if (up === null) {
    const start = started === null ? "" : `, was started again at ${moment(started)}`;
    return `${began}${start}, and did not run again`;
  }
  const again =
    how === "paused"
      ? ` to ${moment(up)}`
      : `, was started again at ${moment(started)}, and was up at ${moment(up)}`;
  const kept =
    delivered === 0
      ? "no message had been kept for it"
      : `${counted(delivered, "message that had been kept for it was", "messages that had been kept for it were")} delivered`;
  const lost =
    dropped === 0 ? "none was dropped" : `${counted(dropped, "more was", "more were")} dropped`;
  return `${began}${again}: ${kept}, ${lost}`;
}

function livesTable(state, stops) {
  const row = (stop) =>
    element(
      "li",
      {},
      pick(`${describeStop(stop)}.`, () => showMoment(state, stop.up ?? stop.from), "Show it"),
    );
  const list = element("ul", { class: "rows" }, stops.slice(0, LIVES_SHOWN).map(row));
  const rest = stops.slice(LIVES_SHOWN);
  const more = restButton(list, rest, row, `${rest.length} more`);
  return element(
    "details",
    {},
    element("summary", {}, "Nodes that were down or stood still, in words"),
    list,
    more,
  );
}

/// Puts the cursor at a moment, and brings it into the window.
export function showMoment(state, time) {
  const place = state.placeOf(time);
  state.cursor = { place };
  const half = (state.to - state.from) / 2;
  if (place < state.from || place > state.to) state.show(place - half, place + half);
  state.changed("cursor");
}
