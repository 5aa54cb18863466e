import type { Command } from "commander";
import {
  PauseActionResponseSchema,
  ResumeActionResponseSchema,
} from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { examples, operatorOption } from "../args.ts";
import { withService } from "../session.ts";

/** `oms pause ACTION`. */
export function addPause(program: Command): void {
  const command = program
    .command("pause")
    .description("pause an Action on all servers within seconds; its events wait, other Actions continue")
    .argument("<action>", "name of the Action, as in oms actions")
    .requiredOption("--reason <text>", "reason, recorded with the change and shown by oms actions")
    .addOption(operatorOption());
  examples(command, ['oms pause e-invoice --reason "the mail provider is down until noon"']);
  command.action((action: string, { reason, operator }: { reason: string; operator: string }) =>
    withService(command, async ({ actions, show }) => {
      const answer = await actions.pauseAction({ action, reason, operator });
      show(
        PauseActionResponseSchema,
        answer,
        () =>
          `${action} ${answer.changed ? "is paused" : "was already paused; its reason is updated"}. To resume: oms resume ${action}`,
      );
    }),
  );
}

/** `oms resume ACTION`. */
export function addResume(program: Command): void {
  const command = program
    .command("resume")
    .description("resume a paused Action; it processes the events that waited")
    .argument("<action>", "name of the Action, as in oms actions")
    .option("--reason <text>", "reason, recorded with the change")
    .addOption(operatorOption());
  examples(command, ["oms resume e-invoice"]);
  command.action((action: string, { reason = "", operator }: { reason?: string; operator: string }) =>
    withService(command, async ({ actions, show }) => {
      const answer = await actions.resumeAction({ action, reason, operator });
      show(ResumeActionResponseSchema, answer, () =>
        answer.changed ? `${action} is resumed. To follow its progress: oms actions` : `${action} was not paused.`,
      );
    }),
  );
}
