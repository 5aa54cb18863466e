import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { type OrderDatabase, openDatabase } from "../../../src/store/mysql/database.ts";
import { eventually } from "../../support/eventually.ts";
import { insertOrder, stateOf } from "../../support/orders.ts";
import { useOwnMariadb } from "../../support/servers.ts";
import { type Service, startService } from "../../support/service.ts";

const mariadb = useOwnMariadb();
let withoutErrors: Service;
let withErrors: Service;
let db: OrderDatabase;

beforeAll(async () => {
  const location = { url: mariadb.url, prefix: "t_" };
  withoutErrors = await startService(location);
  withErrors = await startService(location, {}, { OMS_LEGACY_HTTP_ERRORS: "true" });
  db = openDatabase(location);
});
afterAll(async () => {
  await withoutErrors.stop();
  await withErrors.stop();
  await db.destroy();
});

/** The legacy answer of every failed updateOrderStatus. */
const UPDATE_FAILED = "修改订单状态失败";

async function fetchAnswer({ httpPort }: Service, query: string) {
  const response = await fetch(`http://127.0.0.1:${httpPort}/services/orderStatus/${query}`);
  return {
    status: response.status,
    code: response.headers.get("oms-code"),
    reason: response.headers.get("oms-reason") && decodeURIComponent(response.headers.get("oms-reason") ?? ""),
    retryAfter: response.headers.get("retry-after"),
    body: await response.text(),
  };
}

describe("with OMS_LEGACY_HTTP_ERRORS a failure has an HTTP error status and the same body", () => {
  test.each<[string, number, string, (orderId: bigint) => readonly string[]]>([
    ["an invalid parameter", 400, "INVALID_ARGUMENT", () => ["getOrderStatus?orderId=x"]],
    ["an unknown order", 404, "NOT_FOUND", () => ["getOrderStatus?orderId=404"]],
    ["an illegal transition", 400, "FAILED_PRECONDITION", (id) => [`updateOrderStatus?orderId=${id}&status=6010`]],
    [
      "a request id of another request",
      409,
      "ALREADY_EXISTS",
      (id) => [
        `updateOrderStatus?orderId=${id}&status=1010&requestId=r-${id}`,
        `updateOrderStatus?orderId=${id}&status=1020&requestId=r-${id}`,
      ],
    ],
  ])("%s: %i", async (_name, status, code, queriesOf) => {
    const queries = queriesOf(await insertOrder(db, Status.CREATED));
    for (const query of queries.slice(0, -1)) {
      expect(await fetchAnswer(withErrors, query)).toMatchObject({ status: 200, code: null });
    }
    const last = queries.at(-1) as string;
    const answer = await fetchAnswer(withErrors, last);

    expect(answer).toMatchObject({ status, code, retryAfter: null });
    expect(answer).toEqual({ ...(await fetchAnswer(withoutErrors, last)), status });
    if (last.startsWith("updateOrderStatus")) {
      expect(answer).toMatchObject({ body: UPDATE_FAILED, reason: expect.stringMatching(/^\p{Script=Han}+: ./u) });
    } else {
      expect(JSON.parse(answer.body)).toEqual({ result: 0, message: expect.any(String) });
    }
  });

  test("an answer has status 200, also a negative verdict", async () => {
    const orderId = await insertOrder(db, Status.PAID);

    expect(await fetchAnswer(withErrors, `getOrderStatus?orderId=${orderId}`)).toMatchObject({
      status: 200,
      code: null,
    });
    expect(await fetchAnswer(withErrors, "cancelOrder?orderId=404")).toMatchObject({
      status: 200,
      body: "暂停订单失败",
    });
  });
});

test("without the database: result 0, UNAVAILABLE and retry-after; nothing is applied in part", async () => {
  const orderId = await insertOrder(db, Status.CREATED);
  const message = "系统暂时不可用，请稍后重试: database unavailable; a change is made completely or not at all, retry";
  const unavailable = (query: string) => ({
    code: "UNAVAILABLE",
    retryAfter: "1",
    ...(query === report
      ? { body: UPDATE_FAILED, reason: message }
      : { body: JSON.stringify({ result: 0, message }), reason: null }),
  });
  const report = `updateOrderStatus?orderId=${orderId}&status=1010`;

  await mariadb.kill();
  for (const query of [
    report,
    `getOrderStatus?orderId=${orderId}`,
    `returnOrder?orderId=${orderId}`,
    "getOrderSource",
  ]) {
    expect(await fetchAnswer(withoutErrors, query)).toEqual({ status: 200, ...unavailable(query) });
    expect(await fetchAnswer(withErrors, query)).toEqual({ status: 503, ...unavailable(query) });
  }
  const page = await (await fetch(`http://127.0.0.1:${withoutErrors.httpPort}/metrics`)).text();
  expect(page).toMatch(/oms_legacy_calls_total\{method="getOrderSource",.*result="failed"\} 1\n/);

  await mariadb.restart();
  await eventually(async () => {
    expect((await fetchAnswer(withoutErrors, report)).body).toBe(
      `{"result":1,"orderId":${orderId},"orderStatus":1010}`,
    );
  });
  expect(await stateOf(db, orderId)).toMatchObject({ order_status: Status.PAID, version: 1 });
});
