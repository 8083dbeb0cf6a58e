// What is selected: a message with its JSON, causes and effects; an operation with its messages; an
// anomaly with its operations; a chain of messages.
import { follow, LINKS } from "./causality.js";
import { FATES, OUTCOMES, PHASES } from "./data.js";
import { describeOperation, summary } from "./operations.js";
import { describe } from "./diagram.js";
import { byId, element, fill, pick, plain } from "./dom.js";
import { counted, cut, duration, moment, prettyJson } from "./format.js";
import { logsAround } from "./logs.js";
import { isAdd, pathOf, showPath } from "./paths.js";
import { shape, shapeButton } from "./svg.js";

/// How many rows a list shows at first; a button shows more.
const ROWS = 40;

export class Inspector {
  constructor(state) {
    this.state = state;
    this.run = state.run;
    state.listen((what) => what.has("selection") && this.draw());
    this.draw();
  }

  draw() {
    const { selection } = this.state;
    const draw = selection ? this[selection.kind] : this.nothing;
    fill(byId("inspector"), draw.call(this, selection));
  }

  nothing() {
    return [
      element("h2", {}, "Nothing selected"),
      element(
        "p",
        { class: "soft" },
        "Click a message, an operation or an anomaly. It is highlighted in all the panels, and its evidence stands here.",
      ),
      element(
        "p",
        { class: "soft" },
        "Drag to move in time; Ctrl and wheel, or + and −, to zoom; ? for all keys.",
      ),
    ];
  }

  header(title, extra) {
    const close = pick("×", () => this.state.select(null), "Select nothing (Esc)");
    close.classList.add("close");
    return element("header", {}, element("h2", {}, title), extra, close);
  }

  tools(...buttons) {
    const zoom = pick(
      "show in time",
      () => {
        this.state.reveal();
        this.state.changed("view");
      },
      "Zoom to it (Z)",
    );
    return element("p", { class: "tools" }, zoom, ...buttons);
  }

  selectMessage(place) {
    this.state.select({ kind: "message", place });
  }

  selectOperation(place) {
    this.state.select({ kind: "operation", place });
  }

  message({ place }) {
    const { messages, meta, kinds } = this.run;
    const fate = messages.fate[place];
    const kind = kinds[messages.kind[place]];
    const name = (actor) => plain(meta.actors[actor]);
    const rows = [
      ["from", name(messages.src[place])],
      ["to", name(messages.dest[place])],
      ["sent", moment(messages.sent[place])],
      [fate === 1 ? "received" : "then", this.ending(place)],
    ];
    const op = messages.op[place];
    if (op >= 0)
      rows.push([
        "serves",
        pick(
          `op ${this.run.operations.index[op]}`,
          () => this.selectOperation(op),
          "Select the operation",
        ),
      ]);
    const body = element("pre", { class: "json" }, "…");
    this.run.bodies.get(place).then((text) => fill(body, prettyJson(text)));
    const parent = messages.parent[place];
    const children = messages.children(place);
    return [
      this.header(
        `Message ${messages.id[place]}`,
        element("span", { class: "chip" }, plain(kind.name) || "(no type)"),
      ),
      facts(rows),
      this.tools(
        parent >= 0 &&
          pick(
            "what caused this",
            () => this.state.select(follow(this.run, place, "causes")),
            "Follow its causes back (C)",
          ),
        children.length > 0 &&
          pick(
            "what came of it",
            () => this.state.select(follow(this.run, place, "effects")),
            "Follow its effects (E)",
          ),
      ),
      body,
      element("h3", {}, "Before"),
      parent >= 0
        ? this.messageList([parent], () => linkText(messages.link[place]))
        : element("p", { class: "soft" }, this.origin(place)),
      children.length > 0 &&
        element("h3", {}, `After: ${counted(children.length, "message", "messages")}`),
      children.length > 0 && this.messageList(children),
      logsAround(this.state, place),
    ];
  }

  /// Why a message without a cause was sent.
  origin(place) {
    const { messages, meta, actors, results } = this.run;
    const sender = actors.byNumber[messages.src[place]];
    if (sender.group === "client") return "a client sent it of its own accord";
    return results.run.deterministic
      ? `${plain(meta.actors[sender.number])} sent it on its own: at its start, or when a timer was due`
      : "nothing had been received before";
  }

  ending(place) {
    const { messages } = this.run;
    const one = (fate, end) =>
      fate === 1
        ? `${moment(end)}, after ${duration(end - messages.sent[place])}`
        : `${FATES[fate]}${fate > 0 ? `, ${moment(end)}` : ""}`;
    const ends = [one(messages.fate[place], messages.end[place])];
    const { copies } = messages;
    for (let i = 0; i < copies.count; i++) {
      if (copies.message[i] === place)
        ends.push(`a second copy: ${one(copies.fate[i], copies.end[i])}`);
    }
    return ends.join("; ");
  }

