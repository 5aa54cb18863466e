import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import type { SystemPath } from "../../../src/integrations/systems.ts";
import { openStock, piecesIn } from "./stock.ts";

/** What one idempotency key brought to one path. */
export interface Received {
  readonly path: SystemPath;
  readonly key: string;
  readonly orderId: string;
  /** How often it came, whatever the answer was. */
  arrivals: number;
  /** True once it was carried out; that happens once, however often it comes. */
  done: boolean;
  /** Arrivals after it was carried out: answered as the first time, without a second effect. */
  repeats: number;
  /** The last answer's HTTP status; 0 where none was given. */
  status: number;
  /** The answer that carried it out, to be given again. */
  answer?: string;
  readonly firstTime: string;
  /** When it was carried out. */
  doneTime?: string;
  /** Kept for the latest ones only, and not across a restart. */
  body?: unknown;
}

/** Sums over all keys of one path. */
export interface Totals {
  keys: number;
  arrivals: number;
  done: number;
  repeats: number;
}

/** One arrival, as a line of the file. */
type Line = [
  path: SystemPath,
  key: string,
  orderId: string,
  status: number,
  time: string,
  answer: string | null,
  pieces?: number,
];

/** How many of the latest bodies are kept in memory. */
const BODIES = 10_000;

/**
 * What came in, by path and idempotency key; each arrival is a line of the file before it is answered, so a kill forgets none. The arrivals
 * of one turn of the event loop are written together.
 */
export function openReceived(file: string) {
  const entries = new Map<string, Received>();
  const totals = new Map<SystemPath, Totals>();
  const withBody: Received[] = [];
  const stock = openStock();

  function count(line: Line): Received {
    const [path, key, orderId, status, time, answer, pieces = 0] = line;
    const id = `${path} ${key}`;
    const sum = totals.get(path) ?? { keys: 0, arrivals: 0, done: 0, repeats: 0 };
    totals.set(path, sum);
    let entry = entries.get(id);
    if (entry === undefined) {
      entry = { path, key, orderId, arrivals: 0, done: false, repeats: 0, status, firstTime: time };
      entries.set(id, entry);
      sum.keys++;
    }
    entry.arrivals++;
    sum.arrivals++;
    entry.status = status;
    if (entry.done) {
      entry.repeats++;
      sum.repeats++;
    } else if (answer !== null) {
      entry.done = true;
      entry.answer = answer;
      entry.doneTime = time;
      sum.done++;
      stock.count(path, orderId, answer, pieces);
    }
    return entry;
  }

  function load(): void {
    for (const text of existsSync(file) ? readFileSync(file, "utf8").split("\n") : []) {
      try {
        count(JSON.parse(text) as Line);
      } catch {
        // The last line of a file whose writer was killed, or the empty end.
      }
    }
  }

  load();
  const output = openSync(file, "a");
  let unwritten: string[] = [];
  let writing: Promise<void> | undefined;

  function write(): void {
    const lines = unwritten;
    unwritten = [];
    writing = undefined;
    if (lines.length > 0) {
      writeSync(output, lines.join(""));
    }
  }

  return {
    find: (path: SystemPath, key: string): Received | undefined => entries.get(`${path} ${key}`),
    /**
     * Counts an arrival; `written` says when it is in the file.
     *
     * @param answer the body of the answer when it was carried out, else null
     */
    add(
      path: SystemPath,
      key: string,
      orderId: string,
      status: number,
      answer: string | null,
      body: Record<string, unknown>,
    ): void {
      const line: Line = [path, key, orderId, status, new Date().toISOString(), answer, piecesIn(body)];
      unwritten.push(`${JSON.stringify(line)}\n`);
      const entry = count(line);
      if (entry.body === undefined) {
        withBody.push(entry);
      }
      entry.body = body;
      if (withBody.length > 2 * BODIES) {
        for (const old of withBody.splice(0, BODIES)) {
          delete old.body;
        }
      }
    },
    /** Resolves when all arrivals so far are in the file. */
    written(): Promise<void> {
      writing ??= new Promise((resolve, reject) => {
        setImmediate(() => {
          try {
            write();
            resolve();
          } catch (error) {
            reject(error);
          }
        });
      });
      return writing;
    },
    stock: stock.sums,
    totals: (): Record<string, Totals> => Object.fromEntries(totals),
    /** Those that fit, the latest first, as many as the limit says. */
    list(fits: (entry: Received) => boolean, limit: number): Received[] {
      const found: Received[] = [];
      const all = [...entries.values()];
      for (let index = all.length - 1; index >= 0 && found.length < limit; index--) {
        const entry = all[index];
        if (entry !== undefined && fits(entry)) {
          found.push(entry);
        }
      }
      return found;
    },
    clear(): void {
      entries.clear();
      totals.clear();
      stock.clear();
      withBody.length = 0;
      unwritten = [];
      ftruncateSync(output);
    },
    close(): void {
      write();
      closeSync(output);
    },
  };
}
