// A few operations as a picture of their own: a lane for every process, and along it as much room for
// each beginning and end as its text needs, whatever time lies between. What overlaps in the picture
// overlapped in time, and what does not, did not.
import { OUTCOMES } from "./data.js";
import { element, plain } from "./dom.js";
import { duration, moment } from "./format.js";
import { summary } from "./operations.js";
import { shape, shapeButton, textFitting } from "./svg.js";

const LANE = 54;
const LABELS = 118;
const STEP_MIN = 46;
const STEP_MAX = 150;
/// Beyond this many operations a picture is no help.
export const PICTURED_MAX = 60;

/// The picture of operations, by their places. `marks` says of some what stands on them: `{ text, kind }`
/// with the kinds `placed`, `broken` and `left`.
export function pictureOf(state, places, marks = new Map(), anomaly = undefined) {
  const { run } = state;
  const layout = layOut(run, places);
  const height = layout.lanes.length * LANE + 8;
  const picture = shape("svg", {
    class: "subhistory",
    width: layout.width,
    height,
    viewBox: `0 0 ${layout.width} ${height}`,
    role: "group",
    "aria-label": "the operations, in the order of their beginnings and ends",
  });
  layout.lanes.forEach((process, lane) => {
    const y = lane * LANE + 30;
    const node =
      run.operations.node[places.find((place) => run.operations.process[place] === process)];
    const name = `process ${process}${node >= 0 ? ` → ${plain(run.meta.nodes[node])}` : ""}`;
    picture.append(
      shape("line", { class: "lane", x1: LABELS, x2: layout.width, y1: y, y2: y }),
      shape("text", { class: "who", x: LABELS - 10, y: y + 4 }, textFitting(name, LABELS - 10)),
    );
  });
  for (const place of places) picture.append(bar(state, layout, place, marks.get(place), anomaly));
  return element("div", { class: "picture scroll-x" }, picture);
}

/// Lanes, and where every beginning and end is: their rank among all of them decides.
function layOut({ operations }, places) {
  const events = [];
  for (const place of places) {
    events.push({
      place,
      isEnd: false,
      time: operations.invoked[place],
      order: operations.order[place],
    });
    if (!Number.isNaN(operations.completed[place])) {
      events.push({
        place,
        isEnd: true,
        time: operations.completed[place],
        order: operations.endOrder[place],
      });
    }
  }
  events.sort((a, b) => a.time - b.time || a.order - b.order || a.isEnd - b.isEnd);
  const step = Math.min(STEP_MAX, Math.max(STEP_MIN, 1080 / (events.length + 1)));
  const begins = new Map();
  const ends = new Map();
  for (const [rank, { place, isEnd }] of events.entries()) {
    (isEnd ? ends : begins).set(place, LABELS + (rank + 0.3) * step);
  }
  const width = LABELS + (events.length + 0.6) * step;
  const lanes = [...new Set(places.map((place) => operations.process[place]))].sort(
    (a, b) => a - b,
  );
  // How far a text may reach: to the next operation of its lane.
  const room = new Map();
  for (const place of places) {
    const later = places.filter(
      (other) =>
        operations.process[other] === operations.process[place] &&
        begins.get(other) > begins.get(place),
    );
    room.set(
      place,
      Math.min(width, ...later.map((other) => begins.get(other))) - begins.get(place) - 8,
    );
  }
  return { width, lanes, begins, ends, room };
}

function bar(state, layout, place, mark, anomaly) {
  const { run } = state;
  const { operations } = run;
  const y = layout.lanes.indexOf(operations.process[place]) * LANE + 30;
  const begin = layout.begins.get(place);
  const end = layout.ends.get(place) ?? layout.width;
  const outcome = OUTCOMES[operations.outcome[place]];
  const room = layout.room.get(place);
  const text = shape(
    "text",
    { class: "what", x: begin, y: y - 13 },
    textFitting(summary(run, place), room),
  );
  run.values.get(place).then((value) => {
    text.textContent = textFitting(summary(run, place, value, anomaly), room);
  });
  const took = operations.completed[place] - operations.invoked[place];
  const when = `${moment(operations.invoked[place])}${Number.isNaN(took) ? "" : `, took ${duration(took)}`}`;
  const title = shape("title", {}, `operation ${operations.index[place]}: ${outcome}`);
  return shapeButton(
    {
      class: `bar ${outcome} ${mark?.kind ?? ""}`,
      "aria-label": `operation ${operations.index[place]}`,
    },
    () => state.select({ kind: "operation", place }),
    title,
    shape("rect", { x: begin, y: y - 8, width: Math.max(end - begin, 6), height: 16, rx: 3 }),
    text,
    shape(
      "text",
      { class: "when", x: begin, y: y + 20 },
      textFitting(`op ${operations.index[place]} · ${when}`, room),
    ),
    mark && shape("circle", { class: "mark", cx: (begin + end) / 2, cy: y, r: 9 }),
    mark && shape("text", { class: "mark", x: (begin + end) / 2, y: y + 4 }, mark.text),
  );
}
