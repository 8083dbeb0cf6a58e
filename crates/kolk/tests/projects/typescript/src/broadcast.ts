#!/usr/bin/env node

// Tells every value to every node, again and again until each has heard.

import { Node } from "./kolknode";

const node = new Node();
const values = new Set<number>();

function learn(message: number) {
  if (values.has(message)) return;
  values.add(message);
  for (const peer of node.ids) {
    if (peer !== node.id) node.retry(peer, { type: "gossip", message });
  }
}

node.on("topology", async () => ({ type: "topology_ok" }));

node.on("broadcast", async ({ message }) => {
  learn(message);
  return { type: "broadcast_ok" };
});

node.on("gossip", async ({ message }) => {
  learn(message);
  return { type: "gossip_ok" };
});

node.on("read", async () => ({ type: "read_ok", messages: [...values] }));

node.run();
