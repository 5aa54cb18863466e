import type { FaultKind } from "./message.ts";
import { SOAP_VERSIONS, type SoapVersion } from "./versions.ts";
import { type Part, printXml, unqualified, type Vocabulary, vocabulary } from "./xml.ts";

/** Why a call was not carried out, as its caller gets it. */
export interface Fault {
  readonly kind: FaultKind;
  /** For a person. */
  readonly text: string;
  /** For a program: gRPC's name of what is wrong. */
  readonly code: string;
  /** Where the call came as far as having one. */
  readonly callId?: string | undefined;
  /** The headers that had to be understood. */
  readonly notUnderstood?: readonly { readonly namespaceURI: string | null; readonly localName: string | null }[];
}

/** Where the answer's elements are: mostly in the service's namespace, else in the one in which the caller asked. */
export interface ResponseNamespace {
  readonly uri: string;
  /** Whether what is within the answer is there as well, and not in no namespace. */
  readonly qualified: boolean;
}

/** The prefix that Java's services give their own namespace. */
const OWN_PREFIX = "ns2";

/** A method's answer in its envelope. */
export function printAnswer(
  version: SoapVersion,
  method: string,
  text: string,
  { uri, qualified }: ResponseNamespace,
): string {
  const own = vocabulary(OWN_PREFIX, uri);
  const value = (qualified ? own : unqualified).element("return", {}, [text]);
  return printEnvelope(version, [], own.element(`${method}Response`, {}, [value]));
}

/**
 * A fault in its envelope.
 *
 * @param uri the service's namespace, in which its details are
 */
export function printFault(version: SoapVersion, fault: Fault, uri: string): string {
  const soap = vocabularyOf(version);
  const own = vocabulary(OWN_PREFIX, uri);
  const details = [
    own.element("code", {}, [fault.code]),
    ...(fault.callId === undefined ? [] : [own.element("callId", {}, [fault.callId])]),
  ];
  const value = `${soap.prefix}:${sideOf(version, fault.kind)}`;
  const parts =
    version.name === "1.1"
      ? [
          unqualified.element("faultcode", {}, [value]),
          unqualified.element("faultstring", {}, [fault.text]),
          // A fault that is not about the body has no details, by the standard.
          ...(isOfEnvelope(fault.kind) ? [] : [unqualified.element("detail", {}, details)]),
        ]
      : [
          soap.element("Code", {}, [soap.element("Value", {}, [value])]),
          soap.element("Reason", {}, [soap.element("Text", { "xml:lang": "zh" }, [fault.text])]),
          ...(isOfEnvelope(fault.kind) ? [] : [soap.element("Detail", {}, details)]),
        ];
  const headers = version.name === "1.1" ? [] : headersOf(soap, fault);
  return printEnvelope(version, headers, soap.element("Fault", {}, parts));
}

/** The HTTP status with which a fault goes. */
export function statusOfFault(version: SoapVersion, kind: FaultKind): number {
  return kind === "caller" ? version.callerStatus : 500;
}

const isOfEnvelope = (kind: FaultKind): boolean => kind === "MustUnderstand" || kind === "VersionMismatch";

function sideOf({ faultCodes }: SoapVersion, kind: FaultKind): string {
  return kind === "caller" || kind === "server" ? faultCodes[kind] : kind;
}

/** What SOAP 1.2 says to a program about an envelope that it cannot send again like this. */
function headersOf(soap: Vocabulary, { kind, notUnderstood = [] }: Fault): Part[] {
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
  const soap = vocabularyOf(version);
  const header = headers.length === 0 ? [] : [soap.element("Header", {}, headers)];
  return printXml(soap.element("Envelope", {}, [...header, soap.element("Body", {}, [content])]));
}

const vocabularyOf = ({ uri }: SoapVersion): Vocabulary => vocabulary("soap", uri);
