import { describe } from "vitest";
import { TRANSPORTS, type TransportName } from "../../support/clients.ts";
import { useService } from "../../support/service.ts";
import { type LegacyClients, openLegacyClients } from "../legacy/client.ts";
import { FULL_COVERAGE, LEGACY_COVERAGE, type LegacyContractApi } from "./api.ts";
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

const harness = useService({ OMS_WATCH_HEARTBEAT_MS: "300" });
const LEGACY = "legacy endpoints";
const transports = [...(Object.keys(TRANSPORTS) as TransportName[]), LEGACY] as const;

/** One suite for all transports: each responds the same, as far as it covers the contract. */
describe.each(transports)("%s", (transport) => {
  if (transport === LEGACY) {
    legacyOperationTests(legacyApi());
    return;
  }
  const api = {
    ...FULL_COVERAGE,
    get client() {
      return harness.client(transport);
    },
    get reversal() {
      return harness.clients(transport).reversal;
    },
    get fulfilment() {
      return harness.clients(transport).fulfilment;
    },
    get actions() {
      return harness.clients(transport).actions;
    },
    db: harness.db,
  };
  legacyOperationTests(api);
  reportOptionTests(api);
  queryTests(api);
  queryValidationTests(api);
  watchTests(api);
  fulfilmentTests(api);
  actionTests(api);
});

/** Operations that the legacy system has as well. */
function legacyOperationTests(api: LegacyContractApi): void {
  verdictTests(api);
  reportTests(api);
  cancelTests(api);
  readTests(api);
  changeTests(api);
  validationTests(api);
}

function legacyApi(): LegacyContractApi {
  let open: LegacyClients | undefined;
  const clients = () => {
    open ??= openLegacyClients(harness.service);
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
    db: harness.db,
  };
}
