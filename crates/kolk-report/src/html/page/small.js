// How the page of a run opens that was made small: only the messages that lead to the failure, as a
// picture and in sentences, and what is different in the nearest run that holds.
import { FATES } from "./data.js";
import { byId, element, fill, pick, plain, restButton, tableHead } from "./dom.js";
import { counted, cut, duration, moment } from "./format.js";
import { summary } from "./operations.js";
import { elementOf, pathOf, pathSelection } from "./paths.js";
import { shape, shapeButton, textFitting } from "./svg.js";

/// How many messages the picture shows: those before the failure.
const SLICE_MAX = 40;
/// How many differences are listed at first.
const DIFFERENCES_SHOWN = 12;
const SLICE_LANE = 62;
const SLICE_LABELS = 96;
/// What is called by another name where it is counted.
const SIZES = {
  nodes: ["node", "nodes"],
  operations: ["operation", "operations"],
  faults: ["fault", "faults"],
  messages: ["message", "messages"],
};

/// Shows the panel, if the run was made small.
export async function drawSmall(state) {
  const { small } = state.run.meta;
  if (!small || typeof small !== "object") return;
  const panel = byId("small-panel");
  panel.hidden = false;
  document.querySelector('nav a[href="#small-panel"]').toggleAttribute("hidden", false);
  const { run } = state;
  const anomaly =
    run.anomalies.find(
      ({ type, check, counts }) =>
        counts && [type, `${check}/${type}`].includes(String(small.class)),
    ) ?? run.anomalies.find(({ counts }) => counts);
  const differing = placesOf(run, small.nearest);
  const slice = await causalSlice(run, anomaly, differing);
  const told = slice.messages.map((place, number) => ({ place, number: number + 1 }));
  fill(
    byId("small"),
    element("p", {}, howSmall(small)),
    told.length > 0 && slicePicture(state, told, differing),
    captions(state, told, slice, anomaly, differing),
    nearestPart(state, small.nearest),
  );
}

/// From what to what it was made small, in a sentence or two.
function howSmall({ shrunk, original, class: kind }) {
  if (!shrunk?.before || !shrunk?.after) return "This run was made small.";
  const sizes = (counts) =>
    Object.entries(SIZES)
      .filter(([name]) => Number.isFinite(counts[name]))
      .map(([name, words]) => counted(counts[name], words[0], words[1]))
      .join(", ");
  const from = original ? ` (${plain(original)})` : "";
  const ending = shrunk.least
    ? " Nothing that kolk tries to leave out can be left out."
    : " More could perhaps be left out: not everything was tried.";
  return `Of a run with ${sizes(shrunk.before)}${from} this is what is left: ${sizes(shrunk.after)}. It fails in the same way${kind ? ` (${plain(kind)})` : ""}.${ending}`;
}

/// The messages whose fate is another one in the run that holds, by their places, with how that was.
function placesOf(run, nearest) {
  const places = new Map();
  for (const difference of nearest?.differences ?? []) {
    const place = placeOfId(run, difference.small?.id);
    if (place >= 0) places.set(place, difference.holds);
  }
  const place = placeOfId(run, nearest?.without?.id);
  if (place >= 0 && !places.has(place)) places.set(place, undefined);
  return places;
}

function placeOfId({ messages }, id) {
  return Number.isFinite(id) ? messages.id.indexOf(id) : -1;
}

