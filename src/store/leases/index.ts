import { hostname } from "node:os";
import { sql } from "kysely";
import { createPollLoop } from "../../lib/poll-loop.ts";
import type { Logger } from "../../observability/log.ts";
import type { OrderDatabase } from "../mysql/database.ts";
import { textList } from "../mysql/literals.ts";
import { withRetries } from "../mysql/transaction.ts";

/**
 * Work that one server does for all of them: it saves queries, and correctness must not depend on
 * it, as a server may still be at work when another one takes over.
 */
export interface Lease {
  /** Whether this server does the work. */
  isHeld(): boolean;
  /**
   * Whether another server is known to do it. Neither is true before the first answer of the
   * database, and while it is unavailable.
   */
  isHeldElsewhere(): boolean;
  /** Calls the listener when this server has acquired or lost the lease. */
  onChange(listener: () => void): void;
}

/** The lease of a server that is alone. */
export const ALWAYS_HELD: Lease = { isHeld: () => true, isHeldElsewhere: () => false, onChange: () => {} };

/**
 * `outbox`: its backlog, and rows of dead servers; `ledger`: counts of open entries; `retention`:
 * deletion of expired rows.
 */
export type LeaseName = "outbox" | "ledger" | "retention";

export interface Leases {
  of(name: LeaseName): Lease;
  /** Releases what is held: another server takes over at its next attempt. */
  stop(): Promise<void>;
}

/** Duration of a lease without renewal, and interval between renewals, in milliseconds. */
const LEASE_MS = 20_000;
const RENEW_MS = 10_000;

/** Delay after an error, in milliseconds. */
const RETRY_MS = 1_000;

/** Spreads the attempts of servers that wait for the same lease, in milliseconds. */
const JITTER_MS = 1_000;

interface LeaseState {
  readonly listeners: (() => void)[];
  /** Incremented by each change of the holder, so it identifies a term; undefined: not ours. */
  token: bigint | undefined;
  /** End of our term unless it is renewed, on the monotonic clock. */
  until: number;
  elsewhere: boolean;
}

export interface LeasesOptions {
  readonly db: OrderDatabase;
  readonly names: readonly LeaseName[];
  readonly log: Logger;
  /** In milliseconds. */
  readonly leaseMs?: number;
  /** In milliseconds; less than half of `leaseMs` would survive a failed renewal. */
  readonly renewMs?: number;
}

/**
 * Competes for leases in the background: rows of a table, with times of the database's clock. A
 * holder renews all of its leases in one statement; the others read who holds them, and take over
 * what has expired.
 */
export function startLeases({ db, names, log, leaseMs = LEASE_MS, renewMs = RENEW_MS }: LeasesOptions): Leases {
  const states = new Map(
    names.map((name): [LeaseName, LeaseState] => [
      name,
      { listeners: [], token: undefined, until: 0, elsewhere: false },
    ]),
  );
  const keeper = new LeaseKeeper(db, states, log, leaseMs);
  const loop = createPollLoop(() => keeper.run(renewMs), {
    intervalMs: Math.min(RETRY_MS, renewMs),
    onError: (error) => log.debug({ err: error }, "leases could not be renewed; retrying"),
  });
  return {
    of(name) {
      const state = states.get(name);
      if (state === undefined) {
        throw new Error(`lease ${name} is not one of ${names.join(", ")}`);
      }
      return {
        isHeld: () => isHeld(state),
        isHeldElsewhere: () => state.elsewhere,
        onChange: (listener) => void state.listeners.push(listener),
      };
    },
    async stop() {
      await loop.stop();
      await keeper.release();
    },
  };
}

function isHeld({ token, until }: LeaseState): boolean {
  return token !== undefined && performance.now() < until;
}

class LeaseKeeper {
  readonly #db: OrderDatabase;
  readonly #states: ReadonlyMap<LeaseName, LeaseState>;
  readonly #log: Logger;
  readonly #leaseMs: number;
  readonly #holder = `${hostname()}:${process.pid}`.slice(-MAX_HOLDER_LENGTH);

  constructor(db: OrderDatabase, states: ReadonlyMap<LeaseName, LeaseState>, log: Logger, leaseMs: number) {
    this.#db = db;
    this.#states = states;
    this.#log = log;
    this.#leaseMs = leaseMs;
  }

  /** @returns the delay until the next run, in milliseconds */
  async run(renewMs: number): Promise<number> {
    const renewed = await this.#renew();
    if (renewed && this.#held().length === this.#states.size) {
      return renewMs;
    }
    const firstExpiryMs = await this.#acquire();
    return Math.min(renewMs, firstExpiryMs + Math.random() * Math.min(JITTER_MS, renewMs));
  }

