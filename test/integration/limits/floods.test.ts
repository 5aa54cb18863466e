import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";
import type { AttackName, AttackResult } from "./attacks.ts";

const harness = useService();
let orderId = 0n;

/** Calls of each transport, one after the other. */
const CALLS = 150;

/** A median below this, in milliseconds, is well whatever it was before: two cores carry the attacker, the service and the other tests. */
const FLOOR_MS = 12;

/** What else the machine does may disturb one measurement; an attack disturbs all of them. */
const ROUNDS = 3;

/** So long attacks an attacker before others are measured, in milliseconds. */
const HEAD_START_MS = 500;

const NO_DAMAGE: AttackResult = { sent: 0, connections: 0, ends: {}, resets: {}, said: {} };

beforeAll(async () => {
  orderId = await insertOrder(harness.db, Status.PICKING);
});

let attacks = 0;

async function medianMs(transport: "gRPC" | "Connect JSON"): Promise<number> {
  const times: number[] = [];
  for (let call = 0; call < CALLS; call += 1) {
    const begin = performance.now();
    await harness.client(transport).getOrderStatus({ orderId });
    times.push(performance.now() - begin);
  }
  return times.sort((a, b) => a - b)[CALLS / 2] ?? 0;
}

/** Attacks while others call, and makes sure that they are answered nearly as quickly as before. */
async function underAttack(name: AttackName, port: number, type: string): Promise<AttackResult> {
  const before = { grpc: await medianMs("gRPC"), http: await medianMs("Connect JSON") };
  attacks += 1;
  // Who misbehaves is left outside for a while; the next one is somebody else.
  const address = `127.0.1.${attacks}`;
  const program = join(import.meta.dirname, "attacker.ts");
  const attacker = spawn(process.execPath, [program, name, String(port), type, address], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void attacker.kill("SIGKILL"));
  const said = text(attacker.stdout);
  await sleep(HEAD_START_MS);
  const fits = ({ grpc, http }: typeof before) =>
    grpc < Math.max(2 * before.grpc, FLOOR_MS) && http < Math.max(2 * before.http, FLOOR_MS);
  const rounds: (typeof before)[] = [];
  while (rounds.length < ROUNDS && !rounds.some(fits)) {
    rounds.push({ grpc: await medianMs("gRPC"), http: await medianMs("Connect JSON") });
  }
  attacker.stdin.end();
  const damage = { ...NO_DAMAGE, ...(JSON.parse(await said) as AttackResult) };
  expect(rounds.some(fits), `${JSON.stringify(before)} ms before, ${JSON.stringify(rounds)} meanwhile`).toBe(true);
  expect(damage.connections).toBeGreaterThan(0);
  return damage;
}

/** What an attacker has to hear. */
interface Attacked {
  readonly name: AttackName;
  /** Each of its connections is ended. */
  readonly ends?: true;
  /** Its calls are reset with that code. */
  readonly resets?: string;
}

const ENHANCE_YOUR_CALM = "11";

const OVER_HTTP2: readonly Attacked[] = [
  { name: "streams opened and reset at once", ends: true },
  { name: "more streams than there may be", ends: true },
  { name: "a flood of pings", ends: true },
  { name: "a flood of pings whose answers nobody reads", ends: true },
  { name: "a flood of settings", ends: true },
  { name: "a flood of empty data", ends: true },
  { name: "headers without an end", ends: true },
  { name: "too many headers", resets: ENHANCE_YOUR_CALM },
  { name: "headers that are too long", resets: ENHANCE_YOUR_CALM },
  // These last for a while: slow.test.ts sees them end.
  { name: "great answers that nobody reads" },
  { name: "a request that never ends" },
];

describe.each([
  ["gRPC", "application/grpc", () => harness.service.grpcPort],
  ["HTTP", "application/json", () => harness.service.httpPort],
])("on the port of %s", (_name, type, port) => {
  test.each(OVER_HTTP2)("$name", async ({ name, ends, resets }) => {
    const damage = await underAttack(name, port(), type);
    if (ends) {
      // Before it was thrown out, or barred.
      const left = Object.entries(damage.ends).reduce((sum, [how, count]) => sum + (how === "open" ? 0 : count), 0);
      // The last one may be just about to hear it.
      expect(left).toBeGreaterThanOrEqual(damage.connections - 1);
      expect(left).toBeGreaterThan(0);
    }
    if (resets !== undefined) {
      expect(damage.resets[resets]).toBeGreaterThan(0);
    }
  });
});

test.each<AttackName>([
  "beginnings that are not gone on with",
  "headers in a trickle",
  "a body in a trickle",
  "a body without an end",
  "very many connections",
])("over HTTP/1.1, or hardly that: %s", async (name) => {
  await underAttack(name, harness.service.httpPort, "application/json");
});

test("very many connections to the port of gRPC", async () => {
  await underAttack("very many connections", harness.service.grpcPort, "application/grpc");
});

test("an address that had to be thrown out time and again is left outside for a while", async () => {
  const text = await (await fetch(`http://127.0.0.1:${harness.service.httpPort}/metrics`)).text();
  for (const port of ["grpc", "http"]) {
    expect(text).toMatch(new RegExp(`oms_connections_refused_total\\{port="${port}",reason="blocked"\\} [1-9]`));
  }
});

test("nothing that they did was a bug of ours", () => {
  expect(harness.service.log.filter(({ level }) => level === "error" || level === "fatal")).toEqual([]);
});
