import { once } from "node:events";
import { connect } from "node:http2";
import { sql } from "kysely";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";
import { envelope, escaped, wrapper } from "../legacy/envelopes.ts";
import { useCollector } from "./collector.ts";

/** Recognizable values; none of them may appear in any output. */
const NAME = "欧阳娜娜甲";
const EMAIL = "ouyang.nana@mail.example";
const PHONE = "13800138077";
const ADDRESS = "杭州市文三路477号";
const TAX = "91330106MA2B0XKQ7T";
const ACCOUNT = "recharge-5566-7788";
const TOKEN = "s3cr3t-t0ken-0011";
const ALL = [NAME, EMAIL, PHONE, ADDRESS, TAX, ACCOUNT, TOKEN, "ouyang", "文三路"];

const collector = useCollector();
const harness = useService({
  OTEL_BSP_SCHEDULE_DELAY: "20",
  OMS_CORS_ORIGINS: "https://shop.example",
  // Known once the collector listens.
  get OTEL_EXPORTER_OTLP_ENDPOINT() {
    return collector.url;
  },
});

/** Metadata of all calls. */
const HEADERS = {
  "oms-caller": "privacy-test",
  authorization: `Bearer ${TOKEN}`,
  cookie: `session=${TOKEN}`,
  "x-customer-phone": PHONE,
  baggage: `customer=${EMAIL}`,
  "user-agent": `shop (${EMAIL})`,
  referer: `https://shop.example/?phone=${PHONE}`,
};

interface Answer {
  readonly where: string;
  readonly text: string;
}

const ORDER_STATUS = "oms.orderstatus.v1.OrderStatusService";
const LONG_NAME = NAME.repeat(300);

/** Requests in JSON: valid, invalid in each way that quotes a value, malformed. */
const JSON_CALLS: readonly (readonly [path: string, body: string])[] = [
  ...[
    { orderIds: ["1"], invoiceTitle: NAME, invoiceContent: ADDRESS, taxPayerCode: TAX, invoiceEmail: EMAIL },
    { order_ids: ["1"], invoice_title: NAME, invoice_content: ADDRESS, tax_payer_code: TAX, invoice_email: EMAIL },
    { orderIds: ["0"], invoiceTitle: LONG_NAME, invoiceContent: ADDRESS.repeat(90), taxPayerCode: TAX.repeat(9) },
    { orderIds: ["1"], invoiceEmail: `${EMAIL} ${PHONE}` },
    { order_ids: ["1"], invoice_email: `${EMAIL}\u202e`, invoice_title: `${NAME}\u001b[2J` },
    { orderIds: ["1"], invoiceTitle: Number(PHONE), invoiceEmail: [EMAIL], taxPayerCode: { code: TAX } },
    { orderIds: `${NAME} ${PHONE}`, invoiceTitle: false },
    { orderIds: ["1"], customer: { name: NAME, phone: PHONE }, adress: ADDRESS },
  ].map((body) => [`${ORDER_STATUS}/MarkInvoicesPrinted`, JSON.stringify(body)] as const),
  ...[
    { orderId: "1", status: "ORDER_STATUS_PAID", operator: "x", remark: `${NAME}, ${PHONE}, ${ADDRESS}` },
    { order_id: "1", status: 1010, operator: "x", remark: `${NAME}, ${PHONE}\n${ADDRESS}` },
    { order_id: "1", status: 1010, operator: "x", remark: ADDRESS.repeat(99) },
  ].map((body) => [`${ORDER_STATUS}/UpdateOrderStatus`, JSON.stringify(body)] as const),
  [
    `${ORDER_STATUS}/BatchUpdateOrderStatus`,
    JSON.stringify({ updates: [{ orderId: "0", remark: ADDRESS.repeat(99) }, `${NAME} ${PHONE}`] }),
  ],
  [
    `${ORDER_STATUS}/BatchUpdateOrderStatus`,
    JSON.stringify({ updates: [{ orderId: "1", status: 1010, operator: "x", remark: `${NAME}\0`, requestId: "r-1" }] }),
  ],
  [
    `${ORDER_STATUS}/SetOrderPause`,
    JSON.stringify({ orderId: "1", paused: true, operator: "x", reason: `${PHONE} `.repeat(99) }),
  ],
  [
    "oms.reversal.v1.OrderReversalService/RequestReturn",
    JSON.stringify({ orderId: "1", reason: `${PHONE} ${ADDRESS}`.repeat(40), operator: "", lines: [] }),
  ],
  ...[
    { title: LONG_NAME, content: ADDRESS.repeat(90), taxPayerCode: TAX.repeat(9), email: EMAIL.repeat(30) },
    { title: NAME, content: `${ADDRESS}\n`, tax_payer_code: TAX, email: EMAIL },
    `${NAME} <${EMAIL}>`,
    [NAME, EMAIL],
  ].map(
    (invoice) =>
      [
        "oms.fulfilment.v1.FulfilmentService/SubmitOrder",
        JSON.stringify({ orderSource: 1000, orderType: 31, rechargeAccount: ACCOUNT.repeat(9), invoice }),
      ] as const,
  ),
  ...[
    `{"orderIds":["1"],"invoiceEmail":"${EMAIL}","invoiceTitle":"${NAME}`,
    `{"orderIds":["1"],"invoiceEmail":"${EMAIL}",}`,
    `{"orderIds":["1"],"invoiceEmail":'${EMAIL}'}`,
    `{"orderIds":["1"],"invoiceTitle":"${NAME}\\x${PHONE}"}`,
    `{"invoiceTitle":"${NAME}"} ${EMAIL}`,
    `{"invoiceTitle":"${NAME}","invoice_title":"${NAME}"}`,
    `{"invoiceEmail":"${EMAIL}","invoiceEmail":"${EMAIL}"}`,
    `"${NAME} ${PHONE}"`,
    `[{"invoiceTitle":"${NAME}"}]`,
    PHONE,
    `invoiceEmail=${EMAIL}&phone=${PHONE}`,
    `<invoice email="${EMAIL}">${NAME}</invoice>`,
    `${EMAIL}`,
    `${NAME}`,
  ].map((body) => [`${ORDER_STATUS}/MarkInvoicesPrinted`, body] as const),
];

