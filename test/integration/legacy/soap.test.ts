import { readFile } from "node:fs/promises";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Code } from "@connectrpc/connect";
import { DOMParser } from "@xmldom/xmldom";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { MAX_BODY_BYTES } from "../../../src/transport/legacy/body.ts";
import { LEGACY_METHODS, LEGACY_SERVICES, pathOf } from "../../../src/transport/legacy/methods.ts";
import { paramsFromQuery } from "../../../src/transport/legacy/params.ts";
import { createSoapHandler } from "../../../src/transport/legacy/soap/index.ts";
import { insertOrder, insertOrderWithId } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";
import { envelope, escaped, NAMESPACE, SOAP_11, SOAP_12, unescaped, wrapper } from "./envelopes.ts";
import { GOLDEN_CASES } from "./golden-cases.ts";

// Names that the tests of addresses in the WSDL call it by.
const served = useService({ OMS_ALLOWED_HOSTS: "oms.example.com,oms-1.example.com,evil.example.com,[2001:db8::1]" });
const origin = () => `http://127.0.0.1:${served.service.httpPort}`;
const ORDER = 900_100_200n;
const FOUND = `{"result":1,"orderId":${ORDER},"orderStatus":3010}`;
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';

const SOAP_12_ENCODING = "http://www.w3.org/2003/05/soap-encoding";

const XML = { "content-type": "text/xml; charset=utf-8" };
const SOAP_XML = { "content-type": "application/soap+xml; charset=utf-8" };

