import {
  leadsTo,
  STATES,
  Status,
  stateOf,
  TRANSITIONS,
  type Transition,
  transitionsFrom,
} from "../../src/domain/state-machine.ts";
import { type Page, table } from "./page.ts";

const nameOf = (code: number) => stateOf(code)?.name ?? String(code);

const UNCONDITIONAL = TRANSITIONS.filter(({ condition }) => condition === undefined);

/**
 * A transition that only skips states: two others lead to the same state. The diagram leaves it
 * out.
 */
function skipsStates({ from, to, condition }: Transition): boolean {
  const between = UNCONDITIONAL.filter((step) => step.from === from && !leadsTo(step.to, from)).map((step) => step.to);
  const reached = UNCONDITIONAL.some(
    (step) => step.to === to && between.includes(step.from) && (step.from < to || !leadsTo(to, step.from)),
  );
  return condition === undefined && to !== Status.CANCELLED && reached;
}

function diagram(): string {
  const drawn = TRANSITIONS.filter((transition) => !skipsStates(transition));
  return [
    "```mermaid",
    "stateDiagram-v2",
    ...STATES.map(({ code, name, label }) => `  state "${name}<br/>${code} ${label}" as ${name}`),
    "  [*] --> CREATED",
    ...drawn.map(
      ({ from, to, condition }) => `  ${nameOf(from)} --> ${nameOf(to)}${condition ? ` : ${condition}` : ""}`,
    ),
    ...STATES.filter(({ final }) => final).map(({ name }) => `  ${name} --> [*]`),
    "```",
  ].join("\n");
}

function nextStates(code: number): string {
  return transitionsFrom(code)
    .map(({ to, condition }) => `${to}${condition === undefined ? "" : condition === "CancelOrder only" ? "\\*" : "†"}`)
    .join(", ");
}

function states(): string {
  const rows = STATES.map(({ code, name, label, reportedBy, final }) => [
    String(code),
    name,
    label,
    reportedBy.join(", "),
    final ? "– (final)" : nextStates(code),
  ]);
  const note = "\\* by CancelOrder only, not by a report · † virtual goods only";
  return `${table(["code", "state", "中文", "reported by", "next states"], rows)}\n\n${note}`;
}

/** The states and transitions, from the state machine's table. */
export const stateMachine: Page = { file: "docs/state-machine.md", blocks: { diagram, states } };
