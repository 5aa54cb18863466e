import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";
import { parseLosslessJson } from "../../../src/transport/wire/lossless-json.ts";
import type { Clients } from "../../support/clients.ts";
import { LEGACY_RPCS, type LegacyEndpoint, type LegacyJson, type LegacyRpc, type LegacyRpcs } from "./rpcs.ts";
import { FORMS, type Form, sendLegacyRequest, type Value } from "./send.ts";

/** The part of the contract that the legacy endpoints serve. */
export interface LegacyClients {
  readonly client: LegacyRpcs;
  readonly reversal: Pick<Clients["reversal"], "listReturnDetails">;
  close(): void;
}

/**
 * The contract's functions over the legacy endpoints, with query, form and JSON in rotation. A
 * response has only the fields of the legacy answer; a request field without a parameter throws.
 */
export function openLegacyClients({ httpPort }: { readonly httpPort: number }): LegacyClients {
  let calls = 0;
  const functionOf =
    (endpoint: LegacyEndpoint) =>
    (request: Readonly<Record<string, unknown>>, options: CallOptions = {}): Promise<object> => {
      const form = FORMS[calls % FORMS.length] as Form;
      calls += 1;
      return callLegacy(`http://127.0.0.1:${httpPort}/services/${endpoint.path}`, endpoint, form, request, options);
    };
  const functions = Object.fromEntries(
    Object.entries(LEGACY_RPCS).map(([rpc, endpoint]) => [rpc, functionOf(endpoint)]),
  ) as unknown as Pick<Clients["client"] & Clients["reversal"], LegacyRpc>;
  return { client: functions, reversal: functions, close() {} };
}

async function callLegacy(
  url: string,
  endpoint: LegacyEndpoint,
  form: Form,
  request: Readonly<Record<string, unknown>>,
  { headers, timeoutMs, signal }: CallOptions,
): Promise<object> {
  if (timeoutMs !== undefined || signal !== undefined) {
    throw new Error(`${endpoint.path} takes no deadline and no signal`);
  }
  const parameters = Object.entries(request).filter(([name, value]) => name !== "$typeName" && value !== undefined);
  const named = parameters.map(([name, value]) => {
    const parameter = endpoint.parameters[name];
    if (parameter === undefined) {
      throw new Error(`${endpoint.path} has no parameter for ${name}`);
    }
    return [parameter, value as Value] as const;
  });
  const response = await sendLegacyRequest(url, named, form, new Headers(headers));
  const text = await response.text();
  if (response.status !== 200) {
    throw new Error(`${endpoint.path} answered ${response.status}: ${text}`);
  }
  const code = response.headers.get("oms-code");
  const reason = response.headers.get("oms-reason");
  const isText = code === null ? endpoint.answers === "text" : reason !== null;
  expectType(response, isText ? "text/plain" : "application/json");
  if (code !== null && reason !== null) {
    expectFailureText(endpoint, text);
    throw failureOf(code, decodeURIComponent(reason));
  }
  const json = isText ? undefined : (parseLosslessJson(text) as LegacyJson);
  if (code !== null) {
    throw failureOf(code, json?.result === 0 ? json.message : undefined);
  }
  if (endpoint.answers === "text") {
    return endpoint.read(text);
  }
  if (json?.result !== 1) {
    throw new Error(`${endpoint.path} answered no result 1: ${text}`);
  }
  return endpoint.read(json);
}

function expectType(response: Response, type: string): void {
  const contentType = response.headers.get("content-type");
  if (contentType !== `${type};charset=UTF-8`) {
    throw new Error(`${response.url} answered ${contentType}, not ${type}`);
  }
}

function expectFailureText({ path }: LegacyEndpoint, text: string): void {
  if (path !== "orderStatus/updateOrderStatus" || text !== "修改订单状态失败") {
    throw new Error(`${path} answered ${text}`);
  }
}

/** A failure's reason starts with its Chinese text. */
function failureOf(code: string, reason: string | undefined): ConnectError {
  const [, message] = /^\p{Script=Han}+(?:，\p{Script=Han}+)?: (.*)$/su.exec(reason ?? "") ?? [];
  if (message === undefined) {
    throw new Error(`${code} without result 0 and a reason with Chinese text: ${reason}`);
  }
  return new ConnectError(message, codeNamed(code));
}

/** For example NOT_FOUND. */
function codeNamed(name: string): Code {
  const words = name.toLowerCase().split("_");
  const code = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
  return Code[code as keyof typeof Code];
}
