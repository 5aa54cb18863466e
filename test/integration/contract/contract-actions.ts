import { describe, expect, test } from "vitest";
import { ActionKind, ActionState, InterventionKind } from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import type { Clients } from "../../support/clients.ts";
import { failure } from "../../support/failures.ts";
import { insertOrder } from "../../support/orders.ts";
import type { ContractApi } from "./api.ts";

/** ActionService. No Action runs: the tests set the state of ledger entries. */
export function actionTests(api: ContractApi & Pick<Clients, "actions">): void {
  const operator = "li";
  const ACTION = "settlement-push";

  /** Creates delivered orders whose settlement is parked. */
  async function park(count: number, lastError = "answered 422"): Promise<bigint[]> {
    const orderIds: bigint[] = [];
    for (let index = 0; index < count; index += 1) {
      const orderId = await insertOrder(api.db, OrderStatus.OUT_FOR_DELIVERY);
      await api.client.updateOrderStatus({ orderId, status: OrderStatus.DELIVERED, operator });
      orderIds.push(orderId);
    }
    await api.db
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
    test("lists Actions, then steps, then timers", async () => {
      const { actions } = await api.actions.listActions({});

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

    test("counts pending and parked entries", async () => {
      const actionStatus = async () => (await api.actions.listActions({})).actions.find(({ name }) => name === ACTION);
      const before = await actionStatus();
      await park(2);
      const after = await actionStatus();

      expect(Number(after?.parked) - Number(before?.parked)).toBe(2);
    });
  });

  describe("GetOrderActions", () => {
    test("lists the state of each Action for each event", async () => {
      const [orderId] = (await park(1)) as [bigint];
      const { entries } = await api.actions.getOrderActions({ orderId });

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

    test("an order without events has no entries; an unknown order is NOT_FOUND", async () => {
      const orderId = await insertOrder(api.db, OrderStatus.CREATED);
      expect((await api.actions.getOrderActions({ orderId })).entries).toEqual([]);
      expect((await failure(api.actions.getOrderActions({ orderId: 9_999_999_999n }))).code).toBe("NotFound");
    });
  });

  test("ListParked: pages of entries, oldest event first, filtered", async () => {
    const orderIds = await park(3);
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await api.actions.listParked({ action: ACTION, pageSize: 2, pageToken, ...ordersOf(orderIds) });
      seen.push(...page.entries.map((entry) => entry.messageId));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");

    expect(seen).toEqual(orderIds.map(messageId));
    const none = { ...ordersOf(orderIds).filter, errorContains: "no such error" };
    expect((await api.actions.listParked({ action: ACTION, filter: none })).entries).toEqual([]);
  });

  test("RetryParked: validate only, retry, and nothing left to retry", async () => {
    const orderIds = await park(2);
    const request = { action: ACTION, ...ordersOf(orderIds), operator, reason: "the ledger is back" };

    const dry = await api.actions.retryParked({ ...request, validateOnly: true });
    expect([dry.retriedCount, dry.samples.map((entry) => entry.messageId)]).toEqual([2n, orderIds.map(messageId)]);
    expect((await api.actions.retryParked(request)).retriedCount).toBe(2n);
    expect((await api.actions.retryParked(request)).retriedCount).toBe(0n);

    const [orderId] = orderIds as [bigint];
    const { entries } = await api.actions.getOrderActions({ orderId });
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

  test("DiscardParked: discarded until replayed", async () => {
    const [orderId] = (await park(1)) as [bigint];
    const request = { action: ACTION, messageIds: [messageId(orderId)], operator, reason: "settled by hand" };
    const currentState = async () =>
      (await api.actions.getOrderActions({ orderId })).entries.find(({ action }) => action === ACTION)?.state;

    expect((await api.actions.discardParked({ ...request, validateOnly: true })).discardedCount).toBe(1n);
    expect(await currentState()).toBe(ActionState.PARKED);
    expect((await api.actions.discardParked(request)).discardedCount).toBe(1n);
    expect(await currentState()).toBe(ActionState.DISCARDED);
    const replayed = await api.actions.replay({ action: ACTION, orderIds: [orderId], operator });
    expect(replayed.replayedCount).toBe(1n);
    expect(await currentState()).toBe(ActionState.RETRYING);
  });

  test("PauseAction and ResumeAction: operator, reason and time; ExplainOrder mentions the pause", async () => {
    const action = "customer-message";
    const orderId = await insertOrder(api.db, OrderStatus.OUT_FOR_DELIVERY);
    await api.client.updateOrderStatus({ orderId, status: OrderStatus.DELIVERED, operator });
    const actionStatus = async () => (await api.actions.listActions({})).actions.find(({ name }) => name === action);

    expect((await api.actions.pauseAction({ action, operator: "ops-1", reason: "gateway down" })).changed).toBe(true);
    expect((await api.actions.pauseAction({ action, operator: "ops-1", reason: "still down" })).changed).toBe(false);
    expect(await actionStatus()).toMatchObject({
      paused: true,
      pausedBy: "ops-1",
      pauseReason: "still down",
      pausedTime: expect.anything(),
    });
    const { summary } = await api.client.explainOrder({ orderId });
    expect(summary).toContain(`; ${action} is paused by ops-1: still down.`);
    expect((await api.actions.resumeAction({ action, operator: "ops-1" })).changed).toBe(true);
    expect((await api.actions.resumeAction({ action, operator: "ops-1" })).changed).toBe(false);
    expect(await actionStatus()).toMatchObject({ paused: false, pausedBy: "", pauseReason: "" });

    const { interventions } = await api.actions.listInterventions({ action, pageSize: 3 });
    expect(interventions.map(({ kind, reason }) => [kind, reason])).toEqual([
      [InterventionKind.RESUME, ""],
      [InterventionKind.PAUSE, "still down"],
      [InterventionKind.PAUSE, "gateway down"],
    ]);
  });

  test("ListInterventions: pages, newest first", async () => {
    const action = "e-invoice";
    for (const reason of ["1", "2", "3"]) {
      await api.actions.pauseAction({ action, operator, reason });
    }
    await api.actions.resumeAction({ action, operator });
    const first = await api.actions.listInterventions({ action, pageSize: 2 });
    const second = await api.actions.listInterventions({ action, pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.interventions, ...second.interventions].map(({ reason }) => reason)).toEqual(["", "3", "2", "1"]);
    const newest = await api.actions.listInterventions({ pageSize: 1 });
    expect(newest.interventions).toEqual(first.interventions.slice(0, 1));
  });

  describe("invalid requests", () => {
    const period = { fromTime: { seconds: 2n, nanos: 0 }, toTime: { seconds: 1n, nanos: 0 } };
    test.each<[string, () => Promise<unknown>, string, RegExp]>([
      [
        "an unknown Action",
        () => api.actions.listParked({ action: "nope" }),
        "NotFound",
        /"nope"; known are third-party/,
      ],
      ["no events selected", () => api.actions.retryParked({ action: ACTION }), "InvalidArgument", /exactly one of/],
      [
        "two ways to select events",
        () => api.actions.discardParked({ action: ACTION, messageIds: ["1-1"], filter: {}, operator, reason: "x" }),
        "InvalidArgument",
        /exactly one of/,
      ],
      [
        "a filter without a condition",
        () => api.actions.discardParked({ action: ACTION, filter: {}, operator, reason: "x" }),
        "InvalidArgument",
        /filter has no condition: to discard every parked entry, set all/,
      ],
      [
        "a retry by a filter without a condition",
        () => api.actions.retryParked({ action: ACTION, filter: { errorContains: "" }, operator }),
        "InvalidArgument",
        /filter has no condition: to retry every parked entry, set all/,
      ],
      [
        "a discard of nothing",
        () => api.actions.discardParked({ action: ACTION, operator, reason: "x" }),
        "InvalidArgument",
        /exactly one of message_ids, all and filter/,
      ],
      [
        "a discard without a reason",
        () => api.actions.discardParked({ action: ACTION, messageIds: ["1-1"], operator }),
        "InvalidArgument",
        /reason/,
      ],
      [
        "a period that ends before it begins",
        () => api.actions.replay({ action: ACTION, operator, ...period }),
        "InvalidArgument",
        /order_ids or both/,
      ],
      [
        "an invalid page token",
        () => api.actions.listParked({ action: ACTION, pageToken: "x" }),
        "InvalidArgument",
        /page_token: must be the next_page_token of the previous page, was "x"/,
      ],
      [
        "a pause without a reason",
        () => api.actions.pauseAction({ action: ACTION, operator }),
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
