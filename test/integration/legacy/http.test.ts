import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { MAX_BODY_BYTES } from "../../../src/transport/legacy/body.ts";
import { LEGACY_METHODS, pathOf } from "../../../src/transport/legacy/methods.ts";
import { eventually } from "../../support/eventually.ts";
import { historyOf, insertOrder, insertOrderWithId, nextOrderId, stateOf } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

const served = useService({ OMS_CORS_ORIGINS: "https://console.example.com" });
const url = (path: string) => `http://127.0.0.1:${served.service.httpPort}/services${path}`;
const GET_STATUS = "/orderStatus/getOrderStatus";
const ORDER = 171_203_044n;
const LARGE = 9_007_199_254_740_993n;
const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";

/** The body of a legacy answer. */
async function fetchText(path: string, init?: RequestInit): Promise<string> {
  const response = await fetch(url(path), init);
  expect(response.status).toBe(200);
  return response.text();
}

/** Bytes, so that fetch sets no content type of its own. */
function post(body: string | Uint8Array, type?: string): RequestInit {
  return { method: "POST", body: Buffer.from(body), ...(type !== undefined && { headers: { "content-type": type } }) };
}

const found = (orderId: bigint, status: number = Status.PICKING) =>
  `{"result":1,"orderId":${orderId},"orderStatus":${status}}`;
const rejection = (message: string) => JSON.stringify({ result: 0, message: `参数错误: ${message}` });

beforeAll(async () => {
  await insertOrderWithId(served.db, ORDER, Status.PICKING);
  await insertOrderWithId(served.db, LARGE, Status.PICKING);
});

describe("parameters are read", () => {
  test.each<[string, string, RequestInit]>([
    ["from the query of a GET", `${GET_STATUS}?orderId=${ORDER}`, {}],
    ["from the query of a POST", `${GET_STATUS}?orderId=${ORDER}`, { method: "POST" }],
    ["after a second question mark", `${GET_STATUS}?from=a?b&orderId=${ORDER}`, {}],
    ["after a trailing slash", `${GET_STATUS}/?orderId=${ORDER}`, {}],
    ["from a form", GET_STATUS, post(`orderId=${ORDER}&from=wms`, FORM)],
    ["from a form with a charset", GET_STATUS, post(`orderId=${ORDER}`, `${FORM}; charset="UTF-8"`)],
    ["from a form without a content type", GET_STATUS, post(`orderId=${ORDER}\r\n`)],
    ["from a number in JSON", GET_STATUS, post(`{"orderId":${ORDER}}`, JSON_TYPE)],
    ["from a text in JSON", GET_STATUS, post(`{"orderId":"${ORDER}"}`, `${JSON_TYPE};charset=utf-8`)],
    ["from a list of one in JSON", GET_STATUS, post(`{"orderId":[${ORDER}]}`, JSON_TYPE)],
    ["from JSON sent as text", GET_STATUS, post(`{"orderId":${ORDER}}`, "text/plain")],
    ["from JSON sent as a form", GET_STATUS, post(`\n {"orderId":${ORDER}}`, FORM)],
    ["from JSON without a content type", GET_STATUS, post(`{"orderId":${ORDER}}`)],
    ["from JSON after a UTF-8 byte order mark", GET_STATUS, post(`\ufeff{"orderId":${ORDER}}`, JSON_TYPE)],
    ["from the query, where the body's is empty", `${GET_STATUS}?orderId=${ORDER}`, post("orderId=", FORM)],
    ["from the body, where the query's is empty", `${GET_STATUS}?orderId=`, post(`orderId=${ORDER}`, FORM)],
    ["equal in query and body", `${GET_STATUS}?orderId=${ORDER}`, post(`{"orderId":${ORDER}}`, JSON_TYPE)],
    ["from query and body together", `${GET_STATUS}?orderId=${ORDER}`, post(`{"from":"wms","note":null}`, JSON_TYPE)],
  ])("%s", async (_name, path, init) => {
    expect(await fetchText(path, init)).toBe(found(ORDER));
  });

  test.each<[string, string, RequestInit]>([
    ["a query", `${GET_STATUS}?orderId=${LARGE}`, {}],
    ["a form", GET_STATUS, post(`orderId=${LARGE}`, FORM)],
    ["a number in JSON", GET_STATUS, post(`{"orderId":${LARGE}}`, JSON_TYPE)],
    ["a text in JSON", GET_STATUS, post(`{"orderId":"${LARGE}"}`, JSON_TYPE)],
  ])("beyond JavaScript's exact integers, from %s", async (_name, path, init) => {
    expect(await fetchText(path, init)).toBe(found(LARGE));
  });

  test("by their aliases", async () => {
    const root = nextOrderId();
    const orderId = await insertOrder(served.db, Status.CREATED, { main: { root_parent_id: root, parent_id: root } });
    await served.db
      .insertInto("ordercancel_db.order_return_detail")
      .values({ order_id: orderId, return_id: 21n, sku_id: 7n, quantity: 2, create_date: null })
      .execute();

    expect(await fetchText(`/orderStatus/updateOrderStatus?orderId=${orderId}&orderStatus=1010`)).toBe(
      found(orderId, 1010),
    );
    expect(await fetchText(`/orderStatus/getSubOrderMaxStatus?rootParentId=${root}`)).toBe(found(root, 1010));
    expect(await fetchText(`/detail/orderIds?orders=${orderId}`)).toBe(
      `{"result":1,"details":[{"orderId":${orderId},"returnId":21,"skuId":7,"quantity":2}]}`,
    );
  });

  test.each<[string, (ids: readonly bigint[]) => [string, RequestInit?]]>([
    ["a text with commas", (ids) => [`?orders=${ids.join(",")}`]],
    ["a parameter for each", (ids) => [`?${ids.map((id) => `orders=${id}`).join("&")}`]],
    ["a form's parameter for each", (ids) => ["", post(ids.map((id) => `orders=${id}`).join("&"), FORM)]],
    ["a list in JSON", (ids) => ["", post(`{"orders":[${ids.join(",")}]}`, JSON_TYPE)]],
    ["a list of texts in JSON", (ids) => ["", post(JSON.stringify({ orders: ids.map(String) }), JSON_TYPE)]],
    ["a text with commas in JSON", (ids) => ["", post(JSON.stringify({ orders: ids.join(" , ") }), JSON_TYPE)]],
  ])("lists as %s", async (_name, encode) => {
    const [query, init] = encode([ORDER, LARGE]);

    expect(await fetchText(`/orderStatus/updateOrderInvoiceStatus${query}`, init)).toBe(
      `{"result":1,"updatedCount":0,"missingOrders":"${ORDER},${LARGE}"}`,
    );
  });
});

