import { describe, expect, test } from "vitest";
import { ActionKind, ActionState, InterventionKind } from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import type { Clients } from "../../support/clients.ts";
import { failure } from "../transport/failures.ts";
import { insertOrder } from "../transport/orders.ts";
import type { ContractContext } from "./context.ts";

/** ActionService, with no Action run: the test says what became of one. */
export function actionTests(it: ContractContext & Pick<Clients, "actions">): void {
  const operator = "li";
  const ACTION = "settlement-push";

  /** Orders that were delivered, whose settlement is parked. */
  async function park(count: number, lastError = "answered 422"): Promise<bigint[]> {
    const orderIds: bigint[] = [];
    for (let index = 0; index < count; index += 1) {
      const orderId = await insertOrder(it.db, OrderStatus.OUT_FOR_DELIVERY);
      await it.client.updateOrderStatus({ orderId, status: OrderStatus.DELIVERED, operator });
      orderIds.push(orderId);
    }
    await it.db
      .updateTable("oms_db.oms_action_ledger")
      .set({
        state: "PARKED",
        attempts_started: 12,
        attempts_finished: 12,
        next_attempt_time: null,
        finish_time: new Date(),
        last_error: lastError,
      })
      .where("order_id", "in", orderIds)
      .where("action", "=", ACTION)
      .execute();
    return orderIds;
  }

  const messageId = (orderId: bigint) => `${orderId}-1`;
  const ordersOf = (orderIds: readonly bigint[]) => ({
    filter: { firstOrderId: orderIds[0] as bigint, lastOrderId: orderIds.at(-1) as bigint },
  });

  describe("ListActions", () => {
    test("the Actions, then the steps, then the timers", async () => {
      const { actions } = await it.actions.listActions({});

      expect(actions.map(({ kind }) => kind)).toEqual(actions.map(({ kind }) => kind).toSorted());
      expect(actions.find(({ name }) => name === "settlement-push")).toMatchObject({
        kind: ActionKind.EFFECT,
        subjects: expect.arrayContaining(["oms.v1.order.status.6010"]),
      });
      expect(actions.find(({ name }) => name === "dispatch")).toMatchObject({ kind: ActionKind.STEP });
      expect(actions.find(({ name }) => name === "payment-timeout")).toMatchObject({
        kind: ActionKind.TIMER,
        subjects: [],
      });
    });

    test("what waits and what is parked", async () => {
      const standing = async () => (await it.actions.listActions({})).actions.find(({ name }) => name === ACTION);
      const before = await standing();
      await park(2);
      const after = await standing();

      expect(Number(after?.parked) - Number(before?.parked)).toBe(2);
    });
  });

  describe("GetOrderActions", () => {
    test("what each Action made of each event", async () => {
      const [orderId] = (await park(1)) as [bigint];
      const { entries } = await it.actions.getOrderActions({ orderId });

      expect(entries.find(({ action }) => action === ACTION)).toMatchObject({
        messageId: messageId(orderId),
        orderId,
        state: ActionState.PARKED,
        attempts: 12,
        lastError: "answered 422",
        firstTime: expect.anything(),
        finishTime: expect.anything(),
      });
      expect(entries.find(({ action }) => action === "customer-message")).toMatchObject({
        state: ActionState.PENDING,
        attempts: 0,
        lastError: "",
        nextAttemptTime: expect.anything(),
      });
    });

    test("an order without events has none; one that is not there is NOT_FOUND", async () => {
      const orderId = await insertOrder(it.db, OrderStatus.CREATED);
      expect((await it.actions.getOrderActions({ orderId })).entries).toEqual([]);
      expect((await failure(it.actions.getOrderActions({ orderId: 9_999_999_999n }))).code).toBe("NotFound");
    });
  });

  test("ListParked: oldest event first, page by page, with a filter", async () => {
    const orderIds = await park(3);
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await it.actions.listParked({ action: ACTION, pageSize: 2, pageToken, ...ordersOf(orderIds) });
      seen.push(...page.entries.map((entry) => entry.messageId));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");

    expect(seen).toEqual(orderIds.map(messageId));
    const none = { ...ordersOf(orderIds).filter, errorContains: "no such error" };
    expect((await it.actions.listParked({ action: ACTION, filter: none })).entries).toEqual([]);
  });

  test("RetryParked: a dry run, then in earnest, then nothing is left to do", async () => {
    const orderIds = await park(2);
    const request = { action: ACTION, ...ordersOf(orderIds), operator, reason: "the ledger is back" };

    const dry = await it.actions.retryParked({ ...request, validateOnly: true });
    expect([dry.retriedCount, dry.samples.map((entry) => entry.messageId)]).toEqual([2n, orderIds.map(messageId)]);
    expect((await it.actions.retryParked(request)).retriedCount).toBe(2n);
    expect((await it.actions.retryParked(request)).retriedCount).toBe(0n);

    const [orderId] = orderIds as [bigint];
    const { entries } = await it.actions.getOrderActions({ orderId });
    expect(entries.find(({ action }) => action === ACTION)).toMatchObject({
      state: ActionState.RETRYING,
      intervention: {
        kind: InterventionKind.RETRY,
        affectedCount: 2n,
        operator,
        reason: "the ledger is back",
        caller: "anonymous",
      },
    });
  });

  test("DiscardParked: given up for good, until somebody replays the order", async () => {
    const [orderId] = (await park(1)) as [bigint];
    const request = { action: ACTION, messageIds: [messageId(orderId)], operator, reason: "settled by hand" };
    const stateNow = async () =>
      (await it.actions.getOrderActions({ orderId })).entries.find(({ action }) => action === ACTION)?.state;

    expect((await it.actions.discardParked({ ...request, validateOnly: true })).discardedCount).toBe(1n);
    expect(await stateNow()).toBe(ActionState.PARKED);
    expect((await it.actions.discardParked(request)).discardedCount).toBe(1n);
    expect(await stateNow()).toBe(ActionState.DISCARDED);
    const replayed = await it.actions.replay({ action: ACTION, orderIds: [orderId], operator });
    expect(replayed.replayedCount).toBe(1n);
    expect(await stateNow()).toBe(ActionState.RETRYING);
  });

  test("PauseAction and ResumeAction: who, why and since when; an order that waits for it says so", async () => {
    const action = "customer-message";
    const orderId = await insertOrder(it.db, OrderStatus.OUT_FOR_DELIVERY);
    await it.client.updateOrderStatus({ orderId, status: OrderStatus.DELIVERED, operator });
    const standing = async () => (await it.actions.listActions({})).actions.find(({ name }) => name === action);

    expect((await it.actions.pauseAction({ action, operator: "ops-1", reason: "gateway down" })).changed).toBe(true);
    expect((await it.actions.pauseAction({ action, operator: "ops-1", reason: "still down" })).changed).toBe(false);
    expect(await standing()).toMatchObject({
      paused: true,
      pausedBy: "ops-1",
      pauseReason: "still down",
      pausedTime: expect.anything(),
    });
    const { summary } = await it.client.explainOrder({ orderId });
    expect(summary).toContain(`; ${action} is held by ops-1: still down.`);
    expect((await it.actions.resumeAction({ action, operator: "ops-1" })).changed).toBe(true);
    expect((await it.actions.resumeAction({ action, operator: "ops-1" })).changed).toBe(false);
    expect(await standing()).toMatchObject({ paused: false, pausedBy: "", pauseReason: "" });

    const { interventions } = await it.actions.listInterventions({ action, pageSize: 3 });
    expect(interventions.map(({ kind, reason }) => [kind, reason])).toEqual([
      [InterventionKind.RESUME, ""],
      [InterventionKind.PAUSE, "still down"],
      [InterventionKind.PAUSE, "gateway down"],
    ]);
  });

  test("ListInterventions: newest first, page by page", async () => {
    const action = "e-invoice";
    for (const reason of ["1", "2", "3"]) {
      await it.actions.pauseAction({ action, operator, reason });
    }
    await it.actions.resumeAction({ action, operator });
    const first = await it.actions.listInterventions({ action, pageSize: 2 });
    const second = await it.actions.listInterventions({ action, pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.interventions, ...second.interventions].map(({ reason }) => reason)).toEqual(["", "3", "2", "1"]);
    const newest = await it.actions.listInterventions({ pageSize: 1 });
    expect(newest.interventions).toEqual(first.interventions.slice(0, 1));
  });

  describe("what is asked wrongly", () => {
    const period = { fromTime: { seconds: 2n, nanos: 0 }, toTime: { seconds: 1n, nanos: 0 } };
    test.each<[string, () => Promise<unknown>, string, RegExp]>([
      [
        "an unknown Action",
        () => it.actions.listParked({ action: "nope" }),
        "NotFound",
        /"nope"; there are third-party/,
      ],
      ["no events named", () => it.actions.retryParked({ action: ACTION }), "InvalidArgument", /exactly one of/],
      [
        "two ways to name events",
        () => it.actions.discardParked({ action: ACTION, messageIds: ["1-1"], filter: {}, operator, reason: "x" }),
        "InvalidArgument",
        /exactly one of/,
      ],
      [
        "a discard without a reason",
        () => it.actions.discardParked({ action: ACTION, messageIds: ["1-1"], operator }),
        "InvalidArgument",
        /reason/,
      ],
      [
        "a period that ends before it begins",
        () => it.actions.replay({ action: ACTION, operator, ...period }),
        "InvalidArgument",
        /order_ids or both/,
      ],
      [
        "a token of nobody's",
        () => it.actions.listParked({ action: ACTION, pageToken: "x" }),
        "InvalidArgument",
        /page_token: must be the next_page_token of the page before, was "x"/,
      ],
      [
        "a pause without a reason",
        () => it.actions.pauseAction({ action: ACTION, operator }),
        "InvalidArgument",
        /reason/,
      ],
    ])("%s", async (_name, call, code, message) => {
      const failed = await failure(call());
      expect(failed.code).toBe(code);
      expect(failed.message).toMatch(message);
    });
  });
}
