import { OperationError } from "../../../application/errors.ts";
import { ILLEGAL_CHARACTERS } from "./write-xml.ts";

/** Maximum nesting depth of elements; an envelope needs four, a security header some more. */
const MAX_DEPTH = 32;

/** Maximum number of elements, attributes, comments and the like; 1,000 typed orders have 2,000. */
const MAX_PIECES = 3_000;

/** Maximum number of references such as `&quot;`; JSON with 1,000 lines has 4,000. */
const MAX_REFERENCES = 10_000;

/**
 * Maximum length of a name or an attribute's value, in characters: namespaces are repeated in
 * answers.
 */
const MAX_PART_LENGTH = 1_000;

/** Markup other than tags: start, end, name. */
const SPECIAL = [
  ["<!--", "-->", "a comment"],
  ["<![CDATA[", "]]>", "a CDATA section"],
  ["<?", "?>", "a processing instruction"],
] as const;

/**
 * Checks a text before it is parsed: rejects what would be too expensive to parse, and what the
 * parser accepts although it is not well-formed.
 *
 * @throws OperationError "invalid" that states what is expected
 */
export function checkMarkup(text: string): void {
  const illegal = text.search(ILLEGAL_CHARACTERS);
  if (illegal !== -1) {
    throw malformedXml(`the character ${codeOf(text.codePointAt(illegal) as number)} cannot be in XML`);
  }
  let depth = 0;
  let pieces = 0;
  let references = 0;
  for (let at = 0; ; ) {
    const open = text.indexOf("<", at);
    references += checkText(text.slice(at, open === -1 ? undefined : open));
    assertAtMost(references, MAX_REFERENCES, "references");
    if (open === -1) {
      return;
    }
    const special = SPECIAL.find(([begin]) => text.startsWith(begin, open));
    if (special !== undefined) {
      pieces += 1;
      at = endOf(text, open + special[0].length, special);
    } else if (text.startsWith("<!", open)) {
      throw text.startsWith("<!DOCTYPE", open)
        ? new OperationError(
            "invalid",
            "a DOCTYPE is not taken: leave it out, and write entities as what they stand for",
          )
        : malformedXml('"<!" begins neither a comment nor a CDATA section');
    } else {
      const tag = readTag(text, open);
      depth += tag.deeper;
      pieces += tag.deeper === -1 ? 0 : 1 + tag.attributes;
      references += tag.references;
      at = tag.end;
    }
    if (depth < 0) {
      throw malformedXml("an element ends that did not begin");
    }
    if (depth > MAX_DEPTH) {
      throw new OperationError("invalid", `elements lie more than ${MAX_DEPTH} deep: a call needs four`);
    }
    assertAtMost(pieces, MAX_PIECES, "elements and attributes");
  }
}

function assertAtMost(count: number, max: number, what: string): void {
  if (count > max) {
    throw new OperationError("invalid", `the body has more than ${max} ${what}: send less at once`);
  }
}

function endOf(text: string, from: number, [, end, name]: (typeof SPECIAL)[number]): number {
  const found = text.indexOf(end, from);
  if (found === -1) {
    throw malformedXml(`${name} does not end with ${end}`);
  }
  return found + end.length;
}

interface Tag {
  /** Offset after the tag. */
  readonly end: number;
  readonly deeper: 1 | 0 | -1;
  readonly attributes: number;
  /** References in the values of attributes. */
  readonly references: number;
}

/** A tag ends with the first > outside attribute values. */
function readTag(text: string, open: number): Tag {
  const marks = /["'>]/g;
  marks.lastIndex = open;
  let references = 0;
  for (let attributes = 0; ; attributes += 1) {
    assertAtMost(attributes, MAX_PIECES, "elements and attributes");
    const start = marks.lastIndex;
    const mark = marks.exec(text);
    if (mark === null) {
      throw malformedXml("a tag does not end with >");
    }
    checkLength(mark.index - start);
    if (mark[0] === ">") {
      const deeper = text[open + 1] === "/" ? -1 : text[mark.index - 1] === "/" ? 0 : 1;
      return { end: mark.index + 1, deeper, attributes, references };
    }
    const close = text.indexOf(mark[0], mark.index + 1);
    if (close === -1) {
      throw malformedXml(`an attribute's value does not end with ${mark[0]}`);
    }
    checkLength(close - mark.index);
    references += checkReferences(text.slice(mark.index + 1, close));
    marks.lastIndex = close + 1;
  }
}

function checkLength(length: number): void {
  if (length > MAX_PART_LENGTH) {
    throw new OperationError("invalid", `a name or attribute has more than ${MAX_PART_LENGTH} characters`);
  }
}

/** @returns the number of references */
function checkText(text: string): number {
  if (text.includes("]]>")) {
    throw malformedXml('"]]>" in a text must be written as "]]&gt;"');
  }
  return checkReferences(text);
}

/** @returns the number of references; they are not looked at if there are too many */
function checkReferences(text: string): number {
  if (!text.includes("&")) {
    return 0;
  }
  const count = text.split("&", MAX_REFERENCES + 2).length - 1;
  if (count > MAX_REFERENCES) {
    return count;
  }
  const [bad, name] = /&(?!(?:amp|lt|gt|quot|apos|#\d{1,9}|#x[\da-fA-F]{1,8});)([a-z]{1,12};)?/i.exec(text) ?? [];
  if (bad !== undefined) {
    // Without the text after it, which may be personal data.
    const what = name === undefined ? "an & in a text or attribute" : JSON.stringify(bad);
    throw malformedXml(`${what} is no reference that XML knows: a plain & is written as &amp;`);
  }
  for (const [, hexadecimal, decimal] of text.matchAll(/&#(?:x([\da-fA-F]+)|(\d+));/g)) {
    const code = hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
    if (code > 0x10ffff || String.fromCodePoint(code).search(ILLEGAL_CHARACTERS) !== -1) {
      throw malformedXml(`the character ${codeOf(code)} cannot be in XML, nor a reference to it`);
    }
  }
  return count;
}

const codeOf = (code: number): string => `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;

/** An error for a body that is not well-formed. */
export const malformedXml = (what: string): OperationError =>
  new OperationError("invalid", `the body is no well-formed XML: ${what}`);
