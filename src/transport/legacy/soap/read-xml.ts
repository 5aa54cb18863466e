import { DOMParser, type Element, type Node } from "@xmldom/xmldom";
import { OperationError } from "../../../application/errors.ts";
import { checkMarkup, malformedXml } from "./check-markup.ts";

/** What of the parser's words helps, in characters. */
const WORDS_LENGTH = 160;

/**
 * Reads a document, strictly: what is not well-formed ends it, and so does a DOCTYPE, with which entities would come.
 *
 * @throws OperationError "invalid" with what would be right
 */
export function readXml(text: string): Element {
  // Callers that put a text together begin with an empty line; XML does not allow that before its declaration.
  const trimmed = text.trim();
  if (!trimmed.startsWith("<")) {
    const found = trimmed === "" ? "it is empty" : `it begins with ${JSON.stringify([...trimmed.slice(0, 2)][0])}`;
    throw new OperationError("invalid", `the body is no XML, ${found}: send a SOAP envelope as text/xml`);
  }
  checkMarkup(trimmed);
  let words: string | undefined;
  const parser = new DOMParser({
    locator: false,
    // The library's own also takes other characters for line ends, and a text is to stay what it is.
    normalizeLineEndings: (source) => source.replace(/\r\n?/g, "\n"),
    onError: (_level, message) => {
      // A mere warning there is an error by the standard, but for a character that may have been lost before it came to us.
      if (!message.startsWith("Unicode replacement character")) {
        words ??= message;
        throw new Error(message);
      }
    },
  });
  try {
    return parser.parseFromString(trimmed, "text/xml").documentElement as Element;
  } catch (error) {
    throw malformedXml(plain(words ?? String(error)));
  }
}

/** The parser's words for a person who wrote the XML by hand. */
function plain(words: string): string {
  return words.includes("NamespaceError")
    ? "a name has a prefix that no xmlns declares"
    : (words.split("\n", 1)[0] as string).slice(0, WORDS_LENGTH);
}

/** The elements right within one. */
export function childElements(parent: Element): Element[] {
  return [...parent.childNodes].filter(isElement);
}

function isElement(node: Node): node is Element {
  return node.nodeType === node.ELEMENT_NODE;
}
