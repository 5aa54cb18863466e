import { Code } from "@connectrpc/connect";
import type { Element } from "@xmldom/xmldom";
import { OperationError } from "../../../application/errors.ts";
import { MAX_QUOTED_LENGTH, shorten } from "../../../observability/shorten.ts";
import type { Parameter } from "../parameters.ts";
import type { Params } from "../params.ts";
import { childElements } from "./read-xml.ts";
import { SOAP_VERSIONS, type SoapVersion } from "./versions.ts";

/** Maximum number of unknown headers in a fault. */
const MAX_NOT_UNDERSTOOD = 4;

/** The content of a request's envelope. */
export interface SoapMessage {
  readonly version: SoapVersion;
  /** The element that represents the call. */
  readonly wrapper: Element;
  /** The body's elements by their id: an encoded parameter may refer to its value. */
  readonly values: ReadonlyMap<string, Element>;
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
    header === undefined
      ? []
      : childElements(header)
          .filter((block) => isMandatory(block, version))
          .slice(0, MAX_NOT_UNDERSTOOD);
  if (notUnderstood.length > 0) {
    const names = notUnderstood.map(qualifiedName).join(", ");
    const message = `this service knows no headers, and these must be understood: ${names}; leave them out`;
    throw new EnvelopeError(message, { kind: "MustUnderstand", version, notUnderstood });
  }
  const elements = body === undefined ? [] : childElements(body);
  const [wrapper, ...more] = elements.length === 1 ? elements : elements.filter((one) => valueId(one) === undefined);
  if (wrapper === undefined || more.length > 0) {
    const found =
      body === undefined ? "there is no Body" : `the Body has ${wrapper === undefined ? 0 : 1 + more.length}`;
    const message = `the envelope's Body must hold one element, named like the method (document/literal, wrapped): ${found}`;
    throw new EnvelopeError(message, { version });
  }
  const values = new Map(
    elements.flatMap((element): [string, Element][] => {
      const id = valueId(element);
      return id === undefined ? [] : [[id, element]];
    }),
  );
  return { version, wrapper, values };
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

/** An element's name with its namespace in Clark notation, for errors. */
const qualifiedName = ({ namespaceURI, localName }: Element): string => quoted(`{${namespaceURI ?? ""}}${localName}`);

const quoted = (text: string): string => shorten(text, MAX_QUOTED_LENGTH);

const INSTANCE_URI = "http://www.w3.org/2001/XMLSchema-instance";

const ENCODING_12_URI = "http://www.w3.org/2003/05/soap-encoding";

/**
 * The parameters in a call's element by local name, in any namespace. Stubs number unnamed
 * parameters. An error for a parameter that is not text.
 */
export function readSoapParams(
  { wrapper, values }: Pick<SoapMessage, "wrapper" | "values">,
  parameters: readonly Parameter[],
): Params | OperationError {
  const params = new Map<string, string[]>();
  for (const element of childElements(wrapper)) {
    const name = parameterName(element.localName as string, parameters);
    const id = referredId(element);
    const value = id === undefined ? element : values.get(id);
    if (value === undefined) {
      const reference = quoted(`#${id}`);
      return new OperationError(
        "invalid",
        `${quoted(name)}: refers to ${reference}, and no element of the Body has this id`,
      );
    }
    if (childElements(value).length > 0) {
      return new OperationError("invalid", `${quoted(name)}: must hold a text, and holds elements`);
    }
    if (!isNil(value)) {
      const texts = params.get(name);
      if (texts === undefined) {
        params.set(name, [value.textContent ?? ""]);
      } else {
        texts.push(value.textContent ?? "");
      }
    }
  }
  return params;
}

/** JAX-WS: arg0; Axis 1 and XFire: in0; Axis 2: args0; PHP without a WSDL: param0. */
const NUMBERED_NAME = /^(?:args?|in|param)(\d{1,2})$/;

function parameterName(localName: string, parameters: readonly Parameter[]): string {
  const position = NUMBERED_NAME.exec(localName)?.[1];
  return (position === undefined ? undefined : parameters[Number(position)]?.name) ?? localName;
}

function isNil(element: Element): boolean {
  return ["1", "true"].includes(element.getAttributeNS(INSTANCE_URI, "nil")?.trim() ?? "");
}

/** The id of an element that holds the value of another one (Axis 1: multiRef). */
function valueId(element: Element): string | undefined {
  return element.getAttribute("id") ?? element.getAttributeNS(ENCODING_12_URI, "id") ?? undefined;
}

/** The id of the element that holds this element's value. */
function referredId(element: Element): string | undefined {
  const href = element.getAttribute("href");
  return href?.startsWith("#") ? href.slice(1) : (element.getAttributeNS(ENCODING_12_URI, "ref") ?? undefined);
}
