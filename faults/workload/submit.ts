import { FulfilmentService } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { isVirtual, type Order } from "../../tools/demo/orders.ts";
import type { Random } from "../../tools/testkit/random.ts";
import type { Calls } from "./calls.ts";
import { type Call, createCall, createOrderJournal, type OrderJournal, recordAnswer } from "./journal.ts";

/** Probability that the shop chooses the order id, and that it repeats the submission. */
const OWN_ID = 0.5;
const REPEATED = 0.05;

/**
 * Submits an order, sometimes twice. The journal's order has the id from the answer.
 *
 * @param onUnknown called with a submission that was not answered: whether the order exists is
 *   unknown
 * @param onJournal called with the journal that is started
 */
export async function submitOrder(
  { calls, random }: { readonly calls: Calls; readonly random: Random },
  order: Order,
  {
    onUnknown,
    onJournal,
  }: { readonly onUnknown: (call: Call) => void; readonly onJournal: (journal: OrderJournal) => void },
): Promise<OrderJournal> {
  const requestId = `faults-submit-${order.id}`;
  const request = {
    orderId: random.chance(OWN_ID) ? order.id : 0n,
    orderSource: order.source,
    orderType: order.type,
    lines: order.lines.map((line) => ({ ...line })),
    rechargeAccount: isVirtual(order) ? `138${String(order.id).slice(-8)}` : "",
    invoice: { title: `客户 ${order.id}`, content: "商品明细", email: `customer-${order.id}@example.com` },
    operator: "faults",
    requestId,
  };
  const isRepeated = random.chance(REPEATED);
  const call = createCall({ rpc: "SubmitOrder", requestId, requested: { status: 1000 }, expected: "OK" });
  const send = async () => {
    const reply = await calls.send(random, FulfilmentService.method.submitOrder, request, "shop", call);
    const id = reply.kind === "answered" ? reply.message.orderId : undefined;
    recordAnswer(call, reply.kind === "answered" ? "OK" : reply.reason, String(id ?? ""), { version: 1 });
    return id;
  };
  try {
    const id = await send();
    const journal = createOrderJournal({ ...order, id: id ?? order.id, isParent: false }, "submitted");
    journal.calls.push(call);
    onJournal(journal);
    if (isRepeated) {
      await send();
    }
    return journal;
  } finally {
    if (call.answer === undefined && call.sent > 0) {
      onUnknown(call);
    }
  }
}