  operation({ place }) {
    const { operations, meta } = this.run;
    const outcome = OUTCOMES[operations.outcome[place]];
    const took = operations.completed[place] - operations.invoked[place];
    const asked = element("pre", { class: "json" }, "…");
    const got = element("pre", { class: "json" }, "…");
    this.run.values.get(place).then((text) => {
      const [value, result] = text.split("\n");
      fill(asked, prettyJson(value));
      fill(got, prettyJson(result));
    });
    const own = this.run.operations.messages(place);
    const cards = this.run.anomalies.filter((anomaly) =>
      anomaly.operations?.includes(operations.index[place]),
    );
    return [
      this.header(
        `Operation ${operations.index[place]}`,
        element("span", { class: `chip ${outcome}` }, outcome),
      ),
      facts([
        ["does", meta.functions[operations.function[place]]],
        [
          "process",
          `${operations.process[place]}${operations.node[place] >= 0 ? ` → ${plain(meta.nodes[operations.node[place]])}` : ""}`,
        ],
        ["invoked", moment(operations.invoked[place])],
        [
          "completed",
          Number.isNaN(took)
            ? "never"
            : `${moment(operations.completed[place])}, after ${duration(took)}`,
        ],
        operations.phase[place] > 0 && ["phase", PHASES[operations.phase[place]]],
      ]),
      this.tools(
        isAdd(this.run, place) &&
          pick(
            "where it went",
            () => this.followValue(place),
            "Follow the value from node to node",
          ),
      ),
      cards.map((anomaly) =>
        element(
          "p",
          { class: "finding" },
          pick(plain(anomaly.claim), () => this.selectAnomaly(anomaly), "Select the anomaly"),
        ),
      ),
      element("h3", {}, "Asked"),
      asked,
      element("h3", {}, outcome === "ok" ? "Got" : "Error"),
      got,
      element("h3", {}, counted(own.length, "message", "messages")),
      this.messageList(own),
    ];
  }

  async followValue(place) {
    const path = await pathOf(this.run, { place, until: this.run.ended });
    showPath(this.state, path);
  }

  selectAnomaly(anomaly) {
    this.state.select({ kind: "anomaly", number: this.run.anomalies.indexOf(anomaly), anomaly });
  }

  anomaly({ anomaly, operations, messages }) {
    return [
      this.header("Anomaly", element("span", { class: "chip fail" }, plain(anomaly.type))),
      element("p", {}, plain(anomaly.claim)),
      this.cycle(anomaly),
      steps(anomaly),
      this.tools(),
      operations.size > 0 &&
        element(
          "h3",
          {},
          `${counted(operations.size, "operation", "operations")}, ${counted(messages.size, "message", "messages")}`,
        ),
      this.operationList([...operations], anomaly),
      this.messageList([...messages].sort((a, b) => a - b)),
    ];
  }

  /// A cycle of transactions: a ring, its edges numbered like the steps that explain them. The steps
  /// say first what each transaction did, then for each why it comes before the next.
  cycle(anomaly) {
    const indices = anomaly.operations ?? [];
    const sentences = anomaly.steps ?? [];
    const count = sentences.filter((step, place) => step.startsWith(`T${place + 1}: `)).length;
    const edges = sentences.slice(count, 2 * count);
    const isCycle =
      count >= 2 &&
      count <= 12 &&
      edges.length === count &&
      indices.length >= count &&
      edges.every((step, place) =>
        step.startsWith(`T${place + 1} before T${((place + 1) % count) + 1}:`),
      );
    if (!isCycle) return null;
    return ring(
      indices.slice(0, count).map((index, place) => `T${place + 1} · op ${index}`),
      count + 1,
      (number) => {
        const place = this.run.operations.byIndex.get(indices[number]);
        if (place !== undefined) this.selectOperation(place);
      },
    );
  }

  chain({ place, direction, chain }) {
    const { messages } = this.run;
    const isBack = direction === "causes";
    return [
      this.header(
        isBack ? "What caused it" : "What came of it",
        element("span", { class: "chip" }, `message ${messages.id[place]}`),
      ),
      element(
        "p",
        { class: "soft" },
        isBack
          ? "From the first cause to the message:"
          : `Everything that followed from it: ${counted(chain.length - 1, "message", "messages")}.`,
      ),
      this.tools(pick("the message", () => this.selectMessage(place), "Back to the message")),
      this.messageList(chain, (at) =>
        at === place ? "this message" : linkText(messages.link[at]),
      ),
    ];
  }

  path({ place, path, chain }) {
    return [
      this.header(
        "The way of a value",
        element("span", { class: "chip" }, plain(JSON.stringify(path.value))),
      ),
      element(
        "p",
        { class: "soft" },
        "The messages that brought it to each node first, and those with it that did not arrive before.",
      ),
      this.tools(
        pick(
          "the operation",
          () => this.selectOperation(place),
          "Select the operation that added it",
        ),
      ),
      this.messageList(chain),
    ];
  }

