"use strict";
// A node on any clock. Handlers are async functions; that for `init` is called when the node has its
// name.

const readline = require("node:readline");

class RpcError extends Error {
  /** Code 0: no reply in time; the request may have happened. */
  constructor(code, text) {
    super(`error ${code}: ${text}`);
    Object.assign(this, { code, text });
  }
}

/** Resolves when nothing is left that could go on by itself. */
const quiet = () => new Promise((resolve) => setImmediate(resolve));

class Node {
  constructor() {
    this.id = null;
    this.ids = [];
    this.handlers = new Map();
    this.waiting = new Map();
    this.timers = [];
    // Answers to a life before this one may still come, so that numbers begin anywhere.
    this.number = Math.floor(Math.random() * 2 ** 32);
    this.at = null; // Virtual nanoseconds, in lockstep.
    this.state = Math.random() * 2 ** 32;
  }

  /** The function gets a body and who sent it, and returns the reply's body; or nothing, and then
   * whoever answers later sends a body with the request's `msg_id` as `in_reply_to`. */
  on(type, handler) {
    this.handlers.set(type, handler);
  }

  /** Nanoseconds. A node in lockstep may know no other time. */
  now() {
    return this.at ?? Math.round(performance.now() * 1e6);
  }

  /** At least 0 and less than 1; in lockstep drawn from the seed (Mulberry32). */
  random() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  send(dest, body) {
    process.stdout.write(JSON.stringify({ src: this.id, dest, body }) + "\n");
  }

  /** Calls a function later. */
  after(seconds, run) {
    const timer = { due: this.now() + Math.round(seconds * 1e9), run };
    const later = this.timers.findIndex((other) => other.due > timer.due);
    this.timers.splice(later < 0 ? this.timers.length : later, 0, timer);
    if (this.at === null) timer.alarm = setTimeout(() => this.fire(), seconds * 1000 + 1);
    return timer;
  }

  sleep(seconds) {
    return new Promise((resolve) => this.after(seconds, resolve));
  }

  /** The reply's body. Throws an RpcError for an error, or when time is up. */
  async rpc(dest, body, seconds = 1) {
    const msg_id = ++this.number;
    const late = { type: "error", code: 0, text: `no reply from ${dest} in time` };
    let timer;
    const reply = await new Promise((resolve) => {
      timer = this.after(seconds, () => resolve(late));
      this.waiting.set(msg_id, resolve);
      this.send(dest, { ...body, msg_id });
    });
    clearTimeout(timer.alarm);
    this.timers = this.timers.filter((other) => other !== timer);
    this.waiting.delete(msg_id);
    if (reply.type === "error") throw new RpcError(reply.code, reply.text);
    return reply;
  }

  /** An RPC again and again until it is answered: for what may happen twice. */
  async retry(dest, body, seconds = 1) {
    for (;;) {
      try {
        return await this.rpc(dest, body, seconds);
      } catch (error) {
        if (error.code !== 0 && error.code !== 11) throw error;
      }
      await this.sleep(seconds);
    }
  }

  async serve(src, body) {
    let reply;
    try {
      const handler = this.handlers.get(body.type);
      if (!handler) throw new RpcError(10, `unknown type ${body.type}`);
      reply = await handler(body, src);
    } catch (error) {
      const isAnswer = error instanceof RpcError;
      if (!isAnswer) console.error(error);
      const { code, text } = isAnswer ? error : new RpcError(13, `${error}`);
      reply = { type: "error", code, text };
    }
    if (reply && "msg_id" in body) this.send(src, { ...reply, in_reply_to: body.msg_id });
  }

  take({ src, body, at }) {
    if (at !== undefined) this.at = at;
    if (body.type === "init") {
      this.id = body.node_id;
      this.ids = body.node_ids;
      const reply = { type: "init_ok", in_reply_to: body.msg_id };
      if (body.lockstep) {
        reply.lockstep = { version: 1 };
        this.number = Number.parseInt(body.lockstep.seed.slice(0, 8), 16);
        this.state = Number.parseInt(body.lockstep.seed.slice(-8), 16);
      }
      this.send(src, reply);
      if (this.handlers.has("init")) this.serve(src, { type: "init" });
    } else if ("in_reply_to" in body) {
      this.waiting.get(body.in_reply_to)?.(body);
    } else if (src !== "clock") {
      this.serve(src, body);
    }
  }

  /** Fires the timers that are due, one after the other. */
  async fire() {
    while (this.timers.length > 0 && this.timers[0].due <= this.now()) {
      this.timers.shift().run();
      await quiet();
    }
  }

  /** Serves until the input ends. */
  async run() {
    for await (const line of readline.createInterface({ input: process.stdin })) {
      try {
        this.take(JSON.parse(line));
      } catch (error) {
        console.error(`not a message: ${error}: ${line.slice(0, 200)}`);
      }
      if (this.at === null) continue;
      await quiet();
      await this.fire();
      this.send("clock", { type: "idle", wake_at: this.timers[0]?.due ?? null });
    }
    process.exit();
  }
}

/** A client of lin-kv, seq-kv or lww-kv. Error 20: no such key; 22: its value is another. */
class KeyValue {
  constructor(node, service) {
    this.ask = (body) => node.rpc(service, body);
  }

  async read(key) {
    return (await this.ask({ type: "read", key })).value;
  }

  async write(key, value) {
    await this.ask({ type: "write", key, value });
  }

  async cas(key, from, to, create_if_not_exists = false) {
    await this.ask({ type: "cas", key, from, to, create_if_not_exists });
  }
}

module.exports = { KeyValue, Node, RpcError };
