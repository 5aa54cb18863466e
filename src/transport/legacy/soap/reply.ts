import type { ServerResponse } from "node:http";
import { CALL_ID_HEADER } from "../../call.ts";
import { grpcCodeName } from "../../wire/errors.ts";
import { failureText, responseBody } from "../answers.ts";
import type { Answered, Failed } from "../call.ts";
import { SERVER_FAILURES } from "../counter.ts";
import { EnvelopeError } from "./message.ts";
import { SOAP_11, type SoapVersion } from "./versions.ts";
import { type Fault, printAnswer, printFault, type ResponseNamespace, statusOfFault } from "./write-message.ts";

/** What is sent back: an envelope or a document, and how. */
export interface SoapResponse {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A WSDL or a schema. */
export const documentResponse = (text: string): SoapResponse => ({
  status: 200,
  contentType: SOAP_11.contentType,
  text,
});

/** What a method answered. */
export function answerResponse(
  version: SoapVersion,
  method: string,
  outcome: Answered,
  place: ResponseNamespace,
): SoapResponse {
  return {
    status: 200,
    contentType: version.contentType,
    text: printAnswer(version, method, responseBody(outcome), place),
    headers: { [CALL_ID_HEADER]: outcome.callId },
  };
}

/** Why a method did not do its work. */
export function failureResponse(version: SoapVersion, failed: Failed, namespace: string): SoapResponse {
  const { callId, code, retryAfterMs } = failed;
  const kind = SERVER_FAILURES.has(code) ? "server" : "caller";
  const fault = { kind, text: failureText(failed), code: grpcCodeName(code), callId } as const;
  return faultReply(version, fault, namespace, {
    [CALL_ID_HEADER]: callId,
    ...(retryAfterMs !== undefined && { "retry-after": String(Math.ceil(retryAfterMs / 1000)) }),
  });
}

/**
 * Why no method was found to call.
 *
 * @param said the version that the request's headers name, where its envelope tells none
 */
export function rejectionResponse(said: SoapVersion, error: Error, namespace: string): SoapResponse {
  const {
    kind,
    code,
    version = said,
    notUnderstood,
  } = error instanceof EnvelopeError ? error : new EnvelopeError(error.message);
  const text = failureText({ code, message: error.message });
  return faultReply(version, { kind, text, code: grpcCodeName(code), notUnderstood }, namespace);
}

function faultReply(
  version: SoapVersion,
  fault: Fault,
  namespace: string,
  headers: SoapResponse["headers"] = {},
): SoapResponse {
  const text = printFault(version, fault, namespace);
  return { status: statusOfFault(version, fault.kind), contentType: version.contentType, text, headers };
}

/** Sends a reply; what is true of an order now is not in a moment, so nobody may keep it. */
export function sendResponse(response: ServerResponse, { status, contentType, text, headers }: SoapResponse): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    ...headers,
  });
  response.end(text);
}
