// All runs: searched, sorted, two chosen to be compared.
import { ask, nameOf, pathOf } from "./api.js";
import { byId, element, fill, plain } from "./dom.js";
import { counted, grouped } from "./format.js";
import {
  STATES,
  began,
  drawnAt,
  durationOf,
  faultsOf,
  isRun,
  latencyOf,
  nodeOf,
  perOperation,
  searched,
  seedOf,
  stateOf,
} from "./row.js";
import { drawSpark } from "./spark.js";

/// How many rows are drawn until more are asked for.
const PAGE_ROWS = 200;

/// How often the store is looked at while somebody looks.
const LOOK_MS = 2000;

const text = (get) => (a, b) => (get(a) < get(b) ? -1 : get(a) > get(b) ? 1 : 0);
const number = (get) => (a, b) => (get(a) ?? -1) - (get(b) ?? -1);

/// The columns: id, title, order, content.
const COLUMNS = [
  {
    id: "workload",
    title: "workload",
    order: text((row) => row.workload),
    cell: workloadCell,
    wide: "wide",
  },
  {
    id: "verdict",
    title: "verdict",
    order: text((row) => Object.keys(STATES).indexOf(row.state)),
    cell: stateOf,
  },
  { id: "time", title: "began", order: text((row) => row.time), cell: beganCell, wide: "time" },
  { id: "node", title: "node", order: text(nodeOf), cell: nodeOf, wide: "wide" },
  {
    id: "nodes",
    title: "nodes",
    isNumber: true,
    order: number((row) => row.nodeCount),
    cell: (row) => (row.nodeCount ? grouped(row.nodeCount) : "–"),
  },
  {
    id: "faults",
    title: "faults",
    order: text(faultsOf),
    cell: (row) => faultsOf(row) || "–",
    wide: "faults",
  },
  { id: "clock", title: "clock", order: text((row) => row.clock), cell: (row) => plain(row.clock) },
  {
    id: "seed",
    title: "seed",
    order: text((row) => row.seed.padStart(18, "0")),
    cell: (row) => element("span", { class: "seed" }, seedOf(row)),
  },
  {
    id: "duration",
    title: "duration",
    isNumber: true,
    order: number((row) => row.duration),
    cell: durationOf,
  },
  {
    id: "messages",
    title: "msgs/op",
    isNumber: true,
    hint: "Messages between servers for each operation",
    order: number((row) => row.serverMessagesPerOperation),
    cell: perOperation,
  },
  {
    id: "latency",
    title: "median",
    isNumber: true,
    hint: "Median latency: until a value is in every read, where the workload measures that, else of operations",
    order: number((row) => row.stableLatencyMedianMs ?? row.latencyMedianMs),
    cell: latencyOf,
  },
];

function workloadCell(row) {
  const name = plain(row.workload);
  const link = isRun(row)
    ? element("a", { class: "run-link", href: pathOf("/runs", row, drawnAt(row)) }, name)
    : name;
  const challenge =
    row.challenge &&
    element(
      "span",
      {
        class: "chip",
        title: row.challenge.holds
          ? "Run for a challenge, whose limits hold"
          : "Run for a challenge, whose limits do not hold",
      },
      `${row.challenge.holds ? "" : "✗ "}${plain(row.challenge.id)}`,
    );
  return [link, challenge && " ", challenge];
}

function beganCell(row) {
  return isRun(row)
    ? element(
        "a",
        { class: "plain-link", href: pathOf("/runs", row), title: "The run and its files" },
        began(row),
      )
    : began(row);
}

