import { expect, test } from "vitest";
import { createShadowLog, type ShadowDifference } from "../../../src/store/logs/shadow-log.ts";
import { useService } from "../../support/service.ts";
import { type Ended, oms } from "./oms.ts";

const served = useService();

function run(...args: string[]): Promise<Ended> {
  return oms(["shadow", ...args], { server: `127.0.0.1:${served.service.grpcPort}` });
}

function difference(more: Partial<ShadowDifference>): ShadowDifference {
  return {
    method: "getOrderStatus",
    field: "orderStatus",
    kind: "VALUE",
    ours: "3010",
    theirs: "3020",
    orderId: 171_203_044n,
    caller: "wms",
    callId: "c-1",
    ...more,
  };
}

/** Records comparisons, as a server does. */
async function record(work: (log: ReturnType<typeof createShadowLog>) => void): Promise<void> {
  const log = createShadowLog({ db: served.db });
  work(log);
  await log.close();
}

test("oms shadow prints the counts and the latest differences", async () => {
  expect(await run()).toEqual({
    code: 0,
    stdout:
      "No calls have been compared with the legacy system. Legacy calls are compared if the service sets OMS_SHADOW_URL.\n",
    stderr: "",
  });

  await record((log) => {
    for (let count = 0; count < 1_234; count += 1) {
      log.count("getOrderSource", "same");
    }
    log.count("getOrderStatus", "same");
    log.count("getOrderStatus", "different");
    log.count("getOrderStatus", "different");
    log.count("getOrderStatus", "failed");
    log.count("getOrderStatus", "skipped");
  });
  const methods = await run();
  expect(methods.stdout.split("\n").slice(0, 3)).toEqual([
    "method          compared   same  different  failed  skipped  last",
    expect.stringMatching(/^getOrderSource {5}1,234 {2}1,234 {10}0 {7}0 {8}0 +\d+ s$/),
    expect.stringMatching(/^getOrderStatus {9}3 {6}1 {10}2 {7}1 {8}1 +\d+ s$/),
  ]);
  expect(methods.stdout).toContain("\n\nNo differences recorded.\n");

  await record((log) => {
    log.recordDifference(difference({}));
    log.recordDifference(difference({ field: "phone", kind: "MISSING", ours: "", theirs: "*** (11 characters)" }));
    log.recordDifference(
      difference({ method: "getOrderSource", field: "result", kind: "TYPE", theirs: '"1"\u001b[31m', orderId: 0n }),
    );
  });
  const all = (await run()).stdout.split("\n").slice(4, -1);
  expect(all[0]).toMatch(/^time +method +field +kind +ours +legacy system +order +caller$/);
  expect(all.slice(1).map((line) => line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +/, "").split(/ {2,}/))).toEqual([
    ["getOrderSource", "result", "type", "3010", '"1" [31m', "wms"],
    ["getOrderStatus", "phone", "missing", "*** (11 characters)", "171203044", "wms"],
    ["getOrderStatus", "orderStatus", "value", "3010", "3020", "171203044", "wms"],
  ]);

  const one = await run("--method", "getOrderStatus", "--limit", "1");
  expect(one.stdout).toContain("getOrderStatus");
  expect(one.stdout).toContain("phone");
  expect(one.stdout).not.toMatch(/getOrderSource|orderStatus /);
  expect(one.stderr).toBe("Showing the latest 1. For more: --limit 10\n");
  expect((await run("--method", "unknown")).stdout).toMatch(/^No calls of unknown have been compared/);

  const { stdout, stderr } = await run("--json", "--method", "getOrderStatus");
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toMatchObject({
    methods: [{ method: "getOrderStatus", sameCount: "1", differentCount: "2", failedCount: "1", skippedCount: "1" }],
    differences: [
      { field: "phone", kind: "SHADOW_DIFFERENCE_KIND_MISSING", ours: "" },
      {
        field: "orderStatus",
        kind: "SHADOW_DIFFERENCE_KIND_VALUE",
        orderId: "171203044",
        caller: "wms",
        callId: "c-1",
      },
    ],
  });
});
