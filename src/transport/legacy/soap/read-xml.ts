import { DOMParser, type Element, type Node } from "@xmldom/xmldom";
import { OperationError } from "../../../application/errors.ts";
import { checkMarkup, malformedXml } from "./check-markup.ts";

/** Maximum length of the parser's message in an error, in characters. */
const MESSAGE_LENGTH = 160;

/**
 * Parses a document strictly: it must be well-formed and without a DOCTYPE, which could define
 * entities.
 *
 * @throws OperationError "invalid" that states what is expected
 */
export function readXml(text: string): Element {
  // Hand-written clients start with an empty line, which XML forbids before its declaration.
  const trimmed = text.trim();
  if (!trimmed.startsWith("<")) {
    const found = trimmed === "" ? "it is empty" : `it begins with ${JSON.stringify([...trimmed.slice(0, 2)][0])}`;
    throw new OperationError("invalid", `the body is no XML, ${found}: send a SOAP envelope as text/xml`);
  }
  checkMarkup(trimmed);
  let parserMessage: string | undefined;
  const parser = new DOMParser({
    locator: false,
    // The library's default also replaces other characters, and a text must not be changed.
    normalizeLineEndings: (source) => source.replace(/\r\n?/g, "\n"),
    onError: (_level, message) => {
      // The library's warnings are errors by the standard, except for a replacement character,
      // which may have been in the text.
      if (!message.startsWith("Unicode replacement character")) {
        parserMessage ??= message;
        throw new Error(message);
      }
    },
  });
  try {
    return parser.parseFromString(trimmed, "text/xml").documentElement as Element;
  } catch (error) {
    throw malformedXml(explain(parserMessage ?? String(error)));
  }
}

/** The parser's messages that quote nothing but names of tags. */
const NAMES_TAGS = /^(?:Opening and ending tag mismatch|unclosed xml tag)/;

/** The parser's message for the author of hand-written XML, without what may be personal data. */
function explain(message: string): string {
  if (message.includes("NamespaceError")) {
    return "a name has a prefix that no xmlns declares";
  }
  const line = message.split("\n", 1)[0] as string;
  return (NAMES_TAGS.test(line) ? line : line.replace(/"[^"]*"|'.*'/g, "…")).slice(0, MESSAGE_LENGTH);
}

/** The direct child elements. */
export function childElements(parent: Element): Element[] {
  return [...parent.childNodes].filter(isElement);
}

function isElement(node: Node): node is Element {
  return node.nodeType === node.ELEMENT_NODE;
}
