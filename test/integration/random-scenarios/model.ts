import { answer, type ModelAnswer, type ModelOrder } from "../../../tools/testkit/reference-model.ts";

/**
 * The expected state of an order after the flows have done all they can, from the description of
 * the domain. Reports are evaluated by the reference model.
 */
export interface ModelScenario extends ModelOrder {
  readonly warehouses: number;
  /** The ordered quantity. */
  readonly quantity: number;
  /** Whether the ERP has stock for it. */
  stock: boolean;
  cancel: "none" | "waiting" | "cancelled" | "refused";
  returned: number;
}

export type Wms = "agrees" | "refuses" | "later";

export function newScenario(warehouses: number, quantity: number): ModelScenario {
  return {
    status: 1000,
    version: 1,
    paused: false,
    virtual: false,
    visited: [1000],
    latest: null,
    warehouses,
    quantity,
    stock: true,
    cancel: "none",
    returned: 0,
  };
}

/**
 * The forward flow advances the order as far as it can: a pause or missing stock stops it before a
 * step.
 */
export function runFlow(scenario: ModelScenario): void {
  const advance = (status: number) => answer(scenario, { status, by: "report", occurTime: undefined }, 0) === "applied";
  if (scenario.status === 1010 && !advance(1020)) {
    return;
  }
  if (scenario.status === 1020 && (scenario.warehouses > 1 ? advance(1030) : scenario.stock && advance(2010))) {
    runFlow(scenario);
  } else if (scenario.status === 2010) {
    advance(2020);
  }
}

export function report(scenario: ModelScenario, status: number): ModelAnswer {
  const result = answer(scenario, { status, by: "report", occurTime: undefined }, 0);
  runFlow(scenario);
  return result;
}

export function pause(scenario: ModelScenario, paused: boolean): void {
  scenario.paused = paused;
  runFlow(scenario);
}

/**
 * Legacy node 20 and what follows; returns the answer to the caller. The WMS answers at once or
 * later.
 */
export function requestCancel(scenario: ModelScenario, wms: Wms): "CANCELLED" | "REFUSED" | "WAITING_FOR_WMS" {
  if (scenario.cancel === "waiting") {
    return "WAITING_FOR_WMS";
  }
  if (scenario.status === 1030 || (scenario.status >= 4010 && scenario.status !== 9001)) {
    scenario.cancel = "refused";
    return "REFUSED";
  }
  if (scenario.status === 9001) {
    scenario.cancel = "cancelled";
    return "CANCELLED";
  }
  scenario.paused = true;
  if (scenario.status < 2010) {
    cancel(scenario);
    return "CANCELLED";
  }
  scenario.cancel = "waiting";
  if (wms !== "later") {
    reportWmsAnswer(scenario, wms === "agrees");
  }
  return "WAITING_FOR_WMS";
}

/**
 * An agreement cancels until the hand-over, also after a refusal. An answer to a request that has
 * ended, and that contradicts the order, is a conflict.
 */
export function reportWmsAnswer(scenario: ModelScenario, agreed: boolean): "answered" | "conflict" | "not found" {
  const canCancel = scenario.status < 4010 && scenario.status !== 1030;
  switch (scenario.cancel) {
    case "none":
      return "not found";
    case "cancelled":
      return agreed ? "answered" : "conflict";
    case "refused":
      if (agreed && canCancel) {
        cancel(scenario);
      }
      return agreed && !canCancel ? "conflict" : "answered";
    case "waiting":
      if (agreed && canCancel) {
        cancel(scenario);
      } else {
        scenario.cancel = "refused";
        pause(scenario, false);
      }
      return "answered";
  }
}

function cancel(scenario: ModelScenario): void {
  answer(scenario, { status: 9001, by: "operation", occurTime: undefined }, 0);
  scenario.cancel = "cancelled";
}

/** Returns are possible after the hand-over, up to the shipped quantity. */
export function returnGoods(
  scenario: ModelScenario,
  quantity: number,
): "MARKED" | "NOT_HANDED_OVER" | "CANCELLED" | "TOO_MANY" {
  if (scenario.status === 9001) {
    return "CANCELLED";
  }
  if (scenario.status < 4010) {
    return "NOT_HANDED_OVER";
  }
  if (scenario.returned + quantity > scenario.quantity) {
    return "TOO_MANY";
  }
  scenario.returned += quantity;
  return "MARKED";
}
