import type { Element } from "@xmldom/xmldom";
import { OperationError } from "../../../application/errors.ts";
import type { Parameter } from "../parameters.ts";
import type { Params } from "../params.ts";
import { childElements } from "./read-xml.ts";

const INSTANCE_URI = "http://www.w3.org/2001/XMLSchema-instance";

/**
 * What a call's element gives, by the parameters' names in whatever namespace; `arg0` is the first one's, as Java's stubs have it where
 * nobody named the parameters. Or why nobody can say.
 */
export function readSoapParams(wrapper: Element, parameters: readonly Parameter[]): Params | OperationError {
  const given = new Map<string, string[]>();
  for (const element of childElements(wrapper)) {
    const name = nameOf(element.localName as string, parameters);
    if (childElements(element).length > 0) {
      return new OperationError("invalid", `${name}: must hold a text, and holds elements`);
    }
    if (!isNil(element)) {
      given.set(name, [...(given.get(name) ?? []), element.textContent ?? ""]);
    }
  }
  return given;
}

function nameOf(localName: string, parameters: readonly Parameter[]): string {
  const position = /^arg(\d{1,2})$/.exec(localName)?.[1];
  return (position === undefined ? undefined : parameters[Number(position)]?.name) ?? localName;
}

function isNil(element: Element): boolean {
  return ["1", "true"].includes(element.getAttributeNS(INSTANCE_URI, "nil")?.trim() ?? "");
}
