import type { Command } from "commander";
import { ResumeActionResponseSchema } from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { operatorOption } from "../args.ts";
import { examples } from "../examples.ts";
import { withService } from "../session.ts";

/** `oms resume ACTION`: a held Action goes on. */
export function addResume(program: Command): void {
  const command = program
    .command("resume")
    .description("lets a held Action go on with everything that has come meanwhile")
    .argument("<action>", "its name, see oms actions")
    .option("--reason <why>", "kept with it")
    .addOption(operatorOption());
  examples(command, ["oms resume e-invoice"]);
  command.action((action: string, { reason = "", operator }: { reason?: string; operator: string }) =>
    withService(command, async ({ actions, show }) => {
      const answer = await actions.resumeAction({ action, reason, operator });
      show(ResumeActionResponseSchema, answer, () =>
        answer.changed ? `${action} goes on. How it goes: oms actions` : `${action} was not held.`,
      );
    }),
  );
}
