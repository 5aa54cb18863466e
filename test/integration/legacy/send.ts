import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { stringifyLosslessJson } from "../../../src/transport/wire/lossless-json.ts";

/** The encodings of a legacy request's parameters. */
export const FORMS = ["query", "form", "json"] as const;

export type Form = (typeof FORMS)[number];

/** A line of `skus`. */
export interface Line {
  readonly skuId?: bigint;
  readonly quantity?: number;
}

export type Value = string | bigint | number | boolean | Timestamp | readonly bigint[] | readonly Line[];

/** Maximum length of a query in characters; a longer one does not fit into the request line. */
const MAX_QUERY = 8_000;

/** Calls a legacy endpoint with parameters in one of the forms that legacy callers use. */
export function sendLegacyRequest(
  url: string,
  parameters: readonly (readonly [name: string, value: Value])[],
  form: Form,
  headers: Headers,
): Promise<Response> {
  if (form === "json") {
    headers.set("content-type", "application/json;charset=UTF-8");
    const body = stringifyLosslessJson(Object.fromEntries(parameters.map(([name, value]) => [name, jsonOf(value)])));
    return fetch(url, { method: "POST", headers, body });
  }
  const pairs = parameters.flatMap(([name, value]) =>
    textsOf(value, form).map((text): [string, string] => [name, text]),
  );
  const text = String(new URLSearchParams(pairs));
  return form === "query" && text.length <= MAX_QUERY
    ? fetch(`${url}?${text}`, { headers })
    : fetch(url, { method: "POST", headers, body: new URLSearchParams(pairs) });
}

/** A list is one comma-separated text in a query, and one parameter per entry in a form. */
function textsOf(value: Value, form: Form): string[] {
  if (!isList(value)) {
    return [textOf(value)];
  }
  const texts = value.map((entry) =>
    typeof entry === "bigint" ? String(entry) : `${entry.skuId ?? 0}:${entry.quantity ?? 0}`,
  );
  return form === "query" ? [texts.join(",")] : texts;
}

function textOf(value: Exclude<Value, readonly unknown[]>): string {
  if (typeof value === "boolean") {
    return value ? "1" : "0";
  }
  return isTime(value) ? timestampDate(value).toISOString() : String(value);
}

function jsonOf(value: Value): unknown {
  if (isList(value)) {
    return value.map((entry) =>
      typeof entry === "bigint" ? entry : { skuId: entry.skuId ?? 0n, deliveryNum: entry.quantity ?? 0 },
    );
  }
  return isTime(value) ? textOf(value) : value;
}

function isList(value: Value): value is readonly bigint[] | readonly Line[] {
  return Array.isArray(value);
}

function isTime(value: Value): value is Timestamp {
  return typeof value === "object" && "seconds" in value;
}
