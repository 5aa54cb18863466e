/**
 * The greatest id of an old item in a table whose ids grow with time: doubles its step from the
 * first item, then bisects, so ids may have gaps and no index on the time is needed.
 *
 * @param oldAfter resolves to the id of the first item after an id if that item is old, otherwise
 *   to undefined
 * @returns 0 if no item is old
 */
export async function findLastOld(oldAfter: (id: bigint) => Promise<bigint | undefined>): Promise<bigint> {
  let old = await oldAfter(0n);
  if (old === undefined) {
    return 0n;
  }
  let step = 1n;
  for (let next = await oldAfter(old + step); next !== undefined; next = await oldAfter(old + step)) {
    old = next;
    step *= 2n;
  }
  // All items after `young` are young.
  for (let young = old + step; young > old; ) {
    const middle = (old + young) / 2n;
    const found = await oldAfter(middle);
    if (found === undefined) {
      young = middle;
    } else {
      old = found;
    }
  }
  return old;
}