interface Sent {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function send(body: string | Uint8Array, { path = "/services/orderStatus", headers = XML }: Sent = {}) {
  const response = await fetch(origin() + path, { method: "POST", headers, body: body as Uint8Array<ArrayBuffer> });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const getOrder = (parameters = `<orderId>${ORDER}</orderId>`, namespace = NAMESPACE) =>
  wrapper("getOrderStatus", parameters, namespace);

/** The text of the first element with a local name. */
function inside(xml: string, name: string): string | undefined {
  const found = new RegExp(`<(?:[\\w-]+:)?${name}(?: [^>]*)?>([^<]*)<`).exec(xml)?.[1];
  return found === undefined ? undefined : unescaped(found);
}

const returned = (xml: string) => inside(xml, "return");
const faultOf = (xml: string) => [inside(xml, "faultcode"), inside(xml, "faultstring")];

beforeAll(async () => {
  await insertOrderWithId(served.db, ORDER, Status.WMS_ACCEPTED);
});

describe("responses, byte by byte", () => {
  test("SOAP 1.1", async () => {
    const { status, headers, text } = await send(envelope(getOrder()));

    expect(status).toBe(200);
    expect(text).toBe(
      `${DECLARATION}<soap:Envelope xmlns:soap="${SOAP_11}"><soap:Body>` +
        `<ns2:getOrderStatusResponse xmlns:ns2="${NAMESPACE}"><return>${FOUND}</return></ns2:getOrderStatusResponse>` +
        "</soap:Body></soap:Envelope>",
    );
    expect(headers.get("content-type")).toBe("text/xml;charset=UTF-8");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("oms-call-id")).toMatch(/^[\w-]+$/);
  });

  test("SOAP 1.2", async () => {
    const { status, headers, text } = await send(envelope(getOrder(), { soap: SOAP_12 }), { headers: SOAP_XML });

    expect(status).toBe(200);
    expect(text).toBe(
      `${DECLARATION}<soap:Envelope xmlns:soap="${SOAP_12}"><soap:Body>` +
        `<ns2:getOrderStatusResponse xmlns:ns2="${NAMESPACE}"><return>${FOUND}</return></ns2:getOrderStatusResponse>` +
        "</soap:Body></soap:Envelope>",
    );
    expect(headers.get("content-type")).toBe("application/soap+xml;charset=UTF-8");
  });

  test("a fault in SOAP 1.1", async () => {
    const { status, headers, text } = await send(envelope(getOrder("<orderId>404</orderId>")));

    expect(status).toBe(500);
    expect(text).toBe(
      `${DECLARATION}<soap:Envelope xmlns:soap="${SOAP_11}"><soap:Body><soap:Fault>` +
        "<faultcode>soap:Client</faultcode><faultstring>没有找到: there is no order 404</faultstring>" +
        `<detail><ns2:code xmlns:ns2="${NAMESPACE}">NOT_FOUND</ns2:code>` +
        `<ns2:callId xmlns:ns2="${NAMESPACE}">${headers.get("oms-call-id")}</ns2:callId></detail>` +
        "</soap:Fault></soap:Body></soap:Envelope>",
    );
    expect(headers.get("content-type")).toBe("text/xml;charset=UTF-8");
    expect(headers.get("cache-control")).toBe("no-store");
  });

  test("a fault in SOAP 1.2", async () => {
    const message = envelope(getOrder("<orderId>404</orderId>"), { soap: SOAP_12 });
    const { status, headers, text } = await send(message, { headers: SOAP_XML });

    expect(status).toBe(500);
    expect(text).toBe(
      `${DECLARATION}<soap:Envelope xmlns:soap="${SOAP_12}"><soap:Body><soap:Fault>` +
        "<soap:Code><soap:Value>soap:Sender</soap:Value></soap:Code>" +
        '<soap:Reason><soap:Text xml:lang="zh">没有找到: there is no order 404</soap:Text></soap:Reason>' +
        `<soap:Detail><ns2:code xmlns:ns2="${NAMESPACE}">NOT_FOUND</ns2:code>` +
        `<ns2:callId xmlns:ns2="${NAMESPACE}">${headers.get("oms-call-id")}</ns2:callId></soap:Detail>` +
        "</soap:Fault></soap:Body></soap:Envelope>",
    );
    expect(headers.get("content-type")).toBe("application/soap+xml;charset=UTF-8");
  });

  test("the envelope's version overrides the headers", async () => {
    expect((await send(envelope(getOrder(), { soap: SOAP_12 }))).text).toContain(SOAP_12);
    expect((await send(envelope(getOrder()), { headers: SOAP_XML })).text).toContain(SOAP_11);
  });

  test("calls are logged and counted as SOAP", async () => {
    await send(envelope(getOrder()), { headers: { ...XML, "oms-caller": "soap-test" } });

    const metrics = await (await fetch(`${origin()}/metrics`)).text();
    expect(metrics).toContain(
      'oms_legacy_calls_total{method="getOrderStatus",caller="soap-test",protocol="soap",result="answered"} 1',
    );
  });
});

describe("a SOAP answer equals the HTTP answer", () => {
  test.each(GOLDEN_CASES.map((golden) => [`${golden.method}: ${golden.name}`, golden] as const))(
    "%s",
    async (_title, { method, name, query, prepare, before = [] }) => {
      const old = LEGACY_METHODS.find((one) => one.name === method) as (typeof LEGACY_METHODS)[number];
      const request = (text: string) => {
        const parameters = [...paramsFromQuery(text)].flatMap(([key, texts]) =>
          texts.map((one) => `<${key}>${escaped(one)}</${key}>`),
        );
        return send(envelope(wrapper(method, parameters.join(""))), { path: pathOf(old) });
      };
      await prepare?.(served.db);
      for (const text of before) {
        expect((await request(text)).status).toBe(200);
      }
      const golden = await readFile(join(import.meta.dirname, "golden", `${method}.${name}.http`), "utf8");
      const code = /^oms-code: (.*)$/m.exec(golden)?.[1];
      const reason = /^oms-reason: (.*)$/m.exec(golden)?.[1];
      const body = golden.slice(golden.indexOf("\n\n") + 2);

      const { status, text } = await request(query);

      if (code === undefined) {
        expect([status, returned(text)]).toEqual([200, body]);
      } else {
        expect([status, inside(text, "code"), inside(text, "faultstring"), inside(text, "reason")]).toEqual([
          500,
          code,
          reason === undefined ? JSON.parse(body).message : body,
          reason && decodeURIComponent(reason),
        ]);
      }
    },
  );
});

describe("lenient parsing", () => {
  const other = "http://impl.service.oms.example.com/";

  test.each([
    ["unqualified parameters", getOrder()],
    ["arg0", getOrder(`<arg0>${ORDER}</arg0>`)],
    ["in0 of Axis 1", getOrder(`<in0>${ORDER}</in0>`)],
    ["args0 of Axis 2", getOrder(`<args0>${ORDER}</args0>`)],
    ["param0 of PHP", getOrder(`<param0>${ORDER}</param0>`)],
    ["multiRef of Axis 1", `${getOrder('<in0 href="#id0"/>')}<multiRef id="id0">${ORDER}</multiRef>`],
    [
      "a value before the call, referred to as in SOAP 1.2",
      `<v e:id="v1" xmlns:e="${SOAP_12_ENCODING}">${ORDER}</v>${getOrder(`<orderId e:ref="v1" xmlns:e="${SOAP_12_ENCODING}"/>`)}`,
    ],
    ["blanks around a number", getOrder(`<orderId>\n  ${ORDER}\n </orderId>`)],
    ["references and CDATA", getOrder(`<orderId>&#57;<![CDATA[001]]><!-- x -->&#x30;0200</orderId>`)],
    ["an unknown element", getOrder(`<orderId>${ORDER}</orderId><tenant>7</tenant>`)],
    ["an attribute with a type", getOrder(`<orderId xmlns:i="${NAMESPACE}i" i:type="x:long">${ORDER}</orderId>`)],
  ])("%s", async (_name, call) => {
    const { text } = await send(envelope(call));

    expect([returned(text), text.includes(`<ns2:getOrderStatusResponse xmlns:ns2="${NAMESPACE}"><return>`)]).toEqual([
      FOUND,
      true,
    ]);
  });

  test("a stub of another WSDL gets an answer in its namespace", async () => {
    const { text } = await send(envelope(getOrder(`<orderId>${ORDER}</orderId>`, other)));

    expect(text).toContain(`<ns2:getOrderStatusResponse xmlns:ns2="${other}"><return>${FOUND}</return>`);
  });

  test.each([
    ["a prefix", getOrder(`<o:orderId>${ORDER}</o:orderId>`)],
    ["a default namespace", `<getOrderStatus xmlns="${NAMESPACE}"><orderId>${ORDER}</orderId></getOrderStatus>`],
    ["a prefix, another WSDL", getOrder(`<o:orderId>${ORDER}</o:orderId>`, other), other],
  ])("qualified parameters get a qualified answer: %s", async (_name, call, namespace = NAMESPACE) => {
    const { text } = await send(envelope(call));

    expect(text).toContain(`<ns2:getOrderStatusResponse xmlns:ns2="${namespace}"><ns2:return>${FOUND}</ns2:return></`);
  });

  test.each([
    ["of another WSDL, a prefix", wrapper("getShipmentType", "", other), "return"],
    ["of another WSDL, a default namespace", `<getShipmentType xmlns="${other}"/>`, "ns2:return"],
    ["a default namespace", `<getShipmentType xmlns="${NAMESPACE}"/>`, "return"],
    ["no namespace", "<getShipmentType/>", "return"],
  ])("a call without parameters: %s", async (_name, call, element) => {
    const { text } = await send(envelope(call));

    expect(text).toContain(`<${element}>{"result":1,"shipmentTypes":[`);
  });

  test("no namespace at all", async () => {
    const { text } = await send(envelope(`<getOrderStatus><orderId>${ORDER}</orderId></getOrderStatus>`));

    expect(text).toContain(`<getOrderStatusResponse><return>${FOUND}</return></getOrderStatusResponse>`);
  });

  test("a fault's details stay in the service's namespace", async () => {
    const { text } = await send(envelope(getOrder("<orderId>404</orderId>", other)));

    expect(text).toContain(`<ns2:code xmlns:ns2="${NAMESPACE}">NOT_FOUND</ns2:code>`);
  });

  test("argN follows the order in the table", async () => {
    const orderId = await insertOrder(served.db, Status.CREATED);
    const call = wrapper(
      "updateOrderStatus",
      `<arg0>${orderId}</arg0><arg1>1010</arg1><arg2>zhao</arg2><arg3>备注</arg3>`,
    );

    expect(returned((await send(envelope(call))).text)).toBe(`{"result":1,"orderId":${orderId},"orderStatus":1010}`);
    const { entries } = await served.client("Connect JSON").listStatusHistory({ orderId });
    expect(entries[0]).toMatchObject({ operator: "zhao", remark: "备注" });
  });

  test("nil counts as absent", async () => {
    const nil = (name: string) =>
      `<${name} xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true">\n </${name}>`;
    const call = wrapper(
      "cancelOrder",
      `<orderId>${await insertOrder(served.db, Status.PAID)}</orderId>${nil("operator")}`,
    );

    expect(returned((await send(envelope(call))).text)).toBe("占用erp前可取消");
    expect(faultOf((await send(envelope(wrapper("cancelOrder", nil("orderId"))))).text)).toEqual([
      "soap:Client",
      "参数错误: orderId: is required, and was not given",
    ]);
  });

  test("a repeated element is another entry of a list", async () => {
    const orderIds = [await insertOrder(served.db, Status.DELIVERED), 404_404n];
    const call = wrapper("updateOrderInvoiceStatus", orderIds.map((id) => `<orders>${id}</orders>`).join(""));

    expect(returned((await send(envelope(call))).text)).toBe(
      `{"result":1,"updatedCount":0,"missingOrders":"404404,${orderIds[0]}"}`,
    );
  });

  test("a thousand orders, an element each", async () => {
    const orders = Array.from({ length: 1000 }, (_, index) => `<orderIds>${1_000_000_000 + index}</orderIds>`);

    const { text } = await send(envelope(wrapper("orderIds", orders.join(""))), { path: "/services/detail" });

    expect(returned(text)).toBe('{"result":1,"details":[]}');
  });

  test("a text is unchanged, but for spaces in place of line breaks and control characters", async () => {
    const orderId = await insertOrder(served.db, Status.CREATED);
    const remark = "  a\u0085b\u2028 <&>\n\t𠮷\uFFFD\u202e ";
    const call = wrapper(
      "updateOrderStatus",
      `<orderId>${orderId}</orderId><status>1010</status><remark>${escaped(remark).replace("\n", "\r\n")}</remark>`,
    );

    expect((await send(envelope(call))).status).toBe(200);
    expect((await served.client("Connect JSON").listStatusHistory({ orderId })).entries[0]?.remark).toBe(
      "  a b  <&>  𠮷\uFFFD  ",
    );
  });

  test.each([
    ["no content type", {}],
    ["application/xml", { "content-type": "application/xml" }],
    ["SOAPAction beside another type", { "content-type": "text/plain", soapaction: '"urn:any"' }],
  ])("%s", async (_name, headers) => {
    const { text } = await send(Buffer.from(envelope(getOrder())), { headers });

    expect(returned(text)).toBe(FOUND);
  });

  test("an empty line before the declaration", async () => {
    expect(returned((await send(`\n${DECLARATION}\n${envelope(getOrder())}\n`)).text)).toBe(FOUND);
  });

  test("a method's own path, and ?wsdl in the endpoint", async () => {
    expect(returned((await send(envelope(getOrder()), { path: "/services/orderStatus/cancelOrder" })).text)).toBe(
      FOUND,
    );
    expect(returned((await send(envelope(getOrder()), { path: "/services/orderStatus?wsdl" })).text)).toBe(FOUND);
  });
});

describe("headers", () => {
  const header = (attributes: string, soap = SOAP_11) => ({
    soap,
    header: `<s:Header><w:Security xmlns:w="urn:w" ${attributes}/><w:Trace xmlns:w="urn:w"/></s:Header>`,
  });

  test.each([
    ["none is mandatory", header("")],
    ["an optional one", header('s:mustUnderstand="0"')],
    ["one for another recipient", header('s:mustUnderstand="1" s:actor="urn:gateway"')],
    ["one for another recipient, SOAP 1.2", header('s:mustUnderstand="true" s:role="urn:gateway"', SOAP_12)],
  ])("%s: ignored", async (_name, options) => {
    expect(returned((await send(envelope(getOrder(), options))).text)).toBe(FOUND);
  });

  test("a mandatory one, SOAP 1.1", async () => {
    const { status, text } = await send(envelope(getOrder(), header('s:mustUnderstand="1"')));

    expect(status).toBe(500);
    expect(faultOf(text)).toEqual([
      "soap:MustUnderstand",
      "参数错误: this service knows no headers, and these must be understood: {urn:w}Security; leave them out",
    ]);
    expect(text).not.toContain("detail");
  });

  test("a mandatory one, SOAP 1.2", async () => {
    const options = header(`s:mustUnderstand="true" s:role="${SOAP_12}/role/next"`, SOAP_12);
    const { status, text } = await send(envelope(getOrder(), options), { headers: SOAP_XML });

    expect(status).toBe(500);
    expect(text).toContain(
      '<soap:Header><soap:NotUnderstood xmlns:header="urn:w" qname="header:Security"/></soap:Header>',
    );
    expect(inside(text, "Value")).toBe("soap:MustUnderstand");
  });
});

describe("rejected with what is expected", () => {
  const entities = Array.from({ length: 9 }, (_, index) => `<!ENTITY l${index + 1} "${`&l${index};`.repeat(10)}">`);
  const doctypes: [name: string, doctype: string, value: string][] = [
    ["billion laughs", `<!DOCTYPE a [<!ENTITY l0 "lol">${entities.join("")}]>`, "&l9;"],
    ["an external file", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>', "&x;"],
    ["a parameter entity", '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p.dtd"> %p;]>', "1"],
    ["an external DTD", '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">', "1"],
    ["a public DTD", '<!DOCTYPE a PUBLIC "-//A//B" "http://127.0.0.1:1/a.dtd">', "1"],
    ["an empty one", "<!DOCTYPE a>", "1"],
  ];
  const NO_DOCTYPE = "参数错误: a DOCTYPE is not taken: leave it out, and write entities as what they stand for";

  test.each(doctypes)("DOCTYPE: %s", async (_name, doctype, value) => {
    const { status, text } = await send(doctype + envelope(getOrder(`<orderId>${value}</orderId>`)));

    expect([status, ...faultOf(text)]).toEqual([500, "soap:Client", NO_DOCTYPE]);
  });

  test.each<[name: string, encode: (text: string) => Buffer, type: string]>([
    ["UTF-16 little-endian", (text) => Buffer.from(`\uFEFF${text}`, "utf16le"), "text/xml"],
    ["UTF-16 big-endian", (text) => Buffer.from(`\uFEFF${text}`, "utf16le").swap16(), "text/xml"],
    ["UTF-16 by the header", (text) => Buffer.from(text, "utf16le"), "text/xml; charset=UTF-16LE"],
    ["GBK", (text) => Buffer.from(text), "text/xml; charset=GBK"],
  ])("DOCTYPE in %s", async (_name, encode, type) => {
    const body = encode(`<!DOCTYPE a [<!ENTITY x "1">]>${envelope(getOrder("<orderId>&x;</orderId>"))}`);

    expect(faultOf((await send(body, { headers: { "content-type": type } })).text)).toEqual([
      "soap:Client",
      NO_DOCTYPE,
    ]);
  });

  test.each([
    ["nothing", "", /^参数错误: the body is no XML, it is empty: send a SOAP envelope as text\/xml$/],
    ["JSON", '{"orderId":1}', /^参数错误: the body is no XML, it begins with "\{": send a SOAP envelope/],
    ["an unclosed element", `<a><b></a>`, /no well-formed XML: .*"b" != "a"/],
    ["an end tag without a start tag", `${envelope(getOrder())}</x>`, /an element ends that did not begin/],
    ["a document after the document", envelope(getOrder()).repeat(2), /no well-formed XML/],
    ["an undeclared prefix", "<s:Envelope/>", /a name has a prefix that no xmlns declares/],
    ["an unknown entity", envelope(getOrder("<orderId>&nbsp;</orderId>")), /"&nbsp;.* is no reference that XML knows/],
    ["a plain &", envelope(getOrder("<orderId>1 & 2</orderId>")), /a plain & is written as &amp;/],
    ["an attribute without quotes", "<a b=1/>", /no well-formed XML: attribute … missed quot/],
    ["a repeated attribute", '<a b="1" b="2"/>', /no well-formed XML: Attribute b redefined/],
    ["U+0001", envelope(getOrder("<orderId>\u0001</orderId>")), /the character U\+0001 cannot be in XML/],
    ["&#0;", envelope(getOrder("<orderId>&#0;</orderId>")), /the character U\+0000 cannot be in XML, nor a reference/],
    ["a lone surrogate", envelope(getOrder("<orderId>&#xD83D;</orderId>")), /the character U\+D83D cannot be in XML/],
    ["beyond Unicode", envelope(getOrder("<orderId>&#x110000;</orderId>")), /the character U\+110000 cannot/],
    ["an unclosed CDATA section", "<a><![CDATA[x</a>", /a CDATA section does not end with \]\]>/],
    ["]]> in a text", "<a>]]></a>", /must be written as/],
    ["too deep", "<a>".repeat(50_000) + "</a>".repeat(50_000), /elements lie more than 32 deep: a call needs four/],
    ["too many elements", `<a>${"<b/>".repeat(6000)}</a>`, /more than 3000 elements and attributes: send less at once/],
    ["too many attributes", `<a ${"b='' ".repeat(6000)}/>`, /more than 3000 elements and attributes/],
    ["too many references", `<a>${"&amp;".repeat(10_001)}</a>`, /more than 10000 references/],
    ["no SOAP", "<getOrderStatus/>", /the body is no SOAP: it begins with \{\}getOrderStatus where an Envelope would/],
    ["an empty Body", envelope(""), /the envelope's Body must hold one element, .*: the Body has 0/],
    ["two calls", envelope(getOrder() + getOrder()), /Body must hold one element, .*: the Body has 2/],
    ["no Body", `<s:Envelope xmlns:s="${SOAP_11}"/>`, /Body must hold one element, .*: there is no Body/],
    [
      "elements in a parameter",
      envelope(getOrder("<orderId><id>1</id></orderId>")),
      /orderId: must hold a text, and holds/,
    ],
    ["a parameter twice", envelope(getOrder("<orderId>1</orderId><arg0>1</arg0>")), /orderId: must be given once/],
  ])("%s", async (_name, body, words) => {
    const { status, headers, text } = await send(body);

    expect(status).toBe(500);
    expect(headers.get("content-type")).toBe("text/xml;charset=UTF-8");
    expect(faultOf(text)).toEqual(["soap:Client", expect.stringMatching(words)]);
    expect(inside(text, "code")).toBe("INVALID_ARGUMENT");
  });

  test("an unknown operation: the fault lists the known ones", async () => {
    const { status, text } = await send(envelope(wrapper("getOrderState", "")));

    expect([status, ...faultOf(text)]).toEqual([
      500,
      "soap:Client",
      `不支持: orderStatus has no operation getOrderState; it has ${LEGACY_METHODS.filter(
        ({ service }) => service === "orderStatus",
      )
        .map(({ name }) => name)
        .join(", ")}`,
    ]);
    expect(inside(text, "code")).toBe("UNIMPLEMENTED");
  });

  test("an unreadable message is a fault in the version of the headers", async () => {
    const { status, headers, text } = await send("<", { headers: SOAP_XML });

    expect([status, headers.get("content-type"), inside(text, "Value")]).toEqual([
      500,
      "application/soap+xml;charset=UTF-8",
      "soap:Sender",
    ]);
  });

  test("an envelope of another version", async () => {
    const strange = envelope(getOrder(), { soap: "http://www.w3.org/2001/12/soap-envelope" });

    const { status, text } = await send(strange);
    expect(status).toBe(500);
    expect(faultOf(text)).toEqual([
      "soap:VersionMismatch",
      expect.stringContaining(`${SOAP_11} (SOAP 1.1) or ${SOAP_12}`),
    ]);
    expect((await send(strange, { headers: SOAP_XML })).text).toContain(
      `<soap:Header><soap:Upgrade><soap:SupportedEnvelope xmlns:env="${SOAP_12}" qname="env:Envelope"/>` +
        `<soap:SupportedEnvelope xmlns:env="${SOAP_11}" qname="env:Envelope"/></soap:Upgrade></soap:Header>`,
    );
  });

  test("attachments", async () => {
    const headers = { "content-type": 'multipart/related; type="application/xop+xml"; boundary=b' };

    expect(faultOf((await send("--b\r\n", { headers })).text)).toEqual([
      "soap:Client",
      "参数错误: attachments (MTOM, multipart) are not taken: send the envelope alone, as text/xml",
    ]);
  });

  test("a body that is too large", async () => {
    const { status, text } = await send(envelope(getOrder(`<orderId>${"1".repeat(MAX_BODY_BYTES)}</orderId>`)));

    expect([status, ...faultOf(text)]).toEqual([
      500,
      "soap:Client",
      `参数错误: the body must have at most ${MAX_BODY_BYTES} bytes, and has more`,
    ]);
  });

  test("a compressed body", async () => {
    const { text } = await send("x", { headers: { ...XML, "content-encoding": "gzip" } });

    expect(faultOf(text)).toEqual([
      "soap:Client",
      expect.stringContaining("send it as it is, without content-encoding"),
    ]);
  });

  test("a body that is not SOAP", async () => {
    const { status, text } = await send('{"orderId":1}', { headers: { "content-type": "application/json" } });

    expect([status, inside(text, "faultcode")]).toEqual([500, "soap:Client"]);
  });
});

describe("charsets", () => {
  // 备注 in GBK.
  const GBK = Buffer.from([0xb1, 0xb8, 0xd7, 0xa2]);
  const inGbk = (text: string) => {
    const [before = "", after = ""] = text.split("备注");
    return Buffer.concat([Buffer.from(before), GBK, Buffer.from(after)]);
  };

  test.each<[name: string, type: string, declaration: string, encode: (text: string) => Buffer]>([
    ["UTF-8 by default", "text/xml", "", (text) => Buffer.from(text)],
    ["UTF-8 with a byte order mark", "text/xml", "", (text) => Buffer.from(`\uFEFF${text}`)],
    ["GBK by the header", "text/xml; charset=GBK", "", inGbk],
    ["GBK by Windows' name", "text/xml; charset=cp936", "", inGbk],
    ["GBK by Java's name", "text/xml", '<?xml version="1.0" encoding="MS936"?>', inGbk],
    ["GBK by the declaration", "text/xml", '<?xml version="1.0" encoding="GBK"?>', inGbk],
    ["GBK by SOAP 1.2's header", 'application/soap+xml; charset="gb2312"; action=""', "", inGbk],
    ["UTF-16 little-endian by its byte order mark", "text/xml", "", (text) => Buffer.from(`\uFEFF${text}`, "utf16le")],
    [
      "UTF-16 by its mark, big end first, as Java writes it",
      "text/xml; charset=UTF-16",
      '<?xml version="1.0" encoding="UTF-16"?>',
      (text) => Buffer.from(`\uFEFF${text}`, "utf16le").swap16(),
    ],
    [
      "UTF-16 by its declaration's bytes",
      "text/xml",
      '<?xml version="1.0" encoding="UTF-16LE"?>',
      (text) => Buffer.from(text, "utf16le"),
    ],
    [
      "the header's wins over the declaration",
      "text/xml; charset=utf-8",
      '<?xml version="1.0" encoding="GBK"?>',
      (text) => Buffer.from(text),
    ],
  ])("%s", async (_name, type, declaration, encode) => {
    const orderId = await insertOrder(served.db, Status.CREATED);
    const parameters = `<orderId>${orderId}</orderId><status>1010</status><remark>备注</remark>`;
    const body = encode(declaration + envelope(wrapper("updateOrderStatus", parameters)));

    expect((await send(body, { headers: { "content-type": type } })).status).toBe(200);
    expect((await served.client("Connect JSON").listStatusHistory({ orderId })).entries[0]?.remark).toBe("备注");
  });

  test("text that is invalid in its charset, and an unknown charset", async () => {
    const body = inGbk(envelope(getOrder("<orderId>备注</orderId>")));

    expect(faultOf((await send(body)).text)).toEqual(["soap:Client", expect.stringContaining("no text in utf-8")]);
    const headers = { "content-type": "text/xml; charset=klingon" };
    expect(faultOf((await send(body, { headers })).text)).toEqual([
      "soap:Client",
      expect.stringContaining("no text in klingon"),
    ]);
  });
});

describe("server failures", () => {
  const outcome = {
    kind: "failed",
    answer: undefined,
    callId: "call-1",
    caller: "wms",
    orderId: ORDER,
    code: Code.Unavailable,
    message: "database unavailable; a change is made completely or not at all, retry",
    retryAfterMs: 1200,
  } as const;
  const soap = createSoapHandler({
    authenticationError: async () => undefined,
    service: "orderStatus",
    methods: LEGACY_METHODS,
    namespace: "urn:own",
    baseUrlOf: () => "http://127.0.0.1",
    call: async () => outcome,
    onRejected() {},
  });
  const server = createServer((request, response) => void soap(request, response));
  const request = (version: string) =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/services/orderStatus`, {
      method: "POST",
      headers: XML,
      body: envelope(getOrder(), { soap: version }),
    });
  const words = "系统暂时不可用，请稍后重试: database unavailable; a change is made completely or not at all, retry";

  beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
  afterAll(() => void server.close());

  test("SOAP 1.1", async () => {
    const response = await request(SOAP_11);

    expect([response.status, response.headers.get("retry-after"), response.headers.get("oms-call-id")]).toEqual([
      500,
      "2",
      "call-1",
    ]);
    const xml = await response.text();
    expect(faultOf(xml)).toEqual(["soap:Server", words]);
    expect(xml).toContain('<ns2:code xmlns:ns2="urn:own">UNAVAILABLE</ns2:code>');
  });

  test("SOAP 1.2", async () => {
    const response = await request(SOAP_12);
    const xml = await response.text();

    expect([response.status, inside(xml, "Value"), inside(xml, "Text")]).toEqual([500, "soap:Receiver", words]);
  });
});

describe("WSDL and schema", () => {
  const get = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    // fetch sets the Host header itself.
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest(origin() + path, { headers }, resolve)
        .once("error", reject)
        .end();
    });
    expect([response.statusCode, response.headers["content-type"]]).toEqual([200, "text/xml;charset=UTF-8"]);
    return text(response);
  };
  const parsed = (xml: string) => {
    const fail = (_level: string, message: string) => {
      throw new Error(message);
    };
    return new DOMParser({ onError: fail }).parseFromString(xml, "text/xml");
  };
  const valuesOf = (xml: string, element: string, attribute: string) =>
    [...parsed(xml).getElementsByTagName(element)].map((one) => one.getAttribute(attribute));

  test.each(LEGACY_SERVICES.map((service) => [service]))("%s", async (service) => {
    const names = LEGACY_METHODS.filter((method) => method.service === service).map(({ name }) => name);
    const wsdl = await get(`/services/${service}?wsdl`);
    const schema = await get(`/services/${service}?xsd=1`);

    expect(valuesOf(wsdl, "wsdl:definitions", "targetNamespace")).toEqual([NAMESPACE]);
    expect(valuesOf(wsdl, "soap:address", "location")).toEqual([`${origin()}/services/${service}`]);
    expect(valuesOf(wsdl, "soap12:address", "location")).toEqual([`${origin()}/services/${service}`]);
    // In the port type, and in the binding of each version.
    expect(valuesOf(wsdl, "wsdl:operation", "name")).toEqual([...names, ...names, ...names]);
    expect(valuesOf(wsdl, "soap12:operation", "soapAction")).toEqual(names.map(() => ""));
    expect(valuesOf(wsdl, "wsdl:port", "binding")).toEqual([
      expect.stringMatching(/SoapBinding$/),
      expect.stringMatching(/Soap12Binding$/),
    ]);
    expect(wsdl).toContain(schema.slice(DECLARATION.length));
    expect(valuesOf(schema, "xs:complexType", "name")).toEqual(names.flatMap((name) => [name, `${name}Response`]));
  });

  test("each reference resolves", async () => {
    const wsdl = await get("/services/orderStatus?wsdl");
    const named = (element: string) => valuesOf(wsdl, element, "name").map((name) => `tns:${name}`);
    const types = valuesOf(wsdl, "xs:element", "type").filter((type) => type?.startsWith("tns:"));

    expect(named("xs:complexType")).toEqual(types);
    expect(named("xs:element")).toEqual(expect.arrayContaining(valuesOf(wsdl, "wsdl:part", "element")));
    expect(named("wsdl:message")).toEqual(
      expect.arrayContaining(valuesOf(wsdl, "wsdl:input", "message").filter(Boolean)),
    );
    expect(named("wsdl:binding")).toEqual(valuesOf(wsdl, "wsdl:port", "binding"));
    expect([...new Set(valuesOf(wsdl, "wsdl:binding", "type"))]).toEqual(named("wsdl:portType"));
  });

  test("a method's path serves its service's documents; the query is case-insensitive", async () => {
    const wsdl = await get("/services/orderStatus?wsdl");

    for (const path of LEGACY_METHODS.filter(({ service }) => service === "orderStatus").map(pathOf)) {
      expect(await get(`${path}?wsdl`)).toBe(wsdl);
    }
    for (const query of ["WSDL", "Wsdl=1", "singleWsdl=0&wsdl", "wsdl&xsd=1"]) {
      expect(await get(`/services/orderStatus?${query}`)).toBe(wsdl);
    }
    expect(await get("/services/orderStatus?XSD")).toBe(await get("/services/orderStatus/cancelOrder?xsd=1"));
  });

  test.each([
    ["a name", { host: "oms.example.com" }, "http://oms.example.com"],
    ["a name with a port", { host: "oms-1.example.com:8080" }, "http://oms-1.example.com:8080"],
    ["IPv6", { host: "[2001:db8::1]:80" }, "http://[2001:db8::1]:80"],
    [
      "behind a proxy with the host of its own",
      { "x-forwarded-proto": "https", "x-forwarded-host": "oms.example.com" },
      "https://oms.example.com",
    ],
    ["behind two proxies", { host: "oms.example.com", "x-forwarded-proto": "https,http" }, "https://oms.example.com"],
    [
      "behind a proxy on another port",
      { host: "oms.example.com", "x-forwarded-proto": "https", "x-forwarded-port": "8443" },
      "https://oms.example.com:8443",
    ],
    ["behind a standard proxy", { forwarded: "proto=https;host=oms.example.com" }, "https://oms.example.com"],
  ])("has the origin that the client used: %s", async (_name, headers, expected) => {
    const wsdl = await get("/services/detail?wsdl", headers);

    expect(valuesOf(wsdl, "soap:address", "location")).toEqual([`${expected}/services/detail`]);
  });

  test.each([
    ["a path", "evil.example.com/x"],
    ["a user", "a@evil.example.com"],
    ["nothing", ""],
  ])("has the socket's origin if the host header is invalid: %s", async (_name, host) => {
    const wsdl = await get("/services/detail?wsdl", { host });

    expect(valuesOf(wsdl, "soap:address", "location")).toEqual([`${origin()}/services/detail`]);
  });

  test("over HTTP/2, which has no host header", async () => {
    const session = connect(origin());
    const stream = session.request({ ":path": "/services/detail?wsdl", ":authority": "oms.example.com" });
    const wsdl = await text(stream);
    session.close();

    expect(valuesOf(wsdl, "soap:address", "location")).toEqual(["http://oms.example.com/services/detail"]);
  });

  test("HEAD has no body", async () => {
    const response = await fetch(`${origin()}/services/orderStatus?wsdl`, { method: "HEAD" });

    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(Number(response.headers.get("content-length"))).toBeGreaterThan(10_000);
  });
});

test("a message without a valid call is logged, as it is in no request log", async () => {
  // The limit is per service; this one has rejected fewer messages than it.
  const path = "/services/detail";
  await send(envelope(wrapper("orderIdz", "")), { path });
  await send("<a><b></a>", { path });

  const lines = served.service.log.filter(
    ({ msg, service }) => msg === "SOAP message without a valid call" && service === "detail",
  );
  expect(lines.slice(-2)).toMatchObject([
    { level: "info", address: "127.0.0.1", reason: expect.stringContaining("no operation orderIdz") },
    { level: "info", address: "127.0.0.1", reason: expect.stringContaining("no well-formed XML") },
  ]);
});
