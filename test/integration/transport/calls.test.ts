import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { WatchOrderStatusRequestSchema } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { TRANSPORTS, type TransportName } from "../../support/clients.ts";
import { eventually } from "../../support/eventually.ts";
import { failure } from "../../support/failures.ts";
import { insertOrder, lockRow, nextOrderId, waitsForLock } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

const harness = useService({ OMS_DEADLINE_CAP_MS: "3000" });
const transports = Object.keys(TRANSPORTS) as TransportName[];
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const linesOf = (callId: string) => harness.service.log.filter((line) => line.callId === callId);

/** The call id in the headers of a response or error. */
function callIdOf(headers: Headers): string {
  return headers.get("oms-call-id") ?? "";
}

describe.each(transports)("%s", (transport) => {
  const name = transport === "gRPC" ? "grpc" : "http";

  test("a response has a call id, and the log a line with it", async () => {
    const orderId = await insertOrder(harness.db, Status.PAID);
    let callId = "";
    await harness.client(transport).getOrderStatus(
      { orderId },
      {
        headers: { "oms-caller": "tms" },
        onHeader: (headers) => {
          callId = callIdOf(headers);
        },
      },
    );

    expect(linesOf(callId)).toEqual([
      {
        level: "debug",
        time: expect.any(String),
        msg: "call",
        callId,
        rpc: "GetOrderStatus",
        transport: name,
        caller: "tms",
        orderId: String(orderId),
        durationMs: expect.any(Number),
        code: "OK",
      },
    ]);
  });

  test("changes are recorded in the request log table, reads are not", async () => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    const client = harness.client(transport);
    const headers = { "oms-caller": "pay", traceparent: TRACEPARENT };
    const requestId = `request of ${transport}`;
    let callId = "";
    const onHeader = (header: Headers) => {
      callId = callIdOf(header);
    };
    await client.getOrderStatus({ orderId }, { headers });
    const update = { orderId, status: OrderStatus.PAID, operator: "sun", requestId };
    await client.updateOrderStatus(update, { headers, onHeader });
    await failure(client.cancelOrder({ orderId, operator: "x".repeat(70) }, { headers }));

    const rows = () =>
      harness.db
        .selectFrom("oms_db.oms_request_log")
        .selectAll()
        .where("order_id", "=", orderId)
        .orderBy("id")
        .execute();
    await eventually(async () => expect(await rows()).toHaveLength(2));
    expect(await rows()).toEqual([
      {
        id: expect.any(BigInt),
        call_id: callId,
        rpc: "UpdateOrderStatus",
        old_method: "",
        caller: "pay",
        operator: "sun",
        authenticated_operator: "",
        order_id: orderId,
        request_id: requestId,
        code: "OK",
        duration_ms: expect.any(Number),
        record_time: expect.any(Date),
        traceparent: TRACEPARENT,
      },
      expect.objectContaining({ rpc: "CancelOrder", operator: "x".repeat(64), code: "INVALID_ARGUMENT" }),
    ]);
    const history = await harness.db
      .selectFrom("oms_db.oms_status_history")
      .select(["caller", "operator", "traceparent"])
      .where("order_id", "=", orderId)
      .execute();
    expect(history).toEqual([{ caller: "pay", operator: "sun", traceparent: TRACEPARENT }]);
  });

  test("a malformed traceparent is ignored", async () => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    await harness
      .client(transport)
      .updateOrderStatus(
        { orderId, status: OrderStatus.PAID, operator: "x" },
        { headers: { traceparent: "00-zz-01" } },
      );
    const { traceparent } = await harness.db
      .selectFrom("oms_db.oms_status_history")
      .select("traceparent")
      .where("order_id", "=", orderId)
      .executeTakeFirstOrThrow();
    expect(traceparent).toBe("");
  });

  test("an invalid request is logged without personal data", async () => {
    const error = await harness
      .client(transport)
      .markInvoicesPrinted({ orderIds: [1n], invoiceEmail: "zhang.san at example.com", taxPayerCode: "9".repeat(70) })
      .catch((reason: unknown) => ConnectError.from(reason));

    const callId = callIdOf((error as ConnectError).metadata);
    expect(linesOf(callId)).toEqual([
      expect.objectContaining({
        level: "info",
        code: "INVALID_ARGUMENT",
        error:
          "tax_payer_code: must be at most 64 characters, was *** (70 characters); invoice_email: must be a valid email address, was *** (24 characters)",
      }),
    ]);
  });

  test("a call without deadline ends at OMS_DEADLINE_CAP_MS", async () => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    const { locked, unlock } = await lockRow(harness.db, orderId);
    const startedAt = performance.now();

    const { code, message } = await failure(
      harness.client(transport).updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "x" }),
    );
    const durationMs = performance.now() - startedAt;
    unlock();
    await locked;

    expect([code, message]).toEqual([
      "DeadlineExceeded",
      "deadline exceeded; a change not started by then is not made: retry with the same request_id",
    ]);
    expect(durationMs).toBeGreaterThanOrEqual(2_990);
  });
});

