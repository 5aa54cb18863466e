import type { Command } from "commander";
import { FlowStateSchema, RetryOrderFlowResponseSchema } from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { operatorOption, parseOrderId } from "../args.ts";
import { examples } from "../examples.ts";
import { wordOf } from "../format.ts";
import { withService } from "../session.ts";

/** `oms flow retry ORDER`: its step is tried now. */
export function addFlowRetry(flow: Command): void {
  const command = flow
    .command("retry")
    .description("has the step of an order that waits for its next try, or was given up, tried now")
    .argument("<order>", "the order's id", parseOrderId)
    .addOption(operatorOption());
  examples(command, ["oms flow retry 171203044"]);
  command.action((orderId: bigint, { operator }: { operator: string }) =>
    withService(command, async ({ fulfilment, show }) => {
      const answer = await fulfilment.retryOrderFlow({ orderId, operator });
      show(
        RetryOrderFlowResponseSchema,
        answer,
        () =>
          `The flow of order ${orderId} is ${wordOf(FlowStateSchema, answer.state)} now. How it goes: oms order explain ${orderId}`,
      );
    }),
  );
}
