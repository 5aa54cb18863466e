import { setTimeout as sleep } from "node:timers/promises";
import { CancelState } from "../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import { STATES } from "../../src/domain/state-machine.ts";
import { isVirtual, type Order } from "../../tools/demo/orders.ts";
import type { Random } from "../../tools/testkit/random.ts";
import type { OrderDriver } from "./driver.ts";

/** States of the shipping path, the states that may follow it, and the final states. */
const PATH = [1000, 1010, 1020, 2010, 2020, 3010, 3020, 3030, 4010, 5010, 5020] as const;
const END_STATES = [6010, 6010, 6010, 6020, 6030, 6040] as const;
const FINAL: readonly number[] = STATES.filter(({ final }) => final).map(({ code }) => code);

/** Maximum wait for the flow or the WMS, in milliseconds: several faults may follow each other. */
const MAX_WAIT_MS = 180_000;
const FIRST_POLL_MS = 250;
const MAX_POLL_MS = 2_000;

/** Probability that a report is sent in a batch. */
const BATCHED = 0.5;

/** Upper limit of the steps of a scenario. */
const MAX_STEPS = 60;

/** Relative frequency of the steps of a scenario. */
const STEPS = {
  forward: 100,
  repeat: 7,
  duplicate: 6,
  late: 5,
  illegal: 4,
  query: 8,
  pause: 3,
  "pause for verdict": 2,
  carrier: 3,
  invoice: 3,
  ship: 3,
  "mark returned": 2,
  cancel: 1,
  "request cancel": 1,
} as const;

/** The next state on the path, sometimes skipping one. */
function nextStatus({ order, model }: OrderDriver, random: Random): number {
  const { status } = model;
  if (isVirtual(order)) {
    return status === 1000 ? 1010 : 6010;
  }
  if (status === 6030) {
    return random.pick([5020, 6010, 6020, 6040]);
  }
  const at = PATH.indexOf(status as (typeof PATH)[number]);
  const skips = status >= 2020 && random.chance(0.1);
  return PATH[at + (skips ? 2 : 1)] ?? random.pick(END_STATES);
}

/**
 * One random step of an order whose changes all come from its driver. False when the scenario has
 * ended.
 */
async function step(driver: OrderDriver, random: Random): Promise<boolean> {
  const { status } = driver.model;
  switch (random.weighted(STEPS)) {
    case "repeat":
      await driver.repeat();
      break;
    case "duplicate":
      await driver.report(status, { time: status === 5020 || status === 6030 ? "early" : "next" });
      break;
    case "late":
      await driver.report(random.pick([1010, 1020, 3010, 3030, 5010]), { time: "early", pinned: true });
      break;
    case "illegal":
      await driver.report(random.pick([1030, 1000, 6010, 1010]), { time: "early", pinned: true });
      break;
    case "query":
      await driver.queryAny();
      break;
    case "pause":
      await driver.setPause(!driver.model.paused);
      break;
    case "pause for verdict":
      await driver.pauseFor(random.chance(0.5) ? "cancel" : "rejection");
      break;
    case "carrier":
      await driver.changeCarrier();
      break;
    case "invoice":
      await driver.printInvoice(random.chance(0.7));
      break;
    case "ship":
      if (!FINAL.includes(status)) {
        await driver.recordShipment();
      }
      break;
    case "mark returned":
      await driver.markReturned();
      break;
    case "cancel":
      await driver.cancel();
      break;
    case "request cancel":
      if (status < 2010 || status >= 4010) {
        await driver.requestCancel();
        await driver.refresh();
      }
      break;
    case "forward":
      if (FINAL.includes(status)) {
        return false;
      }
      await stepForward(driver, random);
  }
  return true;
}

async function stepForward(driver: OrderDriver, random: Random): Promise<void> {
  if (driver.uncertain) {
    await driver.refresh();
  }
  const status = nextStatus(driver, random);
  const isHeld = driver.model.paused && [1020, 2010, 2020].includes(status);
  if (isHeld) {
    // Rejected while paused; then the order is resumed.
    await driver.report(status, { pinned: true });
    await driver.setPause(false);
  } else if (random.chance(0.03)) {
    await driver.reportTwice(status);
  } else {
    await driver.report(status, { batched: random.chance(BATCHED) });
  }
}

/**
 * An order that another system inserted: all states are reported by the driver, with other
 * operations in between.
 */
export async function runInsertedOrder(driver: OrderDriver, random: Random): Promise<void> {
  for (let steps = 0; steps < MAX_STEPS && (await step(driver, random)); steps += 1) {}
  await runFinalSteps(driver, random);
}

/** Operations that may follow the last state. */
async function runFinalSteps(driver: OrderDriver, random: Random): Promise<void> {
  if (driver.model.paused) {
    await driver.setPause(false);
  }
  if (random.chance(0.15)) {
    if (random.chance(0.3)) {
      await driver.returnGoods(true);
    }
    await driver.returnGoods(false);
  }
  if (random.chance(0.5)) {
    await driver.repeat();
  }
  if (random.chance(0.1)) {
    // Rejected: no state follows a final state.
    await driver.report(2020, { time: "early", pinned: true });
  }
  await driver.refresh();
  driver.finish();
}

/** What scenarios in the forward flow need. */
export interface FlowContext {
  /** Starts driving the children of a split order. */
  readonly driveChildren: (parent: Order, childIds: readonly bigint[]) => Promise<readonly OrderDriver[]>;
  /** Sets the answer of the WMS to a cancel of this order. */
  readonly configureWms: (orderId: bigint, mode: "ok" | "refuse" | "later") => Promise<void>;
}

