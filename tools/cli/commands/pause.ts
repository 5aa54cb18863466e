import type { Command } from "commander";
import { PauseActionResponseSchema } from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { operatorOption } from "../args.ts";
import { examples } from "../examples.ts";
import { withService } from "../session.ts";

/** `oms pause ACTION`: it is held, the others go on. */
export function addPause(program: Command): void {
  const command = program
    .command("pause")
    .description("holds an Action on all servers, within some seconds; its events wait, the other Actions go on")
    .argument("<action>", "its name, see oms actions")
    .requiredOption("--reason <why>", "kept with it, and shown by oms actions")
    .addOption(operatorOption());
  examples(command, ['oms pause e-invoice --reason "the mail provider is down until noon"']);
  command.action((action: string, { reason, operator }: { reason: string; operator: string }) =>
    withService(command, async ({ actions, show }) => {
      const answer = await actions.pauseAction({ action, reason, operator });
      show(
        PauseActionResponseSchema,
        answer,
        () =>
          `${action} ${answer.changed ? "is held" : "was held already; the reason is new"}. Its events wait until: oms resume ${action}`,
      );
    }),
  );
}
