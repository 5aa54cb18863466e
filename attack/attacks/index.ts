import { CALL_ATTACKS } from "./calls.ts";
import { BYTE_ATTACKS } from "./http1.ts";
import { FRAME_ATTACKS } from "./http2.ts";

export type { AttackResult } from "./types.ts";

/** All attacks by name. */
export const ATTACKS = { ...FRAME_ATTACKS, ...BYTE_ATTACKS, ...CALL_ATTACKS };

export type AttackName = keyof typeof ATTACKS;
