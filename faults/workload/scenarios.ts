import { setTimeout as sleep } from "node:timers/promises";
import { CancelState } from "../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import { isVirtual, type Order } from "../../tools/demo/orders.ts";
import type { Random } from "../../tools/testkit/random.ts";
import type { OrderDriver } from "./driver.ts";

/** The states of an order that is shipped, and of one that is not. */
const ROAD = [1000, 1010, 1020, 2010, 2020, 3010, 3020, 3030, 4010, 5010, 5020] as const;
const ENDS = [6010, 6010, 6010, 6020, 6030, 6040] as const;
const FINAL: readonly number[] = [1030, 6010, 6020, 6040, 9001];

/** Longest wait for what the flow or the WMS does, in milliseconds: several faults after each other. */
const PATIENCE_MS = 180_000;
const FIRST_LOOK_MS = 250;
const LONGEST_PAUSE_MS = 2_000;

/** Share of the reports that come in batches. */
const BATCHED = 0.5;

/** More than any life takes. */
const MAX_STEPS = 60;

/** What else happens on the way, against 100 for a step forward. */
const ASIDE = {
  forward: 100,
  repeat: 7,
  double: 6,
  late: 5,
  illegal: 4,
  wonder: 8,
  pause: 3,
  judge: 2,
  carrier: 3,
  invoice: 3,
  ship: 3,
  mark: 2,
  cancel: 1,
  request: 1,
} as const;

/** The order's next state: the next one, or one further on. */
function nextStatus({ order, model }: OrderDriver, random: Random): number {
  const { status } = model;
  if (isVirtual(order)) {
    return status === 1000 ? 1010 : 6010;
  }
  if (status === 6030) {
    return random.pick([5020, 6010, 6020, 6040]);
  }
  const at = ROAD.indexOf(status as (typeof ROAD)[number]);
  const skips = status >= 2020 && random.chance(0.1);
  return ROAD[at + (skips ? 2 : 1)] ?? random.pick(ENDS);
}

/** One thing happens to an order whose reports all come from us. False: there is nothing more to come. */
async function step(driver: OrderDriver, random: Random): Promise<boolean> {
  const what = random.weighted(ASIDE);
  const { status } = driver.model;
  switch (what) {
    case "repeat":
      await driver.repeat();
      break;
    case "double":
      await driver.report(status, { time: status === 5020 || status === 6030 ? "long ago" : "next" });
      break;
    case "late":
      await driver.report(random.pick([1010, 1020, 3010, 3030, 5010]), { time: "long ago", pinned: true });
      break;
    case "illegal":
      await driver.report(random.pick([1030, 1000, 6010, 1010]), { time: "long ago", pinned: true });
      break;
    case "wonder":
      await driver.wonder();
      break;
    case "pause":
      await driver.setPause(!driver.model.paused);
      break;
    case "judge":
      await driver.judge(random.chance(0.5) ? "cancel" : "rejection");
      break;
    case "carrier":
      await driver.changeCarrier();
      break;
    case "invoice":
      await driver.printInvoice(random.chance(0.7));
      break;
    case "ship":
      if (!FINAL.includes(status)) {
        await driver.ship();
      }
      break;
    case "mark":
      await driver.markReturned();
      break;
    case "cancel":
      await driver.cancel();
      break;
    case "request":
      if (status < 2010 || status >= 4010) {
        await driver.requestCancel();
        await driver.lookAgain();
      }
      break;
    default:
      if (FINAL.includes(status)) {
        return false;
      }
      await forward(driver, random);
  }
  return true;
}

async function forward(driver: OrderDriver, random: Random): Promise<void> {
  if (driver.uncertain) {
    await driver.lookAgain();
  }
  const status = nextStatus(driver, random);
  const heldBack = driver.model.paused && [1020, 2010, 2020].includes(status);
  if (heldBack) {
    // Refused, and nothing comes of it; then somebody resumes the order.
    await driver.report(status, { pinned: true });
    await driver.setPause(false);
  } else if (random.chance(0.03)) {
    await driver.reportTwice(status);
  } else {
    await driver.report(status, { batched: random.chance(BATCHED) });
  }
}

/** An order that other systems inserted: every state is reported, and everything else happens on the way. */
export async function runInsertedOrder(driver: OrderDriver, random: Random): Promise<void> {
  for (let steps = 0; steps < MAX_STEPS && (await step(driver, random)); steps += 1) {}
  await after(driver, random);
}

/** What may come after the end. */
async function after(driver: OrderDriver, random: Random): Promise<void> {
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
    // Refused: nothing follows an end.
    await driver.report(2020, { time: "long ago", pinned: true });
  }
  await driver.lookAgain();
  driver.finish();
}

/** What the lives of orders in the forward flow need besides. */
export interface FlowContext {
  /** Begins to driver of what an order was split into. */
  readonly follow: (parent: Order, childIds: readonly bigint[]) => Promise<readonly OrderDriver[]>;
  /** How the WMS is to answer when this order's cancel is asked for. */
  readonly configureWms: (orderId: bigint, mode: "ok" | "refuse" | "later") => Promise<void>;
}

