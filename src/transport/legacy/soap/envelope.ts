import { Code } from "@connectrpc/connect";
import type { Element } from "@xmldom/xmldom";
import { OperationError } from "../../../application/errors.ts";
import type { Parameter } from "../parameters.ts";
import type { Params } from "../params.ts";
import { childElements } from "./read-xml.ts";
import { SOAP_VERSIONS, type SoapVersion } from "./versions.ts";

/** The content of a request's envelope. */
export interface SoapMessage {
  readonly version: SoapVersion;
  /** The element that represents the call. */
  readonly wrapper: Element;
}

/** The side that caused a fault, or the rule of SOAP that was violated. */
export type FaultKind = "caller" | "server" | "MustUnderstand" | "VersionMismatch";

interface EnvelopeErrorDetails {
  readonly kind?: FaultKind;
  readonly code?: Code;
  /** If the envelope specifies it. */
  readonly version?: SoapVersion;
  /** The unknown headers that are marked as mandatory. */
  readonly notUnderstood?: readonly Element[];
}

/** An envelope without a valid call; the message states what is expected. */
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
 * @throws EnvelopeError if it is not an envelope of SOAP 1.1 or 1.2 with one call
 */
export function readMessage(root: Element): SoapMessage {
  const version = versionOf(root);
  const parts = childElements(root).filter(({ namespaceURI }) => namespaceURI === version.uri);
  const header = parts.find(({ localName }) => localName === "Header");
  const body = parts.find(({ localName }) => localName === "Body");
  const notUnderstood =
    header === undefined ? [] : childElements(header).filter((block) => isMandatory(block, version));
  if (notUnderstood.length > 0) {
    const names = notUnderstood.map(qualifiedName).join(", ");
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
    throw new EnvelopeError(
      `the body is no SOAP: it begins with ${qualifiedName(root)} where an Envelope would be right`,
    );
  }
  if (version === undefined) {
    const known = SOAP_VERSIONS.map(({ name, uri }) => `${uri} (SOAP ${name})`).join(" or ");
    throw new EnvelopeError(`the Envelope must be in ${known}, was ${qualifiedName(root)}`, {
      kind: "VersionMismatch",
    });
  }
  return version;
}

/** Whether a header must be understood by this server, which knows none. */
function isMandatory(block: Element, { uri, role }: SoapVersion): boolean {
  const mustUnderstand = ["1", "true"].includes(block.getAttributeNS(uri, "mustUnderstand")?.trim() ?? "");
  return mustUnderstand && role.ours.includes(block.getAttributeNS(uri, role.attribute)?.trim() ?? "");
}

/** An element's name with its namespace in Clark notation. */
const qualifiedName = ({ namespaceURI, localName }: Element): string => `{${namespaceURI ?? ""}}${localName}`;

const INSTANCE_URI = "http://www.w3.org/2001/XMLSchema-instance";

/**
 * The parameters in a call's element by local name, in any namespace. `arg0` is the first
 * parameter: Java stubs number unnamed parameters. An error for a parameter that is not text.
 */
export function readSoapParams(wrapper: Element, parameters: readonly Parameter[]): Params | OperationError {
  const params = new Map<string, string[]>();
  for (const element of childElements(wrapper)) {
    const name = parameterName(element.localName as string, parameters);
    if (childElements(element).length > 0) {
      return new OperationError("invalid", `${name}: must hold a text, and holds elements`);
    }
    if (!isNil(element)) {
      params.set(name, [...(params.get(name) ?? []), element.textContent ?? ""]);
    }
  }
  return params;
}

function parameterName(localName: string, parameters: readonly Parameter[]): string {
  const position = /^arg(\d{1,2})$/.exec(localName)?.[1];
  return (position === undefined ? undefined : parameters[Number(position)]?.name) ?? localName;
}

function isNil(element: Element): boolean {
  return ["1", "true"].includes(element.getAttributeNS(INSTANCE_URI, "nil")?.trim() ?? "");
}
