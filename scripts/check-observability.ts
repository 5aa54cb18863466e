/**
 * Checks dashboard and alerts: every expression parses with Prometheus' own grammar, and every
 * metric, label and label value in it exists. Every alert has a section in the runbook.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { exposedSeries, knownValues } from "./observability/exposed.ts";
import { faultsOf, labelsOf } from "./observability/promql.ts";

const root = join(import.meta.dirname, "..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const exposed = exposedSeries();
const values = knownValues();

const DASHBOARD = "deploy/observability/grafana-dashboard.json";
const ALERTS = "deploy/observability/prometheus-alerts.yml";
const RUNBOOK = "docs/runbook.md";

/** Separates the alerts' sections of the runbook from those of routine work. */
const END_OF_ALERTS = /^# Procedures$/m;

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Panel {
  readonly type: string;
  readonly title?: string;
  readonly description?: string;
  readonly fieldConfig?: { readonly defaults?: { readonly unit?: string } };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string }[];
}

let faults = 0;
function fault(where: string, what: string): void {
  faults += 1;
  console.error(`${where}: ${what}`);
}

/** Checks that the series have each label of a text with placeholders. */
function checkPlaceholders(where: string, text: string, pattern: RegExp, expr: string): void {
  const labels = labelsOf(expr, exposed);
  for (const [, label = ""] of text.matchAll(pattern)) {
    if (!labels.has(label)) {
      fault(where, `${JSON.stringify(text)} uses the label ${label}, which its series do not have`);
    }
  }
}

function checkExpression(where: string, expr: string): void {
  for (const what of faultsOf(expr, exposed, values)) {
    fault(where, what);
  }
}

const { panels } = JSON.parse(read(DASHBOARD)) as { readonly panels: readonly Panel[] };
for (const { type, title, description, fieldConfig, targets = [] } of panels) {
  const where = `${DASHBOARD}, panel ${JSON.stringify(title)}`;
  if (!title) {
    fault(where, "has no title");
  }
  if (type === "row") {
    continue;
  }
  if (!description || !fieldConfig?.defaults?.unit || targets.length === 0) {
    fault(where, "needs a description, a unit and a query");
  }
  for (const { expr, legendFormat = "" } of targets) {
    checkExpression(where, expr);
    checkPlaceholders(where, legendFormat, /\{\{\s*(\w+)\s*\}\}/g, expr);
  }
}

const { groups } = parse(read(ALERTS)) as { readonly groups: readonly { readonly rules: readonly Alert[] }[] };
const alerts = groups.flatMap(({ rules }) => rules);
for (const { alert, expr, labels, annotations = {} } of alerts) {
  const where = `${ALERTS}, ${alert}`;
  checkExpression(where, expr);
  if (!["page", "ticket"].includes(labels?.severity ?? "")) {
    fault(where, "severity must be page or ticket");
  }
  for (const name of ["summary", "description"]) {
    if (!annotations[name]) {
      fault(where, `has no ${name}`);
    }
    checkPlaceholders(where, annotations[name] ?? "", /\$labels\.(\w+)/g, expr);
  }
  if (annotations.runbook !== `${RUNBOOK}#${alert.toLowerCase()}`) {
    fault(where, `runbook must be ${RUNBOOK}#${alert.toLowerCase()}`);
  }
}

const [forAlerts = ""] = read(RUNBOOK).split(END_OF_ALERTS);
const sections = [...forAlerts.matchAll(/^## (.+)$/gm)].map(([, title = ""]) => title);
const names = alerts.map(({ alert }) => alert);
for (const name of names.filter((alert) => !sections.includes(alert))) {
  fault(RUNBOOK, `has no section ## ${name}`);
}
for (const title of sections.filter((section) => !names.includes(section))) {
  fault(RUNBOOK, `## ${title} is not the name of an alert`);
}
for (const expr of [...read(RUNBOOK).matchAll(/^```promql\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) =>
  block.trim().split("\n"),
)) {
  checkExpression(RUNBOOK, expr);
}

console.log(`${panels.length} panels, ${alerts.length} alerts, ${sections.length} runbook sections`);
process.exit(faults === 0 ? 0 : 1);