/** Looks again and again, with longer pauses, until something is so; false: it never was. */
async function until(look: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + PATIENCE_MS;
  for (let pause = FIRST_LOOK_MS; performance.now() < end; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
    await sleep(pause);
    if (await look()) {
      return true;
    }
  }
  return false;
}

/** Waits until the flow has brought the order to one of these states. */
async function comesTo(driver: OrderDriver, statuses: readonly number[]): Promise<boolean> {
  const came = await until(async () => {
    await driver.lookAgain();
    if (driver.model.paused && driver.uncertain) {
      // A pause of ours that nobody had answered was carried out late.
      await driver.setPause(false);
    }
    return statuses.includes(driver.model.status);
  });
  return came;
}

/** An order that came by SubmitOrder: it is paid, the flow brings it to the warehouse, or it is cancelled on its way. */
export async function runSubmittedOrder(driver: OrderDriver, random: Random, world: FlowContext): Promise<void> {
  const fate = random.weighted({ straight: 70, paused: 10, "cancelled unpaid": 4, "cancelled paid": 6, waited: 10 });
  if (fate === "cancelled unpaid") {
    await driver.requestCancel();
    await driver.lookAgain();
    await after(driver, random);
    return;
  }
  if (fate === "paused") {
    await driver.setPause(true);
  }
  if (fate === "waited") {
    await driver.wonder();
  }
  await driver.report(1010);
  if (isVirtual(driver.order)) {
    await runInsertedOrder(driver, random);
    return;
  }
  driver.exact = false;
  if (fate === "paused") {
    await driver.getOrderFlow();
    await driver.repeat();
    await driver.setPause(false);
  }
  if (fate === "cancelled paid") {
    await cancelOnTheWay(driver, random, world);
  }
  if (new Set(driver.order.lines.map(({ warehouseId }) => warehouseId)).size > 1) {
    await liveSplit(driver, random, world);
  } else {
    await liveFromDispatch(driver, random, world);
  }
}

async function liveSplit(driver: OrderDriver, random: Random, world: FlowContext): Promise<void> {
  if (!(await comesTo(driver, [1030, 9001])) || driver.model.status === 9001) {
    return;
  }
  driver.exact = true;
  const flow = await driver.getOrderFlow();
  const children = await world.follow(driver.order, flow?.childOrderIds ?? []);
  // Of a split order each child is asked.
  if (random.chance(0.15)) {
    await driver.requestCancel();
  }
  const cancelAsked = driver.journal.calls.some(({ rpc }) => rpc === "RequestCancel");
  for (const child of children) {
    child.exact = false;
    await liveFromDispatch(child, random, world, { cancelAsked });
  }
  await driver.maxSubOrderStatus();
  await after(driver, random);
}

/** From when the flow is done with it on, all that happens to it is told by us; but for a cancel. */
async function liveFromDispatch(
  driver: OrderDriver,
  random: Random,
  world: FlowContext,
  { cancelAsked = false } = {},
): Promise<void> {
  if (!(await comesTo(driver, [2020, 9001]))) {
    return;
  }
  if (driver.model.status === 2020 && (await openCancel(driver))) {
    await closeCancel(driver, random);
  } else {
    // A cancel of its parent may have been closed since it was seen there.
    await driver.lookAgain();
    if (driver.model.status === 2020 && random.chance(0.12)) {
      await cancelOnTheWay(driver, random, world);
    }
  }
  // Of one that was cancelled before it was seen there nobody can say how far the flow had brought it; nor when a cancel ends that came with
  // its parent's.
  driver.exact = driver.model.visited.includes(2020) && !cancelAsked;
  await runInsertedOrder(driver, random);
}

/** Its cancel was asked for with its parent's. */
async function openCancel(driver: OrderDriver): Promise<boolean> {
  return driver.model.paused && (await driver.cancelState()) === CancelState.WAITING_FOR_WMS;
}

/** The customer wants it cancelled; what comes of it depends on how far it is, and on the WMS. */
async function cancelOnTheWay(driver: OrderDriver, random: Random, world: FlowContext): Promise<void> {
  const wms = random.weighted({ ok: 50, refuse: 25, later: 25 });
  if (wms !== "ok") {
    await world.configureWms(driver.order.id, wms);
  }
  if ((await driver.requestCancel()) === CancelState.WAITING_FOR_WMS) {
    await closeCancel(driver, random, wms === "later");
  }
  if (wms !== "ok") {
    await world.configureWms(driver.order.id, "ok");
  }
  await driver.lookAgain();
}

/** Waits for the WMS's answer, and gives it in its name when it does not come. */
async function closeCancel(driver: OrderDriver, random: Random, later = false): Promise<void> {
  const agreed = random.chance(0.5);
  let looks = 0;
  await until(async () => {
    looks += 1;
    if ((await driver.cancelState()) !== CancelState.WAITING_FOR_WMS) {
      return true;
    }
    if (later && looks >= 2) {
      await driver.reportWmsAnswer(agreed);
    }
    return false;
  });
  await driver.lookAgain();
}
