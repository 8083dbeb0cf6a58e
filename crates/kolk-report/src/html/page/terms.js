// What the nodes say of their state, over the diagram: a lane of terms and who leads them, and a lane for
// every node with its role. A table says the same in words.
import { Drawing, GUTTER, fitting, theme } from "./canvas.js";
import { lowerBound } from "./data.js";
import { byId, element, fill, plain, restButton, tableHead } from "./dom.js";
import { counted, duration, grouped, moment } from "./format.js";

const TERM_ROW = 17;
/// How many terms the table has at first.
const TERMS_SHOWN = 12;
/// Beyond this many stretches in a window only leaders are drawn.
const STRETCHES_MAX = 3000;

/// Shows the lanes, if any node said anything of its state. `drawings` gets what must be redrawn when
/// the colours change.
export async function drawTerms(state, drawings) {
  const said = state.run.logs.filter((log) => log.stateCount > 0);
  if (said.length === 0) return;
  if (!said.every((log) => log.isTimed)) return;
  const nodes = await Promise.all(said.map((log) => readNode(state.run, log)));
  const terms = findTerms(state.run, nodes);
  const plot = byId("terms");
  plot.hidden = false;
  const canvas = plot.querySelector("canvas");
  canvas.setAttribute("aria-label", `Terms and leaders. ${inWords(state.run, nodes, terms)}`);
  drawings.push(new Terms(canvas, state, nodes, terms));
  fill(byId("terms-words"), table(state, nodes, terms));
}

/// What a node said, and the stretches in which it said the same of term, role and leader.
async function readNode(run, log) {
  const [times, states] = await Promise.all([log.times(), log.states()]);
  const node = { name: log.node, times: new Float64Array(states.count), states, stretches: [] };
  const ends = downTimes(run, log.node);
  let open = null;
  const close = (time) => {
    if (open) open.to = time;
    open = null;
  };
  let next = 0;
  for (let i = 0; i < states.count; i++) {
    const time = times[states.line[i]];
    node.times[i] = time;
    // It is over when the node is killed, and begins anew with what the node says then.
    while (next < ends.length && ends[next] <= time) {
      if (open && ends[next] > open.from) close(ends[next]);
      next++;
    }
    const [term, role, leader] = [states.term[i], states.role[i], states.leader[i]];
    if (open && open.term === term && open.role === role && open.leader === leader) continue;
    close(time);
    open = { from: time, to: run.ended, term, role, leader, first: i };
    node.stretches.push(open);
  }
  const killed = ends.find((end) => open && end > open.from);
  close(killed ?? run.ended);
  node.starts = Float64Array.from(node.stretches, (stretch) => stretch.from);
  return node;
}

/// When a node was killed, or lost its power.
function downTimes(run, name) {
  return run.faults
    .filter((fault) => (fault.kind === "kill" || fault.kind === "power") && fault.touched.has(name))
    .map((fault) => fault.begin)
    .sort((a, b) => a - b);
}

/// The terms in their order: when the first node was in each, who led it from when to when, and who
/// wanted to.
function findTerms(run, nodes) {
  const known = new Map();
  for (const node of nodes) {
    for (const stretch of node.stretches) {
      if (stretch.term < 0) continue;
      const role = roleOf(run, stretch);
      const term = known.get(stretch.term) ?? {
        term: stretch.term,
        from: Infinity,
        leaders: new Map(),
        candidates: new Set(),
      };
      known.set(stretch.term, term);
      term.from = Math.min(term.from, stretch.from);
      if (role === "candidate") term.candidates.add(node.name);
      if (role !== "leader") continue;
      const led = term.leaders.get(node.name) ?? { from: stretch.from, to: stretch.to };
      term.leaders.set(node.name, {
        from: Math.min(led.from, stretch.from),
        to: Math.max(led.to, stretch.to),
      });
    }
  }
  const terms = [...known.values()].sort((a, b) => a.term - b.term);
  // A term is the newest until a node is in a newer one.
  let next = run.ended;
  for (const term of terms.toReversed()) {
    term.to = Math.max(term.from, next);
    next = Math.min(next, term.from);
  }
  return terms;
}

function roleOf(run, { role }) {
  return role < 0 ? "" : run.meta.stateNames[role];
}

/// The time in which no node took itself for the leader, from the first leader on.
function leaderless(run, nodes) {
  const led = nodes
    .flatMap((node) => node.stretches.filter((stretch) => roleOf(run, stretch) === "leader"))
    .sort((a, b) => a.from - b.from);
  if (led.length === 0) return null;
  let [without, reached, longest] = [0, led[0].from, 0];
  for (const { from, to } of [...led, { from: run.ended, to: run.ended }]) {
    if (from > reached) {
      without += from - reached;
      longest = Math.max(longest, from - reached);
    }
    reached = Math.max(reached, to);
  }
  return { without, longest, first: led[0].from };
}

