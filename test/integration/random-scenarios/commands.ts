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

/** The real order, and the world around it. */
export interface RealScenario {
  readonly orderId: bigint;
  /** Makes a call of whatever server is up, as often as it takes: the same call, with the same request id. */
  call<T>(call: (clients: Clients) => Promise<T>): Promise<T>;
  tellNeighbours(rule: Rule): Promise<void>;
  eventually(check: () => Promise<void>): Promise<void>;
}

type Command = fc.AsyncCommand<model.ModelScenario, RealScenario>;

/** Waits until the order stands where the model says, for good or until the next command. */
export async function expectSame(life: model.ModelScenario, real: RealScenario): Promise<void> {
  const { orderId } = real;
  await real.eventually(async () => {
    const now = await real.call(({ client }) => client.getOrderStatus({ orderId }));
    expect([now.orderStatus, Number(now.version), now.paused]).toEqual([life.status, life.version, life.paused]);
    if (life.cancel !== "none") {
      const { state } = await real.call(({ reversal }) => reversal.getCancel({ orderId }));
      expect(state).toBe(CANCEL_STATES[life.cancel]);
    }
  });
}

const CANCEL_STATES = {
  waiting: CancelState.WAITING_FOR_WMS,
  cancelled: CancelState.CANCELLED,
  refused: CancelState.REFUSED,
} as const;

function command(name: string, run: (life: model.ModelScenario, real: RealScenario) => Promise<void>): Command {
  return {
    check: () => true,
    async run(life, real) {
      await run(life, real);
      await expectSame(life, real);
    },
    toString: () => name,
  };
}

const by = { operator: "model", reason: "a life" };

const OUTCOMES = { applied: Outcome.APPLIED, duplicate: Outcome.DUPLICATE, stale: Outcome.STALE } as const;

const told = (status: number) =>
  command(`report ${status}`, async (life, real) => {
    const request = {
      orderId: real.orderId,
      status: status as OrderStatus,
      operator: "model",
      requestId: randomUUID(),
    };
    const said = model.report(life, status);
    const answer = await real
      .call(({ client }) => client.updateOrderStatus(request))
      .then(
        ({ outcome }) => outcome,
        (error) => ConnectError.from(error).code,
      );
    expect(answer).toBe(said === "illegal" || said === "paused" ? Code.FailedPrecondition : OUTCOMES[said]);
  });

const setPause = (paused: boolean) =>
  command(paused ? "pause" : "resume", async (life, real) => {
    const { orderId } = real;
    model.pause(life, paused);
    await real.call(({ client }) => client.setOrderPause({ orderId, paused, operator: "model" }));
    if (paused && [1010, 1020].includes(life.status)) {
      // A try that was under way has ended by then.
      await real.eventually(async () => {
        const { state } = await real.call(({ fulfilment }) => fulfilment.getOrderFlow({ orderId }));
        expect(state).toBe(FlowState.PAUSED);
      });
    }
  });

const stock = (there: boolean) =>
  command(there ? "stock comes" : "stock goes", async (life, real) => {
    await real.tellNeighbours({
      system: "erp/allocate",
      mode: there ? "ok" : "refuse",
      orderIds: [String(real.orderId)],
    });
    life.stock = there;
    model.settle(life);
  });

const retry = command("retry the flow", async (_, real) => {
  const { orderId } = real;
  await real.call(({ fulfilment }) => fulfilment.retryOrderFlow({ orderId, operator: "model" }));
});

const cancel = (wms: model.Wms) =>
  command(`cancel, the WMS ${wms}`, async (life, real) => {
    const { orderId } = real;
    const mode = { agrees: "ok", refuses: "refuse", later: "later" } as const;
    await real.tellNeighbours({ system: "wms/cancel", mode: mode[wms], orderIds: [String(orderId)] });
    const expected = model.requestCancel(life, wms);
    const request = { orderId, ...by, requestId: randomUUID() };
    const { state } = await real.call(({ reversal }) => reversal.requestCancel(request));
    expect(state).toBe(CancelState[expected]);
  });

const wmsAnswers = (agreed: boolean) =>
  command(`the WMS ${agreed ? "agrees" : "refuses"} later`, async (life, real) => {
    const asked = life.cancel !== "none";
    model.reportWmsAnswer(life, agreed);
    const request = { orderId: real.orderId, agreed, ...by, requestId: randomUUID() };
    const state = await real
      .call(({ reversal }) => reversal.reportWmsAnswer(request))
      .then(
        (answer) => answer.state,
        (error) => ConnectError.from(error).code,
      );
    expect(state).toBe(asked && life.cancel !== "none" ? CANCEL_STATES[life.cancel] : Code.NotFound);
  });

const returned = (quantity: number) =>
  command(`return ${quantity}`, async (life, real) => {
    const expected = model.returnGoods(life, quantity);
    const request = { orderId: real.orderId, lines: [{ skuId: 1n, quantity }], ...by, requestId: randomUUID() };
    const verdict = await real
      .call(({ reversal }) => reversal.requestReturn(request))
      .then(
        (answer) => answer.verdict,
        (error) => ConnectError.from(error).code,
      );
    expect(verdict).toBe(expected === "TOO_MANY" ? Code.InvalidArgument : ReturnVerdict[expected]);
    const { details } = await real.call(({ reversal }) => reversal.listReturnDetails({ orderIds: [real.orderId] }));
    expect(details.reduce((sum, line) => sum + line.quantity, 0)).toBe(life.returned);
  });

/** Random lives: mostly what moves an order on, with everything else in between. */
export const scenarios: fc.Arbitrary<Iterable<Command>> = fc.commands(
  [
    fc.constant(told(1010)),
    fc.constant(told(1010)),
    fc.constantFrom(3010, 3020, 3030, 4010, 5010, 5020).map(told),
    fc.constantFrom(6010, 6020, 6030, 6040, 1020, 2020).map(told),
    fc.boolean().map(setPause),
    fc.boolean().map(stock),
    fc.constant(retry),
    fc.constantFrom<model.Wms>("agrees", "refuses", "later").map(cancel),
    fc.boolean().map(wmsAnswers),
    fc.integer({ min: 1, max: 3 }).map(returned),
  ],
  { maxCommands: 14, size: "max" },
);
