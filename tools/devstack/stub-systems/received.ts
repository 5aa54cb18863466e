import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import type { SystemPath } from "../../../src/integrations/systems.ts";
import { openStock, piecesIn } from "./stock.ts";

/** The requests with one idempotency key to one path. */
export interface Received {
  readonly path: SystemPath;
  readonly key: string;
  readonly orderId: string;
  /** Number of requests, with any response. */
  arrivals: number;
  /** Whether the request was executed, which happens at most once. */
  done: boolean;
  /** Number of requests after its execution, which receive the first response. */
  repeats: number;
  /** HTTP status of the last response; 0 without a response. */
  status: number;
  /** The response of the execution, which is repeated. */
  answer?: string;
  readonly firstTime: string;
  /** Time of the execution. */
  doneTime?: string;
  /** Kept for the latest requests, in memory only. */
  body?: unknown;
}

/** Totals of a path. */
export interface Totals {
  keys: number;
  arrivals: number;
  done: number;
  repeats: number;
}

/** A request, as a line of the file. */
type Line = [
  path: SystemPath,
  key: string,
  orderId: string,
  status: number,
  time: string,
  answer: string | null,
  pieces?: number,
];

/** Number of bodies kept in memory. */
const BODIES = 10_000;

/**
 * Received requests, by path and idempotency key. Each request is written to the file before its
 * response, so that a kill loses none. Requests of one event loop turn are written together.
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
        // The last line, if the writer was killed, or the empty end.
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
     * Counts a request; `written` resolves when it is in the file.
     *
     * @param answer body of the response if the request was executed, else null
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
    /** Resolves when all requests so far are in the file. */
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
    /** Matching entries, the latest first, at most `limit`. */
    list(matches: (entry: Received) => boolean, limit: number): Received[] {
      const found: Received[] = [];
      const all = [...entries.values()];
      for (let index = all.length - 1; index >= 0 && found.length < limit; index--) {
        const entry = all[index];
        if (entry !== undefined && matches(entry)) {
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
