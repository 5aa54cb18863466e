/** Characters that no XML document can hold, not even as references; halves of characters among them. */
export const ILLEGAL_CHARACTERS = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;
