import { beforeAll, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { LEGACY_METHODS } from "../../../src/transport/legacy/methods.ts";
import { parseLosslessJson } from "../../../src/transport/wire/lossless-json.ts";
import { plain } from "../../support/failures.ts";
import { insertOrderWithId, nextOrderId } from "../../support/orders.ts";
import type { useService } from "../../support/service.ts";
import { LEGACY_RPCS, type LegacyEndpoint, type LegacyJson } from "./rpcs.ts";
import { legacyRequestOf, type SampleCall, sampleCalls } from "./sample-calls.ts";
import { sendLegacyRequest } from "./send.ts";
import type { SoapClient } from "./soap-clients.ts";

type Served = ReturnType<typeof useService>;

/** Gives a source the characters that XML escapes; called once per file. */
export function prepareSoapTests(served: Served): void {
  beforeAll(async () => {
    await served.db
      .insertInto("oms_db.oms_order_source")
      .values({ order_source: 2001, order_source_value: "天猫 & <Tmall>" })
      .execute();
  });
}

/** A value with order ids replaced by their index: each client uses its own orders. */
function normalized(value: unknown, orderIds: readonly bigint[]): unknown {
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? String(part) : part));
  return JSON.parse(orderIds.reduce((rest, id, index) => rest.replaceAll(String(id), `order-${index}`), text));
}

/** The RPC itself, over Connect. */
function callConnect(served: Served, { rpc, request }: SampleCall): Promise<object> {
  const functions = { ...served.clients("Connect JSON").reversal, ...served.client("Connect JSON") };
  return (functions[rpc] as (request: object) => Promise<object>)(request);
}

/** A legacy answer as fields of the RPC's response. */
function fieldsOf(rpc: SampleCall["rpc"], answer: string | undefined): object {
  const endpoint: LegacyEndpoint = LEGACY_RPCS[rpc];
  const text = answer ?? "";
  return plain(
    endpoint.answers === "text" ? endpoint.read(text) : endpoint.read(parseLosslessJson(text) as LegacyJson),
  ) as object;
}

/** An order's status and history. */
async function stateOf(served: Served, orderId: bigint): Promise<object> {
  const client = served.client("Connect JSON");
  const { orderStatus, paused, version, returnIds } = await client.getOrderStatus({ orderId });
  const { entries } = await client.listStatusHistory({ orderId });
  const history = entries.map(({ toStatus, remark, operator }) => ({ toStatus, remark, operator }));
  return { orderStatus, paused, version, returnIds, history };
}

/** The tests that every SOAP client passes; called in its `describe`. */
export function testSoapClient(served: Served, soap: SoapClient): void {
  const origin = () => `http://127.0.0.1:${served.service.httpPort}`;

  test("every method answers as over HTTP and Connect, with the same effects", async () => {
    const bySoap = await sampleCalls(served.db);
    const byHttp = await sampleCalls(served.db);
    const byConnect = await sampleCalls(served.db);
    const forms = bySoap.calls.map(legacyRequestOf);
    expect(forms.map(({ method }) => method).toSorted()).toEqual(LEGACY_METHODS.map(({ name }) => name).toSorted());

    const { results } = await soap.run(origin(), forms);

    expect(results).toEqual(forms.map(({ method }) => ({ method, answer: expect.any(String) })));
    for (const [index, { method, answer }] of results.entries()) {
      const { service, parameters } = legacyRequestOf(byHttp.calls[index] as SampleCall);
      const url = `${origin()}/services/${service}/${method}`;
      const overHttp = await (await sendLegacyRequest(url, Object.entries(parameters), "form", new Headers())).text();
      expect(normalized(answer, bySoap.orderIds), method).toEqual(normalized(overHttp, byHttp.orderIds));

      const call = byConnect.calls[index] as SampleCall;
      const response = await callConnect(served, call);
      expect(normalized(plain(response), byConnect.orderIds), method).toMatchObject(
        normalized(fieldsOf(call.rpc, answer), bySoap.orderIds) as object,
      );
    }
    for (const [index, orderId] of bySoap.orderIds.entries()) {
      if (await exists(served, orderId)) {
        const counterpart = byConnect.orderIds[index] as bigint;
        expect(normalized(await stateOf(served, orderId), bySoap.orderIds)).toEqual(
          normalized(await stateOf(served, counterpart), byConnect.orderIds),
        );
      }
    }
  });

  test("an id beyond 2^53 is exact", async () => {
    const orderId = 9_007_199_254_740_993n;
    if (!(await exists(served, orderId))) {
      await insertOrderWithId(served.db, orderId, Status.WMS_ACCEPTED);
    }

    const { results } = await soap.run(origin(), [
      { service: "orderStatus", method: "getOrderStatus", parameters: { orderId } },
    ]);

    expect(results).toEqual([
      { method: "getOrderStatus", answer: `{"result":1,"orderId":${orderId},"orderStatus":3010}` },
    ]);
  });

  test("failures are faults with code, reason and responsible side", async () => {
    const orderId = nextOrderId();
    const service = "orderStatus";

    const { results } = await soap.run(origin(), [
      { service, method: "getOrderStatus", parameters: { orderId } },
      { service, method: "updateOrderStatus", parameters: { orderId, status: 1011 } },
    ]);

    const detail = (code: string, reason?: RegExp) => expect.toSatisfy((details) => matches(details, code, reason));
    expect(results).toEqual([
      {
        method: "getOrderStatus",
        fault: { code: soap.callerFault, text: `没有找到: there is no order ${orderId}`, detail: detail("NOT_FOUND") },
      },
      {
        method: "updateOrderStatus",
        fault: {
          code: soap.callerFault,
          text: "修改订单状态失败",
          detail: detail("INVALID_ARGUMENT", /^参数错误: status: must be one of 1000, 1010, .*, was "1011"$/),
        },
      },
    ]);
  });
}

/** Whether a fault's details match; clients report their names with or without a namespace. */
function matches(details: Readonly<Record<string, string>>, code: string, reason = /^$/): boolean {
  const byName = Object.fromEntries(
    Object.entries(details).map(([name, value]) => [name.replace(/^.*[}:]/, ""), value]),
  );
  return byName.code === code && /^[\w-]+$/.test(byName.callId ?? "") && reason.test(byName.reason ?? "");
}

async function exists(served: Served, orderId: bigint): Promise<boolean> {
  const rows = await served.db
    .selectFrom("oms_db.oms_order_main")
    .select("order_id")
    .where("order_id", "=", orderId)
    .execute();
  return rows.length > 0;
}
