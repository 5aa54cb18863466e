import type { IncomingMessage } from "node:http";
import { OperationError } from "../../application/errors.ts";
import type { Auth } from "../auth/index.ts";
import { peerOfRequest } from "../peer.ts";

/**
 * Lets to /metrics whoever has the right of that name.
 *
 * @returns rejects with OperationError "unauthenticated" or "permission-denied" for all others
 */
export const metricsRight =
  (auth: Auth) =>
  async (request: IncomingMessage): Promise<void> => {
    const identity = await auth.identify({
      authorization: request.headers.authorization,
      certificateName: peerOfRequest(request).certificateName,
      provenName: undefined,
    });
    if (!auth.rightsOf(identity).mayCall("metrics")) {
      throw new OperationError("permission-denied", `${identity.name} may not read /metrics`);
    }
  };
