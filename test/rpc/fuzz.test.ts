import {
  create,
  type DescField,
  type DescMessage,
  type DescMethod,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { FulfilmentService } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { ActionService } from "../../gen/oms/operations/v1/action_service_pb.ts";
import { ShadowService } from "../../gen/oms/operations/v1/shadow_service_pb.ts";
import { OrderStatusService } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { OrderReversalService } from "../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import { STATES } from "../../src/domain/state-machine.ts";
import type { FrontName } from "../support/clients.ts";
import { useService } from "../support/service.ts";
import { insertOrder } from "./orders.ts";

const served = useService();

/** Orders that are there, so that requests reach further than NOT_FOUND. */
const orderIds: bigint[] = [];

beforeAll(async () => {
  for (const { code } of STATES) {
    orderIds.push(await insertOrder(served.db, code));
  }
});

const anyInt64 = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: STATES.length - 1 }).map((index) => orderIds[index] as bigint) },
  { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { weight: 1, arbitrary: fc.constantFrom(0n, 1n, -1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)) },
);
const anyInt32 = fc.oneof(fc.nat({ max: 9 }), fc.integer());
const anyText = fc.oneof(
  fc.constantFrom("", "x", "a@b.cn", "\u0000", "'; drop table x; --", "药🧧", "%s\\", "x".repeat(64), "x".repeat(600)),
  // Names of Actions, so that requests about them reach further than NOT_FOUND.
  fc.constantFrom("third-party-notify", "approve", "payment-timeout"),
  fc.string({ unit: "binary", maxLength: 40 }),
);

function anyField(field: DescField): fc.Arbitrary<unknown> {
  switch (field.fieldKind) {
    case "scalar":
      return anyScalar(field.scalar);
    case "enum":
      return fc.oneof(fc.constantFrom(...field.enum.values.map(({ number }) => number)), anyInt32);
    case "message":
      return anyMessage(field.message);
    case "list":
      return fc.array(
        field.listKind === "message"
          ? anyMessage(field.message)
          : field.listKind === "scalar"
            ? anyScalar(field.scalar)
            : anyInt32,
        { maxLength: 4 },
      );
    case "map":
      return fc
        .array(fc.tuple(anyInt64, anyInt64), { maxLength: 3 })
        .map((pairs) => Object.fromEntries(pairs.map(([key, value]) => [String(key), value])));
  }
}

function anyScalar(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.INT64:
      return anyInt64;
    case ScalarType.INT32:
      return anyInt32;
    case ScalarType.BOOL:
      return fc.boolean();
    default:
      return anyText;
  }
}

function anyMessage(schema: DescMessage): fc.Arbitrary<Message> {
  const fields = schema.fields.map((field): [string, fc.Arbitrary<unknown>] => [field.localName, anyField(field)]);
  return fc.record(Object.fromEntries(fields), { requiredKeys: [] }).map((init) => create(schema, init));
}

/** Which codes a caller's own doing may have; a bug has INTERNAL. */
const FINE: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.FailedPrecondition,
  Code.Aborted,
  Code.Canceled,
]);

const requests = fc.oneof(
  ...[OrderStatusService, FulfilmentService, OrderReversalService, ActionService, ShadowService]
    .flatMap(({ methods }): readonly DescMethod[] => methods)
    .map((method) => anyMessage(method.input).map((request) => ({ method, request }))),
);

test.each<[FrontName, number]>([
  ["grpc-js", 3_000],
  ["Connect JSON", 1_500],
  ["gRPC-Web", 500],
])(
  "whatever %s is asked, nothing is INTERNAL",
  async (front, numRuns) => {
    const { client, fulfilment, reversal, actions, shadow } = served.clients(front);
    // Names of RPCs are unique among all services.
    const calls = { ...client, ...fulfilment, ...reversal, ...actions, ...shadow } as unknown as Record<
      string,
      (request: Message, options?: object) => unknown
    >;
    const batch = 50;
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(requests, { minLength: batch, maxLength: batch }), async (wanted) => {
        const codes = await Promise.all(
          wanted.map(async ({ method, request }) => {
            const stop = new AbortController();
            try {
              const answer = calls[method.localName]?.(request, { timeoutMs: 20_000, signal: stop.signal });
              if (method.methodKind === "server_streaming") {
                for await (const _ of answer as AsyncIterable<Message>) {
                  // Leaving the loop alone would leave the stream open.
                  stop.abort();
                  break;
                }
              } else {
                await answer;
              }
              answered += 1;
              return undefined;
            } catch (error) {
              // What the client itself cannot write as JSON never reaches the server.
              const code = ConnectError.from(error).code;
              return FINE.has(code) || /cannot encode/.test(String(error)) ? undefined : `${method.name}: ${error}`;
            }
          }),
        );
        expect(codes.filter((code) => code !== undefined)).toEqual([]);
      }),
      // The server is not as it was before: a smaller example would be another one.
      { numRuns: numRuns / batch, endOnFailure: true },
    );
    expect(answered).toBeGreaterThan(numRuns / 10);
    expect(served.service.log.filter(({ level }) => level === "error")).toEqual([]);
  },
  120_000,
);
