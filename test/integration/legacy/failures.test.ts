import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { type OrderDatabase, openDatabase } from "../../../src/store/mysql/database.ts";
import { eventually } from "../../support/eventually.ts";
import { insertOrder, stateOf } from "../../support/orders.ts";
import { useOwnMariadb } from "../../support/servers.ts";
import { type Service, startService } from "../../support/service.ts";

const mariadb = useOwnMariadb();
let asBefore: Service;
let asErrors: Service;
let db: OrderDatabase;

beforeAll(async () => {
  const location = { url: mariadb.url, prefix: "t_" };
  asBefore = await startService(location);
  asErrors = await startService(location, {}, { OMS_LEGACY_HTTP_ERRORS: "true" });
  db = openDatabase(location);
});
afterAll(async () => {
  await asBefore.stop();
  await asErrors.stop();
  await db.destroy();
});

async function ask({ httpPort }: Service, query: string) {
  const response = await fetch(`http://127.0.0.1:${httpPort}/services/orderStatus/${query}`);
  return {
    status: response.status,
    code: response.headers.get("oms-code"),
    retryAfter: response.headers.get("retry-after"),
    body: await response.text(),
  };
}

describe("with OMS_LEGACY_HTTP_ERRORS a failure is an HTTP error, its body as before", () => {
  test.each<[string, number, string, (orderId: bigint) => readonly string[]]>([
    ["what is given wrongly", 400, "INVALID_ARGUMENT", () => ["getOrderStatus?orderId=x"]],
    ["an order that is not there", 404, "NOT_FOUND", () => ["getOrderStatus?orderId=404"]],
    ["a move that does not exist", 400, "FAILED_PRECONDITION", (id) => [`updateOrderStatus?orderId=${id}&status=6010`]],
    [
      "a request id of something else",
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
      expect(await ask(asErrors, query)).toMatchObject({ status: 200, code: null });
    }
    const last = queries.at(-1) as string;
    const answer = await ask(asErrors, last);

    expect(answer).toMatchObject({ status, code, retryAfter: null });
    expect(answer).toEqual({ ...(await ask(asBefore, last)), status });
    expect(JSON.parse(answer.body)).toEqual({ result: 0, message: expect.any(String) });
  });

  test("an answer is 200, a verdict that says no too", async () => {
    const orderId = await insertOrder(db, Status.PAID);

    expect(await ask(asErrors, `getOrderStatus?orderId=${orderId}`)).toMatchObject({ status: 200, code: null });
    expect(await ask(asErrors, "cancelOrder?orderId=404")).toMatchObject({ status: 200, body: "暂停订单失败" });
  });
});

test("the database is away: result 0, UNAVAILABLE and when to come back; nothing is half done", async () => {
  const orderId = await insertOrder(db, Status.CREATED);
  const message = "系统暂时不可用，请稍后重试: database unavailable; a change is made completely or not at all, retry";
  const away = { code: "UNAVAILABLE", retryAfter: "1", body: JSON.stringify({ result: 0, message }) };
  const report = `updateOrderStatus?orderId=${orderId}&status=1010`;

  await mariadb.kill();
  for (const query of [
    report,
    `getOrderStatus?orderId=${orderId}`,
    `returnOrder?orderId=${orderId}`,
    "getOrderSource",
  ]) {
    expect(await ask(asBefore, query)).toEqual({ status: 200, ...away });
    expect(await ask(asErrors, query)).toEqual({ status: 503, ...away });
  }
  const page = await (await fetch(`http://127.0.0.1:${asBefore.httpPort}/metrics`)).text();
  expect(page).toMatch(/oms_legacy_calls_total\{method="getOrderSource",.*result="failed"\} 1\n/);

  await mariadb.restart();
  await eventually(async () => {
    expect((await ask(asBefore, report)).body).toBe(`{"result":1,"orderId":${orderId},"orderStatus":1010}`);
  });
  expect(await stateOf(db, orderId)).toMatchObject({ order_status: Status.PAID, version: 1 });
});
