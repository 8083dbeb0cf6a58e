#!/usr/bin/env node
// The echo node: what it is told comes back.

import { Node } from "./kolknode";

const node = new Node();

node.on("echo", async ({ echo }) => ({ type: "echo_ok", echo }));

node.run();