/** Polls with growing intervals until the condition holds. False on timeout. */
async function poll(condition: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + MAX_WAIT_MS;
  for (let interval = FIRST_POLL_MS; performance.now() < end; interval = Math.min(interval * 1.5, MAX_POLL_MS)) {
    await sleep(interval);
    if (await condition()) {
      return true;
    }
  }
  return false;
}

/** Waits until the flow has moved the order to one of these states. */
function waitForStatus(driver: OrderDriver, statuses: readonly number[]): Promise<boolean> {
  return poll(async () => {
    await driver.refresh();
    if (driver.model.paused && driver.uncertain) {
      // A pause without an answer was executed late.
      await driver.setPause(false);
    }
    return statuses.includes(driver.model.status);
  });
}

/**
 * A submitted order: it is paid, and the flow brings it to the warehouse, or it is cancelled on the
 * way.
 */
export async function runSubmittedOrder(driver: OrderDriver, random: Random, context: FlowContext): Promise<void> {
  const variant = random.weighted({
    straight: 70,
    paused: 10,
    "cancelled unpaid": 4,
    "cancelled paid": 6,
    queried: 10,
  });
  if (variant === "cancelled unpaid") {
    await driver.requestCancel();
    await driver.refresh();
    await runFinalSteps(driver, random);
    return;
  }
  if (variant === "paused") {
    await driver.setPause(true);
  }
  if (variant === "queried") {
    await driver.queryAny();
  }
  await driver.report(1010);
  if (isVirtual(driver.order)) {
    await runInsertedOrder(driver, random);
    return;
  }
  driver.controlled = false;
  if (variant === "paused") {
    await driver.getOrderFlow();
    await driver.repeat();
    await driver.setPause(false);
  }
  if (variant === "cancelled paid") {
    await cancelInFlow(driver, random, context);
  }
  if (new Set(driver.order.lines.map(({ warehouseId }) => warehouseId)).size > 1) {
    await runSplitOrder(driver, random, context);
  } else {
    await runFromDispatch(driver, random, context);
  }
}

async function runSplitOrder(driver: OrderDriver, random: Random, context: FlowContext): Promise<void> {
  if (!(await waitForStatus(driver, [1030, 9001])) || driver.model.status === 9001) {
    return;
  }
  driver.controlled = true;
  const flow = await driver.getOrderFlow();
  const children = await context.driveChildren(driver.order, flow?.childOrderIds ?? []);
  // Cancels each child.
  if (random.chance(0.15)) {
    await driver.requestCancel();
  }
  const cancelRequested = driver.journal.calls.some(({ rpc }) => rpc === "RequestCancel");
  for (const child of children) {
    child.controlled = false;
    await runFromDispatch(child, random, context, { cancelRequested });
  }
  await driver.maxSubOrderStatus();
  await runFinalSteps(driver, random);
}

/** Once the flow has ended, all changes come from the driver, except those of a cancel. */
async function runFromDispatch(
  driver: OrderDriver,
  random: Random,
  context: FlowContext,
  { cancelRequested = false } = {},
): Promise<void> {
  if (!(await waitForStatus(driver, [2020, 9001]))) {
    return;
  }
  if (driver.model.status === 2020 && (await hasOpenCancel(driver))) {
    await closeCancel(driver, random);
  } else {
    // A cancel of its parent may have been closed meanwhile.
    await driver.refresh();
    if (driver.model.status === 2020 && random.chance(0.12)) {
      await cancelInFlow(driver, random, context);
    }
  }
  // Not predictable: how far the flow had brought an order cancelled before, when its parent's
  // cancel ends, and whether the WMS agrees after a refusal was reported in its place.
  const hasReportedRefusal = driver.journal.calls.some(
    ({ rpc, requested }) => rpc === "ReportWmsAnswer" && requested.agreed === false,
  );
  driver.controlled = driver.model.visited.includes(2020) && !cancelRequested && !hasReportedRefusal;
  await runInsertedOrder(driver, random);
}

/** Its cancel was requested with its parent's. */
async function hasOpenCancel(driver: OrderDriver): Promise<boolean> {
  return driver.model.paused && (await driver.cancelState()) === CancelState.WAITING_FOR_WMS;
}

/** Requests a cancel, whose outcome depends on the order's state and on the WMS. */
async function cancelInFlow(driver: OrderDriver, random: Random, context: FlowContext): Promise<void> {
  const wms = random.weighted({ ok: 50, refuse: 25, later: 25 });
  if (wms !== "ok") {
    await context.configureWms(driver.order.id, wms);
  }
  if ((await driver.requestCancel()) === CancelState.WAITING_FOR_WMS) {
    await closeCancel(driver, random, wms === "later");
  }
  if (wms !== "ok") {
    await context.configureWms(driver.order.id, "ok");
  }
  await driver.refresh();
}

/** Waits for the answer of the WMS, and reports one in its place when it answers later. */
async function closeCancel(driver: OrderDriver, random: Random, later = false): Promise<void> {
  const agreed = random.chance(0.5);
  let polls = 0;
  await poll(async () => {
    polls += 1;
    if ((await driver.cancelState()) !== CancelState.WAITING_FOR_WMS) {
      return true;
    }
    if (later && polls >= 2) {
      await driver.reportWmsAnswer(agreed);
    }
    return false;
  });
  await driver.refresh();
}
