import { hash } from "node:crypto";

let last = 0n;

/**
 * An id for a new order, cancel request or return: the current time in microseconds, greater than
 * this process's last one and than all ids of the legacy systems. Two servers can generate the same
 * id; the insert then fails with a duplicate key, and is retried with another id.
 */
export function nextId(now: number = Date.now(), random: number = Math.random()): bigint {
  const time = BigInt(now) * 1_000n + BigInt(Math.floor(random * 1_000));
  last = time > last ? time : last + 1n;
  return last;
}

/** SHA-1 of the content of a request or an invoice, part by part. */
export function digest(content: readonly unknown[]): Buffer {
  return hash("sha1", JSON.stringify(content), "buffer");
}
