// The run, read out of the page: tables of numbers at once, texts when they are looked at.

/// How many texts of a chunk are kept that had to be put together.
const KNOWN_MAX = 64;

/// The bytes of a data part, unpacked.
async function unpack(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the part ${id} is missing`);
  const text = element.textContent;
  const packed = Uint8Array.fromBase64
    ? Uint8Array.fromBase64(text)
    : Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/// Reads variable-length integers: seven bits a byte, least first. Whole up to 2^53.
class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  number() {
    let byte = this.bytes[this.at++];
    if (byte < 0x80) return byte;
    let number = byte & 0x7f;
    let scale = 128;
    do {
      byte = this.bytes[this.at++];
      number += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80);
    return number;
  }

  /// A column: its length in bytes, then its numbers.
  column(target) {
    const end = this.number() + this.at;
    for (let i = 0; i < target.length; i++) target[i] = this.number();
    if (this.at !== end) throw new Error("a column is not as long as it says");
    return target;
  }

  /// A column of differences.
  differences(target) {
    this.column(target);
    let last = 0;
    for (let i = 0; i < target.length; i++) {
      const number = target[i];
      last += number % 2 === 0 ? number / 2 : -(number + 1) / 2;
      target[i] = last;
    }
    return target;
  }
}

/// Texts in chunks, of which those that were looked at last are kept unpacked.
export class Texts {
  constructor(name, starts, count) {
    this.name = name;
    this.starts = starts;
    this.count = count;
    this.chunks = new Map();
    this.waiting = new Map();
  }

  /// The chunk that a text is in.
  place(number) {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= number) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /// The text, if what it is made of is at hand.
  peek(number) {
    return this.missing(number) < 0 ? Texts.decoder.decode(this.whole(number)) : undefined;
  }

  /// The text.
  async get(number) {
    if (number < 0 || number >= this.count) return "";
    for (let place = this.missing(number); place >= 0; place = this.missing(number))
      await this.chunk(place);
    return Texts.decoder.decode(this.whole(number));
  }

  /// A chunk that must be unpacked before the text can be put together, or -1: it may be like an
  /// earlier text, and that one like another.
  missing(number) {
    for (let at = number; ; ) {
      const place = this.place(at);
      const chunk = this.chunks.get(place);
      if (!chunk) return place;
      const back = chunk.known.has(at) ? 0 : chunk.back[at - chunk.start];
      if (back === 0) return -1;
      at -= back;
    }
  }

  /// The bytes of a text. One that is like another is made of pieces of that one and of bytes of its own;
  /// the last few that were put together are kept, since the next is likely to be like one.
  whole(number) {
    const waiting = [];
    let at = number;
    let text = null;
    while (text === null) {
      const chunk = this.chunks.get(this.place(at));
      const place = at - chunk.start;
      if (chunk.back[place] === 0)
        text = chunk.bytes.subarray(chunk.offsets[place], chunk.offsets[place + 1]);
      else if (chunk.known.has(at)) text = chunk.known.get(at);
      else {
        waiting.push([chunk, place]);
        at -= chunk.back[place];
      }
    }
    while (waiting.length > 0) {
      const [chunk, place] = waiting.pop();
      text = putTogether(chunk, place, text);
      if (waiting.length > 0) continue;
      chunk.known.set(number, text);
      if (chunk.known.size > KNOWN_MAX) chunk.known.delete(chunk.known.keys().next().value);
    }
    return text;
  }

  async chunk(place) {
    const known = this.chunks.get(place);
    if (known) return known;
    if (!this.waiting.has(place)) this.waiting.set(place, this.load(place));
    return this.waiting.get(place);
  }

  /// Calls back with each wanted text from one number up to another.
  async scan(from, to, isWanted, found) {
    for (let number = from; number < to; number++) {
      if (isWanted(number)) found(number, this.peek(number) ?? (await this.get(number)));
    }
  }

  async load(place) {
    const bytes = await unpack(`${this.name}-${place}`);
    const reader = new Reader(bytes);
    const count = reader.number();
    const chunk = {
      start: this.starts[place],
      back: new Uint32Array(count),
      pieces: new Map(),
      offsets: new Uint32Array(count + 1),
      known: new Map(),
    };
    for (let i = 0; i < count; i++) {
      chunk.back[i] = reader.number();
      let own = 0;
      if (chunk.back[i] > 0) {
        const pieces = new Uint32Array(3 * reader.number());
        for (let k = 0; k < pieces.length; k++) pieces[k] = reader.number();
        for (let k = 2; k < pieces.length; k += 3) own += pieces[k];
        chunk.pieces.set(i, pieces);
      } else own = reader.number();
      chunk.offsets[i + 1] = chunk.offsets[i] + own;
    }
    chunk.bytes = bytes.subarray(reader.at);
    this.chunks.set(place, chunk);
    this.waiting.delete(place);
    if (this.chunks.size > Texts.keptMax) this.chunks.delete(this.chunks.keys().next().value);
    return chunk;
  }
}
/// A text of which another is the base: pieces are how many bytes are copied, left out, and its own.
function putTogether(chunk, place, base) {
  const pieces = chunk.pieces.get(place);
  let length = 0;
  for (let k = 0; k < pieces.length; k += 3) length += pieces[k] + pieces[k + 2];
  const whole = new Uint8Array(length);
  let [at, from, own] = [0, 0, chunk.offsets[place]];
  for (let k = 0; k < pieces.length; k += 3) {
    whole.set(base.subarray(from, from + pieces[k]), at);
    at += pieces[k];
    from += pieces[k] + pieces[k + 1];
    whole.set(chunk.bytes.subarray(own, own + pieces[k + 2]), at);
    at += pieces[k + 2];
    own += pieces[k + 2];
  }
  return whole;
}

Texts.decoder = new TextDecoder("utf-8");
Texts.keptMax = 64;

/// What became of a message: the numbers in `fate`.
export const FATES = [
  "on its way at the end",
  "received",
  "lost",
  "cut off by a partition",
  "sent to a dead node",
];
export const OUTCOMES = ["ok", "fail", "info"];
export const PHASES = ["load", "final", "convergence"];

/// Reads the whole run.
export async function readRun() {
  const meta = JSON.parse(new TextDecoder().decode(await unpack("meta")));
  const reader = new Reader(await unpack("columns"));
  const messages = readMessages(reader, meta);
  const operations = readOperations(reader, meta);
  const run = {
    meta,
    plan: meta.plan,
    results: meta.results,
    messages,
    operations,
    bodies: new Texts("bodies", meta.bodyStarts, messages.count),
    values: new Texts("values", meta.valueStarts, operations.count),
    logs: meta.logs.map((log, place) => ({
      node: log.node,
      count: log.count,
      isTimed: log.isTimed,
      stateCount: log.states ?? 0,
      states: once(() => readStates(place, log.states ?? 0)),
      texts: new Texts(`logs-${place}`, log.starts, log.count),
      times: once(() =>
        log.isTimed ? readLogTimes(place, log.count, meta.results.run.ended) : null,
      ),
    })),
  };
  run.nodeEvents = once(() => readNodeEvents(meta));
  run.offsets = meta.offsets ? await readOffsets(meta.offsets) : null;
  return complete(run);
}

/// Adds to a run's tables what all panels look up in them.
export function complete(run) {
  const { meta, messages, operations } = run;
  run.events = orderEvents(run);
  run.ended = Math.max(meta.results.run.ended, run.events.times[run.events.count - 1] ?? 0, 1);
  run.loadBegan = meta.results.run["load-began"];
  run.loadEnded = meta.results.run["load-ended"];
  run.actors = sortActors(meta);
  run.kinds = describeKinds(run);
  run.faults = readFaults(run);
  indexOperations(run);
  messages.spans = messageSpans(run);
  operations.spans = operationSpans(run);
  return run;
}

/// For the log: all keys' entries, one key after another, by offset. Operations are places, -1 for none.
async function readOffsets({ keys, valueStarts }) {
  const count = keys.reduce((sum, [, count]) => sum + count, 0);
  const reader = new Reader(await unpack("offsets"));
  const offsets = { count, keys: [] };
  offsets.offset = reader.differences(new Float64Array(count));
  offsets.writer = lessOne(reader.differences(new Float64Array(count)));
  offsets.reader = lessOne(reader.differences(new Float64Array(count)));
  offsets.polls = reader.column(new Uint32Array(count));
  offsets.values = new Texts("offset-values", valueStarts, count);
  let first = 0;
  for (const [name, count] of keys) {
    offsets.keys.push({ name, first, count });
    first += count;
  }
  return offsets;
}

/// A function that works when it is first called, and then knows.
function once(work) {
  let known;
  return () => (known ??= Promise.resolve(work()));
}

/// When each line of a log was there. Of a line that nobody saw come nothing is known but that it was
/// there at the end.
async function readLogTimes(place, count, ended) {
  const times = new Reader(await unpack(`log-times-${place}`)).differences(new Float64Array(count));
  for (let i = 0; i < count; i++) times[i] = times[i] === 0 ? ended : times[i] - 1;
  return times;
}

/// What became of nodes and of their disks, in the order in which it happened, as objects:
/// `{ time, node, kind, file, other, first, second }`, as `node_events.rs` writes them.
async function readNodeEvents(meta) {
  const count = meta.nodeEvents ?? 0;
  if (count === 0) return [];
  const reader = new Reader(await unpack("node-events"));
  const names = meta.eventNames;
  const time = reader.differences(new Float64Array(count));
  const [node, kind, file, other, first, second] = Array.from({ length: 6 }, () =>
    reader.column(new Float64Array(count)),
  );
  return Array.from({ length: count }, (_, i) => ({
    time: time[i],
    node: names[node[i]],
    kind: meta.eventKinds[kind[i]],
    file: file[i] > 0 ? names[file[i] - 1] : null,
    other: other[i] > 0 ? names[other[i] - 1] : null,
    first: first[i],
    second: second[i],
  }));
}

/// What a node said of its state: in which line of its log, and what; numbers are -1 where it did not.
async function readStates(place, count) {
  const reader = new Reader(await unpack(`states-${place}`));
  const lessOne = (numbers) => numbers.map((number) => number - 1);
  const states = { count };
  states.line = reader.differences(new Float64Array(count));
  states.role = lessOne(reader.column(new Float64Array(count)));
  states.leader = lessOne(reader.column(new Float64Array(count)));
  for (const name of ["term", "commit", "first", "last"])
    states[name] = lessOne(reader.differences(new Float64Array(count)));
  return states;
}

function readMessages(reader, meta) {
  const count = meta.messageCount;
  const messages = { count };
  messages.id = reader.differences(new Float64Array(count));
  messages.sent = reader.differences(new Float64Array(count));
  messages.order = reader.differences(new Float64Array(count));
  messages.src = reader.column(new Uint32Array(count));
  messages.dest = reader.column(new Uint32Array(count));
  messages.kind = reader.column(new Uint32Array(count));
  messages.op = lessOne(reader.differences(new Float64Array(count)));
  messages.cause = backward(reader.column(new Int32Array(count)));
  messages.request = backward(reader.column(new Int32Array(count)));
  messages.fate = reader.column(new Uint8Array(count));
  messages.end = reader.column(new Float64Array(count));
  messages.endOrder = reader.column(new Float64Array(count));
  for (let i = 0; i < count; i++) {
    const isOver = messages.fate[i] !== 0;
    messages.end[i] = isOver ? messages.sent[i] + messages.end[i] : NaN;
    messages.endOrder[i] = isOver ? messages.order[i] + messages.endOrder[i] : NaN;
  }
  const copyCount = meta.copyCount;
  const copies = { count: copyCount };
  copies.message = reader.differences(new Float64Array(copyCount));
  copies.fate = reader.column(new Uint8Array(copyCount));
  copies.end = reader.column(new Float64Array(copyCount));
  copies.endOrder = reader.column(new Float64Array(copyCount));
  for (let i = 0; i < copyCount; i++) {
    copies.end[i] += messages.sent[copies.message[i]];
    copies.endOrder[i] += messages.order[copies.message[i]];
  }
  messages.copies = copies;
  return messages;
}

/// Places, -1 for none, from numbers that are 0 for none.
function lessOne(numbers) {
  const places = new Int32Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) places[i] = numbers[i] - 1;
  return places;
}

/// How far back a message stands, 0 for none, as its place, -1 for none.
function backward(column) {
  for (let i = 0; i < column.length; i++) column[i] = column[i] === 0 ? -1 : i - column[i];
  return column;
}

function readOperations(reader, meta) {
  const count = meta.operationCount;
  const operations = { count };
  operations.index = reader.differences(new Float64Array(count));
  operations.invoked = reader.differences(new Float64Array(count));
  operations.completed = reader.column(new Float64Array(count));
  for (let i = 0; i < count; i++) {
    const took = operations.completed[i];
    operations.completed[i] = took === 0 ? NaN : operations.invoked[i] + took - 1;
  }
  operations.process = reader.column(new Uint32Array(count));
  operations.node = lessOne(reader.column(new Float64Array(count)));
  operations.function = reader.column(new Uint8Array(count));
  operations.outcome = reader.column(new Uint8Array(count));
  operations.phase = reader.column(new Uint8Array(count));
  return operations;
}

/// The journal's events in their order: when each was, and which message it is about (its place for
/// a sending, the complement of its place for an end).
function orderEvents({ meta, messages }) {
  const count = meta.eventCount;
  const times = new Float64Array(count).fill(NaN);
  const message = new Int32Array(count);
  const note = (order, time, value) => {
    times[order] = time;
    message[order] = value;
  };
  for (let i = 0; i < messages.count; i++) {
    note(messages.order[i], messages.sent[i], i);
    if (messages.fate[i] !== 0) note(messages.endOrder[i], messages.end[i], ~i);
  }
  const copies = messages.copies;
  for (let i = 0; i < copies.count; i++)
    note(copies.endOrder[i], copies.end[i], ~copies.message[i]);
  // Lines of other kinds say nothing by themselves: they have the time of the line before.
  let last = 0;
  for (let i = 0; i < count; i++) {
    if (Number.isNaN(times[i])) {
      times[i] = last;
      message[i] = -1 - messages.count;
    }
    last = times[i];
  }
  return { count, times, message };
}

/// Who sends and receives, in the order of their lanes: nodes, services, clients.
function sortActors(meta) {
  const nodes = new Map(meta.plan.nodes.map((name, place) => [name, place]));
  const rank = (name) => {
    if (nodes.has(name)) return [0, nodes.get(name)];
    return /^c\d+$/.test(name) ? [2, Number(name.slice(1))] : [1, 0];
  };
  const actors = meta.actors.map((name, number) => {
    const [group, place] = rank(name);
    return { name, number, group: ["node", "service", "client"][group], rank: group, place };
  });
  const sorted = actors.toSorted(
    (a, b) => a.rank - b.rank || a.place - b.place || (a.name < b.name ? -1 : 1),
  );
  return { byNumber: actors, sorted };
}

/// The messages' types: a reply has the colour of its request and is drawn dashed.
function describeKinds({ meta, messages }) {
  const counts = new Float64Array(meta.kinds.length);
  for (let i = 0; i < messages.count; i++) counts[messages.kind[i]]++;
  const family = (name) => name.replace(/_ok$/, "");
  const order = meta.kinds
    .map((name, number) => ({ name, number }))
    .filter(({ name }) => !name.startsWith("init") && !name.startsWith("topology"))
    .sort((a, b) => counts[b.number] - counts[a.number]);
  const families = [...new Set(order.map(({ name }) => family(name)))];
  return meta.kinds.map((name, number) => {
    const place = families.indexOf(family(name));
    return {
      name,
      number,
      count: counts[number],
      color: name === "error" ? "error" : place < 0 ? "setup" : place % 8,
      isReply: name.endsWith("_ok") || name === "error",
    };
  });
}

/// The faults, with times from the beginning of the run. One that touches nobody is none: a third of three
/// nodes.
function readFaults({ meta, plan, ended, loadBegan }) {
  // Of those that waited for something what came is told by the run.
  const triggered = meta.results.run.triggered ?? [];
  const came = new Map(triggered.map((fault) => [fault.number, fault]));
  const all = plan.faults.map((planned, number) => {
    const fault = came.get(number) ?? planned;
    const since = came.has(number) ? 0 : loadBegan;
    const blocked = fault.blocked ?? {};
    const links = fault.blocked ?? fault.links;
    // What names neither nodes nor links is a fault of the whole network.
    const touched = new Set(fault.nodes ?? (links ? [] : plan.nodes));
    for (const [receiver, senders] of Object.entries(links ?? {})) {
      if (senders.length > 0) touched.add(receiver);
      for (const sender of senders) touched.add(sender);
    }
    return {
      number,
      kind: String(fault.fault),
      shape: fault.shape,
      begin: Math.min(since + fault.begin, ended),
      end: Math.min(since + fault.end, ended),
      blocked,
      touched,
      isolated: isolated(blocked, plan.nodes),
    };
  });
  const isPlanned = ({ number }) => came.has(number) || !plan.faults[number].on;
  return all.filter((fault) => fault.touched.size > 0 && isPlanned(fault));
}

/// The nodes that a partition cuts off: the smaller of two sides, if there are two.
function isolated(blocked, nodes) {
  const sides = [];
  const left = new Set(nodes);
  while (left.size > 0) {
    const side = [left.values().next().value];
    left.delete(side[0]);
    for (const node of side) {
      for (const other of [...left]) {
        const cut = blocked[node]?.includes(other) || blocked[other]?.includes(node);
        if (!cut) {
          side.push(other);
          left.delete(other);
        }
      }
    }
    sides.push(side);
  }
  if (sides.length < 2) return [];
  sides.sort((a, b) => a.length - b.length);
  return sides.slice(0, -1).flat();
}

/// Which messages serve an operation, and where it stands among the journal's events.
function indexOperations({ messages, operations, events }) {
  const starts = new Uint32Array(operations.count + 1);
  for (let i = 0; i < messages.count; i++) {
    if (messages.op[i] >= 0) starts[messages.op[i] + 1]++;
  }
  for (let i = 0; i < operations.count; i++) starts[i + 1] += starts[i];
  const list = new Uint32Array(starts[operations.count]);
  const next = starts.slice();
  for (let i = 0; i < messages.count; i++) {
    if (messages.op[i] >= 0) list[next[messages.op[i]]++] = i;
  }
  operations.messages = (place) => list.subarray(starts[place], starts[place + 1]);
  operations.byIndex = new Map();
  for (let i = 0; i < operations.count; i++) operations.byIndex.set(operations.index[i], i);
  operations.order = new Float64Array(operations.count);
  operations.endOrder = new Float64Array(operations.count);
  for (let i = 0; i < operations.count; i++) {
    const own = operations.messages(i);
    const first =
      own.length > 0 ? messages.order[own[0]] : lowerBound(events.times, operations.invoked[i]);
    operations.order[i] = first - 0.3;
    operations.endOrder[i] = endOrder(operations, messages, events, i, own);
  }
}

/// The event with which an operation ends: the last reply that came at the time it completed.
function endOrder(operations, messages, events, place, own) {
  const completed = operations.completed[place];
  if (Number.isNaN(completed)) return NaN;
  for (let k = own.length - 1; k >= 0; k--) {
    const message = own[k];
    if (messages.end[message] === completed && messages.request[message] >= 0) {
      return messages.endOrder[message] + 0.3;
    }
  }
  return Math.max(lowerBound(events.times, completed), operations.order[place] + 0.3);
}

/// Spans that begin in order, of which those that touch a window are found quickly: blocks of them
/// that are all over before it are passed over as a whole.
export class Spans {
  constructor(starts, ends) {
    this.starts = starts;
    this.ends = ends;
    this.latest = new Float64Array(Math.ceil(starts.length / Spans.block));
    for (let i = 0; i < ends.length; i++) {
      const block = Math.floor(i / Spans.block);
      if (ends[i] > this.latest[block]) this.latest[block] = ends[i];
    }
  }

  /// Calls back with the place of each.
  each(from, to, found) {
    const last = lowerBound(this.starts, to);
    for (let block = 0; block * Spans.block < last; block++) {
      if (this.latest[block] < from) continue;
      const end = Math.min(last, (block + 1) * Spans.block);
      for (let i = block * Spans.block; i < end; i++) if (this.ends[i] >= from) found(i);
    }
  }
}
Spans.block = 1024;

/// The spans of messages, from sending to the last end of any copy; what never ended has no end.
function messageSpans({ messages }) {
  const [ends, orders] = [endless(messages.end), endless(messages.endOrder)];
  const { copies } = messages;
  for (let i = 0; i < copies.count; i++) {
    const message = copies.message[i];
    ends[message] = Math.max(ends[message], copies.end[i]);
    orders[message] = Math.max(orders[message], copies.endOrder[i]);
  }
  return { times: new Spans(messages.sent, ends), orders: new Spans(messages.order, orders) };
}

/// Ends, of which those that are not known never come.
function endless(ends) {
  const known = ends.slice();
  for (let i = 0; i < known.length; i++) if (Number.isNaN(known[i])) known[i] = Infinity;
  return known;
}

/// The spans of operations. Their order is that of their messages, and may differ from that of
/// their invocations where those are simultaneous.
function operationSpans({ operations }) {
  const rising = operations.order.slice();
  for (let i = 1; i < rising.length; i++) if (rising[i] < rising[i - 1]) rising[i] = rising[i - 1];
  return {
    times: new Spans(operations.invoked, endless(operations.completed)),
    orders: new Spans(rising, endless(operations.endOrder)),
  };
}

/// The first place whose number is not below `bound`.
export function lowerBound(sorted, bound, count = sorted.length) {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
