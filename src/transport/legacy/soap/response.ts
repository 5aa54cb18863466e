import type { ServerResponse } from "node:http";
import { CALL_ID_HEADER } from "../../call.ts";
import { grpcCodeName } from "../../wire/errors.ts";
import { failureText, isServerFailure, reasonHeaders, responseBody } from "../answers.ts";
import type { Answered, Failed } from "../call.ts";
import { EnvelopeError, type FaultKind } from "./envelope.ts";
import { SOAP_11, SOAP_VERSIONS, type SoapVersion } from "./versions.ts";
import { type Part, printXml, unqualified, type Vocabulary, vocabulary } from "./write-xml.ts";

/** An HTTP response with an envelope or a document. */
export interface SoapResponse {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The namespace of the answer's elements: the one of the request. */
export interface ResponseNamespace {
  readonly uri: string;
  /** Whether the elements within the answer are in it too; otherwise they are in no namespace. */
  readonly qualified: boolean;
}

/** Why a call failed, as sent to the caller. */
interface Fault {
  readonly kind: FaultKind;
  /** For a person. */
  readonly text: string;
  /** For a program: the name of the gRPC code. */
  readonly code: string;
  /** The reason, if the text for a person does not have it. */
  readonly reason?: string | undefined;
  /** Undefined if the request did not become a call. */
  readonly callId?: string | undefined;
  /** The mandatory headers that are unknown. */
  readonly notUnderstood?: readonly { readonly namespaceURI: string | null; readonly localName: string | null }[];
}

/** A WSDL or a schema. */
export const documentResponse = (text: string): SoapResponse => ({
  status: 200,
  contentType: SOAP_11.contentType,
  text,
});

/** A method's answer. */
export function answerResponse(
  version: SoapVersion,
  method: string,
  outcome: Answered,
  namespace: ResponseNamespace,
): SoapResponse {
  return {
    status: 200,
    contentType: version.contentType,
    text: printAnswer(version, method, responseBody(outcome), namespace),
    headers: { [CALL_ID_HEADER]: outcome.callId },
  };
}

/** A failed call. */
export function failureResponse(version: SoapVersion, failed: Failed, namespace: string): SoapResponse {
  const { answer, callId, code, retryAfterMs } = failed;
  const kind = isServerFailure(code) ? "server" : "caller";
  const reason = failureText(failed);
  const fault = {
    kind,
    text: answer ?? reason,
    code: grpcCodeName(code),
    callId,
    ...(answer !== undefined && { reason }),
  } as const;
  return faultResponse(version, fault, namespace, {
    [CALL_ID_HEADER]: callId,
    ...reasonHeaders(failed),
    ...(retryAfterMs !== undefined && { "retry-after": String(Math.ceil(retryAfterMs / 1000)) }),
  });
}

/**
 * A message without a valid call.
 *
 * @param headerVersion the version by the request's headers, used if the envelope specifies none
 */
export function rejectionResponse(headerVersion: SoapVersion, error: Error, namespace: string): SoapResponse {
  const {
    kind,
    code,
    version = headerVersion,
    notUnderstood,
  } = error instanceof EnvelopeError ? error : new EnvelopeError(error.message);
  const text = failureText({ code, message: error.message });
  return faultResponse(version, { kind, text, code: grpcCodeName(code), notUnderstood }, namespace);
}

function faultResponse(
  version: SoapVersion,
  fault: Fault,
  namespace: string,
  headers: SoapResponse["headers"] = {},
): SoapResponse {
  // Of both sides' faults, as sent by CXF: its clients read no fault of another status, although
  // SOAP 1.2 specifies 400 for those of the caller.
  const status = 500;
  return { status, contentType: version.contentType, text: printFault(version, fault, namespace), headers };
}

/** Sends a response; it must not be cached, as an order's status changes at any time. */
export function sendResponse(response: ServerResponse, { status, contentType, text, headers }: SoapResponse): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    ...headers,
  });
  response.end(text);
}

/** The prefix that Java services use for their own namespace. */
const SERVICE_PREFIX = "ns2";

function printAnswer(
  version: SoapVersion,
  method: string,
  text: string,
  { uri, qualified }: ResponseNamespace,
): string {
  const service = vocabulary(SERVICE_PREFIX, uri);
  const value = (qualified ? service : unqualified).element("return", {}, [text]);
  return printEnvelope(version, [], service.element(`${method}Response`, {}, [value]));
}

/** @param uri the service's namespace, for the fault's details */
function printFault(version: SoapVersion, fault: Fault, uri: string): string {
  const soap = soapVocabulary(version);
  const service = vocabulary(SERVICE_PREFIX, uri);
  const details = [
    service.element("code", {}, [fault.code]),
    ...(fault.callId === undefined ? [] : [service.element("callId", {}, [fault.callId])]),
    ...(fault.reason === undefined ? [] : [service.element("reason", {}, [fault.reason])]),
  ];
  const value = `${soap.prefix}:${faultCodeOf(version, fault.kind)}`;
  const parts =
    version.name === "1.1"
      ? [
          unqualified.element("faultcode", {}, [value]),
          unqualified.element("faultstring", {}, [fault.text]),
          // By the standard, a fault that does not concern the body has no details.
          ...(isEnvelopeFault(fault.kind) ? [] : [unqualified.element("detail", {}, details)]),
        ]
      : [
          soap.element("Code", {}, [soap.element("Value", {}, [value])]),
          soap.element("Reason", {}, [soap.element("Text", { "xml:lang": "zh" }, [fault.text])]),
          ...(isEnvelopeFault(fault.kind) ? [] : [soap.element("Detail", {}, details)]),
        ];
  const headers = version.name === "1.1" ? [] : faultHeaders(soap, fault);
  return printEnvelope(version, headers, soap.element("Fault", {}, parts));
}

const isEnvelopeFault = (kind: FaultKind): boolean => kind === "MustUnderstand" || kind === "VersionMismatch";

function faultCodeOf({ faultCodes }: SoapVersion, kind: FaultKind): string {
  return kind === "caller" || kind === "server" ? faultCodes[kind] : kind;
}

/** The headers with which SOAP 1.2 describes an envelope fault to a program. */
function faultHeaders(soap: Vocabulary, { kind, notUnderstood = [] }: Fault): Part[] {
  if (kind === "VersionMismatch") {
    const envelopes = SOAP_VERSIONS.toReversed().map(({ uri }) =>
      soap.element("SupportedEnvelope", { "xmlns:env": uri, qname: "env:Envelope" }),
    );
    return [soap.element("Upgrade", {}, envelopes)];
  }
  return notUnderstood.map(({ namespaceURI, localName }) =>
    soap.element("NotUnderstood", { "xmlns:header": namespaceURI ?? undefined, qname: `header:${localName}` }),
  );
}

function printEnvelope(version: SoapVersion, headers: readonly Part[], content: Part): string {
  const soap = soapVocabulary(version);
  const header = headers.length === 0 ? [] : [soap.element("Header", {}, headers)];
  return printXml(soap.element("Envelope", {}, [...header, soap.element("Body", {}, [content])]));
}

const soapVocabulary = ({ uri }: SoapVersion): Vocabulary => vocabulary("soap", uri);