describe("a legacy body has all its fields, empty ones too", () => {
  const invoiceOf = (orderId: bigint) =>
    served.db
      .selectFrom("oms_db.oms_order_invoice")
      .select(["invoice_status", "invoice_title", "invoice_content", "invoice_tax_payer_code", "invoice_email"])
      .where("order_id", "=", orderId)
      .executeTakeFirstOrThrow();
  const mailsOf = async (orderId: bigint) => {
    const rows = await served.db
      .selectFrom("oms_db.oms_action_ledger")
      .select("action")
      .where("order_id", "=", orderId)
      .execute();
    return rows.map(({ action }) => action);
  };
  const orderWithInvoice = async () => {
    const order_id = await insertOrder(served.db, Status.DELIVERED);
    await served.db
      .insertInto("oms_db.oms_order_invoice")
      .values({ order_id, invoice_title: "old", invoice_email: "old@example.com" })
      .execute();
    return order_id;
  };
  const mark = (init: RequestInit) => fetchText("/orderStatus/updateOrderInvoiceStatus", init);
  const MARKED = '{"result":1,"updatedCount":1}';

  test("an empty field is unchanged; sendEmail=1 sends the mail", async () => {
    const orderId = await orderWithInvoice();
    const body = {
      orders: String(orderId),
      invoiceTitle: "",
      invoiceContent: "商品明细",
      taxCode: "",
      invoiceEmail: "",
    };

    expect(await mark(post(JSON.stringify({ ...body, sendEmail: "" }), FORM))).toBe(MARKED);
    expect(await mailsOf(orderId)).toEqual([]);
    expect(await mark(post(JSON.stringify({ ...body, sendEmail: "1" }), FORM))).toBe(MARKED);

    expect(await invoiceOf(orderId)).toEqual({
      invoice_status: 1,
      invoice_title: "old",
      invoice_content: "商品明细",
      invoice_tax_payer_code: null,
      invoice_email: "old@example.com",
    });
    expect(await mailsOf(orderId)).toEqual(["e-invoice"]);
  });

  /** 商品 in GBK. */
  const GOODS = Buffer.from([0xc9, 0xcc, 0xc6, 0xb7]);
  const around = (before: string, after: string) => Buffer.concat([Buffer.from(before), GOODS, Buffer.from(after)]);
  test.each<[string, string, (orderId: bigint) => Uint8Array]>([
    ["JSON", JSON_TYPE, (id) => around(`{"orders":${id},"invoiceTitle":"`, '"}')],
    ["a form", FORM, (id) => around(`orders=${id}&invoiceTitle=`, "")],
    ["a form with percent escapes", FORM, (id) => Buffer.from(`invoiceTitle=%C9%CC%C6%B7&orders=${id}`)],
    ["a form by Windows' name", `${FORM};charset=cp936`, (id) => around(`orders=${id}&invoiceTitle=`, "")],
    ["JSON by Java's name", `${JSON_TYPE};charset="MS936"`, (id) => around(`{"orders":${id},"invoiceTitle":"`, '"}')],
  ])("%s in GBK", async (_name, type, bodyOf) => {
    const orderId = await orderWithInvoice();

    expect(await mark(post(bodyOf(orderId), type.includes("charset") ? type : `${type};charset=GBK`))).toBe(MARKED);
    expect((await invoiceOf(orderId)).invoice_title).toBe("商品");
  });
});

