import type { Command } from "commander";
import type { State, Transition } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { DescribeStateMachineResponseSchema } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { examples } from "../args.ts";
import { withService } from "../session.ts";
import { type Column, formatTable } from "../table.ts";
import { terminal } from "../terminal.ts";

/** Marks of conditional transitions in the table. */
const MARKS: Readonly<Record<string, string>> = { "CancelOrder only": "*", "virtual goods only": "†" };

function columns(transitions: readonly Transition[]): readonly Column<State>[] {
  const transitionsFrom = Map.groupBy(transitions, ({ from }) => from);
  const reporters = new Map(transitions.map(({ to, reportedBy }) => [to, reportedBy.join(", ")]));
  return [
    { title: "code", cell: ({ code }) => String(code), align: "right" },
    { title: "state", cell: ({ name }) => name },
    { title: "中文", cell: ({ label }) => label },
    // No transition leads to the initial state.
    { title: "reported by", cell: ({ code }) => reporters.get(code) ?? "intake" },
    {
      title: "next states",
      cell: ({ code, final }) =>
        final
          ? "– (final)"
          : (transitionsFrom.get(code) ?? []).map(({ to, condition }) => `${to}${MARKS[condition] ?? ""}`).join(" "),
      flexible: true,
    },
  ];
}

/** `oms states`: the state machine of the service. */
export function addStates(program: Command): void {
  const command = program
    .command("states")
    .description("list the states, the systems that report them, and their transitions");
  examples(command, ["oms states", "oms states --json | jq -r '.states[] | [.code, .label] | @tsv'"]);
  command.action(() =>
    withService(command, async ({ orderStatus, show }) => {
      const answer = await orderStatus.describeStateMachine({});
      show(DescribeStateMachineResponseSchema, answer, () => {
        const legend = Object.entries(MARKS).map(([condition, mark]) => `${mark} ${condition}`);
        return `${formatTable(columns(answer.transitions), answer.states, terminal)}\n\n${legend.join("   ")}`;
      });
    }),
  );
}
