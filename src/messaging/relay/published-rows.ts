/** Ids per chunk: as many as one statement deletes. */
const CHUNK = 1_000;

interface Chunk {
  readonly ids: BigInt64Array;
  used: number;
  low: bigint;
  high: bigint;
  readonly since: number;
  last: number;
}

/**
 * The outbox rows that the broker has acknowledged, and when: eight bytes each, as minutes of full
 * load are millions of them. Times are milliseconds of one clock.
 */
export interface PublishedRows {
  add(id: bigint, now: number): void;
  /**
   * A chunk of rows all acknowledged before this time, to be removed once deleted; undefined where
   * there is none.
   */
  oldestBefore(time: number): { readonly ids: bigint[]; remove(): void } | undefined;
  /** Those of these ids, which must ascend, that are known. */
  known(ids: readonly bigint[]): ReadonlySet<bigint>;
  clear(): void;
}

/**
 * @param spanMs time that one chunk covers at most, in milliseconds: rows are deleted up to this
 *   much later
 */
export function createPublishedRows(spanMs: number): PublishedRows {
  let chunks: Chunk[] = [];

  const add = (id: bigint, now: number) => {
    let chunk = chunks.at(-1);
    if (chunk === undefined || chunk.used === CHUNK || now - chunk.since > spanMs) {
      chunk = { ids: new BigInt64Array(CHUNK), used: 0, low: id, high: id, since: now, last: now };
      chunks.push(chunk);
    }
    chunk.ids[chunk.used] = id;
    chunk.used += 1;
    chunk.last = now;
    chunk.low = id < chunk.low ? id : chunk.low;
    chunk.high = id > chunk.high ? id : chunk.high;
  };

  return {
    add,
    oldestBefore(time) {
      const [oldest] = chunks;
      if (oldest === undefined || oldest.last > time) {
        return undefined;
      }
      return {
        ids: [...oldest.ids.subarray(0, oldest.used)],
        remove() {
          chunks = chunks.filter((chunk) => chunk !== oldest);
        },
      };
    },
    known(ids) {
      const wanted = new Set(ids);
      const found = new Set<bigint>();
      const from = ids[0] ?? 0n;
      const to = ids.at(-1) ?? 0n;
      for (const { ids: chunkIds, used, low, high } of chunks) {
        for (const id of low > to || high < from ? [] : chunkIds.subarray(0, used)) {
          if (wanted.has(id)) {
            found.add(id);
          }
        }
      }
      return found;
    },
    clear() {
      chunks = [];
    },
  };
}
