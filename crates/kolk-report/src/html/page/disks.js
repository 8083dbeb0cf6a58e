// The nodes' disks: a lane for every node that used one, with what was written and synced, calls that
// failed, and what a loss of power left. A table says the same in words.
import { Drawing, GUTTER, theme } from "./canvas.js";
import { lowerBound } from "./data.js";
import { byId, element, fill, pick, plain, restButton, tableHead } from "./dom.js";
import { counted, grouped, moment } from "./format.js";
import { showMoment } from "./lives.js";

const DISK_LANE = 40;
/// Beyond this many marks in a window they are drawn as density.
const TICKS_MAX = 1500;
/// How many losses of power are told at first.
const LOSSES_SHOWN = 12;

const WRITES = new Set(["append", "write", "rename", "remove"]);
const SYNCS = new Set(["sync", "sync-names"]);
const REFUSALS = new Set(["failed", "full"]);
const LOSSES = new Set(["kept", "lost", "torn", "empty", "gone", "back", "earlier"]);

/// Shows the panel, if any node used its disk. `drawings` gets what must be redrawn when the colours
/// change.
export async function drawDisks(state, drawings) {
  const events = await state.run.nodeEvents();
  const disks = readDisks(state.run, events);
  const panel = byId("disks-panel");
  if (disks.length === 0) {
    const note = foldersNote(state.run);
    panel.hidden = note === null;
    byId("disks").hidden = true;
    if (note) fill(byId("disks-words"), element("p", { class: "soft" }, note));
  } else {
    panel.hidden = false;
    const canvas = byId("disks").querySelector("canvas");
    canvas.setAttribute("aria-label", `Disks. ${disks.map(diskInWords).join(" ")}`);
    drawings.push(new Disks(canvas, state, disks));
    fill(byId("disks-words"), wordsOf(state, disks, events));
  }
  for (const link of document.querySelectorAll('nav a[href="#disks-panel"]'))
    link.toggleAttribute("hidden", panel.hidden);
}

/// Of disks that kolk neither simulates nor follows nothing is recorded; that is said where a fault was to hit them.
function foldersNote(run) {
  const isHit = run.faults.some((fault) => fault.kind === "disk" || fault.kind === "power");
  if (!isHit) return null;
  return run.plan.clock === "real"
    ? "On the real clock a node's disk is its own folder (node-data in the run's folder): what it writes there and syncs is not recorded."
    : "No node used a disk that kolk simulates (cx.storage() of the node library) or follows (files of traced programs). What else a node writes into its folder (node-data in the run's folder) is its own, and is not recorded.";
}

/// The disks by their nodes, in the order of the nodes, with what happened to each.
function readDisks(run, events) {
  const disks = new Map();
  const of = (node) => {
    if (!disks.has(node))
      disks.set(node, {
        node,
        writes: [],
        syncs: [],
        refusals: [],
        corrupted: [],
        losses: [],
        bytes: 0,
        isCut: false,
      });
    return disks.get(node);
  };
  let loss = null;
  for (const event of events) {
    const { node, kind, time } = event;
    if (WRITES.has(kind)) {
      of(node).writes.push(event);
      of(node).bytes += event.first;
    } else if (SYNCS.has(kind)) of(node).syncs.push(event);
    else if (REFUSALS.has(kind)) of(node).refusals.push(event);
    else if (kind === "corrupt") of(node).corrupted.push(event);
    else if (kind === "power") {
      loss = { node, time, files: [] };
      of(node).losses.push(loss);
    } else if (LOSSES.has(kind)) loss?.files.push(event);
    else if (kind === "cut") for (const disk of disks.values()) disk.isCut = true;
  }
  const order = new Map(run.plan.nodes.map((node, place) => [node, place]));
  // A node whose power was lost and who never used a disk has none.
  const used = [...disks.values()].filter(
    (disk) => disk.writes.length + disk.syncs.length + disk.refusals.length > 0,
  );
  for (const disk of used) {
    disk.writeTimes = Float64Array.from(disk.writes, ({ time }) => time);
    disk.syncTimes = Float64Array.from(disk.syncs, ({ time }) => time);
  }
  return used.sort((a, b) => order.get(a.node) - order.get(b.node));
}

function diskInWords({ node, writes, syncs, bytes, refusals, losses }) {
  const parts = [
    `${counted(writes.length, "change", "changes")} of ${counted(bytes, "byte", "bytes")} in all`,
    counted(syncs.length, "sync", "syncs"),
    refusals.length > 0 && counted(refusals.length, "call that failed", "calls that failed"),
    losses.length > 0 && counted(losses.length, "loss of power", "losses of power"),
  ];
  return `${plain(node)}: ${parts.filter(Boolean).join(", ")}.`;
}

