/** UTF-16 cannot be read far enough to see what it declares: by how its first characters lie. */
const UTF_16: readonly (readonly [string, string])[] = [
  ["<\0?\0", "utf-16le"],
  ["\0<\0?", "utf-16be"],
];

/**
 * The character set that an XML body without a byte order mark names itself.
 *
 * @param beginning its first bytes, a character each
 * @returns undefined where it names none: it is UTF-8 then
 */
export function declaredEncoding(beginning: string): string | undefined {
  return (
    UTF_16.find(([characters]) => beginning.startsWith(characters))?.[1] ??
    /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(beginning)?.[1]
  );
}
