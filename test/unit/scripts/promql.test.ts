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
])("%s asks for what there is", (expr) => {
  expect(faults(expr)).toEqual([]);
});

test.each([
  ["sum(rate(oms_watchers[5m])", 'is no PromQL from ""'],
  ["oms_rpc_duration_seconds", "asks for oms_rpc_duration_seconds, which the service does not show"],
  ["oms_watcher > 0", "asks for oms_watcher, which"],
  ['{__name__="oms_watchers"}', "asks for {__name__"],
  ['oms_watchers{rpc="GetOrderStatus"}', "matches the label rpc, which oms_watchers does not have"],
  ['oms_action_open{action="approval"}', 'matches action "approval", which there is none of'],
  ['oms_rpc_calls_total{rpc=~"GetOrderStatus|GetOrder"}', 'matches rpc "GetOrder", which there is none of'],
  ["sum by (protocol) (oms_rpc_calls_total)", "groups by protocol, which nothing there has"],
  ["oms_watchers * on (version) oms_outbox_unpublished", "groups by version, which nothing there has"],
])("%s does not: %s", (expr, expected) => {
  expect(faults(expr).join()).toContain(expected);
});

test("an expression's labels are those of its series", () => {
  expect([...labelsOf("rate(oms_commit_retries_total[5m])", exposed)]).toEqual(["job", "instance", "reason"]);
});
