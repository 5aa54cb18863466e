import { Code } from "@connectrpc/connect";
import type { Element } from "@xmldom/xmldom";
import { childElements } from "./read-xml.ts";
import { SOAP_VERSIONS, type SoapVersion } from "./versions.ts";

/** What a request's envelope holds. */
export interface SoapMessage {
  readonly version: SoapVersion;
  /** The element that is the call. */
  readonly wrapper: Element;
}

/** Whose fault a fault is, or which rule of SOAP's own was broken. */
export type FaultKind = "caller" | "server" | "MustUnderstand" | "VersionMismatch";

interface EnvelopeErrorDetails {
  readonly kind?: FaultKind;
  readonly code?: Code;
  /** Where the envelope tells. */
  readonly version?: SoapVersion;
  /** The headers that had to be understood. */
  readonly notUnderstood?: readonly Element[];
}

/** An envelope in which no call can be found, in words that say what would be right. */
export class EnvelopeError extends Error {
  override readonly name = "EnvelopeError";
  readonly kind: FaultKind;
  readonly code: Code;
  readonly version: SoapVersion | undefined;
  readonly notUnderstood: readonly Element[];

  constructor(message: string, details: EnvelopeErrorDetails = {}) {
    super(message);
    this.kind = details.kind ?? "caller";
    this.code = details.code ?? Code.InvalidArgument;
    this.version = details.version;
    this.notUnderstood = details.notUnderstood ?? [];
  }
}

/**
 * Finds the call in an envelope.
 *
 * @throws EnvelopeError for what is none of SOAP 1.1 or 1.2
 */
export function readMessage(root: Element): SoapMessage {
  const version = versionOf(root);
  const parts = childElements(root).filter(({ namespaceURI }) => namespaceURI === version.uri);
  const header = parts.find(({ localName }) => localName === "Header");
  const body = parts.find(({ localName }) => localName === "Body");
  const notUnderstood = header === undefined ? [] : childElements(header).filter((block) => isDemanded(block, version));
  if (notUnderstood.length > 0) {
    const names = notUnderstood.map(nameOf).join(", ");
    const message = `this service knows no headers, and these must be understood: ${names}; leave them out`;
    throw new EnvelopeError(message, { kind: "MustUnderstand", version, notUnderstood });
  }
  const [wrapper, ...more] = body === undefined ? [] : childElements(body);
  if (wrapper === undefined || more.length > 0) {
    const found =
      body === undefined ? "there is no Body" : `the Body has ${wrapper === undefined ? 0 : 1 + more.length}`;
    const message = `the envelope's Body must hold one element, named like the method (document/literal, wrapped): ${found}`;
    throw new EnvelopeError(message, { version });
  }
  return { version, wrapper };
}

function versionOf(root: Element): SoapVersion {
  const version = SOAP_VERSIONS.find(({ uri }) => uri === root.namespaceURI);
  if (root.localName !== "Envelope") {
    throw new EnvelopeError(`the body is no SOAP: it begins with ${nameOf(root)} where an Envelope would be right`);
  }
  if (version === undefined) {
    const known = SOAP_VERSIONS.map(({ name, uri }) => `${uri} (SOAP ${name})`).join(" or ");
    throw new EnvelopeError(`the Envelope must be in ${known}, was ${nameOf(root)}`, { kind: "VersionMismatch" });
  }
  return version;
}

/** Whether a header says that we must know it; no header is known. */
function isDemanded(block: Element, { uri, role }: SoapVersion): boolean {
  const demanded = ["1", "true"].includes(block.getAttributeNS(uri, "mustUnderstand")?.trim() ?? "");
  return demanded && role.ours.includes(block.getAttributeNS(uri, role.attribute)?.trim() ?? "");
}

/** An element's name with its namespace, as people write it. */
const nameOf = ({ namespaceURI, localName }: Element): string => `{${namespaceURI ?? ""}}${localName}`;