/// What became of a file when the power was lost.
function fateInWords({ kind, file, first, second }) {
  const name = plain(file);
  const size = first === second ? `${grouped(first)}` : `${grouped(first)} → ${grouped(second)}`;
  const what = {
    kept: `${name} kept all that was not synced (${size} bytes)`,
    lost: `${name} lost what was not synced (${size} bytes)`,
    torn: `${name} is torn: some sectors of what was not synced are there (${size} bytes)`,
    empty: `${name} is empty (${size} bytes)`,
    gone: `${name} is gone (it had ${grouped(first)} bytes)`,
    back: `${name} is there again under that name (${grouped(second)} bytes)`,
    earlier: `${name} is again the file that had the name before (${size} bytes)`,
  };
  return what[kind];
}

function lossInWords({ node, time, files }) {
  const fates =
    files.length === 0
      ? "all that it had written was safe"
      : files.slice(0, 12).map(fateInWords).join("; ");
  const more = files.length > 12 ? `; and ${counted(files.length - 12, "file", "files")} more` : "";
  return `${plain(node)} lost its power at ${moment(time)}: ${fates}${more}.`;
}

/// What a loss cost, in few words.
function lossInShort({ files }) {
  const counts = new Map();
  for (const { kind } of files) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  if (counts.size === 0) return "nothing lost";
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
}

function wordsOf(state, disks, events) {
  const heads = ["disk", "changes", "bytes", "syncs", "failed", "overwritten", "power lost"];
  const row = (disk) =>
    element(
      "tr",
      {},
      [
        plain(disk.node),
        grouped(disk.writes.length),
        grouped(disk.bytes),
        grouped(disk.syncs.length),
        grouped(disk.refusals.length),
        disk.corrupted
          .map(({ file, first }) => `${plain(file)} from byte ${grouped(first)}`)
          .slice(0, 6)
          .join(", "),
        grouped(disk.losses.length),
      ].map((text) => element("td", {}, text)),
    );
  const losses = disks.flatMap((disk) => disk.losses).sort((a, b) => a.time - b.time);
  const item = (loss) =>
    element(
      "li",
      {},
      pick(lossInWords(loss), () => showMoment(state, loss.time), "Show it"),
    );
  const list = element("ul", { class: "rows" }, losses.slice(0, LOSSES_SHOWN).map(item));
  const rest = losses.slice(LOSSES_SHOWN);
  const more = restButton(list, rest, item, `${rest.length} more losses of power`);
  const last = events[events.length - 1];
  return [
    losses.length > 0 && list,
    more,
    element(
      "details",
      {},
      element("summary", {}, "Disks in numbers"),
      element("table", {}, tableHead(heads), element("tbody", {}, disks.map(row))),
    ),
    disks.some((disk) => disk.isCut) &&
      element(
        "p",
        { class: "notice" },
        `What happened after ${moment(last.time)} is not recorded: it had all the room there is for it.`,
      ),
  ];
}

class Disks extends Drawing {
  constructor(canvas, state, disks) {
    super(canvas, state);
    this.disks = disks;
    this.draw();
  }

  height() {
    return this.disks.length * DISK_LANE + 26;
  }

  y(lane) {
    return (lane + 0.5) * DISK_LANE;
  }

  paint(pen, height) {
    const bottom = height - 22;
    this.axis(bottom);
    this.faultBands();
    for (const [lane, disk] of this.disks.entries()) {
      this.label(plain(disk.node), this.laneLine(this.y(lane)));
    }
    this.clipped(bottom, () => {
      for (const [lane, disk] of this.disks.entries()) this.disk(pen, disk, this.y(lane));
    });
    this.cursors(bottom);
  }

  /// Where a fault of the disk was open, and where the node was down.
  faultBands() {
    const lanes = new Map(this.disks.map(({ node }, lane) => [node, this.y(lane)]));
    for (const fault of this.run.faults) {
      if (!["disk", "kill", "power"].includes(fault.kind)) continue;
      for (const node of fault.touched) {
        const y = lanes.get(node);
        if (y !== undefined) this.band(fault, y - DISK_LANE / 2 + 1, y + DISK_LANE / 2 - 1);
      }
    }
  }

  at(time) {
    return this.x(this.state.placeOf(time));
  }

