package oms.cxf;

import jakarta.jws.WebParam;
import jakarta.xml.soap.DetailEntry;
import jakarta.xml.soap.SOAPFault;
import jakarta.xml.ws.BindingProvider;
import jakarta.xml.ws.Service;
import jakarta.xml.ws.WebEndpoint;
import jakarta.xml.ws.soap.SOAPFaultException;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Calls legacy methods with stubs of Apache CXF at their default settings. Reads a call per line,
 * {"stubs", "version", "url", "service", "method", "parameters"}, from standard input, and prints a
 * line with the answer, the fault or another error for each.
 *
 * <p>Stubs are "orderstatus", which load the WSDL at the URL, or "jaxws" and "xfire", which have the
 * WSDL of the legacy service and call the URL.
 */
public final class CallAll {
  /** Names of parameters that CXF and XFire derive from their positions. */
  private static final Pattern POSITION = Pattern.compile("(?:arg|in)(\\d+)");

  private static final JsonMapper JSON = new JsonMapper();

  private static final Map<String, Object> PORTS = new HashMap<>();

  public static void main(String[] args) throws Exception {
    Logger.getLogger("").setLevel(Level.SEVERE);
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      output.println(JSON.writeValueAsString(call(JSON.readTree(line))));
    }
  }

  private static ObjectNode call(JsonNode call) throws Exception {
    String service = capitalized(call.get("service").asString());
    Object port = port(call, service);
    Method method = methodNamed(sei(port), call.get("method").asString());
    ObjectNode result = JSON.createObjectNode().put("method", method.getName());
    try {
      return result.put("answer", (String) method.invoke(port, values(method, service, call.get("parameters"))));
    } catch (InvocationTargetException failure) {
      if (failure.getCause() instanceof SOAPFaultException exception) {
        print(exception.getFault(), result.putObject("fault"));
      } else {
        result.put("error", String.valueOf(failure.getCause().getCause()));
      }
      return result;
    }
  }

  private static void print(SOAPFault fault, ObjectNode output) {
    output
        .put("code", fault.getFaultCodeAsQName().getLocalPart())
        .put("text", fault.getFaultString());
    ObjectNode detail = output.putObject("detail");
    if (fault.getDetail() != null) {
      for (Iterator<DetailEntry> all = fault.getDetail().getDetailEntries(); all.hasNext(); ) {
        DetailEntry entry = all.next();
        detail.put(entry.getLocalName(), entry.getTextContent());
      }
    }
  }

  /** The port of a service, with the connections that it keeps. */
  private static Object port(JsonNode call, String service) throws Exception {
    String stubs = call.get("stubs").asString();
    String version = call.get("version").asString();
    String url = call.get("url").asString() + "/services/" + call.get("service").asString();
    String key = stubs + version + url;
    Object port = PORTS.get(key);
    if (port == null) {
      Class<?> type = Class.forName("oms." + stubs + "." + service + "Service");
      boolean isOwn = stubs.equals("orderstatus");
      Service client =
          (Service)
              (isOwn
                  ? type.getConstructor(URL.class).newInstance(URI.create(url + "?wsdl").toURL())
                  : type.getConstructor().newInstance());
      Method opener =
          Arrays.stream(type.getMethods())
              .filter(method -> method.isAnnotationPresent(WebEndpoint.class))
              .filter(method -> method.getParameterCount() == 0)
              .filter(method -> method.getName().endsWith("12") == version.equals("1.2"))
              .findFirst()
              .orElseThrow();
      port = opener.invoke(client);
      if (!isOwn) {
        ((BindingProvider) port).getRequestContext().put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, url);
      }
      PORTS.put(key, port);
    }
    return port;
  }

  /** The interface of the service that a port implements. */
  private static Class<?> sei(Object port) {
    return Arrays.stream(port.getClass().getInterfaces())
        .filter(type -> type.getName().startsWith("oms."))
        .findFirst()
        .orElseThrow();
  }

  private static Method methodNamed(Class<?> type, String name) {
    return Arrays.stream(type.getMethods())
        .filter(method -> method.getName().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(type + " has no method " + name));
  }

  private static Object[] values(Method method, String service, JsonNode given) throws Exception {
    Parameter[] legacy = methodNamed(Class.forName("oms.legacy." + service), method.getName()).getParameters();
    return Arrays.stream(method.getParameters())
        .map(
            parameter -> {
              String name = parameter.getAnnotation(WebParam.class).name();
              Matcher position = POSITION.matcher(name);
              String known =
                  position.matches() ? legacy[Integer.parseInt(position.group(1))].getName() : name;
              JsonNode value = given.get(known);
              return value == null ? null : JSON.treeToValue(value, parameter.getType());
            })
        .toArray();
  }

  private static String capitalized(String name) {
    return Character.toUpperCase(name.charAt(0)) + name.substring(1);
  }
}
