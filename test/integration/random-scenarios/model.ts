import { answer, type ModelAnswer, type ModelOrder } from "../../unit/domain/reference-model.ts";

/**
 * An order's whole life, from the words of the domain: what the flows make of it once nothing moves any more. What a report does is the
 * reference model's business.
 */
export interface ModelScenario extends ModelOrder {
  readonly warehouses: number;
  /** Pieces that were ordered. */
  readonly pieces: number;
  /** Whether the ERP has stock for it. */
  stock: boolean;
  cancel: "none" | "waiting" | "cancelled" | "refused";
  returned: number;
}

export type Wms = "agrees" | "refuses" | "later";

export function newScenario(warehouses: number, pieces: number): ModelScenario {
  return {
    status: 1000,
    version: 1,
    paused: false,
    virtual: false,
    visited: [1000],
    latest: null,
    warehouses,
    pieces,
    stock: true,
    cancel: "none",
    returned: 0,
  };
}

/** The forward flow takes the order as far as it can: a pause, or missing stock, stops it before the next step. */
export function settle(life: ModelScenario): void {
  const goes = (status: number) => answer(life, { status, by: "report", occurTime: undefined }, 0) === "applied";
  if (life.status === 1010 && !goes(1020)) {
    return;
  }
  if (life.status === 1020 && (life.warehouses > 1 ? goes(1030) : life.stock && goes(2010))) {
    settle(life);
  } else if (life.status === 2010) {
    goes(2020);
  }
}

export function report(life: ModelScenario, status: number): ModelAnswer {
  const said = answer(life, { status, by: "report", occurTime: undefined }, 0);
  settle(life);
  return said;
}

export function pause(life: ModelScenario, paused: boolean): void {
  life.paused = paused;
  settle(life);
}

/** Node 20 and what follows: the answer to the caller; what the WMS says comes at once or later. */
export function requestCancel(life: ModelScenario, wms: Wms): "CANCELLED" | "REFUSED" | "WAITING_FOR_WMS" {
  if (life.cancel === "waiting") {
    return "WAITING_FOR_WMS";
  }
  if (life.status === 1030 || (life.status >= 4010 && life.status !== 9001)) {
    life.cancel = "refused";
    return "REFUSED";
  }
  if (life.status === 9001) {
    life.cancel = "cancelled";
    return "CANCELLED";
  }
  life.paused = true;
  if (life.status < 2010) {
    cancel(life);
    return "CANCELLED";
  }
  life.cancel = "waiting";
  if (wms !== "later") {
    reportWmsAnswer(life, wms === "agrees");
  }
  return "WAITING_FOR_WMS";
}

/** Of two answers the first counts; one to what has left the warehouse meanwhile comes too late. */
export function reportWmsAnswer(life: ModelScenario, agreed: boolean): void {
  if (life.cancel !== "waiting") {
    return;
  }
  if (agreed && life.status < 4010) {
    cancel(life);
    return;
  }
  life.cancel = "refused";
  pause(life, false);
}

function cancel(life: ModelScenario): void {
  answer(life, { status: 9001, by: "operation", occurTime: undefined }, 0);
  life.cancel = "cancelled";
}

/** Goods come back after the hand-over, and not more than were shipped. */
export function returnGoods(
  life: ModelScenario,
  quantity: number,
): "MARKED" | "NOT_HANDED_OVER" | "CANCELLED" | "TOO_MANY" {
  if (life.status === 9001) {
    return "CANCELLED";
  }
  if (life.status < 4010) {
    return "NOT_HANDED_OVER";
  }
  if (life.returned + quantity > life.pieces) {
    return "TOO_MANY";
  }
  life.returned += quantity;
  return "MARKED";
}