export class RunsTable {
  constructor(main) {
    this.main = main;
    this.runs = [];
    this.chosen = new Set();
    this.shown = PAGE_ROWS;
    this.read();
    this.frame();
    this.sparks = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          if (!isIntersecting) continue;
          this.sparks.unobserve(target);
          drawSpark(target, /** @type {any} */ (target).row);
        }
      },
      { rootMargin: "200px" },
    );
    window.addEventListener("hashchange", () => {
      this.read();
      this.showSettings();
      this.draw();
    });
    document.addEventListener("keydown", (event) => this.key(event));
  }

  /// The settings live in the fragment, so that a view can be kept and shared.
  read() {
    const settings = new URLSearchParams(location.hash.slice(1));
    this.search = settings.get("search") ?? "";
    this.states = new Set(
      (settings.get("verdicts") ?? "").split(",").filter((state) => state in STATES),
    );
    const [column, direction] = (settings.get("sort") ?? "time.down").split(".");
    this.column =
      COLUMNS.find(({ id }) => id === column) ?? COLUMNS.find(({ id }) => id === "time");
    this.isDown = direction !== "up";
  }

  store() {
    const settings = new URLSearchParams();
    if (this.search) settings.set("search", this.search);
    if (this.states.size > 0) settings.set("verdicts", [...this.states].join(","));
    if (this.column.id !== "time" || !this.isDown)
      settings.set("sort", `${this.column.id}.${this.isDown ? "down" : "up"}`);
    history.replaceState(null, "", settings.size > 0 ? `#${settings}` : location.pathname);
    this.shown = PAGE_ROWS;
    this.draw();
  }

  frame() {
    this.box = element("input", {
      type: "search",
      placeholder: "search: 3d, partition, 0x2a …",
      "aria-label": "Search the runs",
      oninput: () => {
        this.search = this.box.value;
        this.store();
      },
    });
    this.buttons = Object.entries(STATES).map(([state, [sign, word, title]]) =>
      element(
        "button",
        {
          type: "button",
          "data-state": state,
          title,
          onclick: () => {
            if (!this.states.delete(state)) this.states.add(state);
            this.showSettings();
            this.store();
          },
        },
        `${sign} ${word}`,
      ),
    );
    this.compare = element(
      "button",
      { type: "button", disabled: true, onclick: () => this.openComparison() },
      "compare two",
    );
    this.count = element("span", { class: "soft" });
    this.body = element("tbody");
    this.heads = COLUMNS.map((column) =>
      element(
        "th",
        { class: column.isNumber && "number", scope: "col" },
        element(
          "button",
          {
            type: "button",
            title: column.hint,
            onclick: () => {
              this.isDown =
                this.column === column ? !this.isDown : column.isNumber || column.id === "time";
              this.column = column;
              this.store();
            },
          },
          column.title,
        ),
      ),
    );
    this.more = element("button", {
      type: "button",
      class: "more",
      hidden: true,
      onclick: () => {
        this.shown = Infinity;
        this.draw();
      },
    });
    this.nothing = element("p", { class: "empty soft", hidden: true });
    fill(
      this.main,
      element(
        "div",
        { class: "bar" },
        this.box,
        element(
          "div",
          { class: "states", role: "group", "aria-label": "Verdicts shown" },
          this.buttons,
        ),
        this.count,
        element("span", { class: "end" }, this.compare),
      ),
      element(
        "table",
        { class: "runs" },
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            element("th", {}, element("span", { title: "Choose two runs to compare" }, "⇄")),
            this.heads,
            element(
              "th",
              {
                scope: "col",
                title:
                  "Of operations over the time of the run: median, and above it the longest; logarithmic",
              },
              "latency",
            ),
          ),
        ),
        this.body,
      ),
      this.nothing,
      this.more,
    );
    this.showSettings();
  }

  showSettings() {
    if (this.box.value !== this.search) this.box.value = this.search;
    for (const button of this.buttons)
      button.setAttribute("aria-pressed", String(this.states.has(button.dataset.state)));
  }

  /// Fetches the runs, draws them, and looks again from time to time.
  async watch() {
    for (;;) {
      if (!document.hidden) {
        try {
          await this.load();
          fill(byId("said"));
        } catch (error) {
          fill(byId("said"), error.message);
        }
      }
      document.body.classList.remove("loading");
      document.documentElement.dataset.ready = "true";
      await new Promise((done) => {
        setTimeout(done, LOOK_MS);
      });
    }
  }

  async load() {
    const { store, runs } = await ask("/api/runs");
    const text = JSON.stringify(runs);
    if (text === this.last) {
      for (const { cells } of this.body.querySelectorAll("tr.running"))
        drawSpark(cells[cells.length - 1], cells[cells.length - 1].row);
      return;
    }
    this.last = text;
    this.runs = runs;
    fill(byId("where"), plain(store));
    this.draw();
  }

  /// Those that are looked for, in order.
  found() {
    const words = this.search.toLowerCase().split(/\s+/).filter(Boolean);
    const isFound = (row) =>
      (this.states.size === 0 || this.states.has(row.state)) &&
      (words.length === 0 || words.every((word) => searched(row).includes(word)));
    const rows = this.runs.filter(isFound);
    const sign = this.isDown ? -1 : 1;
    // Folders without a run come last; the newest first among equals, as the server sends them.
    return rows.sort(
      (a, b) => Number(isRun(b)) - Number(isRun(a)) || sign * this.column.order(a, b),
    );
  }

  draw() {
    const rows = this.found();
    const shown = rows.slice(0, this.shown);
    const focused = document.activeElement?.closest?.("tr")?.dataset.run;
    this.heads.forEach((head, place) => {
      const column = COLUMNS[place];
      const isSorted = column === this.column;
      if (isSorted) head.setAttribute("aria-sort", this.isDown ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
      head.firstChild.textContent = `${column.title}${isSorted ? (this.isDown ? " ↓" : " ↑") : ""}`;
    });
    for (const button of this.buttons) {
      const count = this.runs.filter((row) => row.state === button.dataset.state).length;
      button.hidden = count === 0 && !this.states.has(button.dataset.state);
    }
    fill(
      this.count,
      rows.length === this.runs.length
        ? counted(rows.length, "run", "runs")
        : `${grouped(rows.length)} of ${counted(this.runs.length, "run", "runs")}`,
    );
    fill(
      this.body,
      shown.map((row) => this.row(row)),
    );
    this.more.hidden = shown.length === rows.length;
    fill(this.more, `${grouped(shown.length)} are shown; show all ${grouped(rows.length)}`);
    this.nothing.hidden = rows.length > 0;
    fill(
      this.nothing,
      this.runs.length > 0
        ? "No run is like that."
        : "There are no runs here yet. They appear as they begin: kolk test, kolk challenge all.",
    );
    this.showChosen();
    if (focused) this.body.querySelector(`tr[data-run="${CSS.escape(focused)}"] a`)?.focus();
  }

  row(row) {
    const name = nameOf(row);
    const box =
      isRun(row) &&
      element("input", {
        type: "checkbox",
        "aria-label": `compare ${plain(name)}`,
        onchange: () => this.choose(name, box.checked),
      });
    if (box) box.checked = this.chosen.has(name);
    const spark = element("td");
    spark.row = row;
    if (isRun(row)) this.sparks.observe(spark);
    const cells = row.problem
      ? [
          element("td", { class: "wide" }, workloadCell(row)),
          element("td", {}, stateOf(row)),
          element("td", { class: "time" }, beganCell(row)),
          element("td", { class: "wide problem", colspan: COLUMNS.length - 3 }, plain(row.problem)),
        ]
      : COLUMNS.map((column) =>
          element(
            "td",
            {
              class: [column.isNumber && "number", column.wide].filter(Boolean).join(" ") || false,
            },
            column.cell(row),
          ),
        );
    return element(
      "tr",
      { "data-run": name, class: row.state === "running" && "running" },
      element("td", {}, box),
      cells,
      spark,
    );
  }

  /// Two at most: a third takes the place of the first.
  choose(name, isChosen) {
    if (!isChosen) this.chosen.delete(name);
    else {
      if (this.chosen.size === 2) this.chosen.delete(this.chosen.values().next().value);
      this.chosen.add(name);
    }
    this.showChosen();
  }

  showChosen() {
    const there = new Set(this.runs.map(nameOf));
    for (const name of this.chosen) if (!there.has(name)) this.chosen.delete(name);
    for (const row of this.body.rows) {
      const isChosen = this.chosen.has(row.dataset.run);
      row.classList.toggle("chosen", isChosen);
      const box = row.querySelector("input");
      if (box) box.checked = isChosen;
    }
    this.compare.disabled = this.chosen.size !== 2;
    this.compare.textContent = this.chosen.size === 1 ? "compare with …" : "compare two";
  }

  openComparison() {
    const [a, b] = [...this.chosen].sort();
    location.href = `/compare?${new URLSearchParams({ a, b })}`;
  }

  /// `/` searches, J and K go from run to run, X chooses, C compares.
  key(event) {
    const isTyping = event.target.matches("input[type=search]");
    if (event.key === "Escape" && isTyping) this.box.blur();
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...this.body.rows];
    const at = rows.indexOf(document.activeElement?.closest("tr"));
    const move = (by) =>
      rows[Math.max(0, Math.min(rows.length - 1, at + by))]?.querySelector("a")?.focus();
    const actions = {
      "/": () => this.box.focus(),
      j: () => move(1),
      k: () => move(-1),
      x: () => rows[at]?.querySelector("input")?.click(),
      c: () => this.chosen.size === 2 && this.openComparison(),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}
