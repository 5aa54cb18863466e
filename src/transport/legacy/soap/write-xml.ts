import { DOMImplementation, type Document, type Element, XMLSerializer } from "@xmldom/xmldom";

/**
 * Characters that no XML document may contain, not even as references; lone surrogates included.
 */
export const ILLEGAL_CHARACTERS = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/** XML content to write: an element or text. */
export type Part = string | ElementPart;

/** An element to write. */
export type ElementPart = (document: Document) => Element;

/** The elements of one namespace and the prefix that they are written with. */
export interface Vocabulary {
  readonly prefix: string;
  readonly uri: string;
  /** Creates an element; attributes without a value are omitted. */
  readonly element: (name: string, attributes?: Attributes, children?: readonly Part[]) => ElementPart;
}

/** Attributes by name, including those of XML itself (`xml:lang`, `xmlns:tns`). */
export type Attributes = Readonly<Record<string, string | undefined>>;

/** The namespaces of XML's own prefixes. */
const XML_PREFIXES: Readonly<Record<string, string>> = {
  xml: "http://www.w3.org/XML/1998/namespace",
  xmlns: "http://www.w3.org/2000/xmlns/",
};

/** The elements of a namespace; without a prefix if the namespace is empty. */
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
              XML_PREFIXES[key.split(":", 1)[0] as string] ?? null,
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

/** Elements in no namespace. */
export const unqualified: Vocabulary = vocabulary("", "");

/** Namespace declarations, as attributes, for names in an element's content. */
export function declare(vocabularies: readonly Vocabulary[]): Attributes {
  return Object.fromEntries(vocabularies.map(({ prefix, uri }) => [`xmlns:${prefix}`, uri]));
}

/** Serializes a document, to be sent in UTF-8. */
export function printXml(root: ElementPart): string {
  const document = new DOMImplementation().createDocument(null, "");
  document.appendChild(document.createProcessingInstruction("xml", 'version="1.0" encoding="UTF-8"'));
  document.appendChild(root(document));
  return new XMLSerializer().serializeToString(document);
}

/** Replaces characters that XML cannot express. */
const replaceIllegalCharacters = (text: string): string => text.replace(ILLEGAL_CHARACTERS, "\uFFFD");
