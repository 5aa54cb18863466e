import type { Message } from "@bufbuild/protobuf";
import type { Auth, Identity } from "../../auth/index.ts";
import { OperationError } from "../../operations/errors.ts";
import type { Call, Interceptor } from "../call.ts";

/**
 * Lets nobody in who cannot prove who it is, nor anybody who has no right to the RPC; before the request is looked at, so that the answer is
 * the same, and as fast, whatever the request is about.
 */
export const proveCaller =
  (auth: Auth): Interceptor =>
  (next, { method, streams }) => {
    const right = `${method.parent.name}/${method.name}`;
    const identify = (call: Call) =>
      auth.identify({
        authorization: call.header("authorization"),
        certificateName: call.peer.certificateName,
        provenName: call.provenName,
      });
    const admit = (identity: Identity, call: Call): void => {
      call.caller = identity.name;
      const rights = auth.rightsOf(identity);
      if (!rights.mayCall(right)) {
        throw new OperationError("permission-denied", `${identity.name} may not call ${right}`);
      }
      call.reports = rights.reports;
    };
    return streams
      ? async function* (request, call) {
          admit(await identify(call), call);
          yield* next(request, call) as AsyncIterable<Message>;
        }
      : (request, call) => {
          const identity = identify(call);
          if (identity instanceof Promise) {
            return identity.then((known) => {
              admit(known, call);
              return next(request, call) as Promise<Message>;
            });
          }
          admit(identity, call);
          return next(request, call);
        };
  };
