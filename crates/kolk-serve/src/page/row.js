// A run in words: what the table, a run's own page and the comparison say of it.
import { nameOf, pathOf } from "./api.js";
import { element, plain } from "./dom.js";
import { duration, ratio } from "./format.js";

export const STATES = {
  valid: ["✓", "valid", "Every check holds"],
  invalid: ["✗", "invalid", "Some check does not hold"],
  unknown: ["?", "unknown", "Some check cannot tell"],
  running: ["▶", "running", "It goes on"],
  unfinished: ["…", "unfinished", "It was ended before there were results"],
  damaged: ["!", "damaged", "Its files cannot be read"],
  foreign: ["·", "no run", "The folder holds no run"],
};

/// The state, by sign, word and colour.
export function stateOf(row) {
  const [sign, word, title] = STATES[row.state] ?? ["·", row.state, ""];
  return element(
    "span",
    { class: `state ${row.state}`, title: row.problem ? plain(row.problem) : title },
    `${sign} ${word}`,
  );
}

/// When it began, from its folder's name, or that name. The year is told if it is another.
export function began({ time }) {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)/.exec(time);
  if (!parts) return plain(time);
  const [, year, month, day, ...clock] = parts;
  const date =
    Number(year) === new Date().getFullYear() ? `${month}-${day}` : `${year}-${month}-${day}`;
  return `${date} ${clock.join(":")}`;
}

/// `0x2a`, without zeros in front.
export function seedOf(row) {
  return plain(row.seed.replace(/^0x0+(?=.)/, "0x"));
}

/// What was done to the network: `4 partitions, loss 0.1`.
export function faultsOf(row) {
  const parts = Object.entries(row.faults).map(
    ([kind, count]) => `${count} ${plain(kind)}${count === 1 ? "" : "s"}`,
  );
  if (row.loss > 0) parts.push(`loss ${ratio(row.loss)}`);
  if (row.duplication > 0) parts.push(`duplication ${ratio(row.duplication)}`);
  return parts.join(", ");
}

/// Numbers a run may not have.
export const orNothing = (number, write) =>
  number === null || number === undefined ? "–" : write(number);

export const durationOf = (row) => orNothing(row.duration, duration);
export const perOperation = (row) => orNothing(row.serverMessagesPerOperation, ratio);
export const latencyOf = (row) =>
  orNothing(row.stableLatencyMedianMs ?? row.latencyMedianMs, (ms) => duration(ms * 1e6));

/// Everything a search looks through.
export function searched(row) {
  const challenge = row.challenge ? `challenge ${row.challenge.id}` : "";
  const words = [
    nameOf(row),
    began(row),
    STATES[row.state]?.[1],
    row.node,
    `${row.nodeCount} nodes`,
    faultsOf(row),
    row.clock,
    row.seed,
    seedOf(row),
    challenge,
    ...row.anomalies,
    row.problem ?? "",
  ];
  return words.join(" ").toLowerCase();
}

/// True for a folder with something to look at.
export const isRun = (row) => row.state !== "foreign";
/// What is under test; the node of the workload's own name is the usual one.
export const nodeOf = (row) =>
  row.isBuiltIn && row.node === row.workload ? "built-in" : plain(row.node);

/// Where a run's drawings are: its report, or what there is so far.
export const drawnAt = (row) =>
  hasReport(row) ? "/report" : row.state === "running" || row.state === "unfinished" ? "/live" : "";

export const hasReport = (row) => ["valid", "invalid", "unknown"].includes(row.state);

/// The link to where it is drawn, if it is.
export const drawnLink = (row) =>
  drawnAt(row) &&
  element(
    "a",
    { class: "main", href: pathOf("/runs", row, drawnAt(row)) },
    hasReport(row) ? "report" : "so far",
  );