describe("an unexpected error", () => {
  beforeAll(() =>
    sql`rename table ${sql.table("oms_db.oms_order_source")} to ${sql.table("oms_db.gone")}`.execute(harness.db),
  );
  afterAll(() =>
    sql`rename table ${sql.table("oms_db.gone")} to ${sql.table("oms_db.oms_order_source")}`.execute(harness.db),
  );

  test.each(transports)("over %s is INTERNAL: a call id for the caller, details in the log", async (transport) => {
    const error = ConnectError.from(
      await harness
        .client(transport)
        .listOrderSources({})
        .catch((reason: unknown) => reason),
    );
    const callId = callIdOf(error.metadata);

    expect(await failure(Promise.reject(error))).toEqual({
      code: "Internal",
      message: `internal error; call id ${callId}, details in the server log`,
      details: {},
    });
    expect(linesOf(callId)).toEqual([
      expect.objectContaining({
        level: "error",
        msg: "unhandled error",
        error: expect.stringContaining("doesn't exist"),
        stack: expect.any(String),
        errno: 1146,
      }),
      expect.objectContaining({ level: "error", msg: "call", code: "INTERNAL" }),
    ]);
  });
});

describe("gRPC", () => {
  const rawCall = () => {
    const client = new grpc.Client(`127.0.0.1:${harness.service.grpcPort}`, grpc.credentials.createInsecure());
    onTestFinished(() => client.close());
    return (path: string, body: Buffer) =>
      new Promise<Buffer>((resolve, reject) => {
        const identity = (bytes: Buffer) => bytes;
        client.makeUnaryRequest(path, identity, identity, body, (error, response) =>
          error === null ? resolve(response as Buffer) : reject(error),
        );
      });
  };
  const path = "/oms.orderstatus.v1.OrderStatusService/PauseForCancel";

  test("a malformed message is INVALID_ARGUMENT", async () => {
    await expect(rawCall()(path, Buffer.of(255, 255))).rejects.toMatchObject({
      code: grpc.status.INVALID_ARGUMENT,
      details: "malformed oms.orderstatus.v1.PauseForCancelRequest: premature EOF",
      metadata: expect.toSatisfy((metadata: grpc.Metadata) =>
        String(metadata.get("grpc-status-details-bin")[0]).includes("google.rpc.BadRequest"),
      ),
    });
  });

  test("more than 4 MiB is RESOURCE_EXHAUSTED", async () => {
    await expect(rawCall()(path, Buffer.alloc(4 * 1024 * 1024 + 1))).rejects.toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
    });
  });

  test.each([
    [
      "/oms.orderstatus.v1.OrderStatusService/GetOrderState",
      "there is no RPC /oms.orderstatus.v1.OrderStatusService/GetOrderState: did you mean /oms.orderstatus.v1.OrderStatusService/GetOrderStatus?",
    ],
    ["/grpc.health.v1.Health/Chek", expect.stringContaining("did you mean /grpc.health.v1.Health/Check?")],
    ["/a.b/C", "there is no RPC /a.b/C"],
  ])("an RPC that does not exist (%s) is UNIMPLEMENTED, with the nearest one", async (unknown, details) => {
    await expect(rawCall()(unknown, Buffer.alloc(0))).rejects.toMatchObject({
      code: grpc.status.UNIMPLEMENTED,
      details,
    });
  });

  test.each([
    ["method", { ":method": "PUT" }, "method PUT is not allowed: use POST"],
    ["format of messages", { "content-type": "application/grpc+foo" }, "content-type application/grpc+foo is not"],
    ["protocol", { "content-type": "application/grpc-web" }, "content-type application/grpc-web is not supported"],
    ["encoding", { "grpc-encoding": "zstd" }, "grpc-encoding zstd is not supported: use identity, deflate, gzip"],
  ])("an unknown %s is UNIMPLEMENTED", async (_name, headers, message) => {
    const session = connectHttp2(`http://127.0.0.1:${harness.service.grpcPort}`);
    onTestFinished(() => session.destroy());
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    stream.end(Buffer.alloc(5));
    const [response] = (await once(stream, "response")) as [IncomingHttpHeaders];
    expect(response["grpc-status"]).toBe("12");
    expect(decodeURIComponent(String(response["grpc-message"]))).toContain(message);
  });

  test("the trailers of a response: no message for OK, and details without padding", async () => {
    const session = connectHttp2(`http://127.0.0.1:${harness.service.grpcPort}`);
    onTestFinished(() => session.destroy());
    const trailersOf = async (rpc: string, event: string) => {
      const stream = session.request({
        ":method": "POST",
        ":path": `/oms.orderstatus.v1.OrderStatusService/${rpc}`,
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.resume().end(Buffer.alloc(5));
      const [trailers] = (await once(stream, event)) as [IncomingHttpHeaders];
      return trailers;
    };
    expect(Object.entries(await trailersOf("ListOrderSources", "trailers"))).toEqual([["grpc-status", "0"]]);
    const rejected = await trailersOf("GetOrderStatus", "response");
    expect([rejected["grpc-status"], rejected["grpc-status-details-bin"]]).toEqual([
      "3",
      expect.stringMatching(/^[A-Za-z0-9+/]+$/),
    ]);
  });

  test.each(["", "oms.orderstatus.v1.OrderStatusService"])("health of '%s': SERVING", async (service) => {
    const request = Buffer.concat([Buffer.of(0x0a, service.length), Buffer.from(service)]);
    expect(await rawCall()("/grpc.health.v1.Health/Check", request)).toEqual(Buffer.of(0x08, 1));
  });

  test("health of another service is NOT_FOUND", async () => {
    await expect(rawCall()("/grpc.health.v1.Health/Check", Buffer.of(0x0a, 1, 120))).rejects.toMatchObject({
      code: grpc.status.NOT_FOUND,
    });
  });
});

