let last = 0n;

/**
 * An id for a new order, cancel request or return: the microseconds of now, beyond the last one of this process and beyond whatever the old
 * systems gave out. Two servers may meet; the table's key tells, and whoever was second takes another one.
 */
export function nextId(now: number = Date.now(), random: number = Math.random()): bigint {
  const time = BigInt(now) * 1_000n + BigInt(Math.floor(random * 1_000));
  last = time > last ? time : last + 1n;
  return last;
}
