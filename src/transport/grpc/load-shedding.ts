import type { StatusObject } from "@grpc/grpc-js";
import { overloaded } from "../middleware/admission.ts";
import { encodeError } from "./encode-error.ts";

/**
 * The response to a call beyond the server's capacity, encoded once: rejecting must cost next to
 * nothing, or a server under several times its load would do nothing else.
 */
export const OVERLOADED: StatusObject = encodeError(overloaded()).status;