  /** @param {number[]} places @param {(place: number) => any} note */
  messageList(places, note = () => null) {
    return rows(places, (place) => {
      const button = pick(
        describe(this.run, place),
        () => this.selectMessage(place),
        "Select the message",
      );
      if (this.run.messages.fate[place] > 1) button.classList.add("dropped");
      const text = note(place);
      return element("li", {}, button, text && element("small", {}, ` ${text}`));
    });
  }

  operationList(places, anomaly) {
    return rows(places, (place) => {
      const button = pick(
        describeOperation(this.run, place),
        () => this.selectOperation(place),
        "Select the operation",
      );
      button.classList.add(OUTCOMES[this.run.operations.outcome[place]]);
      this.run.values
        .get(place)
        .then((text) => fill(button, operationLine(this.run, place, text, anomaly)));
      return element("li", {}, button);
    });
  }
}

/// An operation with its value, for a list; of what matters to an anomaly.
export function operationLine(run, place, value, anomaly) {
  const { operations, meta } = run;
  const node = operations.node[place] >= 0 ? ` → ${plain(meta.nodes[operations.node[place]])}` : "";
  return `op ${operations.index[place]}  p${operations.process[place]}${node}  ${cut(summary(run, place, value, anomaly), 120)}  ${OUTCOMES[operations.outcome[place]]}  ${moment(operations.invoked[place])}`;
}

/// Names in a ring, each with an arrow to the next; the arrows are numbered from `first`.
function ring(names, first, onclick) {
  const [width, height] = [300, names.length === 2 ? 110 : 210];
  const at = (number) => {
    const angle =
      (2 * Math.PI * number) / names.length - (names.length === 2 ? Math.PI : Math.PI / 2);
    return [width / 2 + Math.cos(angle) * 105, height / 2 + Math.sin(angle) * (height / 2 - 24)];
  };
  const edges = names.flatMap((_, number) => {
    const [[x0, y0], [x1, y1]] = [at(number), at((number + 1) % names.length)];
    const length = Math.hypot(x1 - x0, y1 - y0);
    const [dx, dy] = [(x1 - x0) / length, (y1 - y0) / length];
    // Bent outwards, so that there and back are two lines.
    const [bendX, bendY] = [(x0 + x1) / 2 + dy * 34, (y0 + y1) / 2 - dx * 34];
    const [startX, startY, endX, endY] = [x0 + dx * 44, y0 + dy * 16, x1 - dx * 44, y1 - dy * 16];
    const tip = Math.atan2(endY - bendY, endX - bendX);
    const wing = (turn) => `${endX - 8 * Math.cos(tip + turn)},${endY - 8 * Math.sin(tip + turn)}`;
    return [
      shape("path", {
        d: `M${startX},${startY} Q${bendX},${bendY} ${endX},${endY}`,
        class: "edge",
      }),
      shape("polygon", { points: `${endX},${endY} ${wing(0.45)} ${wing(-0.45)}`, class: "tip" }),
      shape(
        "text",
        {
          x: (startX + endX + 2 * bendX) / 4 + dy * 10,
          y: (startY + endY + 2 * bendY) / 4 - dx * 10 + 4,
        },
        String(first + number),
      ),
    ];
  });
  const nodes = names.map((name, number) => {
    const [x, y] = at(number);
    return shapeButton(
      { class: "node" },
      () => onclick(number),
      shape("rect", { x: x - 42, y: y - 13, width: 84, height: 26, rx: 8 }),
      shape("text", { x, y: y + 4 }, name),
    );
  });
  return shape(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      class: "ring",
      role: "img",
      "aria-label": `a cycle of ${names.length} transactions`,
    },
    ...edges,
    ...nodes,
  );
}

/// The proof step by step.
export function steps(anomaly) {
  return (
    anomaly.steps?.length > 0 &&
    element(
      "ol",
      { class: "steps" },
      anomaly.steps.map((step) => element("li", {}, plain(step))),
    )
  );
}

function linkText(link) {
  return link === 0 ? null : LINKS[link];
}

function facts(entries) {
  return element(
    "dl",
    {},
    entries
      .filter(Boolean)
      .map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}

/// A list that begins with a few rows and grows when it is asked to: nothing is left out.
export function rows(places, row, shown = ROWS) {
  const list = element("ul", { class: "rows" });
  let next = 0;
  const more = element("button", { type: "button", class: "more", onclick: () => grow(400) });
  const grow = (count) => {
    const end = Math.min(places.length, next + count);
    const fresh = [];
    while (next < end) fresh.push(row(places[next++]));
    list.append(...fresh);
    more.textContent = `${places.length - next} more`;
    more.hidden = next >= places.length;
  };
  grow(shown);
  return [list, more];
}
