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
async function step(tell: OrderDriver, random: Random): Promise<boolean> {
  const what = random.weighted(ASIDE);
  const { status } = tell.model;
  switch (what) {
    case "repeat":
      await tell.repeat();
      break;
    case "double":
      await tell.report(status, { time: status === 5020 || status === 6030 ? "long ago" : "next" });
      break;
    case "late":
      await tell.report(random.pick([1010, 1020, 3010, 3030, 5010]), { time: "long ago", pinned: true });
      break;
    case "illegal":
      await tell.report(random.pick([1030, 1000, 6010, 1010]), { time: "long ago", pinned: true });
      break;
    case "wonder":
      await tell.wonder();
      break;
    case "pause":
      await tell.setPause(!tell.model.paused);
      break;
    case "judge":
      await tell.judge(random.chance(0.5) ? "cancel" : "rejection");
      break;
    case "carrier":
      await tell.changeCarrier();
      break;
    case "invoice":
      await tell.printInvoice(random.chance(0.7));
      break;
    case "ship":
      if (!FINAL.includes(status)) {
        await tell.ship();
      }
      break;
    case "mark":
      await tell.markReturned();
      break;
    case "cancel":
      await tell.cancel();
      break;
    case "request":
      if (status < 2010 || status >= 4010) {
        await tell.requestCancel();
        await tell.lookAgain();
      }
      break;
    default:
      if (FINAL.includes(status)) {
        return false;
      }
      await forward(tell, random);
  }
  return true;
}

async function forward(tell: OrderDriver, random: Random): Promise<void> {
  if (tell.haunted) {
    await tell.lookAgain();
  }
  const status = nextStatus(tell, random);
  const heldBack = tell.model.paused && [1020, 2010, 2020].includes(status);
  if (heldBack) {
    // Refused, and nothing comes of it; then somebody resumes the order.
    await tell.report(status, { pinned: true });
    await tell.setPause(false);
  } else if (random.chance(0.03)) {
    await tell.reportTwice(status);
  } else {
    await tell.report(status, { batched: random.chance(BATCHED) });
  }
}

/** An order that other systems inserted: every state is reported, and everything else happens on the way. */
export async function runInsertedOrder(tell: OrderDriver, random: Random): Promise<void> {
  for (let steps = 0; steps < MAX_STEPS && (await step(tell, random)); steps += 1) {}
  await after(tell, random);
}

/** What may come after the end. */
async function after(tell: OrderDriver, random: Random): Promise<void> {
  if (tell.model.paused) {
    await tell.setPause(false);
  }
  if (random.chance(0.15)) {
    if (random.chance(0.3)) {
      await tell.returnGoods(true);
    }
    await tell.returnGoods(false);
  }
  if (random.chance(0.5)) {
    await tell.repeat();
  }
  if (random.chance(0.1)) {
    // Refused: nothing follows an end.
    await tell.report(2020, { time: "long ago", pinned: true });
  }
  await tell.lookAgain();
  tell.finish();
}

