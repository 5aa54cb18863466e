import type { Scenario } from "../scenario.ts";
import { batchUpdate } from "./batch-update.ts";
import { ceilings } from "./ceilings.ts";
import { connectJson } from "./connect-json.ts";
import { effectLatency } from "./effect-latency.ts";
import { floor } from "./floor.ts";
import { generator } from "./generator.ts";
import { getStatus } from "./get-status.ts";
import { growth } from "./growth.ts";
import { hotOrders } from "./hot-orders.ts";
import { idle } from "./idle.ts";
import { memory } from "./memory.ts";
import { mixed } from "./mixed.ts";
import { overload } from "./overload.ts";
import { startUp } from "./start-up.ts";
import { submitOrder } from "./submit-order.ts";
import { tracing } from "./tracing.ts";
import { twoProcesses } from "./two-processes.ts";
import { updateStatus } from "./update-status.ts";
import { watchers } from "./watchers.ts";

/** All scenarios, in the order of measurement and report. */
export const SCENARIOS: readonly Scenario[] = [
  updateStatus,
  connectJson,
  batchUpdate,
  submitOrder,
  getStatus,
  mixed,
  effectLatency,
  hotOrders,
  watchers,
  overload,
  twoProcesses,
  tracing,
  startUp,
  idle,
  floor,
  ceilings,
  generator,
  growth,
  memory,
];

/**
 * The selected scenarios; all by default, without long ones when `quick`.
 *
 * @throws Error when a name is unknown
 */
export function chooseScenarios(only: readonly string[] | undefined, quick: boolean): readonly Scenario[] {
  const unknown = only?.find((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown !== undefined) {
    throw new Error(`unknown scenario ${JSON.stringify(unknown)}; npm run bench -- --list lists all`);
  }
  return SCENARIOS.filter(({ name, long }) => only?.includes(name) ?? !(quick && long));
}
