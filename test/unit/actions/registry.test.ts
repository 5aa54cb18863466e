import { expect, test } from "vitest";
import { createRegistry } from "../../../src/actions/registry.ts";
import type { OrderEvent } from "../../../src/domain/events.ts";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { subscriptionsFor } from "../../../src/messaging/runner/action.ts";
import { consumerName } from "../../../src/messaging/runner/consumers.ts";
import { deliveryChanged, eventOfEachKind, invoicePrinted, statusChanged } from "../../support/events.ts";

const PAYMENT_TIMEOUT_MS = 1_800_000;

const registry = createRegistry({ kinds: DEFAULT_ORDER_KINDS, paymentTimeoutMs: PAYMENT_TIMEOUT_MS });
const subscriptions = subscriptionsFor(registry);
const matching = (event: OrderEvent) => subscriptions(event).map(({ action }) => action);

test("names and consumers stay the same: they are stored in the ledger and at the broker", () => {
  const consumers = registry.map(({ name, kind, subjects }) => [
    `${kind} ${name}`,
    subjects.map((subject) => consumerName(name, subject).slice(name.length)),
  ]);
  expect(Object.fromEntries(consumers)).toMatchObject({
    "effect third-party-notify": ["--order-status-any", "--order-delivery-changed"],
    "effect settlement-push": [
      "--order-status-6010",
      "--order-status-6020",
      "--order-status-6030",
      "--order-status-6040",
    ],
    "effect gift-record": ["--order-status-6010"],
    "effect e-invoice": ["--order-status-6010", "--order-invoice-printed"],
    "effect finance-push": ["--order-status-6010"],
    "effect customer-message": ["--order-status-4010", "--order-status-6010"],
    "step approve": ["--order-status-1010", "--order-pause-cleared"],
    "step split": ["--order-status-1020", "--order-pause-cleared"],
    "step allocate": ["--order-status-1020", "--order-pause-cleared"],
    "step dispatch": ["--order-status-2010", "--order-pause-cleared"],
    "step cancel-ask-wms": ["--cancel-requested"],
    "step wms-answer-conflict": ["--cancel-conflict"],
    "step release-stock": ["--order-status-9001", "--cancel-agreed"],
    "timer payment-timeout": [],
    "timer cancel-time-limit": [],
  });
});

const changes: readonly [string, Omit<Parameters<typeof statusChanged>[0], "orderId">, string[]][] = [
  ["created", { toStatus: Status.CREATED }, ["payment-timeout"]],
  ["created, of a source without payment timeout", { toStatus: Status.CREATED, orderSource: 1025 }, []],
  ["paid", { toStatus: Status.PAID }, ["approve"]],
  ["paid, without warehouses", { toStatus: Status.PAID, warehouseCount: 0 }, []],
  ["approved, in two warehouses", { toStatus: Status.APPROVED, warehouseCount: 2 }, ["split"]],
  ["approved, in one warehouse", { toStatus: Status.APPROVED, warehouseCount: 1 }, ["allocate"]],
  ["allocated", { toStatus: Status.ERP_ALLOCATED }, ["dispatch"]],
  ["shipped", { toStatus: Status.HANDED_OVER }, ["customer-message"]],
  ["delivered", { toStatus: Status.DELIVERED }, ["settlement-push", "gift-record", "customer-message"]],
  ["rejected", { toStatus: Status.REJECTED }, ["settlement-push"]],
  ["delivery failed", { toStatus: Status.DELIVERY_FAILED }, ["settlement-push"]],
  ["lost", { toStatus: Status.LOST }, ["settlement-push"]],
  ["cancelled before the allocation", { toStatus: Status.CANCELLED, fromStatus: Status.APPROVED }, []],
  [
    "cancelled after the allocation",
    { toStatus: Status.CANCELLED, fromStatus: Status.ERP_ALLOCATED },
    ["release-stock"],
  ],
  ["a marketplace's, paid", { toStatus: Status.PAID, orderSource: 2002, warehouseCount: 0 }, ["third-party-notify"]],
  [
    "a marketplace's, delivered",
    { toStatus: Status.DELIVERED, orderSource: 2002 },
    ["third-party-notify", "settlement-push", "gift-record", "finance-push", "customer-message"],
  ],
  [
    "a recharge card, delivered",
    { toStatus: Status.DELIVERED, orderType: 31 },
    ["settlement-push", "gift-record", "e-invoice", "customer-message"],
  ],
  [
    "an enterprise order, delivered",
    { toStatus: Status.DELIVERED, orderType: 21 },
    ["settlement-push", "gift-record", "finance-push", "customer-message"],
  ],
];

test.each(changes)("status change matched: %s", (_name, change, expected) => {
  expect(matching(statusChanged({ orderId: 1n, ...change }))).toEqual(expected);
});

test("other events are matched by the Actions that need them", () => {
  expect(matching(invoicePrinted(1n))).toEqual(["e-invoice"]);
  expect(matching(invoicePrinted(1n, { sendEmail: false }))).toEqual([]);
  expect(matching(deliveryChanged(1n))).toEqual([]);
  expect(matching(deliveryChanged(1n, { orderSource: 2003 }))).toEqual(["third-party-notify"]);
  const others = eventOfEachKind(1n).filter(({ type }) => /^(pause|return|cancel)-/.test(type));
  expect(others.map((event) => [event.messageId, matching(event)])).toEqual([
    ["1-pause-a", []],
    ["1-pause-b", ["dispatch"]],
    ["1-return-f", []],
    ["1-return-g", []],
    ["1-cancel-7-requested", ["cancel-ask-wms", "cancel-time-limit"]],
    ["1-cancel-7-refused", []],
    ["1-cancel-8-agreed", ["release-stock"]],
    ["1-cancel-8-conflict", ["wms-answer-conflict"]],
  ]);
});

test("timers are due after the payment timeout, and at the time limit of the WMS's answer", () => {
  const created = statusChanged({ orderId: 1n, toStatus: Status.CREATED });
  const requested = eventOfEachKind(1n).find(({ messageId }) => messageId === "1-cancel-7-requested") as OrderEvent;
  const dueTimes = [created, requested].flatMap(subscriptions).flatMap(({ due }) => due ?? []);
  expect(dueTimes).toEqual([
    new Date(created.recordTime.getTime() + PAYMENT_TIMEOUT_MS),
    new Date("2026-03-04T06:06:06Z"),
  ]);
});
