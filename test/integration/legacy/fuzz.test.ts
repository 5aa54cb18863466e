import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { STATES } from "../../../src/domain/state-machine.ts";
import { LEGACY_METHODS, type LegacyMethod, pathOf } from "../../../src/transport/legacy/methods.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

const served = useService();

/** Existing orders, so that calls get past NOT_FOUND. */
const orderIds: bigint[] = [];

beforeAll(async () => {
  for (const { code } of STATES) {
    orderIds.push(await insertOrder(served.db, code));
  }
});

const anyOrder = fc.nat({ max: STATES.length - 1 }).map((index) => String(orderIds[index]));
const anyText = fc.oneof(
  anyOrder,
  fc.constantFrom("", "0", "1", "-1", "1010", "3020", "7:2", "9223372036854775807", "9223372036854775808", "null"),
  fc.constantFrom("a@b.cn", "\u0000", "'; drop table x; --", "药🧧", "\ud800", "%s\\", "%", "%zz", "x".repeat(600)),
  fc.constantFrom("2024-05-01T08:30:00+08:00", "9999-12-31T23:59:59.999999999Z", '[{"skuId":7,"deliveryNum":2}]'),
  fc.string({ unit: "binary", maxLength: 40 }),
);
const anyValue = fc.oneof(
  { weight: 4, arbitrary: anyText },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(9_007_199_254_740_992, 1e300, -0, { toString: 1, valueOf: 1 }) },
);

/** What a method asks for, mostly under the right names, mostly in full. */
function anyParams({ parameters }: LegacyMethod): fc.Arbitrary<[string, unknown][]> {
  const known = parameters.flatMap(({ name, aliases = [], kind }) =>
    [name, ...aliases].map((one) => fc.tuple(fc.constant(one), kind === "id" || kind === "ids" ? anyOrder : anyValue)),
  );
  const strange = fc.tuple(fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor")), anyValue);
  const others = fc.array(fc.oneof(strange, ...known), { maxLength: 3 });
  return fc.tuple(fc.tuple(...known), others).map(([all, more]) => [...all, ...more]);
}

const textOf = (value: unknown) => (typeof value === "object" ? JSON.stringify(value) : String(value));

const anyQuery = (params: fc.Arbitrary<[string, unknown][]>) =>
  params.map((pairs) =>
    String(new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, textOf(value)]))),
  );

const anyType = fc.constantFrom(
  undefined,
  "application/json",
  "application/x-www-form-urlencoded",
  "application/x-www-form-urlencoded;charset=gbk",
  "text/plain;charset=utf-16le",
  "text/plain;charset=unknown",
  "image/png",
);

const anyBody = (params: fc.Arbitrary<[string, unknown][]>): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 4, arbitrary: params.map((pairs) => Buffer.from(JSON.stringify(Object.fromEntries(pairs)))) },
    { weight: 4, arbitrary: anyQuery(params).map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.json().map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
    { weight: 1, arbitrary: fc.constantFrom("{", "[", "{}{}", '{"a":', "&&", "=").map((text) => Buffer.from(text)) },
    {
      weight: 1,
      arbitrary: fc
        .nat({ max: 20_000 })
        .map((depth) => Buffer.from(`{"orderId":${"[".repeat(depth)}${"]".repeat(depth)}}`)),
    },
  );

const anyCall = fc.constantFrom(...LEGACY_METHODS).chain((method) => {
  const params = anyParams(method);
  return fc.record({
    path: fc.constant(pathOf(method)),
    query: fc.oneof(anyQuery(params), fc.constant("")),
    body: fc.option(anyBody(params), { nil: undefined }),
    type: anyType,
  });
});

/** Codes of client errors; INTERNAL would be a bug. */
const EXPECTED: readonly (string | null)[] = [
  null,
  "INVALID_ARGUMENT",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "FAILED_PRECONDITION",
  "ABORTED",
];

test("every request to a legacy endpoint gets a legacy answer, and none is INTERNAL", {
  timeout: 300_000,
}, async () => {
  const batch = 25;
  const seed = Number(process.env.OMS_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  let answered = 0;
  let calls = 0;

  await fc.assert(
    fc.asyncProperty(fc.array(anyCall, { minLength: batch, maxLength: batch }), async (wanted) => {
      const wrong = await Promise.all(
        wanted.map(async ({ path, query, body, type }) => {
          const response = await fetch(`http://127.0.0.1:${served.service.httpPort}${path}?${query}`, {
            ...(body !== undefined && { method: "POST", body: Buffer.from(body) }),
            headers: type === undefined ? {} : { "content-type": type },
          });
          const text = await response.text();
          const code = response.headers.get("oms-code");
          calls += 1;
          answered += Number(code === null);
          const failure = path.endsWith("/updateOrderStatus")
            ? /^修改订单状态失败$/
            : /^\{"result":0,"message":"[^:]+: .*"\}$/s;
          const isFailure = code === null || failure.test(text);
          return response.status === 200 && EXPECTED.includes(code) && isFailure
            ? []
            : [{ path, query, body: body && Buffer.from(body).toString(), type, status: response.status, code, text }];
        }),
      );
      expect(wrong.flat()).toEqual([]);
    }),
    // The server's state has changed: a shrunk example would not reproduce the failure.
    { numRuns: 60, endOnFailure: true, seed },
  );

  expect(answered).toBeGreaterThan(calls / 20);
  const errors = served.service.log.filter(
    ({ level, path }) => level === "error" || String(path).startsWith("/services"),
  );
  expect(errors).toEqual([]);
});
