/** The README's picture and table of the state machine, made from the machine itself: `--write` puts them there. */
import {
  leadsTo,
  STATES,
  Status,
  stateOf,
  TRANSITIONS,
  type Transition,
  transitionsFrom,
} from "../src/domain/state-machine.ts";
import { keepDocBlock, markdownTable } from "./doc-block.ts";

const nameOf = (code: number) => stateOf(code)?.name ?? String(code);

const PLAIN = TRANSITIONS.filter(({ condition }) => condition === undefined);

/** An arrow that only skips: two others lead there as well, by a state further on. It is left out of the picture. */
function skips({ from, to, condition }: Transition): boolean {
  const between = PLAIN.filter((step) => step.from === from && !leadsTo(step.to, from)).map((step) => step.to);
  const reached = PLAIN.some(
    (step) => step.to === to && between.includes(step.from) && (step.from < to || !leadsTo(to, step.from)),
  );
  return condition === undefined && to !== Status.CANCELLED && reached;
}

function picture(): string[] {
  const drawn = TRANSITIONS.filter((arrow) => !skips(arrow));
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
  ];
}

function table(): string[] {
  const next = (code: number) =>
    transitionsFrom(code)
      .map(
        ({ to, condition }) => `${to}${condition === undefined ? "" : condition === "CancelOrder only" ? "\\*" : "†"}`,
      )
      .join(", ");
  const rows = STATES.map(({ code, name, label, reportedBy, final }) => [
    String(code),
    name,
    label,
    reportedBy.join(", "),
    final ? "– (final)" : next(code),
  ]);
  return [
    markdownTable(["code", "state", "中文", "reported by", "may go to"], rows),
    "",
    "\\* by CancelOrder only, not by a report · † virtual goods only",
  ];
}

keepDocBlock("README.md", "state machine", [...picture(), "", ...table()].join("\n"), "diagram.ts");
