import { gzipSync } from "node:zlib";
import type { Random } from "../../tools/testkit/random.ts";
import { anyBytes } from "../values/wire.ts";

/** A length-prefixed message: flags, length, message. */
export function frame(message: Buffer, flags = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

/** A message in malformed frames: truncated, doubled, with a wrong length or wrong flags. */
export function malformedFrames(random: Random, message: Buffer): Buffer {
  return random.pick([
    Buffer.alloc(0),
    frame(message).subarray(0, random.below(message.length + 5)),
    Buffer.concat([frame(message), frame(message)]),
    Buffer.concat([frame(message), anyBytes(random, 1 + random.below(9))]),
    frame(message, 0, message.length + 1),
    frame(message, 0, Math.max(0, message.length - 1)),
    frame(message, 0, 0xff_ff_ff_ff),
    frame(message, 0, 4 * 1024 * 1024 + 1),
    frame(message, 1),
    frame(gzipSync(message), 1),
    frame(message, 2),
    frame(message, 0x80),
    frame(message, random.below(256)),
    anyBytes(random, random.below(40)),
  ]);
}