/// All of it in a sentence or two.
function inWords(run, nodes, terms) {
  const led = leaderless(run, nodes);
  const parts = [];
  if (terms.length > 0) {
    const [first, last] = [terms[0].term, terms[terms.length - 1].term];
    parts.push(
      `${counted(terms.length, "term", "terms")}, ${first === last ? first : `from ${grouped(first)} to ${grouped(last)}`}.`,
    );
  }
  if (led === null) parts.push("No node said that it leads.");
  else {
    parts.push(`The first leader was there at ${moment(led.first)}.`);
    parts.push(
      led.without === 0
        ? "From then on a node took itself for the leader at all times."
        : `After that no node took itself for the leader for ${duration(led.without)} in all, at the longest ${duration(led.longest)}.`,
    );
  }
  const split = terms.filter((term) => term.leaders.size > 1);
  for (const term of split.slice(0, 3))
    parts.push(
      `Term ${term.term} had ${term.leaders.size} leaders: ${[...term.leaders.keys()].map(plain).join(", ")}.`,
    );
  return parts.join(" ");
}

/// The terms as a table, the sentences before it.
function table(state, nodes, terms) {
  const { run } = state;
  const row = (term) => {
    const leaders = [...term.leaders];
    const texts = leaders.map(
      ([name, { from, to }]) => `${plain(name)}, from ${moment(from)} to ${moment(to)}`,
    );
    return element(
      "tr",
      {},
      element("td", {}, `term ${grouped(term.term)}`),
      element(
        "td",
        {},
        element(
          "button",
          { type: "button", class: "pick", onclick: () => showTerm(state, term), title: "Show it" },
          moment(term.from),
        ),
      ),
      element(
        "td",
        { class: leaders.length > 1 ? "fail" : "" },
        leaders.length === 0 ? "nobody" : texts.map((text) => element("div", {}, text)),
      ),
      element("td", { class: "soft" }, [...term.candidates].map(plain).join(", ")),
    );
  };
  const body = element("tbody", {}, terms.slice(0, TERMS_SHOWN).map(row));
  const rest = terms.slice(TERMS_SHOWN);
  const more = restButton(body, rest, row, `${grouped(rest.length)} more terms`);
  const heads = ["term", "first there", "led by", "stood for election"];
  return element(
    "details",
    {},
    element("summary", {}, "Terms and leaders in words"),
    element("p", {}, inWords(run, nodes, terms)),
    terms.length > 0 && element("table", {}, tableHead(heads), body),
    more,
    element(
      "p",
      { class: "soft" },
      "Nodes say this of themselves, in lines on stderr that begin with the word state.",
    ),
  );
}

/// Brings the beginning of a term into the window.
function showTerm(state, term) {
  const [from, to] = [state.placeOf(term.from), state.placeOf(term.to)];
  const room = Math.max((to - from) * 0.1, state.isOrdinal ? 12 : 2e7);
  state.cursor = { place: from };
  state.show(from - room, to + room);
  state.changed("cursor");
}

class Terms extends Drawing {
  constructor(canvas, state, nodes, terms) {
    super(canvas, state);
    this.nodes = nodes;
    this.terms = terms;
    this.termStarts = Float64Array.from(terms, (term) => term.from);
    this.top = terms.length > 0 ? TERM_ROW + 3 : 0;
    this.draw();
  }

  height() {
    return this.top + this.nodes.length * TERM_ROW + 4;
  }

  paint(pen, height) {
    pen.font = theme.small;
    if (this.terms.length > 0) this.label("terms", TERM_ROW / 2, theme.soft);
    for (const [lane, node] of this.nodes.entries()) this.label(plain(node.name), this.y(lane));
    this.clipped(height, () => {
      this.termLane(pen);
      for (const [lane, node] of this.nodes.entries()) this.nodeLane(pen, node, lane);
    });
    this.cursors(height);
    pen.font = theme.font;
  }

  y(lane) {
    return this.top + (lane + 0.5) * TERM_ROW;
  }

  color(term, role) {
    if (term >= 0) return theme.kinds[term % theme.kinds.length];
    return role === "leader" ? theme.accent : theme.soft;
  }

  /// Where a stretch of time is in the drawing; null if it is out of sight.
  reach({ from, to }) {
    const [left, right] = [this.x(this.state.placeOf(from)), this.x(this.state.placeOf(to))];
    if (right < GUTTER || left > this.width) return null;
    return [Math.max(left, GUTTER), Math.min(Math.max(right, left + 1), this.width)];
  }

