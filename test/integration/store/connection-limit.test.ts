import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { useMariadb } from "../../support/servers.ts";
import { startService } from "../../support/service.ts";

const location = useMariadb();

/** The warnings about connections of a server with this configuration. */
async function warningsOf(env: Record<string, string>) {
  const service = await startService(location, {}, env);
  onTestFinished(() => service.stop());
  return service.log.filter(({ msg }) => String(msg).includes("fewer connections"));
}

test("a server that may open more connections than the database accepts logs a warning", async () => {
  const db = openDatabase(location);
  onTestFinished(() => db.destroy());
  const { rows } = await sql<{ accepted: bigint }>`select @@max_connections as accepted`.execute(db);
  const accepted = Number(rows[0]?.accepted);

  expect(await warningsOf({ OMS_MYSQL_CONNECTIONS: String(accepted) })).toMatchObject([
    { level: "warn", required: accepted + 3, accepted, processes: 1, pool: accepted },
  ]);
  expect(await warningsOf({ OMS_MYSQL_CONNECTIONS: String(accepted - 3) })).toEqual([]);
});