const url = (path: string) => `http://127.0.0.1:${harness.service.httpPort}/${path}`;

async function send(where: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url(path), { ...init, headers: { ...HEADERS, ...init.headers } });
  return { where, text: `${response.status} ${JSON.stringify([...response.headers])}\n${await response.text()}` };
}

const post = (where: string, path: string, type: string, body: string | Uint8Array<ArrayBuffer>) =>
  send(`${where}: ${path} ${String(body).slice(0, 200)}`, path, {
    method: "POST",
    headers: { "content-type": type },
    body,
  });

function frame(text: string): Buffer<ArrayBuffer> {
  const message = Buffer.from(text);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

async function overGrpc(path: string, body: string): Promise<Answer> {
  const session = connect(`http://127.0.0.1:${harness.service.grpcPort}`);
  try {
    const stream = session.request({
      ...HEADERS,
      ":method": "POST",
      ":path": `/${path}`,
      "content-type": "application/grpc+json",
      te: "trailers",
    });
    const parts: string[] = [];
    stream.on("response", (headers) => parts.push(JSON.stringify(headers)));
    stream.on("trailers", (headers) => parts.push(JSON.stringify(headers)));
    stream.on("data", (bytes: Buffer) => parts.push(bytes.toString()));
    stream.end(frame(body));
    await once(stream, "close");
    return { where: `gRPC: ${path} ${body.slice(0, 200)}`, text: parts.join("\n") };
  } finally {
    session.destroy();
  }
}

/** Parameters of the legacy endpoints. */
const LEGACY: readonly (readonly [method: string, params: Readonly<Record<string, string>>])[] = [
  ["updateOrderInvoiceStatus", { orders: "1", invoiceTitle: NAME, taxCode: TAX, invoiceEmail: EMAIL, sendEmail: "1" }],
  ["updateOrderInvoiceStatus", { orders: "1", invoiceTitle: LONG_NAME, taxCode: TAX.repeat(9), invoiceEmail: NAME }],
  ["updateOrderInvoiceStatus", { orders: EMAIL, invoiceContent: ADDRESS.repeat(99), sendEmail: EMAIL }],
  ["updateOrderInvoiceStatus", { orders: "x", phone: PHONE, customerName: NAME, address: ADDRESS, token: TOKEN }],
  ["updateOrderStatus", { orderId: "1", status: "1010", remark: `${NAME} ${PHONE} ${ADDRESS}` }],
  ["updateOrderStatus", { orderId: "1", status: "1010", remark: `${NAME} ${PHONE}\n${ADDRESS}`.repeat(99) }],
  ["puaseOrderStatus", { orderId: "1", isPause: "1", reason: `${NAME} ${PHONE}`.repeat(99) }],
];

const MALFORMED_XML = [
  `<invoiceTitle>${NAME} & ${PHONE}</invoiceTitle>`,
  `<invoiceTitle>${NAME} &${PHONE}</invoiceTitle>`,
  `<invoiceTitle>${NAME} < ${PHONE}</invoiceTitle>`,
  `<invoiceTitle title=${PHONE}>${NAME}</invoiceTitle>`,
  `<invoiceTitle title="${EMAIL}>${NAME}</invoiceTitle>`,
  `<invoiceTitle>${NAME}</invoiceTitle ${PHONE}>`,
  `<invoiceTitle>${NAME}`,
  `<x:invoiceTitle>${NAME}</x:invoiceTitle>`,
  `<invoiceEmail href="#no-such-id">${EMAIL}</invoiceEmail>`,
  `<invoiceTitle><name>${NAME}</name></invoiceTitle>`,
  `<invoiceTitle>${NAME}]]></invoiceTitle>`,
];

const GRPC_WEB = "application/grpc-web+json";

async function callEverything(): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const [path, body] of JSON_CALLS) {
    answers.push(
      await post("Connect", path, "application/json", body),
      await post("gRPC-Web", path, GRPC_WEB, frame(body)),
      await overGrpc(path, body),
    );
  }
  // Over GET a read, in which each of these fields is unknown or of the wrong kind.
  for (const [, body] of JSON_CALLS) {
    const query = new URLSearchParams({ encoding: "json", message: body, connect: "v1", phone: PHONE });
    answers.push(await send(`GET: ${body.slice(0, 200)}`, `${ORDER_STATUS}/GetOrderStatus?${query}`));
  }
  for (const [method, params] of LEGACY) {
    const path = `services/orderStatus/${method}`;
    const elements = Object.entries(params).map(([name, value]) => `<${name}>${escaped(value)}</${name}>`);
    const form = new URLSearchParams(params).toString();
    answers.push(
      ...(form.length < 8_000 ? [await send(`legacy GET: ${method}`, `${path}?${form}`)] : []),
      await post("legacy form", path, "application/x-www-form-urlencoded", form),
      await post("legacy JSON", path, "application/json", JSON.stringify(params)),
      await post("legacy malformed JSON", path, "application/json", JSON.stringify(params).slice(0, -2)),
      await post("legacy multipart", path, "multipart/form-data; boundary=b", form),
      await post("SOAP", "services/orderStatus", "text/xml", envelope(wrapper(method, elements.join("")))),
      await post("SOAP, unknown", "services/orderStatus", "text/xml", envelope(wrapper("x", elements.join("")))),
    );
  }
  for (const xml of MALFORMED_XML) {
    const body = envelope(wrapper("updateOrderInvoiceStatus", `<orders>1</orders>${xml}`));
    answers.push(await post("SOAP", "services/orderStatus", "text/xml", body));
  }
  for (const body of [`${NAME} ${EMAIL}`, `${envelope("")} ${NAME}`, `<a>${EMAIL}`, `<!-- ${PHONE}`]) {
    answers.push(await post("SOAP", "services/orderStatus", "text/xml", body));
  }
  answers.push(await send("unknown path", `no/such/path?phone=${PHONE}&token=${TOKEN}`));
  const referer = `https://other.example/${PHONE}?token=${TOKEN}`;
  answers.push(await send("page of another site", `${ORDER_STATUS}/GetOrderStatus`, { headers: { referer } }));
  answers.push(await send("metrics", `metrics?token=${TOKEN}`));
  return answers;
}