  /// Above the line what was written, below it syncs; what is too much is drawn as density.
  disk(pen, disk, y) {
    const [from, to] = [this.state.timeAt(this.state.from), this.state.timeAt(this.state.to)];
    /** @returns {[number, number]} */
    const span = (times) => [lowerBound(times, from), lowerBound(times, to)];
    const writes = span(disk.writeTimes);
    const syncs = span(disk.syncTimes);
    this.ticks(pen, disk.writeTimes, writes, y, -11, theme.accent);
    this.ticks(pen, disk.syncTimes, syncs, y, 11, theme.good);
    pen.strokeStyle = theme.bad;
    pen.fillStyle = theme.bad;
    pen.lineWidth = 1.6;
    for (const { time } of disk.refusals) {
      if (time < from || time > to) continue;
      const x = this.at(time);
      pen.beginPath();
      for (const slope of [-1, 1]) {
        pen.moveTo(x - 3, y - 14 - 3 * slope);
        pen.lineTo(x + 3, y - 14 + 3 * slope);
      }
      pen.stroke();
    }
    for (const { time } of disk.corrupted) {
      if (time >= from && time <= to) pen.strokeRect(this.at(time) - 4, y - 4, 8, 8);
    }
    pen.font = theme.small;
    pen.textAlign = "left";
    let free = -Infinity;
    for (const loss of disk.losses) {
      if (loss.time < from || loss.time > to) continue;
      const x = this.at(loss.time);
      pen.beginPath();
      pen.moveTo(x, y - DISK_LANE / 2 + 1);
      pen.lineTo(x, y + DISK_LANE / 2 - 1);
      pen.stroke();
      const text = lossInShort(loss);
      if (x < free) continue;
      pen.fillText(text, x + 4, y + DISK_LANE / 2 - 8);
      free = x + pen.measureText(text).width + 8;
    }
    pen.font = theme.font;
  }

  /// A tick for each moment, or for each column how many: as long as there are more.
  ticks(pen, times, [first, last], y, reach, color) {
    if (last - first <= TICKS_MAX) {
      pen.strokeStyle = color;
      pen.lineWidth = 1.4;
      pen.beginPath();
      for (let i = first; i < last; i++) {
        const x = this.at(times[i]);
        pen.moveTo(x, y);
        pen.lineTo(x, y + reach);
      }
      pen.stroke();
      return;
    }
    pen.fillStyle = color;
    const columns = Math.ceil(this.plotWidth / 2);
    const counts = [];
    let before = first;
    for (let column = 0; column < columns; column++) {
      const end = lowerBound(times, this.state.timeAt(this.placeAt(GUTTER + (column + 1) * 2)));
      counts.push(end - before);
      before = Math.max(before, end);
    }
    const scale = reach / Math.log1p(Math.max(...counts, 1));
    for (const [column, count] of counts.entries()) {
      if (count > 0) pen.fillRect(GUTTER + column * 2, y, 2, Math.log1p(count) * scale);
    }
  }

  /// What happened nearest to the mouse.
  over(_found, x, y) {
    this.tip(x >= GUTTER ? this.nearest(x, y) : null, x, y);
  }

  nearest(x, y) {
    const disk = this.disks[Math.floor(y / DISK_LANE)];
    if (!disk) return null;
    const isAbove = y < this.y(this.disks.indexOf(disk));
    const rows = isAbove ? disk.writes : disk.syncs;
    const times = isAbove ? disk.writeTimes : disk.syncTimes;
    const time = this.state.timeAt(this.placeAt(x));
    const place = lowerBound(times, time);
    const near = [place - 1, place]
      .filter((at) => at >= 0 && at < rows.length)
      .map((at) => rows[at]);
    const all = [...near, ...disk.losses, ...disk.refusals, ...disk.corrupted];
    let [best, distance] = [null, 6];
    for (const event of all) {
      const away = Math.abs(this.at(event.time) - x);
      if (away < distance) [best, distance] = [event, away];
    }
    return best && eventInWords(best);
  }
}

/// An event of a disk in a line.
function eventInWords(event) {
  if (event.files) return lossInWords(event);
  const { node, kind, time, other, first, second } = event;
  const file = event.file === null ? "" : plain(event.file);
  const what = {
    append: `appended ${counted(first, "byte", "bytes")} to ${file}`,
    write: `wrote ${file}, ${counted(first, "byte", "bytes")}`,
    rename: `renamed ${file} to ${plain(other ?? "")}`,
    remove: `removed ${file}`,
    sync: `synced ${file || "a file that has no name any more"}: ${counted(first, "byte", "bytes")} more are safe`,
    "sync-names": "synced the names of its files",
    failed: `${plain(other ?? "")} of ${file || "the names"} failed: the disk was at fault`,
    full: `${plain(other ?? "")} of ${file} failed: the disk was full`,
    corrupt: `${counted(second, "byte", "bytes")} of ${file} were overwritten from byte ${grouped(first)} on`,
  }[kind];
  return `${plain(node)} ${kind === "corrupt" ? "had a fault of its disk: " : ""}${what}, ${moment(time)}`;
}
