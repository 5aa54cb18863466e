import { LEGACY_METHODS, type LegacyMethod, pathOf } from "../../src/transport/legacy/methods.ts";
import type { Random } from "../../tools/testkit/random.ts";
import type { Fixture } from "../values/scalars.ts";
import { anyInt32, anyInt64, anyText } from "../values/scalars.ts";
import { mutate } from "../values/wire.ts";
import type { FuzzCase } from "./case.ts";
import { unusualCallHeaders } from "./headers.ts";

/** A call to a legacy endpoint, as query, form, JSON or SOAP. */
export function legacyCase(random: Random, fixture: Fixture): FuzzCase {
  const method = LEGACY_METHODS[random.below(LEGACY_METHODS.length)] as LegacyMethod;
  const mutation = random.weighted({ query: 5, form: 4, JSON: 5, SOAP: 5 });
  const parameters = method.parameters
    .filter(() => random.chance(0.85))
    .map(({ name }): [string, string] => [
      random.chance(0.97) ? name : name.toUpperCase(),
      anyValue(random, name, fixture),
    ]);
  if (parameters[0] !== undefined && random.chance(0.05)) {
    parameters.push(parameters[0]);
  }
  const unusual = random.chance(0.1) ? unusualCallHeaders(random) : {};
  const { path, type, body } = requestOf(random, mutation, method, parameters);
  return {
    transport: "legacy",
    rpc: method.name,
    mutation,
    hasDeadline: false,
    send: ({ http }) =>
      http.send({
        method: body === undefined ? "GET" : "POST",
        path,
        headers: { ...(type !== undefined && { "content-type": type }), ...unusual },
        body: body ?? Buffer.alloc(0),
        endless: false,
      }),
  };
}

function anyValue(random: Random, name: string, fixture: Fixture): string {
  if (/id/i.test(name) && random.chance(0.8)) {
    return String(anyInt64(random, fixture));
  }
  return random.chance(0.4) ? String(anyInt32(random)) : anyText(random).toWellFormed();
}

function requestOf(
  random: Random,
  mutation: "query" | "form" | "JSON" | "SOAP",
  method: LegacyMethod,
  parameters: readonly (readonly [string, string])[],
): { readonly path: string; readonly type?: string; readonly body?: Buffer } {
  const path = pathOf(method);
  const maybeMutated = (body: Buffer) => (random.chance(0.1) ? mutate(random, body) : body);
  switch (mutation) {
    case "query":
      return { path: `${path}?${new URLSearchParams(parameters as [string, string][]).toString().slice(0, 8_000)}` };
    case "form": {
      const type = random.pick([
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=GBK",
        "application/x-www-form-urlencoded; charset=none",
        "",
      ]);
      return {
        path,
        type,
        body: maybeMutated(Buffer.from(new URLSearchParams(parameters as [string, string][]).toString())),
      };
    }
    case "JSON": {
      const pairs = parameters.map(
        ([name, text]) => `${JSON.stringify(name)}:${random.chance(0.3) ? text : JSON.stringify(text)}`,
      );
      return { path, type: "application/json", body: maybeMutated(Buffer.from(`{${pairs.join(",")}}`)) };
    }
    case "SOAP":
      return {
        path: `/services/${method.service}`,
        type: "text/xml; charset=utf-8",
        body: maybeMutated(Buffer.from(envelope(random, method, parameters))),
      };
  }
}

function envelope(random: Random, { name }: LegacyMethod, parameters: readonly (readonly [string, string])[]): string {
  const escaped = (text: string) =>
    random.chance(0.95) ? text.replace(/[<&]/g, (c) => `&#${c.charCodeAt(0)};`) : text;
  const namespace = random.pick([
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://www.w3.org/2003/05/soap-envelope",
    "urn:x",
  ]);
  const doctype = random.chance(0.03) ? '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>' : "";
  const fields = parameters.map(([field, text]) => `<${field}>${escaped(text)}</${field}>`).join("");
  const nested = random.chance(0.02) ? "<a>".repeat(5_000) : "";
  return `${doctype}<s:Envelope xmlns:s="${namespace}"><s:Body><o:${name} xmlns:o="http://orderstatus.oms/">${fields}${nested}</o:${name}></s:Body></s:Envelope>`;
}
