import { randomUUID } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { expect } from "vitest";
import { FlowState } from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { type OrderStatus, Outcome, ReturnVerdict } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { CancelState } from "../../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import type { Rule } from "../../../tools/devstack/stub-systems/behaviour.ts";
import type { Clients } from "../../support/clients.ts";
import * as model from "./model.ts";

/** The real order, with the service and the stub systems. */
export interface RealScenario {
  readonly orderId: bigint;
  /** Retries the same call, with the same request id, until a server answers it. */
  call<T>(call: (clients: Clients) => Promise<T>): Promise<T>;
  setRule(rule: Rule): Promise<void>;
  eventually(check: () => Promise<void>): Promise<void>;
}

type Command = fc.AsyncCommand<model.ModelScenario, RealScenario>;

/** Waits until the order and its cancel request are in the state of the model. */
export async function expectSame(scenario: model.ModelScenario, real: RealScenario): Promise<void> {
  const { orderId } = real;
  await real.eventually(async () => {
    const now = await real.call(({ client }) => client.getOrderStatus({ orderId }));
    expect([now.orderStatus, Number(now.version), now.paused]).toEqual([
      scenario.status,
      scenario.version,
      scenario.paused,
    ]);
    if (scenario.cancel !== "none") {
      const { state } = await real.call(({ reversal }) => reversal.getCancel({ orderId }));
      expect(state).toBe(CANCEL_STATES[scenario.cancel]);
    }
  });
}

const CANCEL_STATES = {
  waiting: CancelState.WAITING_FOR_WMS,
  cancelled: CancelState.CANCELLED,
  refused: CancelState.REFUSED,
} as const;

function command(name: string, run: (scenario: model.ModelScenario, real: RealScenario) => Promise<void>): Command {
  return {
    check: () => true,
    async run(scenario, real) {
      await run(scenario, real);
      await expectSame(scenario, real);
    },
    toString: () => name,
  };
}

const by = { operator: "model", reason: "random scenario" };

const OUTCOMES = { applied: Outcome.APPLIED, duplicate: Outcome.DUPLICATE, stale: Outcome.STALE } as const;

const report = (status: number) =>
  command(`report ${status}`, async (scenario, real) => {
    const request = {
      orderId: real.orderId,
      status: status as OrderStatus,
      operator: "model",
      requestId: randomUUID(),
    };
    const expected = model.report(scenario, status);
    const answer = await real
      .call(({ client }) => client.updateOrderStatus(request))
      .then(
        ({ outcome }) => outcome,
        (error) => ConnectError.from(error).code,
      );
    expect(answer).toBe(expected === "illegal" || expected === "paused" ? Code.FailedPrecondition : OUTCOMES[expected]);
  });

const setPause = (paused: boolean) =>
  command(paused ? "pause" : "resume", async (scenario, real) => {
    const { orderId } = real;
    model.pause(scenario, paused);
    await real.call(({ client }) => client.setOrderPause({ orderId, paused, operator: "model" }));
    if (paused && [1010, 1020].includes(scenario.status)) {
      // Waits for the end of an attempt in progress.
      await real.eventually(async () => {
        const { state } = await real.call(({ fulfilment }) => fulfilment.getOrderFlow({ orderId }));
        expect(state).toBe(FlowState.PAUSED);
      });
    }
  });

const setStock = (available: boolean) =>
  command(available ? "stock arrives" : "stock runs out", async (scenario, real) => {
    await real.setRule({
      system: "erp/allocate",
      mode: available ? "ok" : "refuse",
      orderIds: [String(real.orderId)],
    });
    scenario.stock = available;
    model.runFlow(scenario);
  });

const retryFlow = command("retry the flow", async (_, real) => {
  const { orderId } = real;
  await real.call(({ fulfilment }) => fulfilment.retryOrderFlow({ orderId, operator: "model" }));
});

const requestCancel = (wms: model.Wms) =>
  command(`cancel, the WMS ${wms}`, async (scenario, real) => {
    const { orderId } = real;
    const mode = { agrees: "ok", refuses: "refuse", later: "later" } as const;
    if (scenario.cancel !== "waiting") {
      // An open request keeps its rule: the WMS may be asked only now, after a kill.
      await real.setRule({ system: "wms/cancel", mode: mode[wms], orderIds: [String(orderId)] });
    }
    const expected = model.requestCancel(scenario, wms);
    const request = { orderId, ...by, requestId: randomUUID() };
    const { state } = await real.call(({ reversal }) => reversal.requestCancel(request));
    expect(state).toBe(CancelState[expected]);
  });

const reportWmsAnswer = (agreed: boolean) =>
  command(`the WMS ${agreed ? "agrees" : "refuses"} later`, async (scenario, real) => {
    const expected = model.reportWmsAnswer(scenario, agreed);
    const request = { orderId: real.orderId, agreed, ...by, requestId: randomUUID() };
    const state = await real
      .call(({ reversal }) => reversal.reportWmsAnswer(request))
      .then(
        (answer) => answer.state,
        (error) => ConnectError.from(error).code,
      );
    if (expected === "answered" && scenario.cancel !== "none") {
      expect(state).toBe(CANCEL_STATES[scenario.cancel]);
    } else {
      expect(state).toBe(expected === "conflict" ? Code.FailedPrecondition : Code.NotFound);
    }
  });

const requestReturn = (quantity: number) =>
  command(`return ${quantity}`, async (scenario, real) => {
    const expected = model.returnGoods(scenario, quantity);
    const request = { orderId: real.orderId, lines: [{ skuId: 1n, quantity }], ...by, requestId: randomUUID() };
    const verdict = await real
      .call(({ reversal }) => reversal.requestReturn(request))
      .then(
        (answer) => answer.verdict,
        (error) => ConnectError.from(error).code,
      );
    expect(verdict).toBe(expected === "TOO_MANY" ? Code.InvalidArgument : ReturnVerdict[expected]);
    const { details } = await real.call(({ reversal }) => reversal.listReturnDetails({ orderIds: [real.orderId] }));
    expect(details.reduce((sum, line) => sum + line.quantity, 0)).toBe(scenario.returned);
  });

/** Random scenarios: mostly what advances an order, with everything else in between. */
export const scenarios: fc.Arbitrary<Iterable<Command>> = fc.commands(
  [
    fc.constant(report(1010)),
    fc.constant(report(1010)),
    fc.constantFrom(3010, 3020, 3030, 4010, 5010, 5020).map(report),
    fc.constantFrom(6010, 6020, 6030, 6040, 1020, 2020).map(report),
    fc.boolean().map(setPause),
    fc.boolean().map(setStock),
    fc.constant(retryFlow),
    fc.constantFrom<model.Wms>("agrees", "refuses", "later").map(requestCancel),
    fc.boolean().map(reportWmsAnswer),
    fc.integer({ min: 1, max: 3 }).map(requestReturn),
  ],
  { maxCommands: 14, size: "max" },
);
