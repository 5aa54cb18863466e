import { sql } from "kysely";
import { beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { type LeaseName, type LeasesOptions, startLeases } from "../../../src/store/leases/index.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { eventually } from "../../support/eventually.ts";
import { useMariadb } from "../../support/servers.ts";
import { silentLog } from "../nats/support.ts";

const location = useMariadb();
const db = openDatabase(location);
beforeAll(async () => {
  await migrate(db);
  return () => db.destroy();
});
beforeEach(() => db.deleteFrom("oms_db.oms_lease").execute());

/** A server that competes for leases. */
function useServer(options: Partial<LeasesOptions> = {}) {
  const leases = startLeases({
    db,
    names: ["outbox", "ledger"],
    log: silentLog,
    leaseMs: 2_000,
    renewMs: 200,
    ...options,
  });
  let stopped = false;
  const stop = async () => {
    if (!stopped) {
      stopped = true;
      await leases.stop();
    }
  };
  onTestFinished(stop);
  return { holds: (name: LeaseName) => leases.of(name).isHeld(), of: leases.of, stop };
}

const rows = () => db.selectFrom("oms_db.oms_lease").select(["name", "token"]).orderBy("name").execute();

test("one of several servers holds each lease, renews it, and another takes over when it stops", async () => {
  const servers = [useServer(), useServer(), useServer()];
  const holders = (name: LeaseName) => servers.filter(({ holds }) => holds(name));
  await eventually(() => expect([holders("outbox").length, holders("ledger").length]).toEqual([1, 1]));
  const [holder] = holders("outbox") as [(typeof servers)[number]];
  const before = await rows();
  // Longer than a lease without renewal.
  await sql`do sleep(2.5)`.execute(db);
  expect(holders("outbox")).toEqual([holder]);
  expect(await rows()).toEqual(before);
  await eventually(() =>
    expect(servers.map(({ of }) => of("outbox").isHeldElsewhere())).toEqual(servers.map((one) => one !== holder)),
  );
  const changes: boolean[] = [];
  for (const { of } of servers) {
    const lease = of("outbox");
    lease.onChange(() => changes.push(lease.isHeld()));
  }
  await holder.stop();
  await eventually(() => expect(holders("outbox")).toHaveLength(1));
  expect(holders("outbox")).not.toEqual([holder]);
  expect(changes).toEqual([false, true]);
});

test("a holder whose term was taken over knows it at its next renewal", async () => {
  const { of } = useServer();
  const lease = of("outbox");
  await eventually(() => expect(lease.isHeld()).toBe(true));
  await db
    .updateTable("oms_db.oms_lease")
    .set({ token: sql`token + 1`, holder: "other", expire_time: sql<Date>`now(3) + interval 60 second` })
    .where("name", "=", "outbox")
    .execute();
  await eventually(() => expect([lease.isHeld(), lease.isHeldElsewhere()]).toEqual([false, true]));
  await eventually(() => expect(of("ledger").isHeld()).toBe(true));
});

test("an expired lease is taken over with a new token, and ends at a server that cannot renew it", async () => {
  await db
    .insertInto("oms_db.oms_lease")
    .values({ name: "outbox", token: 41n, holder: "dead", expire_time: sql<Date>`now(3) + interval 3 second` })
    .execute();
  const own = openDatabase(location);
  const { of } = useServer({ db: own });
  const lease = of("outbox");
  await eventually(() => expect(lease.isHeldElsewhere()).toBe(true));
  await eventually(() => expect(lease.isHeld()).toBe(true));
  expect(await rows()).toContainEqual({ name: "outbox", token: 42n });
  await own.destroy();
  await eventually(() => expect([lease.isHeld(), lease.isHeldElsewhere()]).toEqual([false, false]));
});