describe("a client that disconnects", () => {
  test.each(transports)("over %s: its change is still made, and no error is logged", async (transport) => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    const { locked, unlock } = await lockRow(harness.db, orderId);
    const stop = new AbortController();
    const call = harness
      .client(transport)
      .updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "x" }, { signal: stop.signal })
      .catch((reason: unknown) => ConnectError.from(reason).code);
    await waitsForLock(harness.db, orderId);
    stop.abort();
    expect(await call).toBe(Code.Canceled);
    unlock();
    await locked;

    await eventually(async () =>
      expect((await harness.client(transport).getOrderStatus({ orderId })).orderStatus).toBe(OrderStatus.PAID),
    );
    const lines = harness.service.log.filter((line) => line.orderId === String(orderId));
    expect(lines.filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
  });

  test.each(transports)("over %s: its watch ends, and the gauge decreases", async (transport) => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    const watchers = async () => {
      const text = await (await fetch(`http://127.0.0.1:${harness.service.httpPort}/metrics`)).text();
      return Number(/^oms_watchers (\d+)$/m.exec(text)?.[1]);
    };
    const stop = new AbortController();
    const watch = (async () => {
      for await (const _ of harness
        .client(transport)
        .watchOrderStatus({ orderIds: [orderId] }, { signal: stop.signal })) {
        // Heartbeats only.
      }
    })().catch((reason: unknown) => ConnectError.from(reason).code);
    await eventually(async () => expect(await watchers()).toBe(1));
    stop.abort();

    expect(await watch).toBe(Code.Canceled);
    await eventually(async () => expect(await watchers()).toBe(0));
    const [line] = harness.service.log.filter(
      ({ rpc, orderId: id }) => rpc === "WatchOrderStatus" && id === String(orderId),
    );
    expect(line).toMatchObject({ level: "debug", code: "CANCELLED" });
  });
});

