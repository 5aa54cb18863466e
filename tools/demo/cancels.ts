import { randomUUID } from "node:crypto";
import { CancelState } from "../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import { asCaller, type ServiceClients } from "../client/index.ts";
import { applyPause, applyStatus, type ExpectedState, expectFields, piecesOf } from "./expected-state.ts";
import { controlWms } from "./stub-systems.ts";

/** Maximum wait for the WMS's answer to a cancel, in milliseconds. */
const CANCEL_MS = 30_000;

/** The part of an order driver that cancels the order. Methods throw UnexpectedResponse. */
export function createCancels(clients: ServiceClients, expected: ExpectedState, stubSystemsUrl: string) {
  const { id: orderId } = expected.order;
  const pieces = piecesOf(expected.order);

  const check = (what: string, answer: object, fields: Readonly<Record<string, unknown>>) =>
    expectFields(`order ${orderId}, ${what}`, answer, fields);

  const cancelEvents = (...steps: readonly string[]) =>
    expected.events.push(...steps.map((step) => `${orderId}-cancel-${step}`));

  async function requestCancel(): Promise<{ state: CancelState; children: readonly { orderId: bigint }[] }> {
    const request = { orderId, reason: "customer changed their mind", operator: "demo", requestId: randomUUID() };
    const answer = await clients.reversal.requestCancel(request, asCaller("shop"));
    const again = await clients.reversal.requestCancel(request, asCaller("shop"));
    check("retried cancel", again, { cancelId: answer.cancelId, state: answer.state });
    return answer;
  }

  async function waitForCancel(state: CancelState): Promise<void> {
    for (const until = Date.now() + CANCEL_MS; ; ) {
      const found = await clients.reversal.getCancel({ orderId }, asCaller("shop"));
      if (found.state === state || Date.now() > until) {
        return check("cancel", found, { state });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** The WMS has answered the cancel. */
  function expectCancelClosed(agreed: boolean, wmsTook: boolean): void {
    if (agreed) {
      applyStatus(expected, 9001);
      cancelEvents("agreed", "done");
      expected.stock.takenBack += wmsTook ? pieces : 0;
      expected.stock.released += wmsTook ? pieces : 0;
    } else {
      applyPause(expected, false);
      cancelEvents("refused");
    }
  }

  return {
    /** The customer cancels the order before its stock is allocated. */
    async cancelBeforeAllocation(): Promise<void> {
      check("cancel", await requestCancel(), { state: CancelState.CANCELLED });
      cancelEvents("requested", "done");
      applyPause(expected, true);
      applyStatus(expected, 9001);
    },
    /** The customer cancels the order while it is in the warehouse. */
    async cancelInWarehouse(wms: "agrees" | "refuses" | "agrees later" | "refuses later"): Promise<void> {
      if (wms !== "agrees") {
        await controlWms(stubSystemsUrl, orderId, wms === "refuses" ? "refuse" : "later");
      }
      check("cancel", await requestCancel(), { state: CancelState.WAITING_FOR_WMS });
      cancelEvents("requested");
      applyPause(expected, true);
      const agreed = wms.startsWith("agrees");
      const state = agreed ? CancelState.CANCELLED : CancelState.REFUSED;
      if (wms.endsWith("later")) {
        const report = {
          orderId,
          agreed,
          reason: agreed ? "" : "already packed",
          operator: "demo",
          requestId: randomUUID(),
        };
        for (const what of ["answer of the WMS", "retried answer of the WMS"]) {
          check(what, await clients.reversal.reportWmsAnswer(report, asCaller("wms")), { state });
        }
      } else {
        await waitForCancel(state);
      }
      // The stub WMS does not know answers reported by the demo: its stock is unchanged.
      expectCancelClosed(agreed, wms === "agrees");
    },
    /** The customer cancels the order after it has left the warehouse. */
    async cancelInTransit(): Promise<void> {
      check("cancel", await requestCancel(), { state: CancelState.REFUSED });
      cancelEvents("requested", "refused");
    },
    /** The customer cancels a split order: each child order is cancelled. */
    async cancelSplitOrder(children: readonly { followCancelOfParent(): Promise<void> }[]): Promise<void> {
      const answer = await requestCancel();
      check("cancel of a split order", answer, { state: CancelState.REFUSED });
      cancelEvents("requested", "refused");
      check("children of the cancel", { count: answer.children.length }, { count: children.length });
      for (const child of children) {
        await child.followCancelOfParent();
      }
    },
    /** This child order is cancelled with its parent. */
    async followCancelOfParent(): Promise<void> {
      cancelEvents("requested");
      applyPause(expected, true);
      await waitForCancel(CancelState.CANCELLED);
      expectCancelClosed(true, true);
    },
  };
}
