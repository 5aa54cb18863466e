package oms.legacy;

import java.io.StringWriter;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.wsdl.Definition;
import javax.wsdl.factory.WSDLFactory;
import javax.xml.namespace.QName;
import org.apache.cxf.frontend.ServerFactoryBean;
import org.apache.cxf.jaxws.JaxWsServerFactoryBean;
import org.apache.cxf.service.model.OperationInfo;
import org.apache.cxf.service.model.ServiceInfo;
import org.apache.cxf.wsdl.service.factory.AbstractServiceConfiguration;
import org.apache.cxf.wsdl11.ServiceWSDLBuilder;

/** Writes the WSDLs that CXF derives from the legacy classes: WriteWsdl FOLDER */
public final class WriteWsdl {
  /** Parameters are named as by XFire, the predecessor of CXF. */
  private static final class XFireNames extends AbstractServiceConfiguration {
    @Override
    public QName getInParameterName(OperationInfo operation, Method method, int position) {
      return new QName(operation.getName().getNamespaceURI(), "in" + position);
    }
  }

  public static void main(String[] args) throws Exception {
    Logger.getLogger("org.apache.cxf").setLevel(Level.SEVERE);
    Path folder = Files.createDirectories(Path.of(args[0]));
    for (Class<?> type : List.of(OrderStatus.class, Detail.class)) {
      // The default: parameters arg0, arg1 … in no namespace.
      var jaxws = new JaxWsServerFactoryBean();
      write(type, jaxws, folder.resolve("jaxws" + type.getSimpleName() + ".wsdl"));

      // The frontend without annotations: parameters in the namespace of the service.
      var simple = new ServerFactoryBean();
      String serviceName = type.getSimpleName() + "Service";
      simple.setServiceName(new QName("http://xfire.legacy.oms/", serviceName));
      simple.getServiceFactory().getServiceConfigurations().add(0, new XFireNames());
      write(type, simple, folder.resolve("xfire" + type.getSimpleName() + ".wsdl"));
    }
  }

  private static void write(Class<?> type, ServerFactoryBean factory, Path file) throws Exception {
    factory.setServiceClass(type);
    factory.setServiceBean(
        Proxy.newProxyInstance(
            type.getClassLoader(), new Class<?>[] {type}, (proxy, method, values) -> null));
    // The address of a servlet, which needs no server.
    factory.setAddress("/" + type.getSimpleName());
    factory.setStart(false);
    List<ServiceInfo> services = factory.create().getEndpoint().getService().getServiceInfos();
    Definition wsdl = new ServiceWSDLBuilder(factory.getBus(), services).build();
    var text = new StringWriter();
    WSDLFactory.newInstance().newWSDLWriter().writeWSDL(wsdl, text);
    // Stubs are generated again from a file that is newer than they are.
    if (!Files.exists(file) || !Files.readString(file).equals(text.toString())) {
      Files.writeString(file, text.toString());
    }
  }
}
