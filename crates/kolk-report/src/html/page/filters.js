// Above the diagram: linear or ordinal time, which types and whose messages are drawn.
import { kindColor, theme } from "./canvas.js";
import { byId, element, fill, plain } from "./dom.js";
import { grouped } from "./format.js";

/// How many types stand in the row; a hostile node can invent as many as it likes.
const KINDS_MAX = 24;

export class Filters {
  constructor(state) {
    this.state = state;
    byId("axis-time").addEventListener("click", () => state.setOrdinal(false));
    byId("axis-order").addEventListener("click", () => state.setOrdinal(true));
    byId("zoom-in").addEventListener("click", () => state.zoom(0.5));
    byId("zoom-out").addEventListener("click", () => state.zoom(2));
    byId("zoom-all").addEventListener("click", () => state.show(...state.whole()));
    byId("only").addEventListener("change", (event) => {
      state.onlyOperation = event.currentTarget.checked;
      state.changed("filter");
    });
    byId("join").addEventListener("change", (event) => {
      state.joinsClients = event.currentTarget.checked;
      state.changed("filter");
    });
    state.listen((what) => (what.has("filter") || what.has("view")) && this.update());
    this.draw();
  }

  /// Redraws what depends on colours or on what is hidden.
  draw() {
    const { run } = this.state;
    const kinds = run.kinds.toSorted((a, b) => b.count - a.count);
    const chip = (kind) => {
      const swatch = element("i", { class: kind.isReply ? "swatch reply" : "swatch" });
      swatch.style.borderColor = kindColor(kind);
      return this.toggle(
        "kinds",
        kind.number,
        plain(kind.name) || "(no type)",
        swatch,
        grouped(kind.count),
      );
    };
    fill(
      byId("kinds"),
      kinds.slice(0, KINDS_MAX).map(chip),
      kinds.length > KINDS_MAX && this.rest(kinds.slice(KINDS_MAX), chip),
    );
    const actors = run.actors.sorted.filter((actor) => actor.group !== "client");
    const clients = run.actors.sorted.filter((actor) => actor.group === "client");
    fill(
      byId("actors"),
      actors.map((actor) => this.toggle("actors", actor.number, plain(actor.name))),
      clients.length > 0 && this.clients(clients),
    );
    this.update();
  }

  rest(kinds, chip) {
    const more = element(
      "button",
      { type: "button", class: "more", onclick: () => more.replaceWith(...kinds.map(chip)) },
      `${grouped(kinds.length)} more types`,
    );
    return more;
  }

  toggle(what, number, name, swatch, count) {
    const { state } = this;
    return element(
      "button",
      {
        type: "button",
        class: "toggle",
        "aria-pressed": String(!state.hidden[what].has(number)),
        "data-name": name,
        onclick: (event) => {
          const set = state.hidden[what];
          if (set.has(number)) set.delete(number);
          else set.add(number);
          event.currentTarget.setAttribute("aria-pressed", String(!set.has(number)));
          state.changed("filter");
        },
      },
      swatch,
      name,
      count && element("small", {}, ` ${count}`),
    );
  }

  /// All clients at once.
  clients(clients) {
    const isHidden = () => clients.every((client) => this.state.hidden.actors.has(client.number));
    return element(
      "button",
      {
        type: "button",
        class: "toggle",
        "aria-pressed": String(!isHidden()),
        "data-name": "clients",
        onclick: (event) => {
          const hide = !isHidden();
          const { hidden } = this.state;
          for (const client of clients) {
            if (hide) hidden.actors.add(client.number);
            else hidden.actors.delete(client.number);
          }
          event.currentTarget.setAttribute("aria-pressed", String(!hide));
          this.state.changed("filter");
        },
      },
      "clients",
    );
  }

  update() {
    const { state } = this;
    byId("axis-time").setAttribute("aria-pressed", String(!state.isOrdinal));
    byId("axis-order").setAttribute("aria-pressed", String(state.isOrdinal));
    byId("only").checked = state.onlyOperation;
    byId("join").checked = state.joinsClients;
  }
}

/// Colours have changed.
export function recolor(filters) {
  theme.read();
  filters.draw();
}
