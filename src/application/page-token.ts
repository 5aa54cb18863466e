import { invalidField } from "./errors.ts";

/** The greatest id that a page can start after. */
const MAX_ID = 2n ** 63n - 1n;

/** The id that a page starts after; 0 for the first page. */
export function parsePageToken(token: string): bigint {
  const id = /^\d{0,19}$/.test(token) ? BigInt(token) : -1n;
  if (id < 0n || id > MAX_ID) {
    throw invalidPageToken(token);
  }
  return id;
}

/** The token is not one of ours. */
export function invalidPageToken(token: string) {
  return invalidField("page_token", `must be the next_page_token of the previous page, was ${JSON.stringify(token)}`);
}
