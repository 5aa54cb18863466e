import { beforeAll, describe, expect, test } from "vitest";
import { Status } from "../../src/domain/state-machine.ts";
import { insertOrder } from "../support/orders.ts";
import { useService } from "../support/service.ts";
import { HAS_PYTHON, runGo, runJava, runNode, runPython } from "./toolchain.ts";

/** Duration of the load at the full rate, in seconds. */
const LOAD_SECONDS = Number(process.env.OMS_TEST_LOAD_SECONDS ?? 5);

/**
 * What a client must reach, in calls per second: a busy machine takes far fewer than the rate. What
 * counts is that none fails, and none ends the connection.
 */
const LEAST_RATE = 20;

/** A rate that no client reaches: it calls as often as it can. */
const MAXIMUM = 1_000_000;

const harness = useService();
let orderId = 0n;

beforeAll(async () => {
  orderId = await insertOrder(harness.db, Status.PICKING);
});

const target = () => `127.0.0.1:${harness.service.grpcPort}`;

interface Load {
  readonly calls: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly connects: number;
}

/** What a client does at a rate, which must be without a failure. */
async function expectServed(
  load: (...args: string[]) => Promise<unknown>,
  rate: number,
  seconds: number,
): Promise<number> {
  const result = (await load(target(), String(orderId), String(rate), String(seconds))) as Load;
  expect(result).toMatchObject({ failed: {}, connects: 1 });
  return result.calls / seconds;
}

function report(name: string, callsPerSecond: number): void {
  console.log(`${name}: ${Math.round(callsPerSecond)} calls per second for ${LOAD_SECONDS} s, none failed`);
}

const timeout = LOAD_SECONDS * 1_000 + 120_000;

describe.each([
  ["grpc-go", (...args: string[]) => runGo("load", ...args)],
  ["grpc-java", (...args: string[]) => runJava("Load", ...args)],
  ["grpc-js", (...args: string[]) => runNode("load", ...args)],
])("%s with default settings, on one connection", (name, load) => {
  test("400 calls per second for 3 s", async () => {
    expect(await expectServed(load, 400, 3)).toBeGreaterThan(LEAST_RATE);
  });

  test(`2,000 calls per second for ${LOAD_SECONDS} s`, { timeout }, async () => {
    const callsPerSecond = await expectServed(load, 2_000, LOAD_SECONDS);
    report(name, callsPerSecond);
    expect(callsPerSecond).toBeGreaterThan(LEAST_RATE);
  });
});

test.skipIf(!HAS_PYTHON)(
  `grpcio with default settings, on one connection: as many calls as it makes in ${LOAD_SECONDS} s`,
  { timeout },
  async () => {
    const callsPerSecond = await expectServed((...args) => runPython("load", ...args), MAXIMUM, LOAD_SECONDS);
    report("grpcio", callsPerSecond);
    expect(callsPerSecond).toBeGreaterThan(LEAST_RATE);
  },
);

test.each([
  ["Go", () => runGo("details", target())],
  ["Java", () => runJava("Details", target())],
])("in %s the details of an error are read with the published types", async (_name, details) => {
  expect(await details()).toEqual({ code: expect.stringMatching(/^INVALID_?ARGUMENT$/i), fields: ["order_id"] });
});
