import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { insertOrders, makeOrder } from "../tools/demo/orders.ts";
import { type BackendProcesses, startBackends } from "../tools/testkit/backends.ts";
import { AUDIENCE, createIssuer, ISSUER } from "../tools/testkit/issuer.ts";
import { type ServiceProcess, startServiceProcess } from "../tools/testkit/service.ts";

/** The ordinary callers' orders, and those that attackers name. */
const FIRST_ORDER = 1n;
const ORDERS = 1_000;

/** Validity of the tokens, in seconds: longer than a run. */
const TOKEN_SECONDS = 24 * 3_600;

/** A token of a legacy caller. */
const LEGACY_TOKEN = "attacker-by-legacy-token";

/** Credentials of an attacker, by what they permit. */
export type Credentials = "none" | "no rights" | "read-only" | "shop" | "wms" | "legacy";

/** The service under attack, a process of its own with authentication. */
export interface AttackEnvironment {
  readonly service: () => ServiceProcess;
  /** An order that exists. */
  readonly orderId: bigint;
  /** The header `authorization`. */
  readonly authorization: Readonly<Record<Credentials, string | undefined>>;
  /** File of the event-loop probe. */
  readonly eventLoopFile: string;
  /** Restarts the service, with the memory of a new process. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startEnvironment(onProgress: (line: string) => void): Promise<AttackEnvironment> {
  const dir = await mkdtemp(join(tmpdir(), "oms-attack-"));
  const backends = await startBackends(onProgress);
  const issuer = await createIssuer();
  const keys = join(dir, "jwks.json");
  await writeFile(keys, issuer.jwks());
  const eventLoopFile = join(dir, "event-loop.txt");
  await writeFile(eventLoopFile, "");
  const bearer = async (roles: readonly string[]) =>
    `Bearer ${await issuer.token({ sub: roles[0] ?? "no-roles", roles, exp: TOKEN_SECONDS })}`;
  const env = {
    OMS_AUTH: "jwt",
    OMS_JWT_KEYS: keys,
    OMS_JWT_ISSUER: ISSUER,
    OMS_JWT_AUDIENCE: AUDIENCE,
    OMS_LEGACY_CALLERS: JSON.stringify({
      shop: { tokenSha256: [createHash("sha256").update(LEGACY_TOKEN).digest("hex")] },
    }),
    OMS_LOG_LEVEL: "error",
    NODE_OPTIONS: `--import=${join(import.meta.dirname, "event-loop-probe.ts")}`,
    EVENT_LOOP_FILE: eventLoopFile,
  };
  const start = () => startServiceProcess({ endpoints: backends.endpoints, env, logFile: join(dir, "service.log") });
  let service = await start();
  await insertSampleOrders(backends);
  return {
    service: () => service,
    orderId: FIRST_ORDER,
    authorization: {
      none: undefined,
      "no rights": await bearer([]),
      "read-only": await bearer(["read-only"]),
      shop: await bearer(["shop"]),
      wms: await bearer(["wms"]),
      legacy: `Bearer ${LEGACY_TOKEN}`,
    },
    eventLoopFile,
    async restart() {
      await service.child.stop();
      service = await start();
    },
    async stop() {
      await service.child.stop();
      await backends.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function insertSampleOrders({ endpoints }: BackendProcesses): Promise<void> {
  const database = await createConnection({ uri: endpoints.mysqlUrl, timezone: "Z" });
  const orders = Array.from({ length: ORDERS }, (_, index) => ({
    ...makeOrder(FIRST_ORDER, index),
    id: FIRST_ORDER + BigInt(index),
  }));
  await insertOrders(database, "", orders);
  await database.end();
}
