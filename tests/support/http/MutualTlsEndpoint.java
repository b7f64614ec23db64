import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.cert.Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;
import javax.net.ssl.*;

/**
 * An HTTPS endpoint for tests that demands client certificates, which no server of the test's own runtime does. It sends
 * back what it gets, and says on standard output what happens: PORT, CONNECTION, REFUSED and CALL with the client's name.
 *
 * Arguments: port (0 for a free one), file of its certificate, file of its key, file of the clients' authority.
 */
public class MutualTlsEndpoint {
  private static final char[] NO_PASSWORD = {};

  public static void main(String[] args) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keyManagers(args[1], args[2]), trustManagers(args[3]), null);
    SSLServerSocket server = (SSLServerSocket) context.getServerSocketFactory()
        .createServerSocket(Integer.parseInt(args[0]), 50, InetAddress.getByName("127.0.0.1"));
    server.setNeedClientAuth(true);
    say("PORT " + server.getLocalPort());
    while (true) {
      SSLSocket socket = (SSLSocket) server.accept();
      say("CONNECTION");
      new Thread(() -> serve(socket)).start();
    }
  }

  private static void serve(SSLSocket socket) {
    try (socket) {
      socket.startHandshake();
      String client = ((X509Certificate) socket.getSession().getPeerCertificates()[0])
          .getSubjectX500Principal().getName();
      InputStream input = new BufferedInputStream(socket.getInputStream());
      OutputStream output = new BufferedOutputStream(socket.getOutputStream());
      for (String line = line(input); line != null; line = line(input)) {
        int length = 0;
        for (String header = line(input); !header.isEmpty(); header = line(input)) {
          String[] parts = header.split(":", 2);
          if (parts[0].equalsIgnoreCase("content-length")) length = Integer.parseInt(parts[1].trim());
        }
        byte[] body = input.readNBytes(length);
        say("CALL " + client);
        output.write(("HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n")
            .getBytes(StandardCharsets.ISO_8859_1));
        output.write(body);
        output.flush();
      }
    } catch (IOException refused) {
      say("REFUSED " + refused.getMessage());
    }
  }

  private static String line(InputStream input) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = input.read(); next != '\n'; next = input.read()) {
      if (next < 0) return null;
      if (next != '\r') line.append((char) next);
    }
    return line.toString();
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private static KeyManager[] keyManagers(String certificateFile, String keyFile) throws Exception {
    String base64 = Files.readString(Path.of(keyFile)).replaceAll("-----.*-----|\\s", "");
    PrivateKey key = KeyFactory.getInstance("EC")
        .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64)));
    KeyStore store = emptyStore();
    store.setKeyEntry("endpoint", key, NO_PASSWORD, certificates(certificateFile));
    KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
    factory.init(store, NO_PASSWORD);
    return factory.getKeyManagers();
  }

  private static TrustManager[] trustManagers(String authorityFile) throws Exception {
    KeyStore store = emptyStore();
    store.setCertificateEntry("authority", certificates(authorityFile)[0]);
    TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(store);
    return factory.getTrustManagers();
  }

  private static KeyStore emptyStore() throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static Certificate[] certificates(String file) throws Exception {
    try (InputStream input = Files.newInputStream(Path.of(file))) {
      return CertificateFactory.getInstance("X.509").generateCertificates(input)
          .toArray(new Certificate[0]);
    }
  }
}
