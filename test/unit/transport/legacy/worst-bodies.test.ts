/**
 * No body of a legacy request by a known caller holds the event loop for long: as many bytes as a
 * legacy endpoint reads.
 */
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { OperationError } from "../../../../src/application/errors.ts";
import { MAX_BODY_BYTES } from "../../../../src/transport/legacy/body.ts";
import { LEGACY_METHODS, type LegacyMethod } from "../../../../src/transport/legacy/methods.ts";
import { parseParameters } from "../../../../src/transport/legacy/parameters.ts";
import { type Params, paramsFromForm, paramsFromJson } from "../../../../src/transport/legacy/params.ts";
import { EnvelopeError, readMessage, readSoapParams } from "../../../../src/transport/legacy/soap/envelope.ts";
import { readXml } from "../../../../src/transport/legacy/soap/read-xml.ts";
import { assertValid } from "../../../../src/transport/wire/validation.ts";
import { heldMs, MAX_HELD_MS } from "../../../support/held.ts";

/** Maximum length of an error's text, in characters. */
const MAX_ERROR_LENGTH = 16_000;

/** Bytes for what repeats. */
const BYTES = MAX_BODY_BYTES - 1_000;

const repeat = (text: string, times = Math.floor(BYTES / text.length)) => text.repeat(times);
const numbered = (times: number, entry: (index: number) => string) =>
  Array.from({ length: times }, (_, index) => entry(index)).join("");

/** Reads the parameters as over HTTP or SOAP; errors are answers. */
function attempt(read: () => unknown): string {
  try {
    read();
    return "";
  } catch (error) {
    if (error instanceof OperationError || error instanceof EnvelopeError) {
      return error.message;
    }
    throw error;
  }
}

const methodOf = (name: string): LegacyMethod => {
  const method = LEGACY_METHODS.find((one) => one.name === name);
  if (method === undefined) {
    throw new Error(`no legacy method ${name}`);
  }
  return method;
};

/** A method with one parameter, one with a list and texts, and one with a list of pairs. */
const METHODS = [methodOf("getOrderStatus"), methodOf("updateOrderInvoiceStatus"), methodOf("recordSkuDeliveryNum")];

/** What a method makes of the parameters. */
function parse({ parameters, rpc }: LegacyMethod, params: Params | OperationError): void {
  if (params instanceof OperationError) {
    throw params;
  }
  const { fields, violations } = parseParameters(parameters, params);
  if (violations.length === 0) {
    assertValid(rpc.input, create(rpc.input, fields));
  }
}

function expectQuick(read: () => unknown): void {
  expect(attempt(read).length).toBeLessThan(MAX_ERROR_LENGTH);
  expect(heldMs(() => attempt(read))).toBeLessThan(MAX_HELD_MS);
}

const BODIES = [
  ["elements", repeat("<orderId/>")],
  ["as many elements as are read", repeat("<orderId/>", 2_900)],
  ["long names", repeat(`<${"n".repeat(90)}/>`, 2_900)],
  ["attributes", `<orderId ${numbered(2_900, (index) => `a${index}="${"x".repeat(80)}" `)}/>`],
  ["namespaces", numbered(1_400, (index) => `<n${index}:a xmlns:n${index}="u:${index}"/>`)],
  ["namespaces of one element", `<a ${numbered(2_900, (index) => `xmlns:n${index}="urn:${"x".repeat(60)}" `)}/>`],
  ["deep elements", repeat("<a>")],
  [
    "elements as deep as are read, with namespaces",
    repeat(`${numbered(28, (index) => `<a xmlns="u:${index}">`)}${"</a>".repeat(28)}`, 80),
  ],
  ["end tags", repeat("</a>")],
  ["a text", `<orderId>${repeat("1")}</orderId>`],
  ["a text of entities", `<orderId>${repeat("&amp;")}</orderId>`],
  ["a text of character references", `<orderId>${repeat("&#49;")}</orderId>`],
  ["a text of ampersands", `<orderId>${repeat("&")}</orderId>`],
  ["a text of brackets", `<orderId>${repeat("]]")}</orderId>`],
  ["a comment", `<!--${repeat("- ")}-->`],
  ["comments", repeat("<!---->")],
  ["an unfinished comment", `<!--${repeat("- ")}`],
  ["a CDATA section", `<orderId><![CDATA[${repeat("]")}]]></orderId>`],
  ["processing instructions", repeat("<?a?>", 2_900)],
  ["an unfinished tag", `<orderId ${repeat(" ")}`],
  ["an unfinished attribute", `<orderId a="${repeat("<")}`],
  ["line feeds", repeat("\r\n")],
  ["parameters", numbered(2_900, (index) => `<orderId>${index}</orderId>`)],
  ["references to a value", `${repeat('<orderId href="#1"/>', 2_900)}`],
] as const;

