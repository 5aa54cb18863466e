import { ACTIONS, type Action } from "../../tools/demo/effects.ts";
import type { Checker } from "./checker.ts";
import { type OrderFacts, orderIdOf } from "./facts.ts";

/** Tolerance for the difference of the clocks of two services, in milliseconds. */
const CLOCK_SKEW_MS = 500;

const ACTION_OF_PATH: Readonly<Record<string, Action>> = {
  einvoice: "e-invoice",
  finance: "finance-push",
  message: "customer-message",
};

/** The effects of one Action on one order, with their position in time. */
interface Series {
  /** For reports: "took effect" or "was recorded as done". */
  readonly verb: string;
  readonly action: string;
  readonly effects: readonly { readonly version: number; readonly at: number }[];
  readonly tolerance: number;
}

/**
 * The effects of an Action on an order happen in version order, at their receiver and in the
 * ledger.
 */
export const effectOrder: Checker = {
  name: "effects in version order",
  check(facts, find) {
    let checked = 0;
    for (const { verb, action, effects, tolerance } of [...atReceivers(facts), ...inLedger(facts)]) {
      const sorted = effects.toSorted((a, b) => a.version - b.version);
      for (const [index, { version, at }] of sorted.entries()) {
        const before = sorted[index - 1];
        if (before !== undefined && at < before.at - tolerance) {
          find(
            "out of order",
            `${action} for order ${orderIdOf(facts)}: version ${version} ${verb} before version ${before.version}`,
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
    effects: readonly { readonly messageId: string; readonly at: number | undefined }[],
  ) => ({
    verb: "took effect",
    action,
    tolerance: 0,
    effects: effects.flatMap(({ messageId, at }) => {
      const version = versionOf(messageId);
      return version === undefined || at === undefined || redriven.has(`${action} ${messageId}`)
        ? []
        : [{ version, at }];
    }),
  });
  const done = received.filter((entry) => entry.done && entry.path in ACTION_OF_PATH);
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
        ACTION_OF_PATH[path] as Action,
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
    verb: "was recorded as done",
    action,
    tolerance: CLOCK_SKEW_MS,
    effects: rows.flatMap(({ messageId, finishTime }) => {
      const version = versionOf(messageId);
      return version === undefined || finishTime === undefined ? [] : [{ version, at: finishTime }];
    }),
  }));
}

/** Version in the message id of a status change; undefined for other events. */
function versionOf(messageId: string): number | undefined {
  const version = /^\d+-(\d+)$/.exec(messageId)?.[1];
  return version === undefined ? undefined : Number(version);
}
