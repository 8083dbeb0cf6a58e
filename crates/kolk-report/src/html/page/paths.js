// How a value that was added at one node came to the others, for broadcast and sets: which message
// brought it where, and where it went no further.
//
// Nodes may say it in any way they like. A message carries a value if its body holds it by itself,
// under any key but the protocol's own, or in a list of numbers or texts; and only messages of a node
// that has it count, by the order of events, which both clocks have. What a node answers to reads
// confirms it, or shows that it was forgotten. Values that travel in another shape (ranges, bit sets,
// through a service) are not recognised, and where that is possible the page says so.
import { FATES } from "./data.js";
import { byId, element, fill, pick, plain } from "./dom.js";
import { counted, duration, moment } from "./format.js";

const OWN_KEYS = new Set(["type", "msg_id", "in_reply_to"]);
const ADDS = new Set(["broadcast", "add"]);
/// Which workloads' values travel like this.
const SETS = new Set(["broadcast", "g-set"]);

/// The operation that added the value an anomaly is about, or null.
export function elementOf(run, anomaly) {
  const place = run.operations.byIndex.get(anomaly.operations?.[0]);
  return place !== undefined && isAdd(run, place)
    ? { place, until: endOf(run, anomaly.operations) }
    : null;
}

/// True for operations that add a value to a set.
export function isAdd({ plan, operations, meta }, place) {
  return SETS.has(plan.workload.name) && ADDS.has(meta.functions[operations.function[place]]);
}

/// When the last of some operations was over.
function endOf({ operations, ended }, indices) {
  const ends = indices.map((index) => operations.completed[operations.byIndex.get(index)] ?? ended);
  return Math.max(...ends.map((end) => (Number.isNaN(end) ? ended : end)));
}

/// The path of the value that an operation added: for each node when it had it and by which message,
/// what was sent to it in vain, and which of its answers lack it later.
export async function pathOf(run, { place, until }) {
  const { messages, operations, meta, actors } = run;
  const added = JSON.parse((await run.values.get(place)).split("\n")[0]);
  const nodes = actors.sorted.filter((actor) => actor.group === "node");
  const known = new Map(
    nodes.map(({ number }) => [
      number,
      {
        since: NaN,
        sinceOrder: NaN,
        message: -1,
        lacking: null,
        vain: [],
        confirmed: NaN,
        isTold: false,
      },
    ]),
  );
  const isAnswer = meta.kinds.map((kind) => kind === "read_ok");
  const isNode = (actor) => known.has(actor);
  const request = operations.messages(place)[0] ?? -1;
  const first = Math.max(request, 0);
  // Messages by when they matter: an answer when it is sent, all others when they end.
  const found = [];
  const wanted = (i) =>
    messages.sent[i] <= until &&
    (isAnswer[messages.kind[i]]
      ? isNode(messages.src[i])
      : isNode(messages.src[i]) && isNode(messages.dest[i]));
  await run.bodies.scan(first, messages.count, wanted, (i, text) => {
    const isThere = mayHold(text, added) && holds(JSON.parse(text), added);
    if (isAnswer[messages.kind[i]])
      found.push({ order: messages.order[i], message: i, isAnswer: true, isThere });
    else if (isThere)
      found.push({
        order: messages.fate[i] === 0 ? Infinity : messages.endOrder[i],
        message: i,
        isAnswer: false,
        isThere,
      });
  });
  if (request >= 0 && messages.fate[request] === 1) {
    found.push({
      order: messages.endOrder[request],
      message: request,
      isAnswer: false,
      isThere: true,
    });
  }
  found.sort((a, b) => a.order - b.order);
  for (const { message, isAnswer: answers, isThere } of found) {
    if (answers) noteAnswer(known.get(messages.src[message]), messages, message, isThere);
    else noteCarrier(known, messages, message, request);
  }
  noteTold(known, messages, actors, until);
  return { place, until, value: added, nodes, known };
}

function noteAnswer(node, messages, message, isThere) {
  if (isThere && Number.isNaN(node.since)) {
    // It has it, and nobody can say from where.
    node.since = messages.sent[message];
    node.sinceOrder = messages.order[message];
    node.message = -1;
  }
  if (isThere && Number.isNaN(node.confirmed)) node.confirmed = messages.sent[message];
  if (!Number.isNaN(node.since)) node.lacking = isThere ? null : (node.lacking ?? message);
}

function noteCarrier(known, messages, message, request) {
  const sender = known.get(messages.src[message]);
  const node = known.get(messages.dest[message]);
  const isLegal = message === request || (sender && messages.order[message] > sender.sinceOrder);
  const has = !Number.isNaN(node.since) && node.lacking === null;
  if (!isLegal || has) return;
  if (messages.fate[message] === 1) {
    node.since = messages.end[message];
    node.sinceOrder = messages.endOrder[message];
    node.message = message;
    node.lacking = null;
  } else node.vain.push(message);
}

