import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { ensurePromtool } from "../../support/promtool.ts";

const deploy = join(import.meta.dirname, "../../../deploy/observability");
const cases = join(import.meta.dirname, "alerts.test.yml");

let promtool = "";
beforeAll(() => {
  promtool = ensurePromtool();
}, 120_000);

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(promtool, args, { encoding: "utf8", cwd: import.meta.dirname });
  return { status, output: `${stdout}${stderr}` };
}

test.each([
  ["rules", "prometheus-alerts.yml"],
  ["config", "prometheus.yml"],
])("promtool accepts the %s in %s", (what, file) => {
  expect(run("check", what, join(deploy, file))).toMatchObject({
    status: 0,
    output: expect.stringContaining("SUCCESS"),
  });
});

test("each alert fires when it should, and not earlier", () => {
  expect(run("test", "rules", cases)).toMatchObject({ status: 0, output: expect.stringContaining("SUCCESS") });
});

test("each alert is covered by a test", () => {
  const { groups } = parse(readFileSync(join(deploy, "prometheus-alerts.yml"), "utf8")) as {
    readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
  };
  const { tests } = parse(readFileSync(cases, "utf8")) as {
    readonly tests: readonly {
      readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts?: readonly unknown[] }[];
    }[];
  };
  const fired = tests.flatMap(({ alert_rule_test }) =>
    alert_rule_test.filter(({ exp_alerts = [] }) => exp_alerts.length > 0).map(({ alertname }) => alertname),
  );
  const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
  expect(alerts.filter((alert) => !fired.includes(alert))).toEqual([]);
});