describe("SOAP", () => {
  const read = (text: string) => () => {
    const [method] = METHODS as [LegacyMethod];
    parse(method, readSoapParams(readMessage(readXml(text)), method.parameters));
  };

  test.each(BODIES)("%s", (_what, body) => {
    const start =
      '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><o:getOrderStatus xmlns:o="http://service.oms/">';
    expectQuick(read(`${start}${body}</o:getOrderStatus></s:Body></s:Envelope>`));
  });

  test("entities", () => {
    const entities = numbered(9, (index) => `<!ENTITY e${index + 1} "${`&e${index};`.repeat(10)}">`);
    expectQuick(read(`<!DOCTYPE a [<!ENTITY e0 "aaaaaaaaaa">${entities}]><a>&e9;</a>`));
  });
});

const FORMS = [
  ["pairs", repeat("orderId=1&")],
  ["names", repeat("a&")],
  ["different names", numbered(60_000, (index) => `a${index}&`)],
  ["separators", repeat("&")],
  ["equals signs", repeat("=")],
  ["escapes", `orderId=${repeat("%31")}`],
  ["half escapes", `orderId=${repeat("%")}`],
  ["a list", `orders=${repeat("1,")}`],
  [
    "lists",
    repeat(
      "orders=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1&",
      4_900,
    ),
  ],
  ["pairs in a list", `skus=${repeat("1:1,")}`],
  ["JSON in a list", `skus=[${repeat("{},")}{}]`],
  ["as much JSON as is parsed", `skus=[${repeat('{"skuId":1,"deliveryNum":1},', 1_600)}{}]`],
  ["digits", `orderId=${repeat("9")}`],
  ["a time", `occurTime=2024-01-01T00:00:00.${repeat("9")}`],
  ["an address", `invoiceEmail=${repeat("a@")}`],
] as const;

const JSONS = [
  ["a list", `{"orders":[${repeat("1,")}1]}`],
  ["a list of lists", `{"orders":${repeat("[", 200_000)}${repeat("]", 200_000)}}`],
  ["digits", `{"orderId":${repeat("9")}}`],
  ["a list of large numbers", `{"orders":[${repeat("9007199254740993,")}1]}`],
  ["objects", repeat('{"a":')],
  ["names", `{${numbered(30_000, (index) => `"name${index}":1,`)}"a":1}`],
  ["a text of escapes", `{"orderId":"${repeat(String.raw`\u0031`)}"}`],
] as const;

describe("HTTP", () => {
  test.each(FORMS)("a form: %s", (_what, form) => {
    for (const charset of ["utf-8", "gbk"]) {
      for (const method of METHODS) {
        expectQuick(() => parse(method, paramsFromForm(form, charset)));
      }
    }
  });

  test.each(JSONS)("JSON: %s", (_what, json) => {
    for (const method of METHODS) {
      expectQuick(() => parse(method, paramsFromJson(json) ?? new Map()));
    }
  });
});
