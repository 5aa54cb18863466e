import { type DescField, type DescMessage, toBinary } from "@bufbuild/protobuf";
import type { Random } from "../../tools/testkit/random.ts";
import { anyMessage } from "./message.ts";
import type { Fixture } from "./scalars.ts";

/**
 * Untrusted protobuf bytes: random fields and wire types, wrong lengths, deep groups, or a mutated
 * message.
 */
export function anyWire(random: Random, schema: DescMessage, fixture: Fixture): Buffer {
  switch (random.weighted({ mutated: 5, fields: 5, group: 1, random: 1 })) {
    case "mutated":
      return mutate(random, Buffer.from(toBinary(schema, anyMessage(random, schema, fixture))));
    case "fields":
      return Buffer.concat(Array.from({ length: random.below(6) }, () => anyField(random, schema)));
    case "group": {
      const depth = random.pick([1, 50, 101, 2_000, 50_000]);
      const begin = Buffer.alloc(depth, (15 << 3) | 3);
      return random.chance(0.5) ? begin : Buffer.concat([begin, Buffer.alloc(depth, (15 << 3) | 4)]);
    }
    case "random":
      return anyBytes(random, random.below(60));
  }
}

/** Random bytes. */
export function anyBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

/** Flips bits, truncates, inserts bytes or doubles the input. */
export function mutate(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  switch (random.weighted({ flip: 4, cut: 2, insert: 2, twice: 1 })) {
    case "flip": {
      const copy = Buffer.from(bytes);
      for (let count = 1 + random.below(3); count > 0 && copy.length > 0; count -= 1) {
        const position = random.below(copy.length);
        copy[position] = (copy[position] ?? 0) ^ (1 << random.below(8));
      }
      return copy;
    }
    case "cut":
      return bytes.subarray(0, at);
    case "insert":
      return Buffer.concat([bytes.subarray(0, at), anyBytes(random, 1 + random.below(4)), bytes.subarray(at)]);
    case "twice":
      return Buffer.concat([bytes, bytes]);
  }
}

function anyField(random: Random, { fields }: DescMessage): Buffer {
  const field: DescField | undefined = fields[random.below(fields.length)];
  const number =
    field !== undefined && random.chance(0.7) ? field.number : random.pick([0, 15, 100, 19_000, 2 ** 29 - 1]);
  const wireType = random.below(random.chance(0.9) ? 6 : 8);
  return Buffer.concat([varint(BigInt(number) * 8n + BigInt(wireType)), anyContent(random, wireType)]);
}

function anyContent(random: Random, wireType: number): Buffer {
  switch (wireType) {
    case 0:
      return random.pick([
        varint(0n),
        varint(1n),
        varint(171203044n),
        varint(2n ** 64n - 1n),
        // Longer than a varint may be, and one without an end.
        Buffer.alloc(11, 0x80),
        Buffer.concat([Buffer.alloc(9, 0xff), Buffer.from([0x7f])]),
      ]);
    case 1:
      return anyBytes(random, 8);
    case 2: {
      const content = random.pick([
        Buffer.from("wms-1"),
        // Invalid UTF-8: overlong, a surrogate, truncated, beyond the last code point.
        Buffer.from([0xc0, 0x80]),
        Buffer.from([0xed, 0xa0, 0x80]),
        Buffer.from([0xe2, 0x82]),
        Buffer.from([0xf4, 0x90, 0x80, 0x80]),
        anyBytes(random, random.below(30)),
      ]);
      const length = random.chance(0.85)
        ? BigInt(content.length)
        : random.pick([0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 63n]);
      return Buffer.concat([varint(length), content]);
    }
    case 5:
      return anyBytes(random, 4);
    default:
      return Buffer.alloc(0);
  }
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left >>= 7n) {
    if (left < 128n) {
      bytes.push(Number(left));
      return Buffer.from(bytes);
    }
    bytes.push(Number(left & 127n) | 128);
  }
}
