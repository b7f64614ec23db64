import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;

/**
 * Answers each request with its eventor-offset header, and writes that to standard error, by Tomcat.
 *
 * <p>Arguments: the port, the seconds after which an idle connection is closed, and the number of requests for each
 * connection, where 0 stands for what the server does by itself; http, or https with cert.pem and key.pem.
 */
public class Numbering {
  public static void main(String[] arguments) throws Exception {
    int idleSeconds = Integer.parseInt(arguments[1]);
    int maxRequests = Integer.parseInt(arguments[2]);
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(".");
    Connector connector = new Connector();
    connector.setPort(Integer.parseInt(arguments[0]));
    connector.setProperty("address", "127.0.0.1");
    if (idleSeconds > 0) connector.setProperty("keepAliveTimeout", "" + 1000 * idleSeconds);
    if (maxRequests > 0) connector.setProperty("maxKeepAliveRequests", "" + maxRequests);
    if (arguments[3].equals("https")) secure(connector);
    tomcat.setConnector(connector);
    var context = tomcat.addContext("", null);
    Tomcat.addServlet(context, "numbering", new HttpServlet() {
      @Override
      protected void doPost(HttpServletRequest request, HttpServletResponse response)
          throws IOException {
        request.getInputStream().readAllBytes();
        String number = request.getHeader("eventor-offset");
        System.err.println(number);
        response.getWriter().write(number);
      }
    });
    context.addServletMappingDecoded("/", "numbering");
    tomcat.start();
    tomcat.getServer().await();
  }

  private static void secure(Connector connector) {
    connector.setSecure(true);
    connector.setScheme("https");
    connector.setProperty("SSLEnabled", "true");
    SSLHostConfig host = new SSLHostConfig();
    var certificate = new SSLHostConfigCertificate(host, SSLHostConfigCertificate.Type.UNDEFINED);
    certificate.setCertificateFile("cert.pem");
    certificate.setCertificateKeyFile("key.pem");
    host.addCertificate(certificate);
    connector.addSslHostConfig(host);
  }
}
