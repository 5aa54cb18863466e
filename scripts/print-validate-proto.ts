/**
 * Writes the protobuf files of packages to .buf/, where buf compiles them; this avoids its schema
 * registry. buf/validate/validate.proto, which the contract imports, is printed from the descriptor
 * in @bufbuild/protovalidate: structure only, without comments and options.
 */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DescEnum, DescExtension, DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { file_buf_validate_validate as file } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { protoPath as healthProtoPath } from "grpc-health-check";

const target = join(import.meta.dirname, "..", ".buf", "protovalidate", "buf", "validate", "validate.proto");
const healthTarget = join(import.meta.dirname, "..", ".buf", "health", "grpc", "health", "v1", "health.proto");

/** A field's type, for example "repeated string" or ".buf.validate.Constraint". */
function typeOf(field: DescField | DescExtension): string {
  const type =
    field.message !== undefined
      ? `.${field.message.typeName}`
      : field.enum !== undefined
        ? `.${field.enum.typeName}`
        : ScalarType[field.scalar as ScalarType].toLowerCase();
  if (field.fieldKind === "list") {
    return `repeated ${type}`;
  }
  return field.oneof === undefined ? `optional ${type}` : type;
}

function printField(field: DescField | DescExtension): string {
  return `${typeOf(field)} ${field.name} = ${field.number};`;
}

function printEnum(desc: DescEnum): string {
  const values = desc.values.map((value) => `${value.name} = ${value.number};`);
  return `enum ${desc.name} { ${values.join(" ")} }`;
}

function printMessage(desc: DescMessage): string {
  const members = desc.members.map((member) =>
    member.kind === "oneof"
      ? `oneof ${member.name} { ${member.fields.map(printField).join(" ")} }`
      : printField(member),
  );
  const extensionRanges = desc.proto.extensionRange.map(
    (range) => `extensions ${range.start} to ${(range.end ?? 0) > 536_870_911 ? "max" : (range.end ?? 0) - 1};`,
  );
  return `message ${desc.name} {\n  ${[
    ...desc.nestedEnums.map(printEnum),
    ...desc.nestedMessages.map(printMessage),
    ...members,
    ...extensionRanges,
  ].join("\n  ")}\n}`;
}

const { goPackage, javaPackage, javaOuterClassname, javaMultipleFiles } = file.proto.options ?? {};

const text = [
  'syntax = "proto2";',
  `package ${file.proto.package};`,
  // Stubs in Go and Java refer to the published package of these rules.
  `option go_package = "${goPackage}";`,
  `option java_package = "${javaPackage}";`,
  `option java_outer_classname = "${javaOuterClassname}";`,
  `option java_multiple_files = ${javaMultipleFiles};`,
  file.proto.dependency.map((path) => `import "${path}";`).join("\n"),
  ...file.enums.map(printEnum),
  ...file.messages.map(printMessage),
  ...file.extensions.map((extension) => `extend .${extension.extendee.typeName} { ${printField(extension)} }`),
].join("\n\n");

mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, `${text}\n`);

mkdirSync(dirname(healthTarget), { recursive: true });
copyFileSync(healthProtoPath, healthTarget);