  /// Each term for as long as it is the newest.
  termLane(pen) {
    for (const term of this.terms) {
      const place = this.reach(term);
      if (!place) continue;
      const [left, right] = place;
      pen.fillStyle = this.color(term.term);
      pen.globalAlpha = 0.22;
      pen.fillRect(left, 1, right - left - 1, TERM_ROW - 3);
      pen.globalAlpha = 1;
      const leaders = [...term.leaders.keys()].map(plain);
      pen.fillStyle = leaders.length > 1 ? theme.bad : theme.ink;
      const who = leaders.length === 0 ? "no leader" : leaders.join(" and ");
      this.text(pen, `term ${term.term}: ${who}`, left, right, TERM_ROW / 2);
    }
  }

  /// Leaders are filled, who stands for election is hatched, followers are a line; what has another
  /// role has a frame.
  nodeLane(pen, node, lane) {
    const [from, to] = [this.state.timeAt(this.state.from), this.state.timeAt(this.state.to)];
    const first = Math.max(0, lowerBound(node.starts, from) - 1);
    const last = lowerBound(node.starts, to);
    const isCrowded = last - first > STRETCHES_MAX;
    const y = this.y(lane);
    for (let i = first; i < last; i++) {
      const stretch = node.stretches[i];
      const role = roleOf(this.run, stretch);
      if (isCrowded && role !== "leader") continue;
      const place = this.reach(stretch);
      if (!place) continue;
      const [left, right] = place;
      const width = Math.max(right - left - 0.5, 1);
      const color = this.color(stretch.term, role);
      pen.fillStyle = color;
      pen.strokeStyle = color;
      pen.lineWidth = 1;
      if (role === "leader") {
        pen.fillRect(left, y - 7, width, 14);
        pen.fillStyle = theme.paper;
        this.text(pen, stretch.term < 0 ? role : `leader ${stretch.term}`, left, right, y);
      } else if (role === "follower" || role === "") {
        pen.fillRect(left, y - 1.5, width, 3);
      } else {
        if (role.endsWith("candidate")) slants(pen, left, y - 5, width, 10);
        pen.strokeRect(left + 0.5, y - 5.5, Math.max(width - 1, 0.5), 11);
        if (!role.endsWith("candidate")) this.text(pen, plain(role), left, right, y);
      }
    }
  }

  text(pen, text, left, right, y) {
    const room = right - left - 6;
    if (room < 12) return;
    pen.textAlign = "left";
    const shown = fitting(pen, text, room);
    if (shown.length > 3 || shown === text) pen.fillText(shown, left + 3, y);
  }

  /// What was said last before a moment is shown where the mouse is.
  over(_found, x, y) {
    this.tip(x >= GUTTER ? this.saidAt(x, y) : null, x, y);
  }

  saidAt(x, y) {
    const time = this.state.timeAt(this.placeAt(x));
    if (y < this.top) {
      const term = this.terms[lowerBound(this.termStarts, time + 1) - 1];
      if (!term) return null;
      const leaders = [...term.leaders.keys()].map(plain).join(" and ");
      return `term ${term.term}, from ${moment(term.from)}, ${leaders ? `led by ${leaders}` : "without a leader"}`;
    }
    const node = this.nodes[Math.floor((y - this.top) / TERM_ROW)];
    if (!node) return null;
    const stretch = node.stretches[lowerBound(node.starts, time + 1) - 1];
    if (!stretch || stretch.to < time) return `${plain(node.name)} has not said anything yet`;
    return describeState(this.run, node, lowerBound(node.times, time + 1) - 1);
  }
}

/// What a node said of its state, in a line.
function describeState(run, node, place) {
  const { states } = node;
  const name = (number) => plain(run.meta.stateNames[number]);
  const parts = [
    states.role[place] >= 0 && name(states.role[place]),
    states.term[place] >= 0 && `term ${states.term[place]}`,
    states.leader[place] >= 0 && `takes ${name(states.leader[place])} for the leader`,
    states.commit[place] >= 0 && `committed up to ${states.commit[place]}`,
    states.last[place] >= 0 && logEnds(states.first[place], states.last[place]),
  ];
  return `${plain(node.name)}: ${parts.filter(Boolean).join(", ")} (said at ${moment(node.times[place])})`;
}

function logEnds(first, last) {
  return first > last ? "an empty log" : `log from ${first} to ${last}`;
}

/// Slanted lines in a box: told apart without colour.
function slants(pen, left, top, width, height) {
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  pen.beginPath();
  const begin = Math.floor(left / 5) * 5 - height;
  for (let x = begin; x < left + width; x += 5) {
    pen.moveTo(x, top + height);
    pen.lineTo(x + height, top);
  }
  pen.stroke();
  pen.restore();
}
