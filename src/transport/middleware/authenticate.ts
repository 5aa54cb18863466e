import type { Message } from "@bufbuild/protobuf";
import { OperationError } from "../../application/errors.ts";
import { TOKEN_EXPIRED } from "../auth/identity.ts";
import type { Auth, Identity } from "../auth/index.ts";
import type { Call, Interceptor } from "../call.ts";
import { MAX_TIMEOUT_MS } from "../limits.ts";

/**
 * Lets nobody in who cannot prove who it is, nor anybody who has no right to the RPC; before the request is looked at, so that the answer is
 * the same, and as fast, whatever the request is about.
 */
export const authenticate =
  (auth: Auth): Interceptor =>
  (next, { method, streams }) => {
    const right = `${method.parent.name}/${method.name}`;
    const identify = (call: Call) =>
      auth.authenticate({
        authorization: call.header("authorization"),
        certificateName: call.peer.certificateName,
        authenticatedName: call.provenName,
      });
    const admit = (identity: Identity, call: Call): void => {
      call.caller = identity.name;
      const rights = auth.permissionsOf(identity);
      if (!rights.canCall(right)) {
        throw new OperationError("permission-denied", `${identity.name} may not call ${right}`);
      }
      call.reportableStatuses = rights.reportableStatuses;
    };
    return streams
      ? async function* (request, call) {
          const identity = await identify(call);
          admit(identity, call);
          const expiry = expiryOf(identity);
          call.signal = AbortSignal.any([call.signal, expiry.signal]);
          try {
            yield* next(request, call) as AsyncIterable<Message>;
          } finally {
            expiry.forget();
          }
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

/** Aborts when the proof of who watches has expired: a stream could outlive it by days. */
function expiryOf({ until }: Identity): { readonly signal: AbortSignal; forget(): void } {
  const expiry = new AbortController();
  const ms = Math.min((until ?? Number.POSITIVE_INFINITY) - Date.now(), MAX_TIMEOUT_MS);
  const timer = setTimeout(() => expiry.abort(new OperationError("unauthenticated", TOKEN_EXPIRED)), ms);
  return { signal: expiry.signal, forget: () => clearTimeout(timer) };
}
