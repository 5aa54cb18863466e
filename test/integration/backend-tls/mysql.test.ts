import { join } from "node:path";
import { sql } from "kysely";
import { createConnection } from "mysql2/promise";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { readConfig } from "../../../src/config/load.ts";
import { describeStartupError } from "../../../src/server/startup-errors.ts";
import { openSession } from "../../../src/store/commit/session.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { createAuthority, useFolder } from "../../support/certificates.ts";
import { useMariadb, useOwnMariadb } from "../../support/servers.ts";
import { startService } from "../../support/service.ts";
import { databaseWithTls } from "./servers.ts";

const folder = useFolder();
const authority = createAuthority(join(folder, "ours"), "the company");
const stranger = createAuthority(join(folder, "strangers"), "another company");
const server = useOwnMariadb(databaseWithTls(authority.issue({ subject: "/CN=db", altNames: "DNS:localhost" })));
const misnamed = useOwnMariadb(databaseWithTls(authority.issue({ subject: "/CN=db", altNames: "DNS:db.example" })));
const plain = useMariadb();

const PASSWORD = "p@ss:w/rd#?";
const urlOf = (port: number | string, password = PASSWORD) =>
  `mysql://oms:${encodeURIComponent(password)}@localhost:${port}`;

beforeAll(async () => {
  for (const { url } of [server, misnamed]) {
    const root = await createConnection({ uri: url, ssl: { ca: authority.ca, verifyIdentity: false } });
    await root.query("create user oms@'127.0.0.1' identified by ?", [PASSWORD]);
    await root.query("grant all on *.* to oms@'127.0.0.1'");
    await root.end();
  }
});

describe("a MySQL that requires TLS", () => {
  test("all connections of the service use TLS", async () => {
    const location = { url: urlOf(server.port), ca: authority.ca, prefix: "t_" };
    const db = openDatabase(location);
    onTestFinished(() => db.destroy());
    await migrate(db);
    const cipher = "show session status like 'Ssl_cipher'";
    const { rows } = await sql.raw<{ Value: string }>(cipher).execute(db);
    expect(rows[0]?.Value).toMatch(/TLS_|AES/);
    const session = await openSession(location);
    onTestFinished(() => session.destroy());
    // The server accepts no connection without TLS.
    expect(await session.send(["select '1' as one"])).toEqual([[{ one: "1" }]]);
    const service = await startService({ url: location.url, prefix: "t_" }, { mysqlCa: authority.ca });
    await service.stop();
  });

  test.each([
    [
      "another CA",
      () => ({ url: urlOf(server.port), ca: stranger.ca }),
      /certificate of .* is not trusted.*OMS_MYSQL_CA_FILE is not the CA/,
    ],
    [
      "a certificate for another name",
      () => ({ url: urlOf(misnamed.port), ca: authority.ca }),
      /does not match its host name \(.*db\.example.*\): .*OMS_MYSQL_URL/,
    ],
    [
      "a server without TLS",
      () => ({ url: plain.url.replace("127.0.0.1", "localhost"), ca: authority.ca }),
      /does not support TLS, which OMS_MYSQL_CA_FILE/,
    ],
    ["no CA", () => ({ url: urlOf(server.port) }), /(if the user requires TLS,|requires TLS:) set OMS_MYSQL_CA_FILE/],
    [
      "a wrong password",
      () => ({ url: urlOf(server.port, "hunter2"), ca: authority.ca }),
      /rejected the credentials \(.*oms.*\): .* OMS_MYSQL_URL/,
    ],
  ])("the startup error explains: %s", async (_, locate, words) => {
    const { url, ca } = locate() as { url: string; ca?: string };
    const db = openDatabase({ url, ca, prefix: "t_" });
    onTestFinished(() => db.destroy());
    const error = await migrate(db).catch((failed: unknown) => failed);
    const config = readConfig({
      OMS_MYSQL_URL: url,
      ...(ca !== undefined && { OMS_MYSQL_CA_FILE: authority.caFile }),
    });
    const description = describeStartupError(error, config);
    expect(description).toMatch(words);
    expect(description).not.toContain("hunter2");
  });
});
