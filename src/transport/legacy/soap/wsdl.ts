import { type LegacyMethod, type LegacyService, pathOf } from "../methods.ts";
import type { Parameter, ParameterKind } from "../parameters.ts";
import { declare, type ElementPart, printXml, type Vocabulary, vocabulary } from "./write-xml.ts";

const wsdl = vocabulary("wsdl", "http://schemas.xmlsoap.org/wsdl/");

/** The bindings of both versions of SOAP. */
const BINDINGS: readonly { readonly soap: Vocabulary; readonly binding: string; readonly port: string }[] = [
  { soap: vocabulary("soap", "http://schemas.xmlsoap.org/wsdl/soap/"), binding: "SoapBinding", port: "Port" },
  { soap: vocabulary("soap12", "http://schemas.xmlsoap.org/wsdl/soap12/"), binding: "Soap12Binding", port: "Port12" },
];

export interface WsdlOptions {
  readonly service: LegacyService;
  readonly methods: readonly LegacyMethod[];
  readonly namespace: string;
}

/** Stands for the service's URL until it is known; occurs nowhere else. */
const ADDRESS = "urn:address-of-the-service";

/**
 * Prints a service's WSDL, which is the same for all callers but for the service's URL: printing it
 * takes milliseconds, and anyone may request it.
 *
 * @returns a function of the service's URL as the caller reaches it
 */
export function createWsdl(options: WsdlOptions): (address: string) => string {
  const text = printWsdl(options, ADDRESS);
  return (address) => {
    const escaped = address.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
    return text.replaceAll(ADDRESS, () => escaped);
  };
}

/**
 * A service's WSDL: one port for each version of SOAP, document/literal wrapped.
 *
 * @param address the service's URL as the caller reaches it
 */
function printWsdl({ service, methods, namespace }: WsdlOptions, address: string): string {
  const tns = vocabulary("tns", namespace);
  const portType = service.charAt(0).toUpperCase() + service.slice(1);
  const name = `${portType}Service`;
  return printXml(
    wsdl.element(
      "definitions",
      { ...declare([wsdl, tns, ...BINDINGS.map(({ soap }) => soap)]), name, targetNamespace: namespace },
      [
        wsdl.element("types", {}, [schemaOf(methods, tns)]),
        ...methods.flatMap((method) => [messageElement(method.name), messageElement(`${method.name}Response`)]),
        wsdl.element("portType", { name: portType }, methods.map(operationElement)),
        ...BINDINGS.map(({ soap, binding }) =>
          wsdl.element("binding", { name: name + binding, type: `tns:${portType}` }, [
            soap.element("binding", { style: "document", transport: "http://schemas.xmlsoap.org/soap/http" }),
            ...methods.map((method) => bindingOperation(method, soap)),
          ]),
        ),
        wsdl.element(
          "service",
          { name },
          BINDINGS.map(({ soap, binding, port }) =>
            wsdl.element("port", { binding: `tns:${name}${binding}`, name: portType + port }, [
              soap.element("address", { location: address }),
            ]),
          ),
        ),
      ],
    ),
  );
}

/** A service's schema. */
export function printSchema({ methods, namespace }: WsdlOptions): string {
  return printXml(schemaOf(methods, vocabulary("tns", namespace)));
}

function messageElement(name: string): ElementPart {
  return wsdl.element("message", { name }, [wsdl.element("part", { element: `tns:${name}`, name: "parameters" })]);
}

function operationElement(method: LegacyMethod): ElementPart {
  const { name, rpc } = method;
  const documentation = `Also at ${pathOf(method)} over HTTP. Now ${rpc.parent.typeName}/${rpc.name}.`;
  return wsdl.element("operation", { name }, [
    wsdl.element("documentation", {}, [documentation]),
    wsdl.element("input", { message: `tns:${name}`, name }),
    wsdl.element("output", { message: `tns:${name}Response`, name: `${name}Response` }),
  ]);
}

function bindingOperation({ name }: LegacyMethod, soap: Vocabulary): ElementPart {
  const literal = () => [soap.element("body", { use: "literal" })];
  return wsdl.element("operation", { name }, [
    soap.element("operation", { soapAction: "", style: "document" }),
    wsdl.element("input", { name }, literal()),
    wsdl.element("output", { name: `${name}Response` }, literal()),
  ]);
}

const xs = vocabulary("xs", "http://www.w3.org/2001/XMLSchema");

/** XML Schema types of the parameters; lists and times are text. */
const TYPES: Readonly<Record<ParameterKind, string>> = {
  id: "xs:long",
  status: "xs:int",
  flag: "xs:int",
  text: "xs:string",
  time: "xs:string",
  ids: "xs:string",
  lines: "xs:string",
};

/**
 * The schema of a service's messages as CXF derives it from a Java class: elements within a message
 * are in no namespace.
 */
function schemaOf(methods: readonly LegacyMethod[], tns: Vocabulary): ElementPart {
  const messages = methods.flatMap(({ name, parameters }) => [
    ...messageSchema(tns, name, parameters.map(parameterElement)),
    ...messageSchema(tns, `${name}Response`, [xs.element("element", { name: "return", type: "xs:string" })]),
  ]);
  return xs.element(
    "schema",
    {
      ...declare([xs, tns]),
      targetNamespace: tns.uri,
      elementFormDefault: "unqualified",
      attributeFormDefault: "unqualified",
    },
    messages,
  );
}

/** An element with its complex type. */
function messageSchema(tns: Vocabulary, name: string, content: readonly ElementPart[]): ElementPart[] {
  return [
    xs.element("element", { name, type: `${tns.prefix}:${name}` }),
    xs.element("complexType", { name }, [xs.element("sequence", {}, content)]),
  ];
}

function parameterElement({ name, kind, required, description }: Parameter): ElementPart {
  const documentation = xs.element("annotation", {}, [xs.element("documentation", {}, [description])]);
  return xs.element("element", { minOccurs: required ? undefined : "0", name, type: TYPES[kind] }, [documentation]);
}
