import { setTimeout as sleep } from "node:timers/promises";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import type { Cluster } from "./cluster/index.ts";
import type { Member } from "./cluster/member.ts";
import type { RoundContext } from "./round.ts";
import type { Timeline } from "./timeline.ts";
import type { BackendAddresses, CheckResult, Finding } from "./types.ts";

/** What one server's death under a steady load came to. Goodput is calls answered a second. */
export interface Recovery {
  readonly server: string;
  readonly before: number;
  readonly during: number;
  /** The machine carried the load before the kill: else its coming back says nothing. */
  readonly loadSustained: boolean;
  /** From when it takes requests again until goodput is back; undefined where it was not in the time that it was watched. */
  readonly recoverySeconds: number | undefined;
  /** What was done while it was down; undefined for MariaDB, without which there is nothing to count. */
  readonly whileDown: Done | undefined;
}

/** Changes committed, and runs of each Action that ended well. */
interface Done {
  readonly committed: number;
  readonly actions: Readonly<Record<string, number>>;
  /** Of each Action, how many runs are due and were not begun when all was counted. */
  readonly waiting: Readonly<Record<string, number>>;
}

/** What is asked for. */
const SHARE = 0.9;
const WITHIN_SECONDS = 5;

/** A load of which less is answered while nothing is broken is more than the machine can do beside its other work. */
const CARRIED_SHARE = 0.8;

const WARM_MS = 3_000;
const BEFORE_MS = 4_000;
const DOWN_MS = 2_500;
const LONGEST_WATCH_MS = 12_000;
const LOOK_MS = 250;

/** Goodput is there when the median of so many windows of a second says so: a busy machine has a bad one now and then. */
const WINDOWS = 3;

/** Actions that may wait while that server is down. */
const MAY_WAIT: Readonly<Record<string, readonly string[]>> = { redis: ["customer-message"] };

/** An Action stands still when so many of its runs have been due for so long (in seconds) and none was done. */
const MANY = 5;
const LONG_SECONDS = 2;

/**
 * Kills each server in turn under a steady load, and measures how the service comes back.
 *
 * @param perSecond calls that begin; what was held up comes on top of them for a while, and is not the level to come back to
 */
export async function measureRecovery(
  { cluster, timeline, onInjected }: RoundContext,
  perSecond: number,
): Promise<Recovery[]> {
  const { backends, services, backendAddresses } = cluster;
  await sleep(WARM_MS);
  const measured: Recovery[] = [];
  for (const member of [services[0] as Member, backends.mariadb, backends.nats, backends.redis]) {
    const counted = member !== backends.mariadb;
    await sleep(BEFORE_MS);
    const atKill = counted ? await count(backendAddresses) : undefined;
    const killedAt = performance.now();
    const before = timeline.goodput(killedAt - BEFORE_MS, killedAt);
    await member.kill();
    await sleep(DOWN_MS);
    const atEnd = counted ? await count(backendAddresses) : undefined;
    const during = timeline.goodput(killedAt, performance.now());
    await member.start();
    const backAt = performance.now();
    onInjected({
      fault: {
        at: killedAt - timeline.began,
        kind: "kill",
        target: targetOf(member, cluster),
        durationMs: DOWN_MS,
        chance: 0,
      },
      from: killedAt,
      until: backAt,
    });
    measured.push({
      server: member.name,
      before,
      during,
      loadSustained: before >= perSecond * CARRIED_SHARE,
      recoverySeconds: await goodputIsBack(timeline, backAt, Math.min(before, perSecond) * SHARE),
      whileDown: atKill && atEnd && difference(atKill, atEnd),
    });
  }
  return measured;
}

/** The recovery goals, as a checker; of what the machine carried. */
export function checkRecovery(measured: readonly Recovery[]): CheckResult {
  const findings: Finding[] = [];
  const other = (text: string) => findings.push({ kind: "other", text });
  const judged = measured.filter(({ loadSustained }) => loadSustained);
  for (const { server, before, recoverySeconds, whileDown } of judged) {
    if (recoverySeconds === undefined || recoverySeconds > WITHIN_SECONDS) {
      const when =
        recoverySeconds === undefined
          ? `not within ${LONGEST_WATCH_MS / 1_000} s`
          : `after ${recoverySeconds.toFixed(1)} s`;
      other(
        `${server}: goodput came back to ${SHARE * 100} % of ${Math.round(before)}/s ${when}; asked for are ${WITHIN_SECONDS} s`,
      );
    }
    if (whileDown?.committed === 0) {
      other(`${server}: nothing was committed while it was down`);
    }
    const mayWait = MAY_WAIT[server];
    for (const [action, waiting] of Object.entries(whileDown?.waiting ?? {})) {
      if (mayWait !== undefined && !mayWait.includes(action) && waiting >= MANY && !whileDown?.actions[action]) {
        other(`${server}: ${action} did nothing while it was down, does not need it, and had ${waiting} runs to do`);
      }
    }
  }
  return { name: "goodput comes back, and goes on meanwhile", checked: judged.length, findings };
}

/** Seconds from then until the goodput is at that level. */
async function goodputIsBack(timeline: Timeline, since: number, level: number): Promise<number | undefined> {
  for (let at = since; at < since + LONGEST_WATCH_MS; at += LOOK_MS) {
    await sleep(Math.max(0, at + WINDOWS * 1_000 - performance.now()));
    const windows = Array.from({ length: WINDOWS }, (_, index) =>
      timeline.goodput(at + index * 1_000, at + (index + 1) * 1_000),
    ).toSorted((a, b) => a - b);
    if ((windows[Math.floor(WINDOWS / 2)] as number) >= level) {
      return (at - since) / 1_000;
    }
  }
  return undefined;
}

async function count({ mysqlUrl, prefix }: BackendAddresses): Promise<Done> {
  const connection = await createConnection(mysqlUrl);
  try {
    const [[history]] = await connection.query<RowDataPacket[]>(
      `select count(*) as rows_ from ${prefix}oms_db.oms_status_history where outcome = 'APPLIED'`,
    );
    const [done] = await connection.query<RowDataPacket[]>(
      `select action, count(*) as rows_ from ${prefix}oms_db.oms_action_ledger where state = 'DONE' group by action`,
    );
    // An order's later event waits for its earlier one; a timer is due much later.
    const [waiting] = await connection.query<RowDataPacket[]>(
      `select action, count(distinct order_id) as rows_ from ${prefix}oms_db.oms_action_ledger
       where state in ('PENDING', 'RETRYING') and first_time < utc_timestamp(3) - interval ${LONG_SECONDS} second
         and next_attempt_time < utc_timestamp(3) + interval 10 second group by action`,
    );
    const byAction = (rows: RowDataPacket[]) =>
      Object.fromEntries(rows.map(({ action, rows_ }) => [String(action), Number(rows_)]));
    return { committed: Number(history?.rows_), actions: byAction(done), waiting: byAction(waiting) };
  } finally {
    await connection.end();
  }
}

function difference(one: Done, other: Done): Done {
  return {
    committed: other.committed - one.committed,
    actions: Object.fromEntries(
      Object.entries(other.actions).map(([action, done]) => [action, done - (one.actions[action] ?? 0)]),
    ),
    waiting: other.waiting,
  };
}

function targetOf(member: Member, { backends, services }: Cluster) {
  const index = services.indexOf(member);
  return index >= 0
    ? { service: index }
    : {
        server: (Object.keys(backends) as (keyof typeof backends)[]).find(
          (name) => backends[name] === member,
        ) as keyof typeof backends,
      };
}
