import { once } from "node:events";
import { connect } from "node:http2";
import { gzipSync } from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { BadRequestSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { insertOrder, insertOrderWithId } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

/** A request in JSON is understood completely or rejected, on every transport that takes JSON. */

const SERVICE = "/oms.orderstatus.v1.OrderStatusService";

interface Violation {
  readonly field: string;
  readonly description: string;
}

/** The response to a call: its message, or what is wrong with the request. */
interface Outcome {
  readonly message?: unknown;
  readonly violations?: readonly Violation[];
  readonly callId: string | null;
}

type Send = (path: string, json: string) => Promise<Outcome>;

const harness = useService();
const address = () => `http://127.0.0.1:${harness.service.httpPort}`;

function frame(json: string): Buffer {
  const message = Buffer.from(json);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function unframe(body: Buffer): unknown {
  return JSON.parse(body.subarray(5, 5 + body.readUInt32BE(1)).toString());
}

function violationsIn(status: Buffer): readonly Violation[] {
  const { details } = fromBinary(StatusSchema, status);
  const badRequest = details.map((detail) => anyUnpack(detail, BadRequestSchema)).find((found) => found !== undefined);
  return (badRequest?.fieldViolations ?? []).map(({ field, description }) => ({ field, description }));
}

async function connectOutcome(response: Response): Promise<Outcome> {
  const body = (await response.json()) as { details?: { debug: { fieldViolations: Violation[] } }[] };
  const callId = response.headers.get("oms-call-id");
  return response.ok
    ? { message: body, callId }
    : {
        violations: (body.details?.[0]?.debug.fieldViolations ?? []).map(({ field, description }) => ({
          field,
          description,
        })),
        callId,
      };
}

const post =
  (headers: Record<string, string>, encode: (json: string) => string | Uint8Array<ArrayBuffer>): Send =>
  async (path, json) =>
    connectOutcome(
      await fetch(address() + path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: encode(json),
      }),
    );

/** A unary call over HTTP/2: Connect on the HTTP port, gRPC on its own. */
async function sendHttp2(port: number, headers: Record<string, string>, body: Buffer | string) {
  const session = connect(`http://127.0.0.1:${port}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({ ":method": "POST", te: "trailers", ...headers });
  const received: Record<string, unknown> = {};
  const chunks: Buffer[] = [];
  stream.on("response", (response) => Object.assign(received, response));
  stream.on("trailers", (trailers) => Object.assign(received, trailers));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.end(body);
  await once(stream, "close");
  return { received, body: Buffer.concat(chunks) };
}

const TRANSPORTS: readonly (readonly [string, Send])[] = [
  ["Connect", post({}, (json) => json)],
  ["Connect, gzip", post({ "content-encoding": "gzip" }, (json) => new Uint8Array(gzipSync(json)))],
  [
    "Connect, chunked",
    async (path, json) =>
      connectOutcome(
        await fetch(address() + path, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: new Blob([json]).stream(),
          duplex: "half",
        } as RequestInit),
      ),
  ],
  [
    "Connect over HTTP/2",
    async (path, json) => {
      const headers = { ":path": path, "content-type": "application/json" };
      const { received, body } = await sendHttp2(harness.service.httpPort, headers, json);
      const init = { status: Number(received[":status"]), headers: { "oms-call-id": String(received["oms-call-id"]) } };
      return connectOutcome(new Response(new Uint8Array(body), init));
    },
  ],
  [
    "gRPC-Web",
    async (path, json) => {
      const response = await fetch(address() + path, {
        method: "POST",
        headers: { "content-type": "application/grpc-web+json" },
        body: new Uint8Array(frame(json)),
      });
      const body = Buffer.from(await response.arrayBuffer());
      const callId = response.headers.get("oms-call-id");
      const details = /grpc-status-details-bin: (\S+)/.exec(body.toString("latin1"))?.[1];
      return details === undefined
        ? { message: unframe(body), callId }
        : { violations: violationsIn(Buffer.from(details, "base64")), callId };
    },
  ],
  [
    "gRPC",
    async (path, json) => {
      const headers = { ":path": path, "content-type": "application/grpc+json" };
      const { received, body } = await sendHttp2(harness.service.grpcPort, headers, frame(json));
      expect(received["content-type"]).toBe("application/grpc+json");
      const details = received["grpc-status-details-bin"];
      const callId = String(received["oms-call-id"]);
      return details === undefined
        ? { message: unframe(body), callId }
        : { violations: violationsIn(Buffer.from(String(details), "base64")), callId };
    },
  ],
];

const GET: Send = async (path, json) =>
  connectOutcome(await fetch(`${address()}${path}?encoding=json&message=${encodeURIComponent(json)}`));

let orderId = 0n;

beforeEach(async () => {
  orderId = await insertOrder(harness.db, Status.CREATED);
});

const update = (fields: string) => `{"orderId":"${orderId}","operator":"me",${fields}}`;

describe.each(TRANSPORTS)("over %s", (_name, send) => {
  test.each<[string, string, string, Violation]>([
    [
      "a misspelt dry run",
      "UpdateOrderStatus",
      '"status":"ORDER_STATUS_PAID","validateonly":true',
      { field: "validateonly", description: "is not a field of UpdateOrderStatusRequest: did you mean validateOnly?" },
    ],
    [
      "a legacy name",
      "SetOrderPause",
      '"isPause":1',
      { field: "isPause", description: "is not a field of SetOrderPauseRequest: did you mean paused?" },
    ],
    [
      "an unknown enum name",
      "UpdateOrderStatus",
      '"status":"PAID"',
      { field: "status", description: '"PAID" is not a value of OrderStatus: did you mean ORDER_STATUS_PAID?' },
    ],
    [
      "30 February",
      "UpdateOrderStatus",
      '"status":"ORDER_STATUS_PAID","occurTime":"2024-02-30T08:30:00Z"',
      {
        field: "occur_time",
        description:
          'must be an existing time with its zone, like 2024-05-01T08:30:00+08:00, was "2024-02-30T08:30:00Z"',
      },
    ],
    [
      "a field given twice",
      "UpdateOrderStatus",
      '"status":"ORDER_STATUS_PAID","operator":"you"',
      { field: "operator", description: "must be given once" },
    ],
  ])("%s is rejected, and changes nothing", async (_case, rpc, fields, violation) => {
    expect(await send(`${SERVICE}/${rpc}`, update(fields))).toEqual({
      violations: [violation],
      callId: expect.stringMatching(/^[\w-]+$/),
    });
    expect((await send(`${SERVICE}/GetOrderStatus`, `{"orderId":"${orderId}"}`)).message).toMatchObject({
      orderStatus: "ORDER_STATUS_CREATED",
      version: "0",
      paused: false,
    });
  });

  test("an id beyond 2^53 as a number means that order; default values are in the response", async () => {
    const [even, odd] = [2n ** 53n + orderId * 2n, 2n ** 53n + orderId * 2n + 1n];
    await insertOrderWithId(harness.db, even, Status.CREATED);
    await insertOrderWithId(harness.db, odd, Status.CREATED);
    const json = `{"orderId":${odd},"status":"ORDER_STATUS_PAID","operator":"me"}`;
    expect((await send(`${SERVICE}/UpdateOrderStatus`, json)).message).toMatchObject({
      outcome: "OUTCOME_APPLIED",
      orderId: String(odd),
    });
    expect((await send(`${SERVICE}/GetOrderStatus`, `{"orderId":${even}}`)).message).toMatchObject({
      orderId: String(even),
      orderStatus: "ORDER_STATUS_CREATED",
      paused: false,
      finished: false,
      version: "0",
      returnIds: [],
    });
  });
});

describe("over Connect with GET", () => {
  test.each<[string, string, string]>([
    ["GetOrderStatus", '{"orderid":"5"}', "is not a field of GetOrderStatusRequest: did you mean orderId?"],
    [
      "GetOrderStatus",
      '{"orderId":9223372036854775808}',
      "must be a whole number of up to 64 bits, was 9223372036854775808",
    ],
  ])("%s %s is rejected", async (rpc, json, description) => {
    const { violations } = await GET(`${SERVICE}/${rpc}`, json);
    expect(violations).toEqual([{ field: expect.any(String), description }]);
  });

  test("a filter by an unknown name is rejected", async () => {
    const { violations } = await GET("/oms.fulfilment.v1.FulfilmentService/ListOrderFlows", '{"state":"WAITING"}');
    expect(violations).toEqual([
      { field: "state", description: '"WAITING" is not a value of FlowState: did you mean FLOW_STATE_WAITING?' },
    ]);
  });

  test("an id beyond 2^53 is exact", async () => {
    const odd = 2n ** 53n + orderId * 2n + 1n;
    await insertOrderWithId(harness.db, odd, Status.PICKING);
    expect((await GET(`${SERVICE}/GetOrderStatus`, `{"orderId":${odd}}`)).message).toMatchObject({
      orderId: String(odd),
      orderStatus: "ORDER_STATUS_PICKING",
    });
  });
});

describe("streams", () => {
  test.each(["application/connect+json", "application/grpc-web+json"])("%s", async (type) => {
    const response = await fetch(`${address()}${SERVICE}/WatchOrderStatus`, {
      method: "POST",
      headers: { "content-type": type },
      body: new Uint8Array(frame('{"orderids":["5"]}')),
    });
    expect(decodeURIComponent(await response.text())).toContain(
      "orderids: is not a field of WatchOrderStatusRequest: did you mean orderIds?",
    );
  });

  test("over gRPC: a watch in JSON", async () => {
    const headers = {
      ":path": `${SERVICE}/WatchOrderStatus`,
      "content-type": "application/grpc+json",
      "grpc-timeout": "300m",
    };
    const body = frame(`{"orderIds":[${orderId}]}`);
    const { body: first } = await sendHttp2(harness.service.grpcPort, headers, body);
    expect(unframe(first)).toMatchObject({ snapshot: { orderId: String(orderId) } });
  });
});

describe("a misspelt filter of DiscardParked", () => {
  const path = "/oms.operations.v1.ActionService/DiscardParked";
  const discard = (fields: string) => `{"action":"e-invoice","operator":"me","reason":"x",${fields}}`;
  const send = TRANSPORTS[0]?.[1] as Send;

  test.each([
    ['"filter":{"error":"mailbox full"}', "filter.error: is not a field of EntryFilter: did you mean errorContains?"],
    ['"filter":{}', "filter has no condition: to discard every parked entry, set all"],
    [
      '"filter":{"errorContains":""},"validateOnly":true',
      "filter has no condition: to discard every parked entry, set all",
    ],
    ['"validateOnly":true', "exactly one of message_ids, all and filter must be given"],
    ['"all":true,"messageIds":["1-1"]', "exactly one of message_ids, all and filter must be given"],
  ])("%s is rejected", async (fields, reason) => {
    const { violations } = await send(path, discard(fields));
    expect(
      violations?.map(({ field, description }) => [field, description].filter((part) => part !== "").join(": ")),
    ).toEqual([reason]);
  });

  test("all is explicit", async () => {
    expect((await send(path, discard('"all":true,"validateOnly":true'))).message).toEqual({
      discardedCount: "0",
      nextPageToken: "",
      samples: [],
    });
  });
});

describe("OMS_JSON_UNKNOWN_FIELDS=ignore", () => {
  const lenient = useService({ OMS_JSON_UNKNOWN_FIELDS: "ignore" });

  test("drops unknown fields, rejects unknown enum names", async () => {
    const order = await insertOrder(lenient.db, Status.CREATED);
    const request = (fields: object) => ({
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ orderId: String(order), operator: "me", ...fields }),
    });
    const url = `http://127.0.0.1:${lenient.service.httpPort}${SERVICE}/UpdateOrderStatus`;
    const refused = await fetch(url, request({ status: "PAID" }));
    expect([refused.status, ((await refused.json()) as { message: string }).message]).toEqual([
      400,
      'status: "PAID" is not a value of OrderStatus: did you mean ORDER_STATUS_PAID?',
    ]);
    const applied = await fetch(url, request({ status: "ORDER_STATUS_PAID", channel: { x: 1 } }));
    expect(await applied.json()).toMatchObject({ outcome: "OUTCOME_APPLIED" });
  });

  test("counts them by RPC and field, and logs each once with its first caller", async () => {
    const ask = (caller: string) =>
      fetch(`http://127.0.0.1:${lenient.service.httpPort}${SERVICE}/ListShipmentTypes`, {
        method: "POST",
        headers: { "content-type": "application/json", "oms-caller": caller },
        body: '{"locale":"zh","_13800138077":1}',
      });
    await ask("tms");
    await ask("shop");
    const metrics = await (await fetch(`http://127.0.0.1:${lenient.service.httpPort}/metrics`)).text();
    expect(metrics).toContain('oms_json_unknown_fields_total{rpc="ListShipmentTypes",field="locale"} 2\n');
    expect(metrics).toContain('oms_json_unknown_fields_total{rpc="ListShipmentTypes",field="(other)"} 2\n');
    const lines = lenient.service.log.filter(
      ({ msg, rpc }) => msg === "unknown JSON field ignored" && rpc === "ListShipmentTypes",
    );
    expect(lines).toMatchObject([
      { level: "warn", field: "locale", caller: "tms" },
      { level: "warn", field: "(other)", caller: "tms" },
    ]);
  });
});
