import { create } from "@bufbuild/protobuf";
import { type Command, Option } from "commander";
import {
  FlowState,
  FlowStateSchema,
  ListOrderFlowsResponseSchema,
  type OrderFlow,
  RetryOrderFlowResponseSchema,
} from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { examples, operatorOption, parseLimit, parseOrderId } from "../args.ts";
import { clean, formatDue, wordOf } from "../format.ts";
import { readPages } from "../paging.ts";
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
  { title: "attempts", cell: ({ attempts }) => String(attempts), align: "right" },
  { title: "next attempt", cell: ({ nextRunTime }) => formatDue(nextRunTime) },
  { title: "children", cell: ({ childOrderIds }) => childOrderIds.join(", "), flexible: true },
  { title: "waits for", cell: ({ summary }) => clean(summary), flexible: true },
  { title: "last error", cell: ({ lastError }) => clean(lastError), flexible: true },
];

/** Flow states by their option value, "failed" for FAILED. */
const STATES = new Map<string, FlowState>(
  FlowStateSchema.values
    .filter(({ number }) => number !== FlowState.UNSPECIFIED)
    .map(({ number, localName }) => [localName.toLowerCase(), number as FlowState]),
);
const STEPS = ["payment", "approve", "split", "allocate", "dispatch"];

/** `oms flows`: the flows of orders. */
export function addFlows(program: Command): void {
  const command = program
    .command("flows")
    .description("list the flows of orders from payment to the warehouse, newest order first")
    .addOption(new Option("--state <state>", "only flows in this state").choices([...STATES.keys()]))
    .addOption(new Option("--step <step>", "only flows at this step").choices(STEPS))
    .option("--limit <count>", "maximum number of results", parseLimit, 100);
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
        items.length === 0 ? "No flows match." : formatTable(COLUMNS, items, terminal),
      );
      if (more) {
        printNote(`Showing the newest ${items.length}. For more: --limit ${10 * limit}`);
      }
    }),
  );
}

/** `oms flow retry ORDER`: retries the current step now. */
export function addFlowRetry(flow: Command): void {
  const command = flow
    .command("retry")
    .description("retry the current step of an order now, if it waits for its next attempt or has failed")
    .argument("<order>", "order id", parseOrderId)
    .addOption(operatorOption());
  examples(command, ["oms flow retry 171203044"]);
  command.action((orderId: bigint, { operator }: { operator: string }) =>
    withService(command, async ({ fulfilment, show }) => {
      const answer = await fulfilment.retryOrderFlow({ orderId, operator });
      show(
        RetryOrderFlowResponseSchema,
        answer,
        () =>
          `The flow of order ${orderId} is now ${wordOf(FlowStateSchema, answer.state)}. To follow its progress: oms order explain ${orderId}`,
      );
    }),
  );
}
