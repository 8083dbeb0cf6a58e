#!/usr/bin/env node
"use strict";
// The echo node: what it is told comes back.

const { Node } = require("./kolknode.js");

const node = new Node();

node.on("echo", async ({ echo }) => ({ type: "echo_ok", echo }));

node.run();
