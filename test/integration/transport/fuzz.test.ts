import { randomInt } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { findInconsistencies } from "../../../fuzz/consistency.ts";
import { fuzz } from "../../../fuzz/run.ts";
import { STATES } from "../../../src/domain/state-machine.ts";
import { eventually } from "../../support/eventually.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

/**
 * `OMS_TEST_SEED=7 npm test -- test/integration/transport/fuzz` sends the same requests again; `npm
 * run fuzz` sends many more.
 */
const SEED = Number(process.env.OMS_TEST_SEED ?? randomInt(2 ** 32));

const REQUESTS = Number(process.env.OMS_TEST_REQUESTS ?? 10_000);

// Without broker, so that all events stay in the outbox. Cases for reflection, health and unknown
// paths come from one address.
const harness = useService({ OMS_UNAUTHENTICATED_PER_SECOND: "0" });

const orderIds: bigint[] = [];

beforeAll(async () => {
  for (const { code } of [...STATES, ...STATES]) {
    orderIds.push(await insertOrder(harness.db, code));
  }
});

test(`random requests over every transport get valid responses (seed ${SEED})`, {
  timeout: 300_000,
}, async () => {
  console.log(`fuzz: seed ${SEED}; again: OMS_TEST_SEED=${SEED} npm test -- test/integration/transport/fuzz`);
  const { service, location } = harness;
  const { grpcPort, httpPort } = service;
  const tally = await fuzz({ grpcPort, httpPort, seed: SEED, requests: REQUESTS, fixture: { orderIds } });

  expect(tally.findings).toEqual([]);
  expect(tally.sent).toBe(REQUESTS);
  const succeeded = [...tally.rpcs.values()].reduce((sum, { ok }) => sum + ok, 0);
  expect(succeeded).toBeGreaterThan(REQUESTS / 10);
  expect(service.log.filter(({ level }) => level === "error" || level === "fatal")).toEqual([]);
  await eventually(async () => expect(await metric("oms_watchers")).toBe("0"));
  const { changes, findings } = await findInconsistencies(location.url, location.prefix);
  expect(findings).toEqual([]);
  expect(changes).toBeGreaterThan(0);
});

async function metric(name: string): Promise<string | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${harness.service.httpPort}/metrics`)).text();
  return new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1];
}
