import { createConnection, type RowDataPacket } from "mysql2/promise";
import { Status } from "../../../src/domain/state-machine.ts";
import type { Endpoints } from "../../environment.ts";

/** From the commit to the effect, in milliseconds, one for each effect. */
export interface EffectDelays {
  /** Rows of the settlement queue. */
  readonly settlements: number[];
  /** The customers' messages, as the gateway took them. */
  readonly messages: number[];
}

const TOLD: readonly number[] = [Status.HANDED_OVER, Status.DELIVERED];

/**
 * Reads how long after its change each effect happened, of the changes since a moment. All that is asked for has to be there.
 *
 * @throws Error where an effect is missing
 */
export async function readEffectDelays(servers: Endpoints, prefix: string, since: Date): Promise<EffectDelays> {
  const [changes, settled, told] = await Promise.all([
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
          throw new Error(`what follows ${messageId} is missing`);
        }
        return done - time;
      });
  return { settlements: after(settled, [Status.DELIVERED]), messages: after(told, TOLD) };
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
    [since, TOLD],
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

/** What the gateway took, by the event's id; the first time that it came. */
async function readMessages({ systemUrls }: Endpoints): Promise<Map<string, number>> {
  const answer = await fetch(new URL("/received?system=message&limit=100000000", systemUrls.message));
  const { received } = (await answer.json()) as { received: { key: string; doneTime?: string }[] };
  return new Map(
    received.flatMap(({ key, doneTime }) => (doneTime === undefined ? [] : [[key, Date.parse(doneTime)] as const])),
  );
}