/** The values found in a text: as they are, as escapes of JSON or URLs, or in base64. */
function personalIn(text: string): string[] {
  const decoded = [
    text,
    text.replace(/\\u([\da-f]{4})/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16))),
    text.replace(/(?:%[\da-f]{2})+/gi, (escapes) => Buffer.from(escapes.replaceAll("%", ""), "hex").toString()),
    ...(text.match(/[A-Za-z\d+/_-]{12,}/g) ?? []).map((part) => Buffer.from(part, "base64").toString()),
  ].join("\n");
  return ALL.filter((value) => decoded.includes(value));
}

afterAll(() => vi.restoreAllMocks());

test("no output contains personal data of requests", { timeout: 120_000 }, async () => {
  const printed: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, "write").mockImplementation((text) => {
      printed.push(String(text));
      return true;
    });
  }
  const answers = await callEverything();
  vi.restoreAllMocks();

  const leaks = answers.flatMap(({ where, text }) => personalIn(text).map((value) => ({ where, value, text })));
  expect(leaks).toEqual([]);
  // The answers are those of calls that were looked at: with violations, or successful.
  expect(answers.filter(({ text }) => text.includes("***")).length).toBeGreaterThan(20);

  const lines = harness.service.log.map((line) => JSON.stringify(line));
  // The log limits the lines per second: a fast machine writes fewer of them.
  expect(lines.length).toBeGreaterThan(20);
  expect(lines.filter((line) => personalIn(line).length > 0)).toEqual([]);
  expect(printed.filter((text) => personalIn(text).length > 0)).toEqual([]);

  await eventually(() => expect(collector.requests.length).toBeGreaterThan(3));
  expect(collector.requests.flatMap(({ body }) => personalIn(Buffer.from(body).toString()))).toEqual([]);

  const metrics = await (await fetch(url("metrics"))).text();
  expect(metrics).toContain('caller="privacy-test"');
  expect(personalIn(metrics)).toEqual([]);

  const rows = await eventually(async () => {
    const all = await harness.db.selectFrom("oms_db.oms_request_log").selectAll().execute();
    expect(all.length).toBeGreaterThan(30);
    return all;
  });
  expect(rows.flatMap((row) => personalIn(Object.values(row).map(String).join(" ")))).toEqual([]);
});

