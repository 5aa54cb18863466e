import { createConnection, type RowDataPacket } from "mysql2/promise";
import { Status } from "../../src/domain/state-machine.ts";
import type { Endpoints } from "../environment.ts";
import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import {
  FULL_LOAD_CALLERS,
  ordersFor,
  percentile,
  ratioOf,
  requireAllSucceeded,
  secondsUntilDrained,
  withSubject,
} from "./support/measure.ts";

const SUBJECTS = { service: "service", textbook: "textbook.ts" } as const;
const P50 = "all, p50 ms";
const P99 = "all, p99 ms";

/** Latency from a commit to its effects. */
export const effectLatency: Scenario = {
  name: "effect-latency",
  title: "Latency from commit to effect, at half load",
  description:
    "Half of the changes per second that the subject sustains with 256 callers, effects included. Measured from the time recorded with the change," +
    " just before its commit, to the row in the settlement queue and to the customer's message at the gateway.",
  subjects: Object.keys(SUBJECTS),
  long: false,
  rounds: "all",
  async measure(subject, environment) {
    const { seconds, warmup, endpoints } = environment;
    return withSubject(environment, SUBJECTS[subject as keyof typeof SUBJECTS], async (running) => {
      const run = async (perSecond?: number) => {
        const orders = await environment.seedOrders(
          running,
          ordersFor(seconds + warmup, perSecond, 4 * FULL_LOAD_CALLERS),
        );
        const job = {
          protocol: "grpc",
          ports: [running.port],
          call: "update-status",
          callers: FULL_LOAD_CALLERS,
        } as const;
        return requireAllSucceeded(
          await runLoad({ ...job, seconds, warmup, orders, ...(perSecond !== undefined && { perSecond }) }),
        );
      };
      const begin = performance.now();
      const full = await run();
      await secondsUntilDrained(running);
      const sustained = full.changes / ((performance.now() - begin) / 1_000);
      const halfSince = new Date(Date.now() + warmup * 1_000);
      const half = await run(sustained / 2);
      const drained = await secondsUntilDrained(running);
      const { settlements, messages } = await readEffectDelays(endpoints, running.prefix, halfSince);
      const all = [...settlements, ...messages];
      return {
        "sustained changes/s": sustained,
        "half load, changes/s": half.perSecond,
        [P50]: percentile(all, 0.5),
        [P99]: percentile(all, 0.99),
        "settlement, p50 ms": percentile(settlements, 0.5),
        "settlement, p99 ms": percentile(settlements, 0.99),
        "message, p50 ms": percentile(messages, 0.5),
        "message, p99 ms": percentile(messages, 0.99),
        effects: all.length,
        "drained s": drained,
      };
    });
  },
  goals: [
    {
      text: "p50 of all effects against the textbook",
      bound: "at most",
      target: 0.25,
      unit: "×",
      actual: (results) => ratioOf(results, P50, "service", "textbook"),
    },
    {
      text: "p99 of all effects against the textbook",
      bound: "at most",
      target: 0.5,
      unit: "×",
      actual: (results) => ratioOf(results, P99, "service", "textbook"),
    },
  ],
  chart: { title: "Latency from commit to effect", unit: "ms", measurements: [P50, P99] },
};

/** Latencies from commit to effect, in milliseconds. */
interface EffectDelays {
  /** Of rows in the settlement queue. */
  readonly settlements: number[];
  /** Of customer messages, by the gateway's time. */
  readonly messages: number[];
}

const NOTIFIED: readonly number[] = [Status.HANDED_OVER, Status.DELIVERED];

/**
 * Reads the latency of each effect of the changes since a time.
 *
 * @throws Error when an effect is missing
 */
async function readEffectDelays(servers: Endpoints, prefix: string, since: Date): Promise<EffectDelays> {
  const [changes, settled, messaged] = await Promise.all([
    readChanges(servers, prefix, since),
    readSettlements(servers, prefix, since),
    readMessages(servers),
  ]);
  const after = (happened: ReadonlyMap<string, number>, statuses: readonly number[]) =>
    changes
      .filter(({ status }) => statuses.includes(status))
      .map(({ messageId, time }) => {
        const done = happened.get(messageId);
        if (done === undefined) {
          throw new Error(`an effect of ${messageId} is missing`);
        }
        return done - time;
      });
  return { settlements: after(settled, [Status.DELIVERED]), messages: after(messaged, NOTIFIED) };
}

interface Change {
  readonly messageId: string;
  readonly status: number;
  /** In milliseconds since 1970. */
  readonly time: number;
}

async function readChanges(servers: Endpoints, prefix: string, since: Date): Promise<Change[]> {
  const rows = await query(
    servers,
    "select concat(order_id, '-', version) as messageId, to_status as status, record_time as time" +
      ` from ${prefix}oms_db.oms_status_history where record_time >= ? and to_status in (?)`,
    [since, NOTIFIED],
  );
  return rows.map(({ messageId, status, time }) => ({ messageId, status, time: time.getTime() }));
}

async function readSettlements(servers: Endpoints, prefix: string, since: Date): Promise<Map<string, number>> {
  const rows = await query(
    servers,
    `select message_id as messageId, create_date as time from ${prefix}oms_db.oms_order_status_rule where create_date >= ?`,
    [since],
  );
  return new Map(rows.map(({ messageId, time }) => [messageId, time.getTime()]));
}

async function query(servers: Endpoints, statement: string, values: unknown[]): Promise<RowDataPacket[]> {
  const connection = await createConnection({ uri: servers.mysqlUrl, timezone: "Z" });
  try {
    const [rows] = await connection.query<RowDataPacket[]>(statement, values);
    return rows;
  } finally {
    await connection.end();
  }
}

/** First arrival of each message at the gateway, by event id. */
async function readMessages({ systemUrls }: Endpoints): Promise<Map<string, number>> {
  const answer = await fetch(new URL("/received?system=message&limit=100000000", systemUrls.message));
  const { received } = (await answer.json()) as { received: { key: string; doneTime?: string }[] };
  return new Map(
    received.flatMap(({ key, doneTime }) => (doneTime === undefined ? [] : [[key, Date.parse(doneTime)] as const])),
  );
}
