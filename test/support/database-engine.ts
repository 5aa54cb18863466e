import { mariadb } from "../../tools/devstack/mariadb.ts";
import type { ServerKind } from "../../tools/devstack/server.ts";
import { mysql } from "../../tools/testkit/mysql.ts";

const ENGINES: Readonly<Record<string, ServerKind>> = { mariadb, mysql };

const engine = process.env.OMS_TEST_ENGINE || "mariadb";

/** Whether the tests run on MySQL. */
export const ON_MYSQL = engine === "mysql";

/** The database server of the tests: MariaDB, or MySQL with OMS_TEST_ENGINE=mysql. */
export const databaseServer: ServerKind = chooseEngine(engine);

function chooseEngine(name: string): ServerKind {
  const kind = ENGINES[name];
  if (kind === undefined) {
    throw new Error(`OMS_TEST_ENGINE=${name}: expected ${Object.keys(ENGINES).join(" or ")}`);
  }
  return kind;
}
