import { setTimeout as sleep } from "node:timers/promises";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import type { BackendName, Cluster } from "./cluster/index.ts";
import type { Member } from "./cluster/member.ts";
import type { CheckResult, Finding } from "./findings.ts";
import type { Target } from "./plan.ts";
import type { RoundContext } from "./round.ts";
import type { Timeline } from "./timeline.ts";
import type { BackendAddresses } from "./types.ts";

/**
 * Effect of killing one process under a steady load. Rates are successful calls per second
 * (goodput).
 */
export interface Recovery {
  readonly server: string;
  readonly before: number;
  readonly during: number;
  /**
   * Whether the machine sustained the load before the kill; otherwise the recovery is not
   * evaluated.
   */
  readonly loadSustained: boolean;
  /**
   * Time from accepting requests to restored goodput; undefined when it was not restored while
   * watched.
   */
  readonly recoverySeconds: number | undefined;
  /** Work done while the process was down; undefined for MariaDB, where it cannot be counted. */
  readonly whileDown: Work | undefined;
}

interface Work {
  /** Committed status changes. */
  readonly committed: number;
  /** Completed runs, by Action. */
  readonly actions: Readonly<Record<string, number>>;
  /** Orders with overdue entries when it was counted, by Action. */
  readonly overdue: Readonly<Record<string, number>>;
}

/** Required recovery: this share of the goodput within this time. */
const REQUIRED_SHARE = 0.9;
const REQUIRED_SECONDS = 5;

/**
 * Share of the offered load that the machine must answer before the kill for the recovery to be
 * evaluated.
 */
const SUSTAINED_SHARE = 0.8;

const WARMUP_MS = 3_000;
const BEFORE_MS = 4_000;
const DOWN_MS = 2_500;
const MAX_WATCH_MS = 12_000;
const POLL_MS = 250;

/** Number of one-second windows whose median decides: on a busy machine single windows are low. */
const WINDOWS = 3;

/** Actions that need a backend and may pause while it is down. */
const MAY_PAUSE: Readonly<Record<string, readonly string[]>> = { redis: ["customer-message"] };

/** An Action is stalled with this many orders overdue for this long and no completed run. */
const STALLED_ORDERS = 5;
const OVERDUE_SECONDS = 2;

/**
 * Kills a service and each backend in turn under a steady load, and measures the recovery.
 *
 * @param perSecond offered load; retries of failed calls come on top of it for a while and do not
 *   count as its level
 */
export async function measureRecovery(
  { cluster, timeline, onInjected }: RoundContext,
  perSecond: number,
): Promise<Recovery[]> {
  const { backends, services, backendAddresses } = cluster;
  await sleep(WARMUP_MS);
  const measured: Recovery[] = [];
  for (const member of [services[0] as Member, backends.mariadb, backends.nats, backends.redis]) {
    const counted = member !== backends.mariadb;
    await sleep(BEFORE_MS);
    const atKill = counted ? await countWork(backendAddresses) : undefined;
    const killedAt = performance.now();
    const before = timeline.goodput(killedAt - BEFORE_MS, killedAt);
    await member.kill();
    await sleep(DOWN_MS);
    const atEnd = counted ? await countWork(backendAddresses) : undefined;
    const during = timeline.goodput(killedAt, performance.now());
    await member.start();
    const upAt = performance.now();
    onInjected({
      fault: {
        at: killedAt - timeline.began,
        kind: "kill",
        target: targetOf(member, cluster),
        durationMs: DOWN_MS,
        chance: 0,
      },
      from: killedAt,
      until: upAt,
    });
    measured.push({
      server: member.name,
      before,
      during,
      loadSustained: before >= perSecond * SUSTAINED_SHARE,
      recoverySeconds: await secondsUntilGoodput(timeline, upAt, Math.min(before, perSecond) * REQUIRED_SHARE),
      whileDown: atKill && atEnd && difference(atKill, atEnd),
    });
  }
  return measured;
}

/** Checks the recovery goals, where the machine sustained the load. */
export function checkRecovery(measured: readonly Recovery[]): CheckResult {
  const findings: Finding[] = [];
  const add = (text: string) => findings.push({ kind: "other", text });
  const evaluated = measured.filter(({ loadSustained }) => loadSustained);
  for (const { server, before, recoverySeconds, whileDown } of evaluated) {
    if (recoverySeconds === undefined || recoverySeconds > REQUIRED_SECONDS) {
      const actual =
        recoverySeconds === undefined
          ? `not within ${MAX_WATCH_MS / 1_000} s`
          : `after ${recoverySeconds.toFixed(1)} s`;
      add(
        `${server}: goodput was back at ${REQUIRED_SHARE * 100} % of ${Math.round(before)}/s ${actual}; required within ${REQUIRED_SECONDS} s`,
      );
    }
    if (whileDown?.committed === 0) {
      add(`${server}: nothing was committed while it was down`);
    }
    const mayPause = MAY_PAUSE[server];
    for (const [action, overdue] of Object.entries(whileDown?.overdue ?? {})) {
      if (
        mayPause !== undefined &&
        !mayPause.includes(action) &&
        overdue >= STALLED_ORDERS &&
        !whileDown?.actions[action]
      ) {
        add(
          `${server}: ${action} does not need it, but completed nothing while it was down, with ${overdue} orders overdue`,
        );
      }
    }
  }
  return { name: "goodput recovers, and work continues meanwhile", checked: evaluated.length, findings };
}

/** Seconds from `since` until the goodput reaches that level. */
async function secondsUntilGoodput(timeline: Timeline, since: number, level: number): Promise<number | undefined> {
  for (let at = since; at < since + MAX_WATCH_MS; at += POLL_MS) {
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

async function countWork({ mysqlUrl, prefix }: BackendAddresses): Promise<Work> {
  const connection = await createConnection(mysqlUrl);
  try {
    const [[history]] = await connection.query<RowDataPacket[]>(
      `select count(*) as rows_ from ${prefix}oms_db.oms_status_history where outcome = 'APPLIED'`,
    );
    const [done] = await connection.query<RowDataPacket[]>(
      `select action, count(*) as rows_ from ${prefix}oms_db.oms_action_ledger where state = 'DONE' group by action`,
    );
    // By order, because a later event of an order waits for the earlier one; timers are due much
    // later.
    const [overdue] = await connection.query<RowDataPacket[]>(
      `select action, count(distinct order_id) as rows_ from ${prefix}oms_db.oms_action_ledger
       where state in ('PENDING', 'RETRYING') and first_time < utc_timestamp(3) - interval ${OVERDUE_SECONDS} second
         and next_attempt_time < utc_timestamp(3) + interval 10 second group by action`,
    );
    const byAction = (rows: RowDataPacket[]) =>
      Object.fromEntries(rows.map(({ action, rows_ }) => [String(action), Number(rows_)]));
    return { committed: Number(history?.rows_), actions: byAction(done), overdue: byAction(overdue) };
  } finally {
    await connection.end();
  }
}

function difference(before: Work, after: Work): Work {
  return {
    committed: after.committed - before.committed,
    actions: Object.fromEntries(
      Object.entries(after.actions).map(([action, done]) => [action, done - (before.actions[action] ?? 0)]),
    ),
    overdue: after.overdue,
  };
}

function targetOf(member: Member, { backends, services }: Cluster): Target {
  const index = services.indexOf(member);
  return index >= 0
    ? { service: index }
    : { server: (Object.keys(backends) as BackendName[]).find((name) => backends[name] === member) as BackendName };
}
