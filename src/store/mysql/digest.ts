import { hash } from "node:crypto";

/** SHA-1 of the content of a request or an invoice, part by part. */
export function digest(content: readonly unknown[]): Buffer {
  return hash("sha1", JSON.stringify(content), "buffer");
}
