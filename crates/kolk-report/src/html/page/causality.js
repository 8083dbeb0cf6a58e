// What caused a message, and what came of it.
//
// A message's parent is the message whose handling sent it, where the journal knows it (on the
// virtual clock); else the request it answers; else, on the real clock, the message its sender
// received last before: that came before it for sure (Lamport 1978), and may have caused it.

export const LINKS = { 1: "handled", 2: "answered", 3: "received just before" };

/// Adds to the messages their parents, how each is known, and their children.
export function linkMessages(run) {
  const { messages, events } = run;
  const { count } = messages;
  const parent = new Int32Array(count).fill(-1);
  const link = new Uint8Array(count);
  const guesses = !run.results.run.deterministic;
  const isNode = run.actors.byNumber.map((actor) => actor.group !== "client");
  const received = new Int32Array(run.actors.byNumber.length).fill(-1);
  for (let order = 0; order < events.count; order++) {
    const event = events.message[order];
    if (event >= 0) {
      const known = messages.cause[event] >= 0 ? messages.cause[event] : messages.request[event];
      const last = received[messages.src[event]];
      if (known >= 0) {
        parent[event] = known;
        link[event] = messages.cause[event] >= 0 ? 1 : 2;
      } else if (guesses && isNode[messages.src[event]] && last >= 0) {
        parent[event] = last;
        link[event] = 3;
      }
    } else if (~event < count && (messages.fate[~event] === 1 || messages.copies.count > 0)) {
      received[messages.dest[~event]] = ~event;
    }
  }
  messages.parent = parent;
  messages.link = link;
  messages.children = childLists(parent);
}

/// For each place the places it is the parent of, in order.
function childLists(parent) {
  const starts = new Uint32Array(parent.length + 1);
  for (const place of parent) if (place >= 0) starts[place + 1]++;
  for (let i = 0; i < parent.length; i++) starts[i + 1] += starts[i];
  const list = new Uint32Array(starts[parent.length]);
  const next = starts.slice();
  for (let i = 0; i < parent.length; i++) if (parent[i] >= 0) list[next[parent[i]]++] = i;
  return (place) => list.subarray(starts[place], starts[place + 1]);
}

/// The messages before or after one, itself included, as something to select.
export function follow(run, place, direction) {
  const { parent, children } = run.messages;
  const chain = [place];
  if (direction === "causes") {
    for (let at = parent[place]; at >= 0; at = parent[at]) chain.push(at);
    chain.reverse();
  } else {
    for (let next = 0; next < chain.length; next++) {
      for (const child of children(chain[next])) chain.push(child);
    }
    chain.sort((a, b) => a - b);
  }
  return { kind: "chain", direction, place, chain };
}
