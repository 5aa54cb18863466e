import { describe } from "vitest";
import { type OldClients, openOldAddresses } from "../legacy/client.ts";
import { FRONTS, type FrontName } from "../support/clients.ts";
import { useService } from "../support/service.ts";
import { actionTests } from "./suites/actions.ts";
import { cancelTests } from "./suites/cancels.ts";
import { changeTests } from "./suites/changes.ts";
import type { SuiteContext } from "./suites/context.ts";
import { fulfilmentTests } from "./suites/fulfilment.ts";
import { newReadTests } from "./suites/new-reads.ts";
import { newReportTests } from "./suites/new-reports.ts";
import { newValidationTests } from "./suites/new-validation.ts";
import { readTests } from "./suites/reads.ts";
import { reportTests } from "./suites/reports.ts";
import { TELLS_ALL, TELLS_AS_OLD } from "./suites/telling.ts";
import { validationTests } from "./suites/validation.ts";
import { verdictTests } from "./suites/verdicts.ts";
import { watchTests } from "./suites/watch.ts";

const served = useService({ OMS_WATCH_HEARTBEAT_MS: "300" });
const OLD_ADDRESSES = "old addresses";
const fronts = [...(Object.keys(FRONTS) as FrontName[]), OLD_ADDRESSES] as const;

/** One suite for all fronts: each must give the same answers, as far as it has them. */
describe.each(fronts)("%s", (front) => {
  if (front === OLD_ADDRESSES) {
    oldOperationTests(oldAddresses());
    return;
  }
  const it = {
    ...TELLS_ALL,
    get client() {
      return served.client(front);
    },
    get reversal() {
      return served.clients(front).reversal;
    },
    get fulfilment() {
      return served.clients(front).fulfilment;
    },
    get actions() {
      return served.clients(front).actions;
    },
    db: served.db,
  };
  oldOperationTests(it);
  newReportTests(it);
  newReadTests(it);
  newValidationTests(it);
  watchTests(it);
  fulfilmentTests(it);
  actionTests(it);
});

/** What the old system had, too. */
function oldOperationTests(it: SuiteContext): void {
  verdictTests(it);
  reportTests(it);
  cancelTests(it);
  readTests(it);
  changeTests(it);
  validationTests(it);
}

function oldAddresses(): SuiteContext {
  let open: OldClients | undefined;
  const clients = () => {
    open ??= openOldAddresses(served.service);
    return open;
  };
  return {
    ...TELLS_AS_OLD,
    get client() {
      return clients().client;
    },
    get reversal() {
      return clients().reversal;
    },
    db: served.db,
  };
}