test("the search finds values in each form", () => {
  const text = `{"a":"${NAME}"}`;
  for (const form of [
    text,
    encodeURIComponent(text),
    Buffer.from(text).toString("base64"),
    '{"a":"\\u6b27\\u9633\\u5a1c\\u5a1c\\u7532"}',
  ]) {
    expect(personalIn(form)).toEqual([NAME]);
  }
});

test("a value that the database quotes in an error is masked", async () => {
  const { db } = harness;
  const orderId = await insertOrder(db, 1010);
  await sql`insert into ${sql.table("oms_db.oms_order_invoice")} (order_id) values (${orderId})`.execute(db);
  await sql`alter table ${sql.table("oms_db.oms_order_invoice")} modify invoice_title int null`.execute(db);
  onTestFinished(async () => {
    await sql`alter table ${sql.table("oms_db.oms_order_invoice")} modify invoice_title varchar(256) null`.execute(db);
  });

  const body = JSON.stringify({ orderIds: [String(orderId)], invoiceTitle: NAME });
  const answer = await post("Connect", `${ORDER_STATUS}/MarkInvoicesPrinted`, "application/json", body);

  expect(answer.text).toContain("internal error; call id");
  const lines = harness.service.log.filter(({ msg }) => msg === "unhandled error");
  expect(lines).toEqual([expect.objectContaining({ error: expect.stringContaining("value: '***' for column") })]);
  expect(personalIn(JSON.stringify(lines))).toEqual([]);
});
