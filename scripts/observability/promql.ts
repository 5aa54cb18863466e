import { parser } from "@prometheus-io/lezer-promql";
import type { Exposed } from "./exposed.ts";

type SyntaxNode = ReturnType<typeof parser.parse>["topNode"];

/** Errors in an expression: syntax, unknown metrics, labels and label values. */
export function faultsOf(
  text: string,
  exposed: Exposed,
  values: ReadonlyMap<string, ReadonlySet<string>>,
): readonly string[] {
  const expression = withoutVariables(text);
  const textOf = ({ from, to }: SyntaxNode) => expression.slice(from, to);
  const root = parser.parse(expression).topNode;
  const nodes = all(root);
  const broken = nodes.find(({ type }) => type.isError);
  if (broken !== undefined) {
    return [`is not valid PromQL from ${JSON.stringify(expression.slice(broken.from, broken.from + 20))}`];
  }
  const faults: string[] = [];

  for (const selector of nodes.filter(({ name }) => name === "VectorSelector")) {
    const metric = selector.getChild("Identifier");
    const labels = metric === null ? undefined : exposed.get(textOf(metric));
    if (metric === null || labels === undefined) {
      faults.push(`queries ${textOf(metric ?? selector)}, which is not exposed`);
      continue;
    }
    for (const matcher of all(selector).filter(({ name }) => name === "UnquotedLabelMatcher")) {
      const [label, , value] = children(matcher).map(textOf);
      if (label === undefined || !labels.has(label)) {
        faults.push(`matches the label ${label}, which ${textOf(metric)} does not have`);
      } else if (value !== undefined) {
        faults.push(...unknownValues(label, value, values));
      }
    }
  }
  for (const grouping of nodes.filter(({ name }) => name === "GroupingLabels")) {
    const scope = grouping.parent?.parent;
    const labels = scope ? labelsIn(scope, exposed, textOf) : new Set<string>();
    for (const label of grouping.getChildren("LabelName").map(textOf)) {
      if (!labels.has(label)) {
        faults.push(`groups by ${label}, which none of the series has`);
      }
    }
  }
  return faults;
}

/** The labels of the series in an expression. */
export function labelsOf(text: string, exposed: Exposed): ReadonlySet<string> {
  const expression = withoutVariables(text);
  return labelsIn(parser.parse(expression).topNode, exposed, ({ from, to }) => expression.slice(from, to));
}

function labelsIn(scope: SyntaxNode, exposed: Exposed, textOf: (node: SyntaxNode) => string): ReadonlySet<string> {
  const metrics = all(scope)
    .filter(({ name }) => name === "VectorSelector")
    .map((selector) => selector.getChild("Identifier"));
  return new Set(metrics.flatMap((metric) => [...((metric && exposed.get(textOf(metric))) ?? [])]));
}

/** Of `"a|b"`, the values the label never has. Grafana variables are not checked. */
function unknownValues(label: string, literal: string, values: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const known = values.get(label);
  const wanted = literal.slice(1, -1).split("|");
  return wanted
    .filter((value) => known !== undefined && !value.includes("$") && !/[.*+]/.test(value) && !known.has(value))
    .map((value) => `matches ${label} ${JSON.stringify(value)}, which does not exist`);
}

/** Replaces Grafana's duration variables. */
function withoutVariables(text: string): string {
  return text.replaceAll("$__rate_interval", "5m").replaceAll("$__range", "1h");
}

function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    found.push(child);
  }
  return found;
}

/** The node and its descendants. */
function all(node: SyntaxNode): SyntaxNode[] {
  return [node, ...children(node).flatMap(all)];
}
