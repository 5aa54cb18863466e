import { beforeAll, describe, expect, test } from "vitest";
import { Status } from "../../src/domain/state-machine.ts";
import { insertOrder } from "../support/orders.ts";
import { useService } from "../support/service.ts";
import { runGo, runJava } from "./toolchain.ts";

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

describe.each([
  ["grpc-go", (...args: string[]) => runGo("load", ...args), () => runGo("details", target())],
  ["grpc-java", (...args: string[]) => runJava("Load", ...args), () => runJava("Details", target())],
])("%s with default settings", (_name, load, details) => {
  test.each([
    [400, 3],
    [2_000, 5],
  ])("%i calls per second on one connection for %i s", async (rate, seconds) => {
    const result = (await load(target(), String(orderId), String(rate), String(seconds))) as Load;
    expect(result).toMatchObject({ failed: {}, connects: 1 });
    // A busy machine takes fewer than the rate.
    expect(result.calls).toBeGreaterThan((rate / 20) * seconds);
  });

  test("the details of an error are read with the published types", async () => {
    expect(await details()).toEqual({ code: expect.stringMatching(/^INVALID_?ARGUMENT$/i), fields: ["order_id"] });
  });
});
