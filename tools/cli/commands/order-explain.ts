import type { Command } from "commander";
import type {
  AllowedTransition,
  OpenAction,
  RefusedTransition,
} from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import {
  type ExplainOrderResponse,
  ExplainOrderResponseSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { examples, parseOrderId } from "../args.ts";
import { clean, describeState, formatDue } from "../format.ts";
import { withService } from "../session.ts";
import { type Column, formatTable } from "../table.ts";
import { terminal } from "../terminal.ts";

const ALLOWED: readonly Column<AllowedTransition>[] = [
  { title: "allowed next", cell: ({ status }) => describeState(status) },
  { title: "reported by", cell: ({ reportedBy }) => reportedBy.join(", ") },
];

const REFUSED: readonly Column<RefusedTransition>[] = [
  { title: "not allowed", cell: ({ status }) => describeState(status) },
  { title: "because", cell: ({ reason }) => clean(reason), flexible: true },
];

const OPEN_ACTIONS: readonly Column<OpenAction>[] = [
  { title: "open Action", cell: ({ action }) => clean(action) },
  { title: "state", cell: ({ state }) => clean(state), tone: ({ state }) => (state === "PARKED" ? "red" : "yellow") },
  { title: "attempts", cell: ({ attempts }) => String(attempts), align: "right" },
  { title: "next attempt", cell: ({ nextAttemptTime }) => formatDue(nextAttemptTime) },
  { title: "event", cell: ({ messageId }) => clean(messageId) },
  { title: "last error", cell: ({ lastError }) => clean(lastError), flexible: true },
];

function describe(orderId: bigint, answer: ExplainOrderResponse): string {
  const { orderStatus, paused, finished, version, allowed, refused, openActions, flow, summary } = answer;
  const { paint } = terminal;
  const marks = [
    `version ${version}`,
    ...(paused ? [paint("yellow", "paused")] : []),
    ...(finished ? [paint("green", "finished")] : []),
  ];
  const tableOf = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]) =>
    rows.length === 0 ? [] : [formatTable(columns, rows, terminal)];
  const flowParts = flow && [
    flow.step,
    flow.state,
    ...(flow.lastError === "" ? [] : [`last error: ${flow.lastError}`]),
  ];
  const blocks = [
    `${paint("bold", `Order ${orderId}: ${describeState(orderStatus)}`)}, ${marks.join(", ")}\n${clean(summary)}`,
    ...(flowParts === undefined ? [] : [`${paint("bold", "flow")}  ${clean(flowParts.filter(Boolean).join(", "))}`]),
    ...tableOf(OPEN_ACTIONS, openActions),
    ...tableOf(ALLOWED, allowed),
    ...tableOf(REFUSED, refused),
  ];
  return blocks.join("\n\n");
}

/** `oms order explain ORDER`: state, pending work, allowed and refused transitions. */
export function addOrderExplain(order: Command): void {
  const command = order
    .command("explain")
    .description("show an order's state, what it waits for, and which transitions are allowed or refused, and why")
    .argument("<order>", "order id", parseOrderId);
  examples(command, ["oms order explain 171203044", "oms order explain 171203044 --json | jq -r .summary"]);
  command.action((orderId: bigint) =>
    withService(command, async ({ orderStatus, show }) => {
      const answer = await orderStatus.explainOrder({ orderId });
      show(ExplainOrderResponseSchema, answer, () => describe(orderId, answer));
    }),
  );
}