/// What leads to the failure: the messages of its operations, those that carried its value or failed to,
/// those that fare otherwise in the run that holds, and what caused any of them.
async function causalSlice(run, anomaly, differing) {
  const { messages, operations, kinds } = run;
  const places = (anomaly?.operations ?? [])
    .map((index) => operations.byIndex.get(index))
    .filter((place) => place !== undefined);
  const chosen = new Set(differing.keys());
  for (const place of places) for (const message of operations.messages(place)) chosen.add(message);
  const value = anomaly ? elementOf(run, anomaly) : null;
  if (value !== null) {
    const path = await pathOf(run, value);
    for (const message of pathSelection(path).chain) chosen.add(message);
  }
  for (const message of [...chosen]) {
    for (let at = messages.parent[message]; at >= 0 && !chosen.has(at); at = messages.parent[at])
      chosen.add(at);
  }
  const isSetup = (place) => kinds[messages.kind[place]].color === "setup" && !differing.has(place);
  const all = [...chosen].filter((place) => !isSetup(place)).sort((a, b) => a - b);
  return { messages: all.slice(-SLICE_MAX), leftOut: Math.max(0, all.length - SLICE_MAX), places };
}

/// The slice as a space–time diagram: as much room for each event as it needs, whatever time passes
/// between.
function slicePicture(state, told, differing) {
  const { run } = state;
  const { messages, actors } = run;
  const used = new Set(told.flatMap(({ place }) => [messages.src[place], messages.dest[place]]));
  const lanes = actors.sorted.filter(({ number }) => used.has(number));
  const y = new Map(lanes.map(({ number }, lane) => [number, lane * SLICE_LANE + 34]));
  const events = told.flatMap(({ place }) => [
    { place, isEnd: false, order: messages.order[place], time: messages.sent[place] },
    ...(messages.fate[place] === 0
      ? []
      : [{ place, isEnd: true, order: messages.endOrder[place], time: messages.end[place] }]),
  ]);
  events.sort((a, b) => a.order - b.order);
  const step = Math.min(96, Math.max(34, 1060 / (events.length + 1)));
  const at = (rank) => SLICE_LABELS + (rank + 0.5) * step;
  const [begins, ends] = [new Map(), new Map()];
  for (const [rank, { place, isEnd }] of events.entries())
    (isEnd ? ends : begins).set(place, at(rank));
  const width = at(events.length) + 8;
  const height = lanes.length * SLICE_LANE + 12;
  const picture = shape("svg", {
    class: "slice",
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: "group",
    "aria-label":
      "the messages that lead to the failure, in their order; the sentences below say the same",
  });
  for (const { number, name } of lanes) {
    picture.append(
      shape("line", {
        class: "lane",
        x1: SLICE_LABELS,
        x2: width,
        y1: y.get(number),
        y2: y.get(number),
      }),
      shape(
        "text",
        { class: "who", x: SLICE_LABELS - 10, y: y.get(number) + 4 },
        textFitting(plain(name), SLICE_LABELS - 14),
      ),
    );
  }
  for (const fault of run.faults) picture.append(...faultBoxes(fault, lanes, y, events, at, step));
  for (const message of told) {
    const { place } = message;
    const [x0, y0] = [begins.get(place), y.get(messages.src[place])];
    const [x1, y1] = [ends.get(place) ?? x0 + step * 0.8, y.get(messages.dest[place])];
    picture.append(sliceArrow(state, message, [x0, y0, x1, y1], differing));
  }
  return element("div", { class: "picture scroll-x", tabindex: 0 }, picture);
}

/// A fault as boxes over the lanes that it touches, from the first event in it to the last.
function faultBoxes(fault, lanes, y, events, at, step) {
  const inside = [...events.keys()].filter(
    (rank) => events[rank].time >= fault.begin && events[rank].time <= fault.end,
  );
  if (inside.length === 0) return [];
  const touched = fault.isolated.length > 0 ? new Set(fault.isolated) : fault.touched;
  const [left, right] = [at(inside[0]) - step / 2, at(inside[inside.length - 1]) + step / 2];
  return lanes
    .filter(({ name, group }) => group === "node" && touched.has(name))
    .map(({ number }) =>
      shape("rect", {
        class: "fault",
        x: left,
        width: right - left,
        y: y.get(number) - SLICE_LANE / 2 + 4,
        height: SLICE_LANE - 8,
      }),
    );
}