/** What the lives of orders in the forward flow need besides. */
export interface FlowContext {
  /** Begins to tell of what an order was split into. */
  readonly follow: (parent: Order, childIds: readonly bigint[]) => Promise<readonly OrderDriver[]>;
  /** How the WMS is to answer when this order's cancel is asked for. */
  readonly tellWms: (orderId: bigint, mode: "ok" | "refuse" | "later") => Promise<void>;
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
async function comesTo(tell: OrderDriver, statuses: readonly number[]): Promise<boolean> {
  const came = await until(async () => {
    await tell.lookAgain();
    if (tell.model.paused && tell.haunted) {
      // A pause of ours that nobody had answered was carried out late.
      await tell.setPause(false);
    }
    return statuses.includes(tell.model.status);
  });
  return came;
}

/** An order that came by SubmitOrder: it is paid, the flow brings it to the warehouse, or it is cancelled on its way. */
export async function runSubmittedOrder(tell: OrderDriver, random: Random, world: FlowContext): Promise<void> {
  const fate = random.weighted({ straight: 70, paused: 10, "cancelled unpaid": 4, "cancelled paid": 6, waited: 10 });
  if (fate === "cancelled unpaid") {
    await tell.requestCancel();
    await tell.lookAgain();
    await after(tell, random);
    return;
  }
  if (fate === "paused") {
    await tell.setPause(true);
  }
  if (fate === "waited") {
    await tell.wonder();
  }
  await tell.report(1010);
  if (isVirtual(tell.order)) {
    await runInsertedOrder(tell, random);
    return;
  }
  tell.exact = false;
  if (fate === "paused") {
    await tell.getOrderFlow();
    await tell.repeat();
    await tell.setPause(false);
  }
  if (fate === "cancelled paid") {
    await cancelOnTheWay(tell, random, world);
  }
  if (new Set(tell.order.lines.map(({ warehouseId }) => warehouseId)).size > 1) {
    await liveSplit(tell, random, world);
  } else {
    await liveFromDispatch(tell, random, world);
  }
}

async function liveSplit(tell: OrderDriver, random: Random, world: FlowContext): Promise<void> {
  if (!(await comesTo(tell, [1030, 9001])) || tell.model.status === 9001) {
    return;
  }
  tell.exact = true;
  const flow = await tell.getOrderFlow();
  const children = await world.follow(tell.order, flow?.childOrderIds ?? []);
  // Of a split order each child is asked.
  if (random.chance(0.15)) {
    await tell.requestCancel();
  }
  const cancelAsked = tell.journal.calls.some(({ rpc }) => rpc === "RequestCancel");
  for (const child of children) {
    child.exact = false;
    await liveFromDispatch(child, random, world, { cancelAsked });
  }
  await tell.maxSubOrderStatus();
  await after(tell, random);
}

/** From when the flow is done with it on, all that happens to it is told by us; but for a cancel. */
async function liveFromDispatch(
  tell: OrderDriver,
  random: Random,
  world: FlowContext,
  { cancelAsked = false } = {},
): Promise<void> {
  if (!(await comesTo(tell, [2020, 9001]))) {
    return;
  }
  if (tell.model.status === 2020 && (await openCancel(tell))) {
    await closeCancel(tell, random);
  } else {
    // A cancel of its parent may have been closed since it was seen there.
    await tell.lookAgain();
    if (tell.model.status === 2020 && random.chance(0.12)) {
      await cancelOnTheWay(tell, random, world);
    }
  }
  // Of one that was cancelled before it was seen there nobody can say how far the flow had brought it; nor when a cancel ends that came with
  // its parent's.
  tell.exact = tell.model.visited.includes(2020) && !cancelAsked;
  await runInsertedOrder(tell, random);
}

/** Its cancel was asked for with its parent's. */
async function openCancel(tell: OrderDriver): Promise<boolean> {
  return tell.model.paused && (await tell.cancelState()) === CancelState.WAITING_FOR_WMS;
}

/** The customer wants it cancelled; what comes of it depends on how far it is, and on the WMS. */
async function cancelOnTheWay(tell: OrderDriver, random: Random, world: FlowContext): Promise<void> {
  const wms = random.weighted({ ok: 50, refuse: 25, later: 25 });
  if (wms !== "ok") {
    await world.tellWms(tell.order.id, wms);
  }
  if ((await tell.requestCancel()) === CancelState.WAITING_FOR_WMS) {
    await closeCancel(tell, random, wms === "later");
  }
  if (wms !== "ok") {
    await world.tellWms(tell.order.id, "ok");
  }
  await tell.lookAgain();
}

/** Waits for the WMS's answer, and gives it in its name when it does not come. */
async function closeCancel(tell: OrderDriver, random: Random, later = false): Promise<void> {
  const agreed = random.chance(0.5);
  let looks = 0;
  await until(async () => {
    looks += 1;
    if ((await tell.cancelState()) !== CancelState.WAITING_FOR_WMS) {
      return true;
    }
    if (later && looks >= 2) {
      await tell.reportWmsAnswer(agreed);
    }
    return false;
  });
  await tell.lookAgain();
}
