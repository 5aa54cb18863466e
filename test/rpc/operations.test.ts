import { describe } from "vitest";
import { FRONTS, type FrontName } from "../support/clients.ts";
import { useService } from "../support/service.ts";
import { actionTests } from "./suites/actions.ts";
import { changeTests } from "./suites/changes.ts";
import { fulfilmentTests } from "./suites/fulfilment.ts";
import { readTests } from "./suites/reads.ts";
import { reportTests } from "./suites/reports.ts";
import { validationTests } from "./suites/validation.ts";
import { verdictTests } from "./suites/verdicts.ts";
import { watchTests } from "./suites/watch.ts";

const served = useService({ OMS_WATCH_HEARTBEAT_MS: "300" });

/** One suite for all fronts: each must give the same answers. */
describe.each(Object.keys(FRONTS) as FrontName[])("%s", (front) => {
  const it = {
    get client() {
      return served.client(front);
    },
    get fulfilment() {
      return served.clients(front).fulfilment;
    },
    get actions() {
      return served.clients(front).actions;
    },
    db: served.db,
  };
  verdictTests(it);
  reportTests(it);
  readTests(it);
  changeTests(it);
  validationTests(it);
  watchTests(it);
  fulfilmentTests(it);
  actionTests(it);
});
