import { hash } from "node:crypto";

/** SHA-1 of what a request or an invoice says, part by part. */
export function digest(content: readonly unknown[]): Buffer {
  return hash("sha1", JSON.stringify(content), "buffer");
}
