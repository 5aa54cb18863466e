import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import { beforeEach, expect, test } from "vitest";
import {
  ActionKind,
  type DiscardParkedRequest,
  InterventionKind,
  type ListParkedRequest,
  type ReplayRequest,
  type RetryParkedRequest,
} from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { useFakeActionService } from "./fake-action-service.ts";
import { oms, startOms } from "./oms.ts";

const service = useFakeActionService();
const { script } = service;
const run = (...args: string[]) => oms(args, { server: service.address });

const OPERATOR = ["--operator", "王芳", "--reason", "供应商恢复了"];
const SAMPLE = {
  messageId: "7-3",
  action: "e-invoice",
  orderId: 7n,
  attempts: 12,
  lastError: "邮箱已满",
  firstTime: timestampFromDate(new Date("2026-11-24T00:00:00Z")),
};

let retries: RetryParkedRequest[] = [];
beforeEach(() => {
  retries = [];
  for (const name of Object.keys(script)) {
    delete script[name as keyof typeof script];
  }
  script.listActions = () => ({ actions: [{ name: "e-invoice", parked: 2_000n }] });
  script.retryParked = (request) => {
    retries.push(request);
    const batch = Number(request.pageToken || 1);
    return {
      retriedCount: 1_000n,
      nextPageToken: batch < 3 ? String(batch + 1) : "",
      samples: batch === 1 && request.validateOnly ? [SAMPLE] : [],
    };
  };
});

test("a retry runs all batches", async () => {
  const { code, stdout, stderr } = await run("retry", "e-invoice", "--all", ...OPERATOR);
  expect([code, stdout, stderr]).toEqual([
    0,
    "3,000 events of e-invoice will be retried now. To follow the progress: oms actions\n",
    "",
  ]);
  expect(retries.map(({ pageToken }) => pageToken)).toEqual(["", "2", "3"]);
  for (const retry of retries) {
    expect(retry).toMatchObject({
      action: "e-invoice",
      all: true,
      messageIds: [],
      operator: "王芳",
      reason: "供应商恢复了",
      validateOnly: false,
    });
    expect(retry.filter).toBeUndefined();
  }
  expect(service.callers).toEqual(new Set(["oms-cli"]));
});

test("a retry prints the total as one JSON document", async () => {
  const { stdout } = await run("retry", "e-invoice", "--all", "--json");
  expect(JSON.parse(stdout)).toEqual({ retriedCount: "3000", nextPageToken: "", samples: [] });
});

test("a dry run prints the count and the first events", async () => {
  const { code, stdout } = await run(
    "retry",
    "e-invoice",
    "--error",
    "邮箱",
    "--since",
    "2026-11-24T00:00:00Z",
    "--orders",
    "5-9",
    "--dry-run",
  );
  expect([code, stdout]).toEqual([
    0,
    [
      "Dry run: 3,000 events of e-invoice would be retried.",
      "",
      "event  order  attempts  committed            parked  last error",
      "7-3        7        12  2026-11-24 08:00:00          邮箱已满",
      "",
    ].join("\n"),
  ]);
  for (const { validateOnly, all, filter } of retries) {
    expect([validateOnly, all]).toEqual([true, false]);
    expect(filter).toMatchObject({
      errorContains: "邮箱",
      fromTime: { seconds: 1_795_478_400n },
      firstOrderId: 5n,
      lastOrderId: 9n,
    });
    expect(filter?.toTime).toBeUndefined();
  }
});

test("ids are sent in several calls if there are more than the maximum", async () => {
  script.retryParked = (request) => {
    retries.push(request);
    return { retriedCount: BigInt(request.messageIds.length) };
  };
  const ids = Array.from({ length: 2_500 }, (_, index) => `${index}-1`);
  const { stdout } = await run("retry", "e-invoice", "--id", ...ids);
  expect(stdout).toMatch(/^2,500 events/);
  expect(retries.map(({ messageIds }) => messageIds.length)).toEqual([1_000, 1_000, 500]);
  expect(retries.flatMap(({ messageIds }) => messageIds)).toEqual(ids);
});

test("a failure after some batches prints the progress", async () => {
  const answer = script.retryParked;
  script.retryParked = (request) => {
    if (request.pageToken === "3") {
      throw { code: status.FAILED_PRECONDITION, details: "no more" };
    }
    return answer?.(request) ?? {};
  };
  const { code, stdout, stderr } = await run("retry", "e-invoice", "--all");
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toBe(
    "Interrupted: 2,000 events retried. Run the same command again to continue.\nno more (FAILED_PRECONDITION)\n",
  );
});

test("Ctrl-C stops after the current batch", async () => {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let under: () => void = () => {};
  const underWay = new Promise<void>((resolve) => {
    under = resolve;
  });
  script.retryParked = async (request) => {
    retries.push(request);
    under();
    await released;
    return { retriedCount: 1_000n, nextPageToken: "more" };
  };
  const retry = startOms(["retry", "e-invoice", "--all", "--json"], { server: service.address });
  await underWay;
  // From the terminal and from npx: counts as one.
  retry.child.kill("SIGINT");
  retry.child.kill("SIGINT");
  release();
  const { code, stdout, stderr } = await retry.ended();
  expect([code, JSON.parse(stdout).retriedCount, retries.length]).toEqual([130, "1000", 1]);
  expect(stderr).toBe("Interrupted: 1,000 events retried. Run the same command again to continue.\n");
});

