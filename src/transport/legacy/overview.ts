import type { IncomingMessage, ServerResponse } from "node:http";
import { Code } from "@connectrpc/connect";
import { MAX_QUOTED_LENGTH, shorten } from "../../observability/shorten.ts";
import { stringifyLosslessJson } from "../wire/lossless-json.ts";
import { nearestRpc } from "../wire/unknown-rpc.ts";
import { failureText } from "./answers.ts";
import { LEGACY_METHODS, LEGACY_SERVICES, pathOf } from "./methods.ts";

/** The page at /services: every endpoint with its parameters. */
export function sendOverview(response: ServerResponse): void {
  const methods = LEGACY_METHODS.map((method) => {
    const parameters = method.parameters.map(({ name, required }) => (required ? name : `[${name}]`));
    return `  ${pathOf(method)}  ${parameters.join(", ")}\n      now ${method.rpc.parent.typeName}/${method.rpc.name}`;
  });
  const wsdls = LEGACY_SERVICES.map((service) => `  /services/${service}?wsdl`);
  response.writeHead(200, { "content-type": "text/plain;charset=UTF-8", "cache-control": "no-store" });
  response.end(
    [
      "Legacy endpoints, by GET and POST (query, form or JSON); parameters in brackets are optional:",
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
 * Responds 404, or 405 with the allowed methods.
 *
 * @param allowed the HTTP methods of the path; undefined if there is no such path
 */
export function sendRouteError(
  { method = "", url }: IncomingMessage,
  response: ServerResponse,
  allowed: readonly string[] | undefined,
): void {
  const path = url?.split("?", 1)[0] ?? "";
  const exists = allowed !== undefined;
  const meant = nearestRpc(path, LEGACY_METHODS.map(pathOf));
  const message = exists
    ? `${path} takes ${allowed.join(" and ")}, not ${shorten(method, MAX_QUOTED_LENGTH)}`
    : `nothing is at ${shorten(path, MAX_QUOTED_LENGTH)}: ${meant === undefined ? "" : `did you mean ${meant}? `}GET /services lists the addresses`;
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
