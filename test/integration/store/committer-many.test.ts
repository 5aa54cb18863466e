import { expect, onTestFinished, test } from "vitest";
import { STATES, Status, TRANSITIONS } from "../../../src/domain/state-machine.ts";
import type { AcceptedReport } from "../../../src/domain/status-report.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { decodeReport } from "../../../src/store/orders/request-answers.ts";
import { useTcpProxy } from "../../support/tcp-proxy.ts";
import { insertOrder, openCommitter, pause, report, type TestCommitter, useStore } from "./fixture.ts";

const { db, url, prefix } = useStore();
const proxy = useTcpProxy(url);

/** Reproducible random numbers (mulberry32). */
function randomFrom(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const SEED = 20_260_301;
const CODES = STATES.map(({ code }) => code);

test("two servers on one database, random reports and broken connections: versions without gaps, consistent tables", async () => {
  const random = randomFrom(SEED);
  const committers: TestCommitter[] = [
    openCommitter(db),
    openCommitter(openDatabase({ url: proxy.url, prefix }), { maxBatch: 16 }),
  ];
  onTestFinished(async () => {
    await Promise.all(committers.map((committer) => committer.close()));
  });
  const orderIds = await Promise.all(Array.from({ length: 24 }, () => insertOrder(db)));

  /** Accepted reports that were not only validated. */
  const accepted: { requestId: string; result: AcceptedReport }[] = [];
  const send = async (index: number) => {
    const orderId = orderIds[random(orderIds.length)] as bigint;
    // Mostly a state of the main path, sometimes any.
    const status = (random(3) === 0 ? CODES[random(CODES.length)] : CODES[random(8)]) as Status;
    // One in six reuses an earlier request id, with the same content or another one.
    const requestId = random(3) === 0 ? "" : `random-${random(6) === 0 ? random(index + 1) : index}`;
    const committer = committers[random(2)] as TestCommitter;
    if (random(25) === 0) {
      await committer.pause(pause(orderId, random(2) === 0));
      return;
    }
    const validateOnly = random(20) === 0;
    const by = random(30) === 0 ? "operation" : "report";
    const result = await committer.report(report(orderId, status, { requestId, validateOnly, by }));
    if (result.kind === "accepted" && !validateOnly) {
      accepted.push({ requestId, result });
    }
  };
  for (let round = 0; round < 40; round += 1) {
    if (round % 5 === 4) {
      proxy.disruptNext("oms_status_history", round % 10 === 4 ? "lose-answer" : "lose-request");
    }
    await Promise.all(Array.from({ length: 40 }, (_, index) => send(round * 40 + index)));
  }
  expect(proxy.pendingDisruptions).toBe(0);

  const history = await db.selectFrom("oms_db.oms_status_history").selectAll().orderBy("id").execute();
  const outbox = await db.selectFrom("oms_db.oms_outbox").selectAll().orderBy("id").execute();
  const ledger = await db.selectFrom("oms_db.oms_action_ledger").selectAll().orderBy("id").execute();
  const statuses = await db.selectFrom("oms_db.oms_order_status").selectAll().execute();
  const requests = await db.selectFrom("oms_db.oms_request").selectAll().execute();

  const allowed = new Set(TRANSITIONS.map(({ from, to }) => `${from}-${to}`));
  for (const orderId of orderIds) {
    const changes = history.filter((row) => row.order_id === orderId && row.outcome === "APPLIED");
    expect(changes.map(({ version }) => version)).toEqual(changes.map((_, index) => index + 1));
    expect(changes.map(({ from_status }) => from_status)).toEqual(
      [Status.CREATED, ...changes.map(({ to_status }) => to_status)].slice(0, changes.length),
    );
    expect(changes.filter(({ from_status, to_status }) => !allowed.has(`${from_status}-${to_status}`))).toEqual([]);
    const last = changes.at(-1);
    expect(statuses.find((row) => row.order_id === orderId)).toMatchObject({
      version: changes.length,
      order_status: last?.to_status ?? Status.CREATED,
    });
    const events = outbox.filter((row) => row.order_id === orderId && row.subject === "test.status-changed");
    expect(events.map(({ message_id }) => message_id)).toEqual(changes.map(({ version }) => `${orderId}-${version}`));
    // Each event has a ledger row for each subscribed Action, with the id of its outbox row, in the
    // order of the events.
    const ofOrder = outbox.filter((row) => row.order_id === orderId);
    expect(
      ledger.filter((row) => row.order_id === orderId).map((row) => [row.message_id, row.action, row.outbox_id]),
    ).toEqual(
      ofOrder.flatMap(({ id, message_id, subject }) =>
        (subject === "test.status-changed" ? ["first-action", "second-action"] : ["first-action"]).map((action) => [
          message_id,
          action,
          id,
        ]),
      ),
    );
  }
  expect(history.length).toBeGreaterThan(100);

  // Each outbox row was handed over once.
  const published = committers.flatMap(({ batches }) => batches.flat());
  expect(published.map(({ row }): [bigint, string] => [row.id, row.messageId]).toSorted(byId)).toEqual(
    outbox.map(({ id, message_id }) => [id, message_id]),
  );

  // Each change was the answer of one request, or of repeats with one request id; each request id
  // has one answer.
  const applied = accepted.filter(({ result }) => result.outcome === "applied");
  const changes = history.filter(({ outcome }) => outcome === "APPLIED");
  expect(new Set(applied.map(({ result }) => result.messageId))).toEqual(
    new Set(changes.map(({ order_id, version }) => `${order_id}-${version}`)),
  );
  const withoutId = applied.filter(({ requestId }) => requestId === "").map(({ result }) => result.messageId);
  expect(withoutId).toEqual([...new Set(withoutId)]);
  const stored = new Map(requests.map(({ request_id, answer }) => [request_id.toString(), decodeReport(answer)]));
  const withId = accepted.filter(({ requestId }) => requestId !== "");
  expect(withId).toEqual(withId.map(({ requestId }) => ({ requestId, result: stored.get(requestId) })));
  expect(stored.size).toBe(new Set(withId.map(({ requestId }) => requestId)).size);
}, 60_000);

function byId([a]: readonly [bigint, string], [b]: readonly [bigint, string]): number {
  return a < b ? -1 : 1;
}
