import { DOMImplementation, type Document, type Element, XMLSerializer } from "@xmldom/xmldom";
import { ILLEGAL_CHARACTERS } from "./characters.ts";

/** A piece of XML that is to be written: an element, or text. */
export type Part = string | ElementPart;

/** An element that is to be written. */
export type ElementPart = (document: Document) => Element;

/** What its elements are called, and the prefix they have where they are written. */
export interface Vocabulary {
  readonly prefix: string;
  readonly uri: string;
  /** Makes an element; attributes without a value are left out. */
  readonly element: (name: string, attributes?: Attributes, children?: readonly Part[]) => ElementPart;
}

/** Attributes by their name, those of XML itself (`xml:lang`, `xmlns:tns`) among them. */
export type Attributes = Readonly<Record<string, string | undefined>>;

/** What XML's own prefixes stand for. */
const OWN_PREFIXES: Readonly<Record<string, string>> = {
  xml: "http://www.w3.org/XML/1998/namespace",
  xmlns: "http://www.w3.org/2000/xmlns/",
};

/** The elements of a namespace, under a prefix; none of them has a prefix where the namespace is empty. */
export function vocabulary(prefix: string, uri: string): Vocabulary {
  const qualified = (name: string) => (uri === "" ? name : `${prefix}:${name}`);
  return {
    prefix,
    uri,
    element:
      (name, attributes = {}, children = []) =>
      (document) => {
        const element = document.createElementNS(uri === "" ? null : uri, qualified(name));
        for (const [key, value] of Object.entries(attributes)) {
          if (value !== undefined) {
            element.setAttributeNS(
              OWN_PREFIXES[key.split(":", 1)[0] as string] ?? null,
              key,
              replaceIllegalCharacters(value),
            );
          }
        }
        for (const child of children) {
          element.appendChild(
            typeof child === "string" ? document.createTextNode(replaceIllegalCharacters(child)) : child(document),
          );
        }
        return element;
      },
  };
}

/** The elements that are in no namespace. */
export const unqualified: Vocabulary = vocabulary("", "");

/** What an element declares for the names in its content's values, as attributes. */
export function declare(vocabularies: readonly Vocabulary[]): Attributes {
  return Object.fromEntries(vocabularies.map(({ prefix, uri }) => [`xmlns:${prefix}`, uri]));
}

/** Writes a document, to be sent in UTF-8. */
export function printXml(root: ElementPart): string {
  const document = new DOMImplementation().createDocument(null, "");
  document.appendChild(document.createProcessingInstruction("xml", 'version="1.0" encoding="UTF-8"'));
  document.appendChild(root(document));
  return new XMLSerializer().serializeToString(document);
}

/** XML has no way to write some characters at all. */
const replaceIllegalCharacters = (text: string): string => text.replace(ILLEGAL_CHARACTERS, "\uFFFD");
