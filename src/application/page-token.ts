import { invalidField } from "./errors.ts";

/** The greatest id that a page can begin after. */
const MAX_ID = 2n ** 63n - 1n;

/** The id that a page begins after; 0 for the first page. */
export function parsePageToken(token: string): bigint {
  const place = /^\d{0,19}$/.test(token) ? BigInt(token) : -1n;
  if (place < 0n || place > MAX_ID) {
    throw invalidPageToken(token);
  }
  return place;
}

/** A token that no page before has given out. */
export function invalidPageToken(token: string) {
  return invalidField("page_token", `must be the next_page_token of the page before, was ${JSON.stringify(token)}`);
}