function sliceArrow(state, { place, number }, [x0, y0, x1, y1], differing) {
  const { run } = state;
  const { messages, kinds } = run;
  const fate = messages.fate[place];
  const kind = kinds[messages.kind[place]];
  const isThere = fate === 1;
  const end = isThere ? y1 : y0 + (y1 - y0) * 0.6;
  const length = Math.hypot(x1 - x0, end - y0) || 1;
  const [dx, dy] = [(x1 - x0) / length, (end - y0) / length];
  const head = isThere
    ? shape("path", {
        class: "head",
        d: `M ${x1} ${end} l ${-dx * 9 - dy * 4} ${-dy * 9 + dx * 4} l ${dy * 8} ${-dx * 8} z`,
      })
    : shape("path", {
        class: "cross",
        d: `M ${x1 - 5} ${end - 5} l 10 10 m 0 -10 l -10 10`,
      });
  const classes = [
    "arrow",
    !isThere && "dropped",
    kind.isReply && "reply",
    differing.has(place) && "differs",
  ];
  const [middleX, middleY] = [x0 + (x1 - x0) * 0.5, y0 + (end - y0) * 0.5];
  return shapeButton(
    {
      class: classes.filter(Boolean).join(" "),
      "aria-label": `${number}: ${sentence(run, place)}`,
    },
    () => state.select({ kind: "message", place }, { reveal: true }),
    shape("title", {}, sentence(run, place)),
    shape("line", { class: "reach", x1: x0, y1: y0, x2: x1, y2: end }),
    shape("line", { class: "shaft", x1: x0, y1: y0, x2: x1, y2: end }),
    head,
    shape(
      "text",
      { class: "kind", x: middleX + 12, y: middleY + 4 },
      textFitting(plain(kind.name), 110),
    ),
    shape("circle", { class: "number", cx: middleX, cy: middleY, r: 9 }),
    shape("text", { class: "number", x: middleX, y: middleY + 4 }, String(number)),
  );
}

/// A message in a sentence.
function sentence(run, place) {
  const { messages, meta, kinds } = run;
  const [from, to] = [meta.actors[messages.src[place]], meta.actors[messages.dest[place]]].map(
    plain,
  );
  const kind = plain(kinds[messages.kind[place]].name) || "a message without a type";
  const sent = moment(messages.sent[place]);
  const fate = messages.fate[place];
  if (fate === 1) {
    const took = messages.end[place] - messages.sent[place];
    const when = took === 0 ? "at once" : `${duration(took)} later`;
    return `${from} sends ${kind} to ${to} at ${sent}, which gets it ${when}`;
  }
  const what = {
    0: "it is on its way when the run ends",
    2: "the network loses it",
    3: "a partition stops it",
    4: "the node is not running, and it is dropped",
  }[fate];
  return `${from} sends ${kind} to ${to} at ${sent}: ${what ?? FATES[fate]}`;
}

/// The picture in words: the faults, each message, and what is wrong then.
function captions(state, told, { leftOut, places }, anomaly, differing) {
  const { run } = state;
  const { messages, operations } = run;
  const items = told.map(({ place }) => {
    const text = element("span", {}, `${sentence(run, place)}.`);
    const op = messages.op[place];
    if (op >= 0 && places.includes(op)) {
      const isRequest = operations.messages(op)[0] === place;
      const isLast = messages.fate[place] === 1 && messages.end[place] === operations.completed[op];
      if (isRequest || isLast)
        run.values.get(op).then((value) => {
          const what = cut(summary(run, op, value, anomaly), 90);
          text.append(
            ` It ${isRequest ? "begins" : "ends"} operation ${operations.index[op]}: ${what}.`,
          );
        });
    }
    return element(
      "li",
      {},
      pick(
        text,
        () => state.select({ kind: "message", place }, { reveal: true }),
        "Select the message",
      ),
      differing.has(place) && element("b", {}, ` ${otherFate(differing.get(place))}`),
    );
  });
  return [
    leftOut > 0 &&
      element(
        "p",
        { class: "soft" },
        `${counted(leftOut, "earlier message", "earlier messages")} of the causes are not shown.`,
      ),
    ...faultSentences(run).map((text) => element("p", {}, text)),
    element("ol", { class: "rows told" }, items),
    anomaly &&
      element("p", {}, element("b", {}, "So: "), `${plain(anomaly.claim)}.`.replace(/\.\.$/, ".")),
  ];
}

