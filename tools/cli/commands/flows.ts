import { create } from "@bufbuild/protobuf";
import { type Command, Option } from "commander";
import {
  FlowState,
  FlowStateSchema,
  ListOrderFlowsResponseSchema,
  type OrderFlow,
} from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { parseLimit } from "../args.ts";
import { examples } from "../examples.ts";
import { clean, formatDue, wordOf } from "../format.ts";
import { readPages } from "../pages.ts";
import { withService } from "../session.ts";
import { type Column, formatTable, type Tone } from "../table.ts";
import { printNote, terminal } from "../terminal.ts";

const TONES: Partial<Record<FlowState, Tone>> = {
  [FlowState.DONE]: "green",
  [FlowState.PAUSED]: "yellow",
  [FlowState.RETRYING]: "yellow",
  [FlowState.FAILED]: "red",
};

const COLUMNS: readonly Column<OrderFlow>[] = [
  { title: "order", cell: ({ orderId }) => String(orderId), align: "right" },
  { title: "step", cell: ({ step }) => step },
  {
    title: "state",
    cell: ({ state }) => wordOf(FlowStateSchema, state),
    tone: ({ state }) => TONES[state],
  },
  { title: "tries", cell: ({ attempts }) => String(attempts), align: "right" },
  { title: "next try", cell: ({ nextRunTime }) => formatDue(nextRunTime) },
  { title: "children", cell: ({ childOrderIds }) => childOrderIds.join(", "), flexible: true },
  { title: "what it waits for", cell: ({ summary }) => clean(summary), flexible: true },
  { title: "last error", cell: ({ lastError }) => clean(lastError), flexible: true },
];

/** What a state can be asked for by, "failed" for FAILED. */
const STATES = new Map<string, FlowState>(
  FlowStateSchema.values
    .filter(({ number }) => number !== FlowState.UNSPECIFIED)
    .map(({ number, localName }) => [localName.toLowerCase(), number as FlowState]),
);
const STEPS = ["payment", "approve", "split", "allocate", "dispatch"];

/** `oms flows`: how far the flow has brought the orders. */
export function addFlows(program: Command): void {
  const command = program
    .command("flows")
    .description("where the flow stands with the orders that it brings to the warehouse, newest order first")
    .addOption(new Option("--state <state>", "only those in this state").choices([...STATES.keys()]))
    .addOption(new Option("--step <step>", "only those at this step").choices(STEPS))
    .option("--limit <count>", "at most so many", parseLimit, 100);
  examples(command, ["oms flows --state failed", "oms flows --state retrying --step allocate --limit 1000"]);
  command.action(({ state = "", step = "", limit }: { state?: string; step?: string; limit: number }) =>
    withService(command, async ({ fulfilment, show }) => {
      const { items, more } = await readPages(limit, async (page) => {
        const answer = await fulfilment.listOrderFlows({
          state: STATES.get(state) ?? FlowState.UNSPECIFIED,
          step,
          ...page,
        });
        return { items: answer.flows, nextPageToken: answer.nextPageToken };
      });
      show(ListOrderFlowsResponseSchema, create(ListOrderFlowsResponseSchema, { flows: items }), () =>
        items.length === 0 ? "The flow has no such order." : formatTable(COLUMNS, items, terminal),
      );
      if (more) {
        printNote(`These are the newest ${items.length}; for more: --limit ${10 * limit}`);
      }
    }),
  );
}
