import { expect, onTestFinished, test } from "vitest";
import { createBacklogGauges } from "../../../src/messaging/relay/backlog.ts";
import { createPublishedRows } from "../../../src/messaging/relay/published-rows.ts";
import { startSweep } from "../../../src/messaging/relay/sweep.ts";
import { startLedgerGauges } from "../../../src/messaging/runner/ledger-gauges.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { eventually } from "../../support/eventually.ts";
import { createTestLease } from "../../support/lease.ts";
import { useService } from "../../support/service.ts";
import { silentLog } from "../nats/support.ts";

const harness = useService();

/** The values at /metrics, by series. */
async function values(metrics?: ReturnType<typeof createMetrics>): Promise<Record<string, number>> {
  const text =
    metrics === undefined
      ? await (await fetch(`http://127.0.0.1:${harness.service.httpPort}/metrics`)).text()
      : await metrics.registry.metrics();
  return Object.fromEntries(
    text
      .split("\n")
      .filter((line) => line.startsWith("oms_"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("oms_backend_up has each backend", async () => {
  expect(await values()).toMatchObject({
    'oms_backend_up{backend="database"}': 1,
    'oms_backend_up{backend="broker"}': 0,
    'oms_backend_up{backend="redis"}': 0,
  });
});

test("calls are counted by caller", async () => {
  const client = harness.client("gRPC");
  const headers = { "oms-caller": "metrics-test" };
  await expect(client.getOrderStatus({ orderId: 404n }, { headers })).rejects.toThrow("404");
  await eventually(async () =>
    expect(await values()).toMatchObject({
      'oms_rpc_calls_total{rpc="GetOrderStatus",caller="metrics-test",code="NOT_FOUND"}': 1,
      'oms_rpc_caller_seconds_total{rpc="GetOrderStatus",caller="metrics-test"}': expect.any(Number),
      'oms_rpc_in_flight{rpc="GetOrderStatus"}': 0,
    }),
  );
});

test("exposes pool connections and process information", async () => {
  await Promise.all(
    Array.from({ length: 4 }, () =>
      harness
        .client("Connect JSON")
        .getOrderStatus({ orderId: 1n })
        .catch(() => {}),
    ),
  );
  const seen = await values();
  expect(seen).toMatchObject({
    'oms_database_errors_total{kind="unreachable"}': 0,
    [`oms_build_info{version="0.1.0",node="${process.version}",role="serve"}`]: 1,
  });
  expect(seen.oms_processes).toBe(1);
  expect(seen).not.toHaveProperty("oms_tls_certificate_expiry_timestamp_seconds");
  // Values of a moment, or of the time since the last scrape.
  await eventually(async () => {
    const now = await values();
    expect(now['oms_database_connections{state="idle"}']).toBeGreaterThan(0);
    expect(now.oms_database_waiting).toBe(0);
    expect(now['oms_event_loop_active_seconds_total{process="1"}']).toBeGreaterThan(0);
    expect(now.oms_nodejs_eventloop_lag_max_seconds).toBeGreaterThan(0);
  });
});

test("exposes the outbox rows, and the age of the oldest unpublished one", async () => {
  const { db } = harness;
  const metrics = createMetrics();
  const ago = (seconds: number) => new Date(db.clock.now().getTime() - seconds * 1_000);
  await db.clock.sync();
  const row = { order_id: 1n, subject: "s", event_type: "t", body: Buffer.from(""), traceparent: "" };
  await db
    .insertInto("oms_db.oms_outbox")
    .values([
      { ...row, message_id: "metrics-1", record_time: ago(900), published: 1 },
      { ...row, message_id: "metrics-2", record_time: ago(600), published: 0 },
      { ...row, message_id: "metrics-3", record_time: ago(1), published: 0 },
    ])
    .execute();
  const lease = createTestLease(true);
  const sweep = startSweep({
    db,
    log: silentLog,
    published: createPublishedRows(60_000),
    retentionMs: 60_000,
    sweepMs: 10,
    lease,
    gauges: createBacklogGauges(db, metrics),
    onSweep: () => {},
    canPublish: () => false,
    publish: () => {},
  });
  onTestFinished(async () => {
    await sweep.stop();
    await db.deleteFrom("oms_db.oms_outbox").where("message_id", "like", "metrics-%").execute();
  });
  await eventually(async () => expect((await values(metrics)).oms_outbox_rows).toBeGreaterThan(0));
  const age = (await values(metrics)).oms_outbox_oldest_seconds as number;
  expect(age).toBeGreaterThanOrEqual(599);
  expect(age).toBeLessThan(700);
  lease.move(false);
  await eventually(async () => expect(await values(metrics)).not.toHaveProperty("oms_outbox_oldest_seconds"));
  expect(await values(metrics)).not.toHaveProperty("oms_outbox_rows");
});

test("the age of an Action is that of its oldest event; of a timer, since it was due", async () => {
  const metrics = createMetrics();
  const now = new Date("2026-11-27T04:00:00Z");
  const before = (seconds: number) => new Date(now.getTime() - seconds * 1_000);
  const open = { pending: 2, retrying: 1, parked: 4 };
  const lease = createTestLease(true);
  const gauge = startLedgerGauges({
    actions: [{ name: "gift-record" }, { name: "payment-timeout", due: () => now }, { name: "e-invoice" }],
    metrics,
    lease,
    paused: { has: (action) => action === "e-invoice" },
    ledger: {
      now: () => now,
      openCounts: async () => [
        { action: "gift-record", ...open, waitingSince: before(90), firstDue: before(5) },
        { action: "payment-timeout", ...open, waitingSince: before(1_000), firstDue: before(-60) },
      ],
    },
  });
  onTestFinished(() => gauge.stop());
  await eventually(async () =>
    expect((await values(metrics))['oms_action_oldest_seconds{action="gift-record"}']).toBe(90),
  );
  expect(await values(metrics)).toMatchObject({
    'oms_action_oldest_seconds{action="gift-record"}': 90,
    'oms_action_oldest_seconds{action="payment-timeout"}': 0,
    'oms_action_oldest_seconds{action="e-invoice"}': 0,
    'oms_action_open{action="gift-record",state="parked"}': 4,
    'oms_action_paused{action="e-invoice"}': 1,
    'oms_action_paused{action="gift-record"}': 0,
  });
  // Another server counts: its values and these would contradict each other.
  lease.move(false);
  await eventually(async () =>
    expect(await values(metrics)).not.toHaveProperty('oms_action_open{action="gift-record",state="parked"}'),
  );
  const seen = await values(metrics);
  expect(seen).not.toHaveProperty('oms_action_oldest_seconds{action="gift-record"}');
  expect(seen).toHaveProperty('oms_action_paused{action="gift-record"}', 0);
});