  /** Ends the terms of this server. */
  async release(): Promise<void> {
    const held = this.#held();
    if (held.length === 0) {
      return;
    }
    for (const [name] of held) {
      this.#set(name, { token: undefined, elsewhere: false });
    }
    // While the database is unavailable, they expire.
    await this.#update(held, 0).catch(() => {});
  }

  #held(): [LeaseName, bigint][] {
    return [...this.#states].flatMap(([name, { token }]): [LeaseName, bigint][] =>
      token === undefined ? [] : [[name, token]],
    );
  }

  /** @returns false when one was lost */
  async #renew(): Promise<boolean> {
    const held = this.#held();
    if (held.length === 0) {
      return true;
    }
    const asked = performance.now();
    if ((await this.#update(held, this.#leaseMs)) !== held.length) {
      return false;
    }
    for (const [name] of held) {
      (this.#states.get(name) as LeaseState).until = asked + this.#leaseMs;
    }
    return true;
  }

  /** @returns number of the terms that have not been taken over by another server */
  async #update(terms: readonly (readonly [LeaseName, bigint])[], leaseMs: number): Promise<number> {
    const { numUpdatedRows } = await withRetries(() =>
      this.#db
        .updateTable("oms_db.oms_lease")
        .set({ expire_time: inFuture(leaseMs) })
        .where(({ or, and, eb }) =>
          or(terms.map(([name, token]) => and([eb("name", "=", name), eb("token", "=", token)]))),
        )
        .executeTakeFirstOrThrow(),
    );
    return Number(numUpdatedRows);
  }

  /**
   * Reads who holds the leases, and takes over the expired ones.
   *
   * @returns time until the first of the other servers' leases expires, in milliseconds
   */
  async #acquire(): Promise<number> {
    const names = [...this.#states.keys()];
    const asked = performance.now();
    const rows = await this.#db
      .selectFrom("oms_db.oms_lease")
      .select(["name", "token", sql<bigint>`timestampdiff(microsecond, now(3), expire_time)`.as("left_us")])
      .where("name", "in", textList(names) as never)
      .execute();
    let firstExpiryMs = Number.POSITIVE_INFINITY;
    for (const name of names) {
      const state = this.#states.get(name) as LeaseState;
      const row = rows.find((one) => one.name === name) ?? (await this.#insert(name));
      const leftMs = Number(row.left_us) / 1_000;
      if (state.token === row.token) {
        // Still ours: another one was lost.
        firstExpiryMs = Math.min(firstExpiryMs, RETRY_MS);
      } else if (leftMs > 0) {
        this.#set(name, { token: undefined, elsewhere: true });
        firstExpiryMs = Math.min(firstExpiryMs, leftMs);
      } else if (await this.#takeOver(name, row.token)) {
        this.#set(name, { token: row.token + 1n, until: asked + this.#leaseMs, elsewhere: false });
        this.#log.debug({ lease: name }, "lease acquired");
      } else {
        firstExpiryMs = Math.min(firstExpiryMs, RETRY_MS);
      }
    }
    return firstExpiryMs;
  }

  async #insert(name: LeaseName) {
    await withRetries(() =>
      this.#db
        .insertInto("oms_db.oms_lease")
        .ignore()
        .values({ name, token: 0n, holder: "", expire_time: inFuture(0) })
        .execute(),
    );
    return { token: 0n, left_us: 0n };
  }

  async #takeOver(name: LeaseName, token: bigint): Promise<boolean> {
    const { numUpdatedRows } = await withRetries(() =>
      this.#db
        .updateTable("oms_db.oms_lease")
        .set({ token: token + 1n, holder: this.#holder, expire_time: inFuture(this.#leaseMs) })
        .where("name", "=", name)
        .where("token", "=", token)
        .where("expire_time", "<=", sql<Date>`now(3)`)
        .executeTakeFirstOrThrow(),
    );
    return numUpdatedRows === 1n;
  }

  #set(name: LeaseName, change: Partial<LeaseState>): void {
    const state = this.#states.get(name) as LeaseState;
    const before = state.token;
    Object.assign(state, change);
    if (state.token !== before) {
      for (const listener of state.listeners) {
        listener();
      }
    }
  }
}

/** Length of the column `holder`, in characters. */
const MAX_HOLDER_LENGTH = 128;

const inFuture = (ms: number) => sql<Date>`now(3) + interval ${sql.lit(ms * 1_000)} microsecond`;