test("control characters and bidirectional formatting in texts become spaces; the report is made", async () => {
  const orderId = await insertOrder(served.db, Status.CREATED);
  const report = { orderId: String(orderId), status: 1010, operator: "王\u202e伟", remark: "gate\r\nshut\t\u001b[2J" };
  expect(await fetchText("/orderStatus/updateOrderStatus", post(JSON.stringify(report), JSON_TYPE))).toBe(
    found(orderId, Status.PAID),
  );
  expect(await historyOf(served.db, orderId)).toMatchObject([{ operator: "王 伟", remark: "gate  shut  [2J" }]);
});

describe("is rejected", () => {
  test.each<[string, string, RequestInit, string]>([
    ["a repeated scalar", `${GET_STATUS}?orderId=1&orderId=1`, {}, 'orderId: must be given once, was "1,1"'],
    ["a list for a scalar", GET_STATUS, post('{"orderId":[1,2]}'), 'orderId: must be given once, was "1,2"'],
    ...[post('{"orderId":2}', JSON_TYPE), post("orderId=2", FORM)].map(
      (init): [string, string, RequestInit, string] => [
        "different values in query and body",
        `${GET_STATUS}?orderId=1`,
        init,
        "orderId: must be given once, has different values in query and body",
      ],
    ),
    [
      "different values by two names",
      "/orderStatus/getSubOrderMaxStatus?orderId=1&rootParentId=2",
      {},
      "orderId: must be given once, has different values in orderId and rootParentId",
    ],
    ["a name given twice in JSON", GET_STATUS, post('{"orderId":1,"orderId":2}'), "orderId: must be given once"],
    [
      "a name given twice in JSON, once with an escape",
      GET_STATUS,
      post(String.raw`{"orderId":1,"order\u0049d":1}`),
      "orderId: must be given once",
    ],
    [
      "a name given twice in a line",
      "/orderStatus/recordSkuDeliveryNum",
      post('{"orderId":1,"skus":[{"skuId":7,"skuId":8,"deliveryNum":1}]}'),
      "skuId: must be given once",
    ],
    ["null for a required parameter", GET_STATUS, post('{"orderId":null}'), "orderId: is required, and was not given"],
    [
      "an object for a scalar",
      GET_STATUS,
      post('{"orderId":{"id":1}}'),
      String.raw`orderId: must be a whole number of up to 64 bits, was "{\"id\":1}"`,
    ],
    [
      "an inexact number in JSON",
      GET_STATUS,
      post('{"orderId":9007199254740993.0}'),
      'orderId: must be a whole number of up to 64 bits, was "9007199254740993.0"',
    ],
    [
      "invalid JSON",
      GET_STATUS,
      post('{"orderId":1'),
      'the body is no JSON object: right would be one like {"orderId":171203044}',
    ],
    [
      "a list instead of an object",
      GET_STATUS,
      post('[{"orderId":1}]', JSON_TYPE),
      'the body is no JSON object: right would be one like {"orderId":171203044}',
    ],
    [
      "bytes that are not UTF-8",
      GET_STATUS,
      post(Buffer.from([0x7b, 0xff, 0x7d])),
      "the body is no text in utf-8: say the right charset in content-type",
    ],
    [
      "an unknown charset",
      GET_STATUS,
      post("orderId=1", `${FORM};charset=klingon`),
      "the body is no text in klingon: say the right charset in content-type",
    ],
    [
      "gzip",
      GET_STATUS,
      { method: "POST", body: gzipSync("orderId=1"), headers: { "content-encoding": "gzip" } },
      "the body is gzip: send it as it is, without content-encoding",
    ],
    [
      "a multipart form",
      GET_STATUS,
      post("--b\r\n", "multipart/form-data; boundary=b"),
      "the body is multipart/form-data: send a form (urlencoded) or JSON",
    ],
  ])("%s", async (_name, path, init, message) => {
    expect(await fetchText(path, init)).toBe(rejection(message));
  });

  const TOO_LARGE = rejection(`the body must have at most ${MAX_BODY_BYTES} bytes, and has more`);

  test("a body that is too large, with or without a length, keeps its connection open", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const call = (body: string, headers: IncomingHttpHeaders) => callBy(agent, GET_STATUS, body, headers);
    const large = "x".repeat(MAX_BODY_BYTES + 1);

    const answers = [
      await call(large, { "content-length": String(large.length) }),
      await call(large, { "transfer-encoding": "chunked" }),
      await call(`orderId=${ORDER}&x=`.padEnd(MAX_BODY_BYTES, "x"), {}),
    ];
    agent.destroy();

    expect(answers.map(({ body }) => body)).toEqual([TOO_LARGE, TOO_LARGE, found(ORDER)]);
    expect(new Set(answers.map(({ localPort }) => localPort)).size).toBe(1);
  });

  test("a failure keeps the connection open", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });

    const bodies = ["orderId=404", "orderId=x", "{", `orderId=${ORDER}`];
    const answers: Awaited<ReturnType<typeof callBy>>[] = [];
    for (const body of bodies) {
      answers.push(await callBy(agent, GET_STATUS, body, {}));
    }
    agent.destroy();

    expect(answers.map(({ code }) => code)).toEqual(["NOT_FOUND", "INVALID_ARGUMENT", "INVALID_ARGUMENT", undefined]);
    expect(new Set(answers.map(({ localPort }) => localPort)).size).toBe(1);
  });
});