describe("watchers that connect and disconnect", () => {
  const watchers = async () => {
    const text = await (await fetch(`http://127.0.0.1:${harness.service.httpPort}/metrics`)).text();
    return Number(/^oms_watchers (\d+)$/m.exec(text)?.[1]);
  };

  test.each(transports)("over %s, at any moment: none remains", async (transport) => {
    const orderId = await insertOrder(harness.db, Status.WMS_DISPATCHED);
    const client = harness.client(transport);
    const watch = async (index: number) => {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), index % 40);
      for await (const _ of client.watchOrderStatus({ orderIds: [orderId] }, { signal: stop.signal })) {
        // Any update.
      }
    };
    const watches = Promise.allSettled(Array.from({ length: 200 }, (_, index) => watch(index)));
    for (let index = 0; index < 20; index += 1) {
      const status = index % 2 === 0 ? OrderStatus.DELIVERY_FAILED : OrderStatus.OUT_FOR_DELIVERY;
      await client.updateOrderStatus({ orderId, status, operator: "x" });
    }
    await watches;

    await eventually(async () => expect(await watchers()).toBe(0));
    expect(harness.service.log.filter(({ rpc, level }) => rpc === "WatchOrderStatus" && level === "error")).toEqual([]);
  });

  test.each(["grpc", "http"])(
    "over %s, one that does not read: nothing remains after it disconnects",
    async (transport) => {
      const orderId = await insertLongHistory(40_000);
      const request = { orderIds: [String(orderId)], afterVersions: { [String(orderId)]: "0" } };
      const { received, close } = transport === "grpc" ? watchOverGrpc(request) : watchOverHttp(request);
      await eventually(async () => expect(await watchers()).toBe(1));
      // The server has filled the connection's buffers, and waits.
      let before = 0;
      await eventually(() => {
        const [last, now] = [before, received()];
        before = now;
        expect([now > 0, now]).toEqual([true, last]);
      }, 100);
      close();

      await eventually(async () => expect(await watchers()).toBe(0));
    },
  );

  /** A history of some megabytes: more than the buffers of a connection. */
  async function insertLongHistory(versions: number): Promise<bigint> {
    const orderId = await insertOrder(harness.db, Status.OUT_FOR_DELIVERY, { state: { version: versions } });
    for (let first = 1; first <= versions; first += 2_000) {
      const rows = Array.from({ length: 2_000 }, (_, index) => ({
        order_id: orderId,
        version: first + index,
        from_status: 6030,
        to_status: 5020,
        outcome: "APPLIED" as const,
        occur_time: new Date(0),
        record_time: new Date(0),
        caller: "",
        operator: "",
        request_id: "",
        remark: "",
        traceparent: "",
      }));
      await harness.db.insertInto("oms_db.oms_status_history").values(rows).execute();
    }
    return orderId;
  }

  function watchOverGrpc(request: object) {
    const client = new grpc.Client(`127.0.0.1:${harness.service.grpcPort}`, grpc.credentials.createInsecure());
    const body = Buffer.from(
      toBinary(WatchOrderStatusRequestSchema, fromJson(WatchOrderStatusRequestSchema, request as never)),
    );
    const identity = (bytes: Buffer) => bytes;
    const stream = client.makeServerStreamRequest(
      "/oms.orderstatus.v1.OrderStatusService/WatchOrderStatus",
      identity,
      identity,
      body,
    );
    stream.on("error", () => {});
    let received = 0;
    stream.once("data", (bytes: Buffer) => {
      received += bytes.length;
      stream.pause();
    });
    const close = () => {
      stream.cancel();
      client.close();
    };
    return { received: () => received, close };
  }

  function watchOverHttp(request: object) {
    const message = Buffer.from(JSON.stringify(request));
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    const socket = connect(harness.service.httpPort, "127.0.0.1");
    socket.write(
      `POST /oms.orderstatus.v1.OrderStatusService/WatchOrderStatus HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/connect+json\r\ncontent-length: ${message.length + 5}\r\n\r\n`,
    );
    socket.write(Buffer.concat([head, message]));
    socket.once("data", () => socket.pause());
    return { received: () => socket.bytesRead, close: () => socket.destroy() };
  }
});

test("many mistakes of one kind are logged up to 50 a second, and counted", async () => {
  const client = harness.client("gRPC");
  const count = () => harness.service.log.filter(({ code }) => code === "ABORTED").length;
  const orderId = await insertOrder(harness.db, Status.CREATED);
  const update = { orderId, status: OrderStatus.PAID, operator: "x", expectedVersion: 9n };
  const fail = () => Promise.all(Array.from({ length: 200 }, () => failure(client.updateOrderStatus(update))));
  const startedAt = performance.now();
  await fail();
  const seconds = Math.ceil((performance.now() - startedAt) / 1_000);
  expect(count()).toBeGreaterThanOrEqual(50);
  expect(count()).toBeLessThanOrEqual(50 * (seconds + 1));

  // The first line of a later second.
  await eventually(async () => {
    await fail();
    expect(harness.service.log.some(({ leftOut }) => Number(leftOut) > 0)).toBe(true);
  });
});

test("an unknown order's id is in its line", async () => {
  const orderId = nextOrderId();
  await failure(harness.client("gRPC").getOrderStatus({ orderId }));
  expect(harness.service.log.find((line) => line.orderId === String(orderId))).toMatchObject({
    code: "NOT_FOUND",
    level: "info",
  });
});