test("a discard has a reason", async () => {
  const requests: DiscardParkedRequest[] = [];
  script.discardParked = (request) => {
    requests.push(request);
    return { discardedCount: 1n };
  };
  const { code, stdout } = await run("discard", "e-invoice", "--id", "7-3", ...OPERATOR);
  expect([code, stdout]).toEqual([0, "1 event of e-invoice discarded. To undo: oms replay e-invoice --order …\n"]);
  expect(requests).toMatchObject([
    { action: "e-invoice", messageIds: ["7-3"], operator: "王芳", reason: "供应商恢复了" },
  ]);
});

test("a discard of all events runs all batches", async () => {
  const requests: DiscardParkedRequest[] = [];
  script.discardParked = (request) => {
    requests.push(request);
    return { discardedCount: 5n, nextPageToken: request.pageToken === "" ? "a" : "" };
  };
  const { code, stdout } = await run("discard", "e-invoice", "--all", ...OPERATOR);
  expect([code, stdout]).toEqual([0, "10 events of e-invoice discarded. To undo: oms replay e-invoice --order …\n"]);
  expect(requests).toMatchObject([
    { all: true, messageIds: [], pageToken: "" },
    { all: true, messageIds: [], pageToken: "a" },
  ]);
  expect(requests.map(({ filter }) => filter)).toEqual([undefined, undefined]);
});

test("a replay takes orders, or a period up to now", async () => {
  const requests: ReplayRequest[] = [];
  script.replay = (request) => {
    requests.push(request);
    return { replayedCount: 4n };
  };
  expect((await run("replay", "e-invoice", "--order", "7", "8", "--operator", "me")).stdout).toMatch(
    /^4 events replayed to e-invoice/,
  );
  expect((await run("replay", "e-invoice", "--since", "2h", "--dry-run", "--json")).stdout).toContain(
    '"replayedCount": "4"',
  );
  const [byOrder, byTime] = requests;
  expect(byOrder).toMatchObject({ orderIds: [7n, 8n], operator: "me", validateOnly: false });
  expect([byOrder?.fromTime, byOrder?.toTime]).toEqual([undefined, undefined]);
  expect(byTime).toMatchObject({ orderIds: [], validateOnly: true });
  expect(Number(byTime?.toTime?.seconds) - Number(byTime?.fromTime?.seconds)).toBe(7_200);
  // The user of the operating system.
  expect(byTime?.operator).not.toBe("");
});

test("parked events are read page by page, past empty pages", async () => {
  const requests: ListParkedRequest[] = [];
  const pages: Record<string, string> = { "": "a", a: "b", b: "c" };
  script.listParked = (request) => {
    requests.push(request);
    return { entries: request.pageToken === "a" ? [] : [SAMPLE], nextPageToken: pages[request.pageToken] ?? "" };
  };
  const all = await run("parked", "e-invoice", "--json", "--limit", "1500");
  expect(JSON.parse(all.stdout).entries).toHaveLength(3);
  expect(requests.map(({ pageSize, pageToken }) => [pageSize, pageToken])).toEqual([
    [1_000, ""],
    [1_000, "a"],
    [1_000, "b"],
    [1_000, "c"],
  ]);

  const two = await run("parked", "e-invoice", "--limit", "2");
  expect(two.stdout.trimEnd().split("\n")).toHaveLength(3);
  expect(two.stderr).toBe("Showing the first 2. For more: --limit 20\n");
});

test("the table of Actions is aligned with Chinese text", async () => {
  script.listActions = () => ({
    actions: [
      {
        name: "e-invoice",
        kind: ActionKind.EFFECT,
        pending: 1_234_567n,
        parked: 12n,
        doneTotal: 5n,
        retryTotal: 3n,
        paused: true,
        pauseReason: "邮件服务商故障",
        pausedBy: "王芳",
        pausedTime: timestampFromDate(new Date(Date.now() - 7_200_000)),
      },
      {
        name: "allocate",
        kind: ActionKind.STEP,
        inFlight: 2n,
        lastError: "库存\n不足",
        lastErrorTime: timestampFromDate(new Date(Date.now() - 600_000)),
      },
    ],
  });
  expect((await run("actions")).stdout.split("\n")).toEqual([
    "Action     kind      pending  in flight  parked  done  retries  oldest  paused                     last error",
    "e-invoice  effect  1,234,567          0      12     5        3          2 h, 王芳: 邮件服务商故障",
    "allocate   step            0          2       0     0        0                                     10 min ago: 库存 不足",
    "",
  ]);
});

test("interventions have operator, kind and reason", async () => {
  script.listInterventions = ({ action }) => ({
    interventions: [
      {
        interventionId: 2n,
        kind: InterventionKind.PAUSE,
        action,
        operator: "王芳",
        caller: "oms-cli",
        reason: "故障",
        time: SAMPLE.firstTime,
      },
      {
        interventionId: 1n,
        kind: InterventionKind.RETRY,
        action,
        operator: "bo",
        caller: "console",
        affectedCount: 1_000n,
        selection: "all",
        time: SAMPLE.firstTime,
      },
    ],
  });
  expect((await run("interventions", "--action", "e-invoice")).stdout.split("\n")).toEqual([
    "time                 kind   Action     events  selection  operator        reason",
    "2026-11-24 08:00:00  pause  e-invoice                     王芳 (oms-cli)  故障",
    "2026-11-24 08:00:00  retry  e-invoice   1,000  all        bo (console)",
    "",
  ]);
});

test("a pipe closed by its reader is not a failure", async () => {
  script.listParked = () => ({ entries: Array.from({ length: 1_000 }, () => SAMPLE), nextPageToken: "" });
  const parked = startOms(["parked", "e-invoice", "--json"], { server: service.address });
  parked.child.stdout?.once("data", () => parked.child.stdout?.destroy());
  const { code, stderr } = await parked.ended();
  expect([code, stderr]).toEqual([0, ""]);
});
