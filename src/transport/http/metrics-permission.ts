import type { IncomingMessage } from "node:http";
import { OperationError } from "../../application/errors.ts";
import type { Auth } from "../auth/index.ts";
import { peerOfRequest } from "../connections/peer.ts";

/**
 * Lets to /metrics whoever has the right of that name.
 *
 * @returns rejects with OperationError "unauthenticated" or "permission-denied" for all others
 */
export const requireMetricsPermission =
  (auth: Auth) =>
  async (request: IncomingMessage): Promise<void> => {
    const identity = await auth.authenticate({
      authorization: request.headers.authorization,
      certificateName: peerOfRequest(request).certificateName,
      authenticatedName: undefined,
    });
    if (!auth.permissionsOf(identity).canCall("metrics")) {
      throw new OperationError("permission-denied", `${identity.name} may not read /metrics`);
    }
  };
