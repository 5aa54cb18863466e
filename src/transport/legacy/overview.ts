import type { IncomingMessage, ServerResponse } from "node:http";
import { Code } from "@connectrpc/connect";
import { failureText } from "./answers.ts";
import { stringifyLosslessJson } from "./lossless-json.ts";
import { LEGACY_METHODS, LEGACY_SERVICES, pathOf } from "./methods.ts";

/** For a person who looks what is there: every address with its parameters. */
export function sendOverview(response: ServerResponse): void {
  const methods = LEGACY_METHODS.map((method) => {
    const parameters = method.parameters.map(({ name, required }) => (required ? name : `[${name}]`));
    return `  ${pathOf(method)}  ${parameters.join(", ")}\n      now ${method.rpc.parent.typeName}/${method.rpc.name}`;
  });
  const wsdls = LEGACY_SERVICES.map((service) => `  /services/${service}?wsdl`);
  response.writeHead(200, { "content-type": "text/plain;charset=UTF-8", "cache-control": "no-store" });
  response.end(
    [
      "The old system's addresses, by GET and POST (query, form or JSON); what is in brackets may be left out:",
      "",
      ...methods,
      "",
      "The same over SOAP 1.1 and 1.2:",
      "",
      ...wsdls,
      "",
    ].join("\n"),
  );
}

/**
 * Says where to go, where nothing answers.
 *
 * @param allowed what the address does take; undefined where there is none
 */
export function sendRouteError(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  allowed: readonly string[] | undefined,
): void {
  const path = url?.split("?", 1)[0];
  const exists = allowed !== undefined;
  const message = exists
    ? `${path} takes ${allowed.join(" and ")}, not ${method}`
    : `nothing is at ${path}: GET /services lists the addresses`;
  response.writeHead(exists ? 405 : 404, {
    "content-type": "application/json;charset=UTF-8",
    ...(exists && { allow: allowed.join(", ") }),
  });
  response.end(
    stringifyLosslessJson({
      result: 0,
      message: failureText({ code: exists ? Code.Unimplemented : Code.NotFound, message }),
    }),
  );
}
