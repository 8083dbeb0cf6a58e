// A node on any clock. The handler of `init` is called when the node knows its name.

import * as readline from "node:readline";

export type Body = { type: string; [key: string]: any };
/** Gets a body and who sent it, and returns the reply's body; or nothing, and then whoever answers
 * later sends a body with the request's `msg_id` as `in_reply_to`. */
export type Handler = (body: Body, src: string) => Promise<Body | void>;
type Message = { src: string; body: Body; at?: number };
type Timer = { due: number; run: () => void; alarm?: NodeJS.Timeout };

/** An error reply, or no reply in time (code 0: it may have happened). */
export class RpcError extends Error {
  constructor(
    readonly code: number,
    readonly text: string,
  ) {
    super(`error ${code}: ${text}`);
  }
}

/** True for an RpcError with one of these codes. */
export const isError = (error: unknown, ...codes: number[]): boolean =>
  error instanceof RpcError && codes.includes(error.code);

/** Resolves when nothing is left that could go on by itself. */
const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));

export class Node {
  id = "";
  ids: string[] = [];
  private handlers = new Map<string, Handler>();
  private waiting = new Map<number, (reply: Body) => void>();
  private timers: Timer[] = [];
  // Answers to a life before this one may still come, so that numbers begin anywhere.
  private number = Math.floor(Math.random() * 2 ** 32);
  private at?: number; // Virtual nanoseconds.
  private state = Math.random() * 2 ** 32;

  on(type: string, handler: Handler): void {
    this.handlers.set(type, handler);
  }

  /** Nanoseconds. A node in lockstep may know no other time. */
  now(): number {
    return this.at ?? Math.round(performance.now() * 1e6);
  }

  /** At least 0 and less than 1; in lockstep drawn from the seed (Mulberry32). */
  random(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  send(dest: string, body: Body): void {
    process.stdout.write(JSON.stringify({ src: this.id, dest, body }) + "\n");
  }

  after(seconds: number, run: () => void): Timer {
    const timer: Timer = { due: this.now() + Math.round(seconds * 1e9), run };
    const later = this.timers.findIndex((other) => other.due > timer.due);
    this.timers.splice(later < 0 ? this.timers.length : later, 0, timer);
    if (this.at === undefined) timer.alarm = setTimeout(() => this.fire(), seconds * 1000 + 1);
    return timer;
  }

  sleep(seconds: number): Promise<void> {
    return new Promise((resolve) => this.after(seconds, resolve));
  }

  /** The reply's body. Throws an RpcError for an error, or when time is up. */
  async rpc(dest: string, body: Body, seconds = 1): Promise<Body> {
    const msg_id = ++this.number;
    const reply = await new Promise<Body>((resolve) => {
      const late = { type: "error", code: 0, text: `no reply from ${dest} in time` };
      const timer = this.after(seconds, () => resolve(late));
      this.waiting.set(msg_id, (reply) => {
        clearTimeout(timer.alarm);
        this.timers = this.timers.filter((other) => other !== timer);
        resolve(reply);
      });
      this.send(dest, { ...body, msg_id });
    });
    this.waiting.delete(msg_id);
    if (reply.type === "error") throw new RpcError(reply.code, reply.text);
    return reply;
  }

  /** An RPC again and again until it is answered: for what may happen twice. */
  async retry(dest: string, body: Body, seconds = 1): Promise<Body> {
    for (;;) {
      try {
        return await this.rpc(dest, body, seconds);
      } catch (error) {
        if (!isError(error, 0, 11)) throw error;
      }
      await this.sleep(seconds);
    }
  }

  private async serve(src: string, body: Body): Promise<void> {
    const unknown = () => Promise.reject(new RpcError(10, `unknown type ${body.type}`));
    let reply: Body | void;
    try {
      reply = await (this.handlers.get(body.type) ?? unknown)(body, src);
    } catch (error) {
      const isAnswer = error instanceof RpcError;
      if (!isAnswer) console.error(error);
      const { code, text } = isAnswer ? error : new RpcError(13, `${error}`);
      reply = { type: "error", code, text };
    }
    if (reply && "msg_id" in body) this.send(src, { ...reply, in_reply_to: body.msg_id });
  }

  private take({ src, body, at }: Message): void {
    if (at !== undefined) this.at = at;
    if (body.type === "init") {
      [this.id, this.ids] = [body.node_id, body.node_ids];
      const reply: Body = { type: "init_ok", in_reply_to: body.msg_id };
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

  private async fire(): Promise<void> {
    while (this.timers.length > 0 && this.timers[0].due <= this.now()) {
      this.timers.shift()!.run();
      await quiet();
    }
  }

  async run(): Promise<never> {
    for await (const line of readline.createInterface({ input: process.stdin })) {
      try {
        this.take(JSON.parse(line));
      } catch (error) {
        console.error(`not a message: ${error}: ${line.slice(0, 200)}`);
      }
      if (this.at === undefined) continue;
      await quiet();
      await this.fire();
      this.send("clock", { type: "idle", wake_at: this.timers[0]?.due ?? null });
    }
    process.exit();
  }
}

/** A client of lin-kv, seq-kv or lww-kv. Error 20: no such key; 22: its value is another. */
export class KeyValue {
  private ask: (body: Body) => Promise<Body>;

  constructor(node: Node, service: string) {
    this.ask = (body) => node.rpc(service, body);
  }

  async read<T>(key: unknown): Promise<T> {
    return (await this.ask({ type: "read", key })).value;
  }

  async write(key: unknown, value: unknown): Promise<void> {
    await this.ask({ type: "write", key, value });
  }

  async cas(key: unknown, from: unknown, to: unknown, create_if_not_exists = false): Promise<void> {
    await this.ask({ type: "cas", key, from, to, create_if_not_exists });
  }
}
