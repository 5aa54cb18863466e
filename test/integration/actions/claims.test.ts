import { expect, onTestFinished, test } from "vitest";
import { type Claim, createClaims } from "../../../src/actions/effects/claims.ts";
import { openRedis } from "../../../src/integrations/redis.ts";
import { eventually } from "../../support/eventually.ts";
import { useRedis } from "../../support/servers.ts";
import { silentLog } from "../nats/support.ts";

const server = useRedis();

async function useClaims(options: { leaseMs?: number; scope?: string } = {}) {
  const redis = openRedis({ url: server.url, log: silentLog });
  onTestFinished(() => redis.disconnect());
  await eventually(() => redis.ping());
  return { redis, claims: createClaims(redis, { leaseMs: 10_000, ...options }) };
}

function acquired(claim: Claim) {
  if (claim.kind !== "acquired") {
    throw new Error(`the claim is ${claim.kind}`);
  }
  return claim;
}

test("one of many callers acquires a claim; once it is done, none does", async () => {
  const { claims } = await useClaims();
  const results = await Promise.all(Array.from({ length: 20 }, () => claims.acquire("a")));
  const winners = results.filter(({ kind }) => kind === "acquired");
  expect(winners).toHaveLength(1);
  const loser = results.find(({ kind }) => kind === "held");
  expect(loser).toMatchObject({ kind: "held", remainingMs: expect.any(Number) });
  await acquired(winners[0] as Claim).markDone();
  expect(await claims.acquire("a")).toEqual({ kind: "done" });
});

test("a released claim can be acquired again", async () => {
  const { claims } = await useClaims();
  await acquired(await claims.acquire("b")).release();
  expect(await claims.acquire("b")).toMatchObject({ kind: "acquired" });
});

test("a claim expires with its lease, and its former holder cannot release it", async () => {
  const { claims, redis } = await useClaims();
  const late = acquired(await createClaims(redis, { leaseMs: 100 }).acquire("c"));
  const next = await eventually(async () => acquired(await claims.acquire("c")));
  await late.release();
  expect(await claims.acquire("c")).toMatchObject({ kind: "held" });
  await next.markDone();
  expect(await claims.acquire("c")).toEqual({ kind: "done" });
});

test("installations do not share claims", async () => {
  const one = await useClaims({ scope: "one_" });
  const other = await useClaims({ scope: "other_" });
  expect(await one.claims.acquire("d")).toMatchObject({ kind: "acquired" });
  expect(await other.claims.acquire("d")).toMatchObject({ kind: "acquired" });
});

test("with Redis down a claim fails at once, leaves no late command behind, and works again when Redis is up", async () => {
  const { claims, redis } = await useClaims();
  await server.kill();
  await eventually(() => expect(claims.acquire("e")).rejects.toThrow());
  await expect(claims.acquire("f")).rejects.not.toThrow("timed out");
  await server.restart();
  await eventually(() => redis.ping());
  // Had the commands been queued, they would have run by now.
  expect(await claims.acquire("e")).toMatchObject({ kind: "acquired" });
  expect(await claims.acquire("f")).toMatchObject({ kind: "acquired" });
});

test("with Redis hanging a claim fails within a second", async () => {
  const { claims } = await useClaims();
  const { pid } = server;
  process.kill(pid, "SIGSTOP");
  onTestFinished(() => void process.kill(pid, "SIGCONT"));
  await expect(claims.acquire("g")).rejects.toThrow("timed out");
});
