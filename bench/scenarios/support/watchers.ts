/**
 * The watchers, a process of their own: takes a WatchJob as JSON; prints WatchersReady when all
 * streams are open, and a WatchReport on SIGTERM.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  OrderStatusService,
  WatchOrderStatusRequestSchema,
  type WatchOrderStatusResponse_Change,
  WatchOrderStatusResponseSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import type { WatchedChange, WatchersReady, WatchJob, WatchReport } from "../watchers.ts";

/** Connections shared by the streams. */
const CONNECTIONS = 8;

/** Streams opened concurrently, like clients that reconnect after a restart. */
const CONCURRENT_OPENS = 500;

/** Flow-control windows in bytes, large enough never to block the service. */
const STREAM_WINDOW = 1 << 20;
const CONNECTION_WINDOW = 1 << 26;

const GRPC_HEADER = 5;
const PATH = `/${OrderStatusService.typeName}/${OrderStatusService.method.watchOrderStatus.name}`;

const job = JSON.parse(process.argv[2] ?? "") as WatchJob;
const first = BigInt(job.orders.first);
const common = BigInt(job.common);
const deliveries = new Map<string, { -readonly [Key in keyof WatchedChange]: WatchedChange[Key] }>();
const watching = new Map<bigint, number>([[common, job.watchers]]);
let lost = 0;
let outOfOrder = 0;
let ending = false;

function ordersOf(watcher: number): bigint[] {
  const { orders, ordersPerWatcher } = job;
  return Array.from(
    { length: ordersPerWatcher },
    (_, index) => first + BigInt((watcher * ordersPerWatcher + index) % orders.count),
  );
}

function record({ orderId, messageId, recordTime }: WatchOrderStatusResponse_Change): void {
  const now = Date.now();
  const known = deliveries.get(messageId);
  if (known === undefined) {
    deliveries.set(messageId, {
      orderId: String(orderId),
      received: 1,
      watching: watching.get(orderId) ?? 0,
      recordTime: recordTime === undefined ? 0 : timestampMs(recordTime),
      lastReceivedTime: now,
    });
  } else {
    known.received += 1;
    known.lastReceivedTime = now;
  }
}

/** Opens a stream; resolves when the snapshots of all its orders were received. */
function watch(session: ClientHttp2Session, orderIds: readonly bigint[]): Promise<void> {
  const versions = new Map<bigint, bigint>();
  return new Promise((resolve) => {
    const onMessage = (message: Uint8Array) => {
      const { update } = fromBinary(WatchOrderStatusResponseSchema, message);
      if (update.case === "snapshot") {
        versions.set(update.value.orderId, update.value.version);
        if (versions.size === orderIds.length) {
          resolve();
        }
      } else if (update.case === "change") {
        const { orderId, version } = update.value;
        outOfOrder += version === (versions.get(orderId) ?? 0n) + 1n ? 0 : 1;
        versions.set(orderId, version);
        record(update.value);
      }
    };
    const stream = open(session, orderIds);
    readMessages(stream, onMessage);
    stream.on("error", () => {});
    stream.on("close", () => {
      lost += ending ? 0 : 1;
      resolve();
    });
  });
}

function open(session: ClientHttp2Session, orderIds: readonly bigint[]): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": PATH,
    "content-type": "application/grpc",
    te: "trailers",
    "oms-caller": "bench",
  });
  const request = create(WatchOrderStatusRequestSchema, { orderIds: [...orderIds] });
  const message = toBinary(WatchOrderStatusRequestSchema, request);
  const header = Buffer.alloc(GRPC_HEADER);
  header.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([header, message]));
  return stream;
}

function readMessages(stream: ClientHttp2Stream, onMessage: (message: Uint8Array) => void): void {
  let unread: Buffer = Buffer.alloc(0);
  stream.on("data", (bytes: Buffer) => {
    const all = unread.length === 0 ? bytes : Buffer.concat([unread, bytes]);
    let at = 0;
    while (all.length - at >= GRPC_HEADER) {
      const end = at + GRPC_HEADER + all.readUInt32BE(at + 1);
      if (end > all.length) {
        break;
      }
      onMessage(all.subarray(at + GRPC_HEADER, end));
      at = end;
    }
    unread = all.subarray(at);
  });
}

function openSession(): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${job.port}`, { settings: { initialWindowSize: STREAM_WINDOW } });
  session.on("error", () => {});
  session.once("connect", () => session.setLocalWindowSize(CONNECTION_WINDOW));
  return session;
}

const print = (line: WatchersReady | WatchReport) => console.log(JSON.stringify(line));

for (let watcher = 0; watcher < job.watchers; watcher += 1) {
  for (const orderId of ordersOf(watcher)) {
    watching.set(orderId, (watching.get(orderId) ?? 0) + 1);
  }
}
const sessions = Array.from({ length: CONNECTIONS }, openSession);
process.once("SIGTERM", () => {
  ending = true;
  print({ changes: [...deliveries.values()], lost, outOfOrder });
  for (const session of sessions) {
    session.destroy();
  }
});
const begin = performance.now();
for (let from = 0; from < job.watchers; from += CONCURRENT_OPENS) {
  const watchers = Array.from({ length: Math.min(CONCURRENT_OPENS, job.watchers - from) }, (_, index) => from + index);
  await Promise.all(
    watchers.map((watcher) =>
      watch(sessions[watcher % CONNECTIONS] as ClientHttp2Session, [...ordersOf(watcher), common]),
    ),
  );
}
print({ seconds: (performance.now() - begin) / 1_000 });
