import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createPace } from "./pace.ts";
import { GET } from "./requests.ts";
import { type Attack, count, type Target } from "./types.ts";

/** Time to wait for a server that does not read or answer, in milliseconds. */
const STALLED_MS = 500;

/** Interval between the steps of a trickle, in milliseconds. */
const TRICKLE_MS = 200;

/** Requests written at once on a pipelining connection. */
const PIPELINED = 500;

const STATUS = /HTTP\/1.1 \d+/g;

function headOf({ type, authorization }: Target, lines: readonly string[], method = "POST", path = GET): string {
  const credentials = authorization === undefined ? [] : [`authorization: ${authorization}`];
  return [`${method} ${path} HTTP/1.1`, "host: localhost", `content-type: ${type}`, ...credentials, ...lines].join(
    "\r\n",
  );
}

/** Repeats a step on many connections at once, over HTTP/1.1 or malformed HTTP. */
const overMany =
  (connections: number, start: (target: Target) => Buffer, step: () => Buffer | undefined): Attack =>
  async (target, result) => {
    const { port, address, signal } = target;
    const pace = createPace(signal);
    const one = async () => {
      const socket = connect({ port, host: "127.0.0.1", localAddress: address }).setMaxListeners(0);
      let status = "";
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        status ||= bytes.toString("latin1").match(STATUS)?.[0] ?? "";
      });
      const closed = new Promise((resolve) => socket.once("close", resolve));
      await Promise.race([once(socket, "connect").catch(() => {}), closed]);
      result.connections += 1;
      const first = start(target);
      result.bytes += first.length;
      socket.write(first);
      while (!signal.aborted && !socket.destroyed) {
        const bytes = step();
        await pace(bytes?.length ?? 0);
        if (bytes !== undefined && !socket.write(bytes)) {
          await Promise.race([once(socket, "drain").catch(() => {}), closed, sleep(STALLED_MS)]);
        } else {
          await Promise.race([sleep(TRICKLE_MS), closed]);
        }
        result.sent += bytes === undefined ? 0 : 1;
        result.bytes += bytes?.length ?? 0;
      }
      count(result.ends, socket.destroyed ? "closed" : "open");
      count(result.statuses, status);
      socket.destroy();
    };
    for (let opened = 0; opened < connections && !signal.aborted; opened += 50) {
      void Promise.all(Array.from({ length: 50 }, one));
      await sleep(5);
    }
    if (!signal.aborted) {
      await once(signal, "abort");
    }
    await sleep(100);
  };

/**
 * Sends the same bytes again and again on one connection after another, without waiting for
 * responses.
 */
const repeated =
  (bytesOf: (target: Target) => Buffer, { read }: { readonly read: boolean }): Attack =>
  async (target, result) => {
    const { port, address, signal } = target;
    const bytes = bytesOf(target);
    const pace = createPace(signal);
    while (!signal.aborted) {
      const socket = connect({ port, host: "127.0.0.1", localAddress: address }).setMaxListeners(0);
      socket.on("error", () => {});
      const closed = new Promise((resolve) => socket.once("close", resolve));
      await Promise.race([once(socket, "connect").catch(() => {}), closed]);
      result.connections += 1;
      if (read) {
        socket.on("data", (data) => {
          for (const [status] of data.toString("latin1").matchAll(STATUS)) {
            count(result.statuses, status);
          }
        });
      } else {
        socket.pause();
      }
      while (!signal.aborted && !socket.destroyed) {
        await pace(bytes.length);
        result.sent += 1;
        result.bytes += bytes.length;
        if (!socket.write(bytes)) {
          await Promise.race([once(socket, "drain").catch(() => {}), closed, sleep(STALLED_MS)]);
        }
      }
      count(result.ends, socket.destroyed ? "closed" : "open");
      socket.destroy();
    }
  };

const pipelined = (target: Target) =>
  Buffer.from(`${headOf(target, ["content-length: 2"])}\r\n\r\n{}`.repeat(PIPELINED));

/** Attacks by bytes that an HTTP library does not send. */
export const BYTE_ATTACKS = {
  "incomplete prefaces": overMany(
    1_000,
    () => Buffer.from("PRI * HTTP/2.0\r\n"),
    () => undefined,
  ),
  "trickling headers": overMany(
    1_000,
    () => Buffer.from(`POST ${GET} HTTP/1.1\r\nhost: localhost\r\n`),
    () => Buffer.from("x: y\r\n"),
  ),
  "a trickling body": overMany(
    1_000,
    (target) => Buffer.from(`${headOf(target, ["content-length: 9999"])}\r\n\r\n{`),
    () => Buffer.from(" "),
  ),
  "an endless body": overMany(
    50,
    (target) => Buffer.from(`${headOf(target, ["transfer-encoding: chunked"])}\r\n\r\n`),
    () => Buffer.concat([Buffer.from("4000\r\n"), Buffer.alloc(0x4000, 32), Buffer.from("\r\n")]),
  ),
  "a byte per chunk": overMany(
    50,
    (target) => Buffer.from(`${headOf(target, ["transfer-encoding: chunked"])}\r\n\r\n`),
    () => Buffer.from("1\r\n \r\n".repeat(5_000)),
  ),
  "too many connections": overMany(
    3_000,
    () => Buffer.alloc(0),
    () => undefined,
  ),
  "pipelined requests": repeated(pipelined, { read: true }),
  "pipelined requests without reading the responses": repeated(pipelined, { read: false }),
} satisfies Record<string, Attack>;
