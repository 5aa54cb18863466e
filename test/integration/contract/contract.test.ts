import { describe } from "vitest";
import { TRANSPORTS, type TransportName } from "../../support/clients.ts";
import { useService } from "../../support/service.ts";
import { type LegacyClients, openLegacyClients } from "../legacy/client.ts";
import type { SuiteContext } from "./context.ts";
import { actionTests } from "./contract-actions.ts";
import { cancelTests } from "./contract-cancels.ts";
import { changeTests } from "./contract-changes.ts";
import { fulfilmentTests } from "./contract-fulfilment.ts";
import { queryTests } from "./contract-queries.ts";
import { queryValidationTests } from "./contract-query-validation.ts";
import { readTests } from "./contract-reads.ts";
import { reportOptionTests } from "./contract-report-options.ts";
import { reportTests } from "./contract-reports.ts";
import { validationTests } from "./contract-validation.ts";
import { verdictTests } from "./contract-verdicts.ts";
import { watchTests } from "./contract-watch.ts";
import { FULL_COVERAGE, LEGACY_COVERAGE } from "./coverage.ts";

const served = useService({ OMS_WATCH_HEARTBEAT_MS: "300" });
const OLD_ADDRESSES = "old addresses";
const fronts = [...(Object.keys(TRANSPORTS) as TransportName[]), OLD_ADDRESSES] as const;

/** One suite for all fronts: each must give the same answers, as far as it has them. */
describe.each(fronts)("%s", (front) => {
  if (front === OLD_ADDRESSES) {
    oldOperationTests(oldAddresses());
    return;
  }
  const it = {
    ...FULL_COVERAGE,
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
  reportOptionTests(it);
  queryTests(it);
  queryValidationTests(it);
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
  let open: LegacyClients | undefined;
  const clients = () => {
    open ??= openLegacyClients(served.service);
    return open;
  };
  return {
    ...LEGACY_COVERAGE,
    get client() {
      return clients().client;
    },
    get reversal() {
      return clients().reversal;
    },
    db: served.db,
  };
}
