import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { AttackName, AttackResult } from "../../../attack/attacks/index.ts";
import { startAttacker } from "../../../attack/start-attacker.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

const harness = useService();
let orderId = 0n;

/** Sequential calls per measurement and transport. */
const CALLS = 150;

/**
 * A median below this is acceptable, in milliseconds: attacker, service and other tests share two
 * cores.
 */
const FLOOR_MS = 12;

/** Measurements: other load may disturb one of them, an attack disturbs all. */
const ROUNDS = 3;

/** Duration of an attack before the first measurement, in milliseconds. */
const HEAD_START_MS = 500;

beforeAll(async () => {
  orderId = await insertOrder(harness.db, Status.PICKING);
});

let attacks = 0;

async function medianMs(transport: "gRPC" | "Connect JSON"): Promise<number> {
  const times: number[] = [];
  for (let call = 0; call < CALLS; call += 1) {
    const startedAt = performance.now();
    await harness.client(transport).getOrderStatus({ orderId });
    times.push(performance.now() - startedAt);
  }
  return times.sort((a, b) => a - b)[CALLS / 2] ?? 0;
}

/** Runs an attack, and checks that other calls are served nearly as fast as before. */
async function runAttack(name: AttackName, port: number, type: string): Promise<AttackResult> {
  const before = { grpc: await medianMs("gRPC"), http: await medianMs("Connect JSON") };
  attacks += 1;
  // Each attack from an address of its own: the connections of one address are limited.
  const attacker = startAttacker({ name, port, type, address: `127.0.1.${attacks}` });
  onTestFinished(attacker.kill);
  await sleep(HEAD_START_MS);
  const isFast = ({ grpc, http }: typeof before) =>
    grpc < Math.max(2 * before.grpc, FLOOR_MS) && http < Math.max(2 * before.http, FLOOR_MS);
  const rounds: (typeof before)[] = [];
  while (rounds.length < ROUNDS && !rounds.some(isFast)) {
    rounds.push({ grpc: await medianMs("gRPC"), http: await medianMs("Connect JSON") });
  }
  const result = await attacker.stop();
  expect(rounds.some(isFast), `${JSON.stringify(before)} ms before, ${JSON.stringify(rounds)} during the attack`).toBe(
    true,
  );
  expect(result.connections).toBeGreaterThan(0);
  return result;
}

/** An attack, and its expected effects. */
interface Attack {
  readonly name: AttackName;
  /** All its connections are closed. */
  readonly ends?: true;
  /** Its connections are closed with GOAWAY of this code. */
  readonly goaway?: string;
  /** Its streams are reset with this code. */
  readonly resets?: string;
}

const ENHANCE_YOUR_CALM = "11";

const OVER_HTTP2: readonly Attack[] = [
  { name: "streams opened and reset at once", ends: true },
  { name: "more streams than allowed", ends: true },
  { name: "a flood of pings", ends: true, goaway: ENHANCE_YOUR_CALM },
  { name: "a flood of pings without reading the answers", ends: true },
  { name: "a flood of settings", ends: true, goaway: ENHANCE_YOUR_CALM },
  { name: "a flood of empty data", ends: true },
  { name: "endless headers", ends: true },
  { name: "too many headers", resets: ENHANCE_YOUR_CALM },
  { name: "headers that are too large", resets: ENHANCE_YOUR_CALM },
  // Closed only after a while: tested in slow.test.ts.
  { name: "large responses that are not read" },
  { name: "a request that never completes" },
];

describe.each([
  ["gRPC", "application/grpc", () => harness.service.grpcPort],
  ["HTTP", "application/json", () => harness.service.httpPort],
])("on the port of %s", (_name, type, port) => {
  test.each(OVER_HTTP2)("$name", async ({ name, ends, goaway, resets }) => {
    const result = await runAttack(name, port(), type);
    if (ends) {
      const closed = Object.entries(result.ends).reduce((sum, [how, count]) => sum + (how === "open" ? 0 : count), 0);
      // The last connection may be about to be closed.
      expect(closed).toBeGreaterThanOrEqual(result.connections - 1);
      expect(closed).toBeGreaterThan(0);
    }
    if (goaway !== undefined) {
      expect(result.ends[`goaway ${goaway}`]).toBeGreaterThan(0);
    }
    if (resets !== undefined) {
      expect(result.resets[resets]).toBeGreaterThan(0);
    }
  });
});

test.each<AttackName>([
  "incomplete prefaces",
  "trickling headers",
  "a trickling body",
  "an endless body",
  "too many connections",
])("over HTTP/1.1 or malformed HTTP: %s", async (name) => {
  await runAttack(name, harness.service.httpPort, "application/json");
});

test("too many connections to the gRPC port", async () => {
  await runAttack("too many connections", harness.service.grpcPort, "application/grpc");
});

test("no attack caused an error in the log", () => {
  expect(harness.service.log.filter(({ level }) => level === "error" || level === "fatal")).toEqual([]);
});
