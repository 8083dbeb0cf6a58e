// Numbers and times for people.
import { plain } from "./dom.js";

const MS = 1e6;
const SECOND = 1e9;

/// A count with its thousands apart.
export function grouped(number) {
  return Math.round(number)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/// `1 message`, `5 messages`.
export function counted(number, one, many) {
  return `${grouped(number)} ${number === 1 ? one : many}`;
}

/// A number with three digits that mean something.
export function ratio(number) {
  if (!Number.isFinite(number)) return "–";
  const size = Math.abs(number);
  if (size >= 1000) return grouped(number);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return String(Number(number.toFixed(digits)));
}

/// A length of time in nanoseconds.
export function duration(nanos) {
  if (!Number.isFinite(nanos)) return "–";
  if (nanos === 0) return "0";
  if (nanos < 1e3) return `${nanos} ns`;
  if (nanos < MS) return `${ratio(nanos / 1e3)} µs`;
  if (nanos < SECOND) return `${ratio(nanos / MS)} ms`;
  return `${ratio(nanos / SECOND)} s`;
}

/// A moment, to the microsecond where that says anything.
export function moment(nanos) {
  if (!Number.isFinite(nanos)) return "never";
  const text = (nanos / SECOND)
    .toFixed(6)
    .replace(/(\.\d{3})(\d{3})$/, (_, ms, us) => (us === "000" ? ms : ms + us));
  return `${text} s`;
}

/// A moment on an axis whose marks are `step` nanoseconds apart.
export function tick(nanos, step) {
  const digits = Math.max(0, Math.min(9, Math.ceil(-Math.log10(step / SECOND) - 1e-9)));
  return `${(nanos / SECOND).toFixed(digits)} s`;
}

/// A step between marks: 1, 2 or 5 times a power of ten, at least `least`.
export function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = least / power;
  return (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10) * power;
}

/// JSON, indented if it is JSON, with short lists on one line.
export function prettyJson(text) {
  try {
    // What JSON.parse would round is shown as it came.
    if (/\d{16,}/.test(text)) return plain(text);
    return plainLines(pretty(JSON.parse(text), ""));
  } catch {
    return plain(text);
  }
}

function plainLines(text) {
  return text.split("\n").map(plain).join("\n");
}

function pretty(value, indent) {
  const flat = JSON.stringify(value);
  if (flat.length + indent.length <= 60 || typeof value !== "object" || value === null) return flat;
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== "object")) return flat;
    return `[\n${value.map((item) => deeper + pretty(item, deeper)).join(",\n")}\n${indent}]`;
  }
  const entry = ([key, item]) => `${deeper}${JSON.stringify(key)}: ${pretty(item, deeper)}`;
  return `{\n${Object.entries(value).map(entry).join(",\n")}\n${indent}}`;
}

/// The first `length` characters.
export function cut(text, length) {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}
