/**
 * Control characters (tab and line breaks included), characters that change the direction of text,
 * and line separators: in a log or a terminal they forge lines, or display another text than was
 * stored.
 */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;

const EACH_UNPRINTABLE = new RegExp(UNPRINTABLE, "gu");

/** An unprintable character in a text. */
export interface Unprintable {
  /** For example "U+202E". */
  readonly character: string;
  /** Its position, from 1, in UTF-16 code units. */
  readonly position: number;
}

/** The first unprintable character of a text. */
export function findUnprintable(text: string): Unprintable | undefined {
  const index = text.search(UNPRINTABLE);
  return index === -1 ? undefined : { character: `U+${hex(text.charAt(index)).toUpperCase()}`, position: index + 1 };
}

/** Replaces each unprintable character by a space. */
export function withoutUnprintable(text: string): string {
  return UNPRINTABLE.test(text) ? text.replace(EACH_UNPRINTABLE, " ") : text;
}

/** Writes each unprintable character as an escape, for example \u202e, as in JSON. */
export function escapeUnprintable(text: string): string {
  return UNPRINTABLE.test(text) ? text.replace(EACH_UNPRINTABLE, (character) => `\\u${hex(character)}`) : text;
}

/** All of them are in the Basic Multilingual Plane. */
const hex = (character: string): string => character.charCodeAt(0).toString(16).padStart(4, "0");