/// How a message fared in the run that holds, after a sentence on how it did here.
function otherFate(holds) {
  if (holds === undefined) return "(Otherwise in the nearest run that holds.)";
  if (holds === null) return "(Not sent in the nearest run that holds.)";
  return `(In the nearest run that holds: ${arrival(holds)}.)`;
}

/// How a message of the other run ended.
function arrival({ end, arrived, sent }) {
  const times = (arrived ?? []).map((time) => `${duration(time - sent)} after it was sent`);
  if (times.length === 2) return `arrived twice, ${times.join(" and ")}`;
  if (times.length > 0) return `arrived ${times[0]}`;
  return (
    { lost: "lost", stopped: "stopped by a fault", "on-its-way": "on its way at the end" }[end] ??
    plain(end)
  );
}

function faultSentences(run) {
  return run.faults.slice(0, 6).map((fault) => {
    const whom = [...(fault.isolated.length > 0 ? fault.isolated : fault.touched)].map(plain);
    const what =
      {
        kill: "is down: it was killed",
        pause: "stands still",
        power: "is down: it lost its power",
        clock: "has a clock that is wrong",
        disk: "has a disk that is at fault",
      }[fault.kind] ??
      (fault.isolated.length > 0 ? "is cut off" : `has links with the fault ${plain(fault.kind)}`);
    const many = whom.length > 1 ? `each of ${whom.join(", ")}` : whom[0];
    return `From ${moment(fault.begin)} to ${moment(fault.end)} ${many} ${what}.`;
  });
}

/// What is different in the nearest run that holds.
function nearestPart(state, nearest) {
  const head = element("h3", {}, "The nearest run that holds");
  if (!nearest)
    return [
      head,
      element("p", { class: "soft" }, "None was found: no run with one thing less holds."),
    ];
  const { run } = state;
  const fates = (side) => (side === null || side === undefined ? "not sent" : arrival(side));
  const row = (difference) => {
    const place = placeOfId(run, difference.small?.id);
    const name = `${plain(difference.type)} from ${plain(difference.src)} to ${plain(difference.dest)}`;
    return element(
      "tr",
      {},
      element(
        "td",
        {},
        place >= 0
          ? pick(
              name,
              () => state.select({ kind: "message", place }, { reveal: true }),
              "Select it",
            )
          : name,
      ),
      element("td", {}, fates(difference.small)),
      element("td", {}, fates(difference.holds)),
    );
  };
  const all = nearest.differences ?? [];
  const body = element("tbody", {}, all.slice(0, DIFFERENCES_SHOWN).map(row));
  const more = restButton(
    body,
    all.slice(DIFFERENCES_SHOWN),
    row,
    `${all.length - DIFFERENCES_SHOWN} more`,
  );
  const beyond = nearest["differences-more"] ?? 0;
  const text = plain(nearest.text ?? "");
  return [
    head,
    element(
      "p",
      {},
      `${text.charAt(0).toUpperCase()}${text.slice(1)}. `,
      "It is stored beside this one as holds.json, a plan that kolk replay runs.",
    ),
    all.length > 0 &&
      element(
        "table",
        { class: "differences" },
        tableHead(["message between servers", "here", "in the run that holds"]),
        body,
      ),
    more,
    beyond > 0 &&
      element("p", { class: "soft" }, `${counted(beyond, "message", "messages")} more differ.`),
  ];
}
