import { expect, test } from "vitest";
import { exposedSeries, knownValues } from "../../../scripts/observability/exposed.ts";
import { faultsOf, labelsOf } from "../../../scripts/observability/promql.ts";

const exposed = exposedSeries();
const faults = (expr: string) => faultsOf(expr, exposed, knownValues());

test.each([
  'sum by (rpc, le) (rate(oms_rpc_duration_seconds_bucket{job="$job",code!="OK"}[$__rate_interval]))',
  "oms_nodejs_gc_duration_seconds_sum",
  'up{job="order-status-service"} == 0',
  'max(oms_action_oldest_seconds{action=~"approve|split"})',
  "(time() - oms_process_start_time_seconds) * on (instance) group_left (version) oms_build_info",
])("%s is valid", (expr) => {
  expect(faults(expr)).toEqual([]);
});

test.each([
  ["sum(rate(oms_watchers[5m])", 'is not valid PromQL from ""'],
  ["oms_rpc_duration_seconds", "queries oms_rpc_duration_seconds, which is not exposed"],
  ["oms_watcher > 0", "queries oms_watcher, which"],
  ['{__name__="oms_watchers"}', "queries {__name__"],
  ['oms_watchers{rpc="GetOrderStatus"}', "matches the label rpc, which oms_watchers does not have"],
  ['oms_action_open{action="approval"}', 'matches action "approval", which does not exist'],
  ['oms_rpc_calls_total{rpc=~"GetOrderStatus|GetOrder"}', 'matches rpc "GetOrder", which does not exist'],
  ["sum by (protocol) (oms_rpc_calls_total)", "groups by protocol, which none of the series has"],
  ["oms_watchers * on (version) oms_outbox_unpublished", "groups by version, which none of the series has"],
])("%s is rejected: %s", (expr, expected) => {
  expect(faults(expr).join()).toContain(expected);
});

test("an expression's labels are those of its series", () => {
  expect([...labelsOf("rate(oms_commit_retries_total[5m])", exposed)]).toEqual(["job", "instance", "reason"]);
});
