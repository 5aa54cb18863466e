/** Maximum length of a text of the client quoted in a message to it, in characters. */
export const MAX_QUOTED_LENGTH = 200;

/** Shortens a text for logs and messages, with its full length. */
export function shorten(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max).toWellFormed()}… (${text.length} characters)`;
}
