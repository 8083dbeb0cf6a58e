#!/usr/bin/env node

// A sum in seq-kv. The first node reads for all, and writes something new before it does.

import { isError, KeyValue, Node } from "./kolknode";

const node = new Node();
const store = new KeyValue(node, "seq-kv");
let reads = 0;

async function current(): Promise<number> {
  try {
    return await store.read("sum");
  } catch (error) {
    if (!isError(error, 20)) throw error;
    return 0;
  }
}

node.on("add", async ({ delta }) => {
  for (;;) {
    const before = await current();
    try {
      await store.cas("sum", before, before + delta, true);
      return { type: "add_ok" };
    } catch (error) {
      if (!isError(error, 22)) throw error;
    }
    await node.sleep(0.01);
  }
});

node.on("read", async (body) => {
  if (node.id !== node.ids[0]) return node.rpc(node.ids[0], body);
  await store.write(node.id, ++reads);
  return { type: "read_ok", value: await current() };
});

node.run();
