// Everything the mouse can do, by keys.
import { follow } from "./causality.js";
import { byId } from "./dom.js";

export function listenToKeys(state) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const act = KEYS[event.key] ?? KEYS[event.key.toLowerCase()];
    if (!act) return;
    // Space and Enter on a button press it; the arrows scroll what can be scrolled.
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest("button, summary") && (event.key === "Enter" || event.key === " ")) return;
    if (target?.closest(".scroll, #inspector") && event.key.startsWith("Arrow")) return;
    if (act(state, event) !== false) event.preventDefault();
  });
  byId("keys").addEventListener("click", () => byId("help").showModal());
}

function isTyping(target) {
  return target instanceof HTMLInputElement && target.type === "text";
}

const KEYS = {
  ArrowLeft: (state, event) => state.pan(event.shiftKey ? -0.5 : -0.1),
  ArrowRight: (state, event) => state.pan(event.shiftKey ? 0.5 : 0.1),
  "+": (state) => state.zoom(0.7, around(state)),
  "=": (state) => state.zoom(0.7, around(state)),
  "-": (state) => state.zoom(1 / 0.7, around(state)),
  0: (state) => state.show(...state.whole()),
  z: (state) => {
    if (!state.selection) return;
    state.reveal();
    state.changed("view");
  },
  o: (state) => state.setOrdinal(!state.isOrdinal),
  n: (state) => step(state, 1),
  p: (state) => step(state, -1),
  c: (state) => chain(state, "causes"),
  e: (state) => chain(state, "effects"),
  f: (state) => {
    state.onlyOperation = !state.onlyOperation;
    state.changed("filter");
  },
  a: (state) => nextAnomaly(state),
  escape: (state) => (byId("help").open ? false : state.select(null)),
  "?": () => byId("help").showModal(),
};

/// The cursor if it is in sight, else the middle.
function around(state) {
  const place = state.cursor?.place;
  return place >= state.from && place <= state.to ? place : undefined;
}

/// The next or last message that the filters let through.
function step(state, by) {
  const { messages } = state.run;
  const starts = state.isOrdinal ? messages.order : messages.sent;
  let place = state.selection?.place;
  if (state.selection?.kind !== "message" && state.selection?.kind !== "chain") {
    const from = Math.max(state.from, state.cursor?.place ?? state.from);
    place = by > 0 ? -1 : messages.count;
    for (let i = 0; by > 0 && i < messages.count && starts[i] < from; i++) place = i;
  }
  for (let at = place + by; at >= 0 && at < messages.count; at += by) {
    if (!state.isShown(at)) continue;
    state.select({ kind: "message", place: at });
    const begin = starts[at];
    const width = state.to - state.from;
    if (begin < state.from || begin > state.to) state.show(begin - width / 2, begin + width / 2);
    return;
  }
}

function chain(state, direction) {
  const { selection } = state;
  if (selection?.kind === "message" || selection?.kind === "chain") {
    state.select(follow(state.run, selection.place, direction));
  }
}

function nextAnomaly(state) {
  const { anomalies } = state.run;
  if (anomalies.length === 0) return;
  const number =
    ((state.selection?.kind === "anomaly" ? state.selection.number : -1) + 1) % anomalies.length;
  state.select({ kind: "anomaly", number, anomaly: anomalies[number] }, { reveal: true });
}
