import type { IncomingMessage, ServerResponse } from "node:http";
import { OperationError } from "../../application/errors.ts";
import { CALL_ID_HEADER, CODE_HEADER } from "../call.ts";
import { grpcCodeName } from "../wire/errors.ts";
import { httpStatusOf, responseBody } from "./answers.ts";
import { readBody } from "./body.ts";
import type { LegacyOutcome } from "./call.ts";
import type { LegacyMethod } from "./methods.ts";
import { type Params, paramsFromForm, paramsFromJson, paramsFromQuery, queryOf } from "./params.ts";

/** What a GET or POST gives: its query, and a body that is a form or JSON; the body wins. Or why nobody can say. */
export async function readParams(request: IncomingMessage): Promise<Params | OperationError> {
  try {
    const inQuery = paramsFromQuery(queryOf(request.url));
    const inBody = request.method === "POST" ? await givenInBody(request) : new Map();
    return new Map([...inQuery, ...inBody]);
  } catch (error) {
    if (error instanceof OperationError) {
      return error;
    }
    throw error;
  }
}

/** Old callers say "form" or nothing at all and send JSON: the first character tells. */
async function givenInBody(request: IncomingMessage): Promise<Params> {
  const type = request.headers["content-type"] ?? "";
  if (/^multipart\//i.test(type)) {
    throw new OperationError("invalid", `the body is ${type.split(";", 1)[0]}: send a form (urlencoded) or JSON`);
  }
  const { text, charset } = await readBody(request);
  if (!/^\s*[[{]/.test(text)) {
    return paramsFromForm(text.trim(), charset);
  }
  const given = paramsFromJson(text);
  if (given === undefined) {
    throw new OperationError("invalid", 'the body is no JSON object: right would be one like {"orderId":171203044}');
  }
  return given;
}

/** Answers as the old system did: 200 also for a failure, unless failures are to be HTTP errors. */
export function sendOutcome(
  response: ServerResponse,
  { rpc }: LegacyMethod,
  outcome: LegacyOutcome,
  failuresAreErrors: boolean,
): void {
  const failed = outcome.kind === "failed" ? outcome : undefined;
  const text = responseBody(outcome);
  const isText = outcome.kind === "answered" && typeof outcome.answer === "string";
  response.writeHead(failed !== undefined && failuresAreErrors ? httpStatusOf(failed.code) : 200, {
    "content-type": `${isText ? "text/plain" : "application/json"};charset=UTF-8`,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    [CALL_ID_HEADER]: outcome.callId,
    // Where the call is to go one day.
    link: `</${rpc.parent.typeName}/${rpc.name}>; rel="successor-version"`,
    ...(failed && { [CODE_HEADER]: grpcCodeName(failed.code) }),
    ...(failed?.retryAfterMs !== undefined && { "retry-after": String(Math.ceil(failed.retryAfterMs / 1000)) }),
  });
  response.end(text);
}