/// Notes which nodes got any message at all once another had the value: of a node or a service, which
/// may have handed it on in a shape that is not recognised.
function noteTold(known, messages, actors, until) {
  const isClient = new Set(
    actors.sorted.filter((actor) => actor.group === "client").map((actor) => actor.number),
  );
  const had = Math.min(
    ...[...known.values()].map((node) =>
      Number.isNaN(node.sinceOrder) ? Infinity : node.sinceOrder,
    ),
  );
  for (let i = 0; i < messages.count; i++) {
    const node = known.get(messages.dest[i]);
    if (
      node &&
      messages.fate[i] === 1 &&
      messages.order[i] > had &&
      messages.end[i] <= until &&
      !isClient.has(messages.src[i])
    )
      node.isTold = true;
  }
}

/// A quick look: no body holds a number that its text does not.
function mayHold(text, value) {
  return text.includes(
    typeof value === "string" ? JSON.stringify(value).slice(1, -1) : JSON.stringify(value),
  );
}

/// True if a body holds a value by itself or in a list of its kind.
function holds(tree, value, isTop = true) {
  if (Array.isArray(tree)) {
    const isFlat = tree.every((item) => item === null || typeof item !== "object");
    return isFlat
      ? tree.some((item) => item === value)
      : tree.some((item) => typeof item === "object" && item !== null && holds(item, value, false));
  }
  return Object.entries(tree).some(([key, item]) => {
    if (isTop && OWN_KEYS.has(key)) return false;
    if (typeof item === "object" && item !== null) return holds(item, value, false);
    return item === value;
  });
}

/// The messages of a path, as something to select.
export function pathSelection(path) {
  const messages = [];
  for (const node of path.known.values()) {
    if (node.message >= 0) messages.push(node.message);
    messages.push(...node.vain);
  }
  return {
    kind: "path",
    place: path.place,
    until: path.until,
    path,
    chain: messages.sort((a, b) => a - b),
  };
}

/// Selects the messages of a path, and scrolls to where they are drawn.
export function showPath(state, path) {
  state.select(pathSelection(path), { reveal: true });
  byId("diagram-panel").scrollIntoView({ behavior: "smooth", block: "start" });
}

/// A table of the path, filled in when it is known.
export function pathTable(state, of) {
  const made = element(
    "div",
    { class: "path" },
    element("p", { class: "soft" }, "looking for the value in all messages …"),
  );
  pathOf(state.run, of).then((path) => fill(made, tableOf(state, path)));
  return made;
}

function tableOf(state, path) {
  const { run } = state;
  const rows = path.nodes.map((node) => [node, path.known.get(node.number)]);
  rows.sort(
    ([, a], [, b]) =>
      (Number.isNaN(a.since) ? Infinity : a.since) - (Number.isNaN(b.since) ? Infinity : b.since),
  );
  const began = run.operations.invoked[path.place];
  const show = pick(
    "show its messages in the diagram",
    () => showPath(state, path),
    "Select the messages that carried it",
  );
  return [
    element("h3", {}, "Where value ", element("b", {}, plain(JSON.stringify(path.value))), " went"),
    element(
      "table",
      {},
      element(
        "tbody",
        {},
        rows.map(([node, known]) =>
          element(
            "tr",
            { class: Number.isNaN(known.since) || known.lacking !== null ? "missing" : null },
            element("td", {}, plain(node.name)),
            element(
              "td",
              {},
              Number.isNaN(known.since)
                ? element("b", { class: "bad" }, "never")
                : `${moment(known.since)}`,
            ),
            element(
              "td",
              { class: "soft" },
              Number.isNaN(known.since) ? "" : `+${duration(known.since - began)}`,
            ),
            element("td", {}, way(state, known)),
          ),
        ),
      ),
    ),
    element("p", { class: "tools" }, show),
  ];
}

/// How a node came to a value, or did not.
function way(state, known) {
  const { run } = state;
  const { messages, meta } = run;
  const link = (place, text) =>
    pick(text, () => state.select({ kind: "message", place }), "Select the message");
  const parts = [];
  if (known.message >= 0) {
    const kind = plain(meta.kinds[messages.kind[known.message]]);
    parts.push(
      `by ${kind} from ${plain(meta.actors[messages.src[known.message]])}, `,
      link(known.message, `message ${messages.id[known.message]}`),
    );
  } else if (!Number.isNaN(known.since))
    parts.push("its answer has it; no message that kolk recognises brought it there");
  if (known.lacking !== null)
    parts.push(
      parts.length > 0 && "; ",
      element("b", { class: "bad" }, "missing"),
      ` from its answer of ${moment(messages.sent[known.lacking])}, `,
      link(known.lacking, `message ${messages.id[known.lacking]}`),
    );
  if (known.vain.length > 0) {
    const fates = new Map();
    for (const message of known.vain) {
      const fate =
        messages.fate[message] === 0 ? "on their way at the end" : FATES[messages.fate[message]];
      fates.set(fate, [...(fates.get(fate) ?? []), message]);
    }
    parts.push(
      parts.length > 0 && "; before that ",
      `${counted(known.vain.length, "message", "messages")} with it did not arrive: `,
    );
    let isFirst = true;
    for (const [fate, list] of fates) {
      parts.push(
        !isFirst && ", ",
        `${list.length} ${fate} (`,
        link(list[0], `message ${messages.id[list[0]]}`),
        list.length > 1 && " …",
        ")",
      );
      isFirst = false;
    }
  } else if (Number.isNaN(known.since)) {
    parts.push(
      known.isTold
        ? "no message that kolk recognises brought it there"
        : "no message of another node reached it once a node had the value",
    );
  }
  return parts;
}
