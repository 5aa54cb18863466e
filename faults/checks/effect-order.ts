import { ACTIONS, type Action } from "../../tools/demo/effects.ts";
import type { Checker } from "./checker.ts";
import { type OrderFacts, orderIdOf } from "./facts.ts";

/** Between the clocks of two services that write when they were done, in milliseconds. */
const CLOCKS_MS = 500;

const PATHS: Readonly<Record<string, Action>> = {
  einvoice: "e-invoice",
  finance: "finance-push",
  message: "customer-message",
};

/** One Action's effects at an order's status changes, with what tells their order. */
interface Series {
  readonly where: string;
  readonly action: string;
  readonly effects: readonly { readonly version: number; readonly at: number }[];
  readonly slack: number;
}

/** An Action takes effect at an order's events in the order of their versions: at its receiver, and as the ledger has it. */
export const effectOrder: Checker = {
  name: "effects in version order",
  check(facts, find) {
    let checked = 0;
    for (const { where, action, effects, slack } of [...atReceivers(facts), ...inLedger(facts)]) {
      const sorted = effects.toSorted((a, b) => a.version - b.version);
      for (const [index, { version, at }] of sorted.entries()) {
        const before = sorted[index - 1];
        if (before !== undefined && at < before.at - slack) {
          find(
            "out of order",
            `${action} at order ${orderIdOf(facts)}: version ${version} ${where} before version ${before.version}`,
          );
        }
      }
      checked += effects.length;
    }
    return checked;
  },
};

function atReceivers({ settlements, received, notifications, ledger }: OrderFacts): Series[] {
  const redriven = new Set(
    ledger.filter((row) => row.redriven).map(({ action, messageId }) => `${action} ${messageId}`),
  );
  const series = (
    action: Action,
    came: readonly { readonly messageId: string; readonly at: number | undefined }[],
  ) => ({
    where: "took effect",
    action,
    slack: 0,
    effects: came.flatMap(({ messageId, at }) => {
      const version = versionOf(messageId);
      return version === undefined || at === undefined || redriven.has(`${action} ${messageId}`)
        ? []
        : [{ version, at }];
    }),
  });
  const done = received.filter((entry) => entry.done && entry.path in PATHS);
  return [
    series(
      "settlement-push",
      settlements.map(({ messageId }, at) => ({ messageId, at })),
    ),
    series(
      "third-party-notify",
      notifications.map(({ messageId, sequence }) => ({ messageId, at: sequence })),
    ),
    ...[...Map.groupBy(done, ({ path }) => path)].map(([path, entries]) =>
      series(
        PATHS[path] as Action,
        entries.map(({ key, doneTime }) => ({ messageId: key, at: Date.parse(doneTime ?? "") })),
      ),
    ),
  ];
}

function inLedger({ ledger }: OrderFacts): Series[] {
  const done = ledger.filter(
    ({ action, state, redriven }) => state === "DONE" && !redriven && (ACTIONS as readonly string[]).includes(action),
  );
  return [...Map.groupBy(done, ({ action }) => action)].map(([action, rows]) => ({
    where: "was done, as the ledger says,",
    action,
    slack: CLOCKS_MS,
    effects: rows.flatMap(({ messageId, finishTime }) => {
      const version = versionOf(messageId);
      return version === undefined || finishTime === undefined ? [] : [{ version, at: finishTime }];
    }),
  }));
}

/** Of a status change's message id. */
function versionOf(messageId: string): number | undefined {
  const version = /^\d+-(\d+)$/.exec(messageId)?.[1];
  return version === undefined ? undefined : Number(version);
}
