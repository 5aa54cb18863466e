import { expect, onTestFinished, test, vi } from "vitest";
import { type Claim, createClaims } from "../../../src/actions/effects/claims.ts";
import { openRedis } from "../../../src/integrations/redis.ts";
import { useRedis } from "../../support/servers.ts";
import { silentLog } from "../nats/support.ts";

const server = useRedis();

async function useClaims(options: { leaseMs?: number; scope?: string } = {}) {
  const redis = openRedis({ url: server.url, log: silentLog });
  onTestFinished(() => redis.disconnect());
  await vi.waitFor(() => redis.ping(), 10_000);
  return { redis, claims: createClaims(redis, { leaseMs: 10_000, ...options }) };
}

function mine(claim: Claim) {
  if (claim.kind !== "mine") {
    throw new Error(`the claim is ${claim.kind}`);
  }
  return claim;
}

test("one of many gets a claim; when it is done nobody does any more", async () => {
  const { claims } = await useClaims();
  const taken = await Promise.all(Array.from({ length: 20 }, () => claims.acquire("a")));
  const winners = taken.filter(({ kind }) => kind === "mine");
  expect(winners).toHaveLength(1);
  const loser = taken.find(({ kind }) => kind === "taken");
  expect(loser).toMatchObject({ kind: "taken", forMs: expect.any(Number) });
  await mine(winners[0] as Claim).markDone();
  expect(await claims.acquire("a")).toEqual({ kind: "done" });
});

test("a claim that is given back goes to the next", async () => {
  const { claims } = await useClaims();
  await mine(await claims.acquire("b")).release();
  expect(await claims.acquire("b")).toMatchObject({ kind: "mine" });
});

test("a claim whose owner fell silent runs out, and then is not the owner's to give back", async () => {
  const { claims } = await useClaims({ leaseMs: 100 });
  const late = mine(await claims.acquire("c"));
  const next = await vi.waitFor(async () => mine(await claims.acquire("c")), 10_000);
  await late.release();
  expect(await claims.acquire("c")).toMatchObject({ kind: "taken" });
  await next.markDone();
  expect(await claims.acquire("c")).toEqual({ kind: "done" });
});

test("installations do not share claims", async () => {
  const one = await useClaims({ scope: "one_" });
  const other = await useClaims({ scope: "other_" });
  expect(await one.claims.acquire("d")).toMatchObject({ kind: "mine" });
  expect(await other.claims.acquire("d")).toMatchObject({ kind: "mine" });
});

test("a dead Redis is told at once, leaves no ghosts, and is found again", async () => {
  const { claims, redis } = await useClaims();
  await server.kill();
  await vi.waitFor(() => expect(claims.acquire("e")).rejects.toThrow(), 10_000);
  const began = performance.now();
  await expect(claims.acquire("f")).rejects.toThrow();
  expect(performance.now() - began).toBeLessThan(1_500);
  await server.restart();
  await vi.waitFor(() => redis.ping(), 10_000);
  // Had the commands been kept, they would have run by now.
  expect(await claims.acquire("e")).toMatchObject({ kind: "mine" });
  expect(await claims.acquire("f")).toMatchObject({ kind: "mine" });
});

test("a Redis that hangs is told within a second", async () => {
  const { claims } = await useClaims();
  const { pid } = server;
  process.kill(pid, "SIGSTOP");
  onTestFinished(() => void process.kill(pid, "SIGCONT"));
  await expect(claims.acquire("g")).rejects.toThrow("timed out");
});
