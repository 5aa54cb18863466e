import type { IncomingMessage, ServerResponse } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { invalidField, OperationError } from "../../application/errors.ts";
import { MAX_QUOTED_LENGTH, shorten } from "../../observability/shorten.ts";
import { escapeUnprintable } from "../../observability/unprintable.ts";
import { CALL_ID_HEADER, CODE_HEADER } from "../call.ts";
import { queryOf } from "../http/request-target.ts";
import { grpcCodeName } from "../wire/errors.ts";
import { httpStatusOf, reasonHeaders, responseBody } from "./answers.ts";
import { readBody } from "./body.ts";
import type { LegacyOutcome } from "./call.ts";
import type { LegacyMethod } from "./methods.ts";
import { type Params, paramsFromForm, paramsFromJson, paramsFromQuery, valuesIn } from "./params.ts";

/**
 * The parameters of a GET or POST: of its query and of its body, a form or JSON. An error for a
 * body that cannot be parsed, and for a parameter of the method with different values in the two.
 */
export async function readParams(
  request: IncomingMessage,
  { parameters }: Pick<LegacyMethod, "parameters">,
): Promise<Params | OperationError> {
  try {
    const fromQuery = paramsFromQuery(queryOf(request.url));
    const fromBody = request.method === "POST" ? await paramsFromBody(request) : new Map();
    return merge(fromQuery, fromBody, new Set(parameters.flatMap(({ name, aliases = [] }) => [name, ...aliases])));
  } catch (error) {
    if (error instanceof OperationError) {
      return error;
    }
    throw error;
  }
}

/**
 * Which of two values the caller means is unknown; the legacy system took one of them.
 *
 * @throws OperationError "invalid" for a parameter with different values
 */
function merge(fromQuery: Params, fromBody: Params, names: ReadonlySet<string>): Params {
  const merged = new Map(fromQuery);
  for (const [name, texts] of fromBody) {
    const given = valuesIn(texts);
    const others = valuesIn(fromQuery.get(name));
    if (names.has(name) && given.length > 0 && others.length > 0 && !isDeepStrictEqual(given, others)) {
      const shown = shorten(escapeUnprintable(name), MAX_QUOTED_LENGTH);
      throw invalidField(shown, "must be given once, has different values in query and body");
    }
    if (given.length > 0 || others.length === 0) {
      merged.set(name, texts);
    }
  }
  return merged;
}

/** Legacy callers send JSON as a form or without a content type; the first character decides. */
async function paramsFromBody(request: IncomingMessage): Promise<Params> {
  const type = request.headers["content-type"] ?? "";
  if (/^multipart\//i.test(type)) {
    const mediaType = shorten(type.split(";", 1)[0] as string, MAX_QUOTED_LENGTH);
    throw new OperationError("invalid", `the body is ${mediaType}: send a form (urlencoded) or JSON`);
  }
  const { text, charset } = await readBody(request);
  if (!/^\s*[[{]/.test(text)) {
    return paramsFromForm(text.trim(), charset);
  }
  const params = paramsFromJson(text);
  if (params === undefined) {
    throw new OperationError("invalid", 'the body is no JSON object: right would be one like {"orderId":171203044}');
  }
  return params;
}

/** Responds as the legacy system did: status 200 even for a failure, unless `httpErrors`. */
export function sendOutcome(
  response: ServerResponse,
  { rpc }: LegacyMethod,
  outcome: LegacyOutcome,
  httpErrors: boolean,
): void {
  const failed = outcome.kind === "failed" ? outcome : undefined;
  const body = responseBody(outcome);
  const isText = typeof outcome.answer === "string";
  response.writeHead(failed !== undefined && httpErrors ? httpStatusOf(failed.code) : 200, {
    "content-type": `${isText ? "text/plain" : "application/json"};charset=UTF-8`,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    [CALL_ID_HEADER]: outcome.callId,
    // The RPC to migrate to.
    link: `</${rpc.parent.typeName}/${rpc.name}>; rel="successor-version"`,
    ...(failed && { [CODE_HEADER]: grpcCodeName(failed.code), ...reasonHeaders(failed) }),
    ...(failed?.retryAfterMs !== undefined && { "retry-after": String(Math.ceil(failed.retryAfterMs / 1000)) }),
  });
  response.end(body);
}
