#!/usr/bin/env node
"use strict";
// Tells every value to every node, again and again until each has heard.

const { Node } = require("./kolknode.js");

const node = new Node();
const values = new Set();

function learn(message) {
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