describe("endpoints", () => {
  const answer = async (method: string, path: string) => {
    const response = await fetch(url(path), { method });
    return { status: response.status, allow: response.headers.get("allow"), body: await response.text() };
  };

  test.each(["PUT", "DELETE", "PATCH", "OPTIONS"])("%s on a method: 405 with the allowed methods", async (method) => {
    expect(await answer(method, `${GET_STATUS}?orderId=${ORDER}`)).toEqual({
      status: 405,
      allow: "GET, POST",
      body: JSON.stringify({ result: 0, message: `不支持: /services${GET_STATUS} takes GET and POST, not ${method}` }),
    });
  });

  test("HEAD is allowed on pages only", async () => {
    expect(await answer("HEAD", GET_STATUS)).toEqual({ status: 405, allow: "GET, POST", body: "" });
    expect(await answer("HEAD", "")).toEqual({ status: 200, allow: null, body: "" });
  });

  test("POST is not allowed on the overview", async () => {
    expect(await answer("POST", "")).toMatchObject({ status: 405, allow: "GET, HEAD" });
  });

  test.each(["/orderStatus/getOrderState", "/orderStatus/getorderstatus", "/order/getOrderStatus", "/detail", "//"])(
    "nothing is at %s, unless it is a service's",
    async (path) => {
      const { status, body } = await answer("GET", path);
      expect(status).toBe(path === "/detail" ? 200 : 404);
      expect(body).toContain(
        path === "/detail" ? pathOf(LEGACY_METHODS.at(-1) as (typeof LEGACY_METHODS)[number]) : "没有找到: ",
      );
    },
  );

  test("a misspelt method is answered with the nearest one", async () => {
    const { body } = await answer("GET", "/orderStatus/getOrderState");
    expect(body).toContain("did you mean /services/orderStatus/getOrderStatus? GET /services lists the addresses");
  });

  test("a path that only starts like a legacy endpoint is not one", async () => {
    const response = await fetch(`http://127.0.0.1:${served.service.httpPort}/servicesX`);
    expect([response.status, await response.json()]).toEqual([404, expect.objectContaining({ code: "not_found" })]);
  });

  test("GET /services lists all methods with their parameters and RPCs", async () => {
    const response = await fetch(url(""));
    const page = await response.text();

    expect(response.headers.get("content-type")).toBe("text/plain;charset=UTF-8");
    for (const method of LEGACY_METHODS) {
      expect(page).toContain(pathOf(method));
      expect(page).toContain(`${method.rpc.parent.typeName}/${method.rpc.name}\n`);
    }
    expect(page).toContain(
      "/services/orderStatus/updateOrderStatus  orderId, status, [operator], [remark], [occurTime], [requestId]\n",
    );
  });

  test("an answer has its call id and RPC, and is not cacheable", async () => {
    const { headers } = await fetch(url(`${GET_STATUS}?orderId=${ORDER}`));
    const again = await fetch(url(`${GET_STATUS}?orderId=${ORDER}`));

    expect(headers.get("oms-call-id")).toMatch(/^[\w-]+$/);
    expect(again.headers.get("oms-call-id")).not.toBe(headers.get("oms-call-id"));
    expect(headers.get("link")).toBe(
      '</oms.orderstatus.v1.OrderStatusService/GetOrderStatus>; rel="successor-version"',
    );
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("content-length")).toBe(String(found(ORDER).length));
  });

  test("many calls on one HTTP/2 connection", async () => {
    const session = connectHttp2(`http://127.0.0.1:${served.service.httpPort}`);
    const call = async (index: number) => {
      const path = `/services${GET_STATUS}`;
      const stream =
        index % 2 === 0
          ? session.request({ ":method": "GET", ":path": `${path}?orderId=${LARGE}` }).end()
          : session.request({ ":method": "POST", ":path": path }).end(`{"orderId":${LARGE}}`);
      return text(stream);
    };
    expect(new Set(await Promise.all(Array.from({ length: 50 }, (_, index) => call(index))))).toEqual(
      new Set([found(LARGE)]),
    );
    session.close();
  });

  test("only pages of a configured origin may call", async () => {
    const preflight = (origin: string) =>
      fetch(url(GET_STATUS), { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
    const allowed = await preflight("https://console.example.com");
    const other = await preflight("https://evil.example.com");
    const call = await fetch(url(`${GET_STATUS}?orderId=${ORDER}`), {
      headers: { origin: "https://console.example.com" },
    });

    const ALLOW = "access-control-allow-origin";
    expect([allowed.status, allowed.headers.get(ALLOW)]).toEqual([204, "https://console.example.com"]);
    expect(other.headers.get(ALLOW)).toBeNull();
    expect([call.headers.get(ALLOW), await call.text()]).toEqual(["https://console.example.com", found(ORDER)]);
  });
});

test("no failure message and no log line contains personal data", async () => {
  const orderId = await insertOrder(served.db, Status.DELIVERED);
  const secret = ["secretmail", "SECRETTAX", "秘密抬头"];
  const [mail, tax, title] = secret as [string, string, string];
  const calls: Record<string, unknown>[] = [
    { orders: orderId, invoiceEmail: `${mail}@example.com`, taxCode: tax, invoiceTitle: title, sendEmail: 1 },
    { orders: orderId, invoiceEmail: mail, taxCode: tax.repeat(20), invoiceTitle: title.repeat(200) },
    { orders: orderId, invoiceEmail: [mail, mail], taxCode: [tax, tax], invoiceTitle: [title, title] },
    { orders: orderId, invoiceEmail: { mail }, sendEmail: `${mail}@example.com` },
    { orders: `${mail}@example.com` },
  ];

  const answers = await Promise.all(
    calls.map((call) =>
      fetchText(
        "/orderStatus/updateOrderInvoiceStatus",
        post(JSON.stringify(call, (_, value) => (typeof value === "bigint" ? String(value) : value))),
      ),
    ),
  );

  const failures = answers.map((answer) => JSON.parse(answer).result);
  expect(failures).toEqual([1, 0, 0, 0, 0]);
  const lines = () => served.service.log.filter(({ legacyMethod }) => legacyMethod === "updateOrderInvoiceStatus");
  await eventually(() => expect(lines().length).toBeGreaterThanOrEqual(calls.length));
  const output = answers.join("\n") + JSON.stringify(served.service.log);
  for (const word of secret) {
    expect(output).not.toContain(word);
  }
});

test("a rejected change has no effect", async () => {
  const orderId = await insertOrder(served.db, Status.CREATED);

  for (const query of ["status=1010&status=1010", "status=1010&occurTime=now", "status=1010&requestId=a&requestId=b"]) {
    expect(await fetchText(`/orderStatus/updateOrderStatus?orderId=${orderId}&${query}`)).toBe("修改订单状态失败");
  }
  expect(await stateOf(served.db, orderId)).toMatchObject({ order_status: Status.CREATED, version: 0 });
});

/** Calls over a connection of the agent. */
function callBy(agent: Agent, path: string, body: string, headers: IncomingHttpHeaders) {
  return new Promise<{ body: string; code: string | undefined; localPort: number | undefined }>((resolve, reject) => {
    const call = request(url(path), { agent, method: "POST", headers }, async (response) => {
      const { localPort } = response.socket;
      resolve({ body: await text(response), code: response.headers["oms-code"]?.toString(), localPort });
    });
    call.once("error", reject);
    call.end(body);
  });
}
