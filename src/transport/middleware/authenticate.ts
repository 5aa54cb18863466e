import type { Message } from "@bufbuild/protobuf";
import { credentialExpired } from "../auth/identity.ts";
import { type Auth, type Identity, permissionDenied } from "../auth/index.ts";
import type { Call, Interceptor } from "../call.ts";
import { MAX_TIMEOUT_MS } from "../limits.ts";

/** Identifies the caller by its credentials. A stream ends when they expire. */
export const authenticate =
  (auth: Auth): Interceptor =>
  (next, { streaming }) => {
    const identify = (call: Call) =>
      auth.authenticate({
        authorization: call.header("authorization"),
        peer: call.peer,
        authenticatedName: call.authenticatedName,
      });
    const setIdentity = (call: Call, identity: Identity): void => {
      call.identity = identity;
      call.caller = identity.name;
    };
    return streaming
      ? async function* (request, call) {
          const identity = await identify(call);
          setIdentity(call, identity);
          const expiry = abortOnExpiry(identity);
          call.signal = AbortSignal.any([call.signal, expiry.signal]);
          try {
            yield* next(request, call) as AsyncIterable<Message>;
          } finally {
            expiry.clear();
          }
        }
      : (request, call) => {
          const identity = identify(call);
          if (identity instanceof Promise) {
            return identity.then((known) => {
              setIdentity(call, known);
              return next(request, call) as Promise<Message>;
            });
          }
          setIdentity(call, identity);
          return next(request, call);
        };
  };

/**
 * Requires the permission for the RPC. Checked before the request is read: the response, and its
 * timing, do not depend on what the request is about.
 */
export const authorize =
  (auth: Auth): Interceptor =>
  (next, { method }) => {
    const rpc = `${method.parent.name}/${method.name}`;
    return (request, call) => {
      const identity = call.identity as Identity;
      const permissions = auth.permissionsOf(identity);
      if (!permissions.canCall(rpc)) {
        throw permissionDenied(identity, rpc);
      }
      call.reportableStatuses = permissions.reportableStatuses;
      return next(request, call);
    };
  };

/** A signal that aborts when the credentials expire: a stream could outlive them by days. */
function abortOnExpiry(identity: Identity): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const ms = Math.min((identity.expiresAt ?? Number.POSITIVE_INFINITY) - Date.now(), MAX_TIMEOUT_MS);
  const timer = setTimeout(() => controller.abort(credentialExpired(identity)), ms);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}
