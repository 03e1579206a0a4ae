import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A small server whose memory behaves in one named way: scenarios of the detector's catalogue as real programs.
 * ../README.md says what each is and how it is recorded.
 */
public final class Workload {
  static final int KIB = 1024;
  static final int MIB = 1024 * KIB;

  /** What a scenario does; called from one thread. */
  abstract static class Scenario {
    void request() {}

    /** Every tenth of a second; seconds since the program began. */
    void tick(double seconds) {}
  }

  /** What every scenario works with. */
  static final class Setting {
    double lengthSeconds = 3600;
    Random random = new Random(1);
    private boolean begun;
    private long leakedBytes;

    /** From now on memory is lost for good. */
    void onset() {
      if (!begun) {
        begun = true;
        System.out.println("onset");
      }
    }

    void leaked(long bytes) {
      leakedBytes += bytes;
    }

    double uniform(double low, double high) {
      return low + (high - low) * random.nextDouble();
    }
  }

  private static final LinkedBlockingQueue<Integer> REQUESTS = new LinkedBlockingQueue<>();
  private static long collections;

  private Workload() {}

  /** A loopback port that answers every byte with a byte, one client at a time. */
  private static void listen() throws IOException {
    ServerSocket listener = new ServerSocket(0, 4, InetAddress.getLoopbackAddress());
    System.out.println("port " + listener.getLocalPort());
    Thread server =
        new Thread(
            () -> {
              byte[] buffer = new byte[256];
              while (true) {
                try (Socket client = listener.accept()) {
                  int count;
                  while ((count = client.getInputStream().read(buffer)) > 0) {
                    REQUESTS.add(count);
                    client.getOutputStream().write(buffer, 0, count);
                  }
                } catch (IOException gone) {
                  // The driver comes back or the run is over.
                }
              }
            });
    server.setDaemon(true);
    server.start();
  }

  /** The heap after the last collection, of the young generation as well, and what is in use every second. */
  private static void reportHeap() {
    long count = 0;
    long newestEnd = -1;
    long live = 0;
    for (GarbageCollectorMXBean bean : ManagementFactory.getGarbageCollectorMXBeans()) {
      count += Math.max(0, bean.getCollectionCount());
      com.sun.management.GcInfo last = ((com.sun.management.GarbageCollectorMXBean) bean).getLastGcInfo();
      if (last != null && last.getEndTime() > newestEnd) {
        newestEnd = last.getEndTime();
        live = heapBytes(last.getMemoryUsageAfterGc());
      }
    }
    if (count != collections && newestEnd >= 0) {
      collections = count;
      System.out.println("mark " + count + " " + live);
    }
    System.out.println("used " + ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
  }

  private static long heapBytes(Map<String, MemoryUsage> pools) {
    long bytes = 0;
    for (Map.Entry<String, MemoryUsage> pool : pools.entrySet()) {
      String name = pool.getKey();
      if (name.contains("Eden") || name.contains("Survivor") || name.contains("Old") || name.contains("Tenured")) {
        bytes += pool.getValue().getUsed();
      }
    }
    return bytes;
  }

  private static void serve(Scenario scenario, Setting setting) throws InterruptedException {
    long began = System.nanoTime();
    double nextTick = 0;
    byte[] temporary = null;
    for (long ticks = 0; ; ) {
      double now = (System.nanoTime() - began) / 1e9;
      if (now >= setting.lengthSeconds) {
        return;
      }
      if (now >= nextTick) {
        scenario.tick(now);
        nextTick = Math.max(nextTick + 0.1, now);
        ++ticks;
        if (ticks % 10 == 0) {
          reportHeap();
        }
        if (ticks % 100 == 0) {
          System.out.println("leaked " + setting.leakedBytes);
        }
      }
      Integer count = REQUESTS.poll((long) (1000 * Math.max(0, nextTick - now)) + 1, TimeUnit.MILLISECONDS);
      for (int i = 0; count != null && i < count; ++i) {
        temporary = new byte[KIB + setting.random.nextInt(31 * KIB)];
        temporary[0] = 1;
        scenario.request();
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    Setting setting = new Setting();
    String name = "";
    for (String argument : arguments) {
      String[] parts = argument.split("=", 2);
      switch (parts[0]) {
        case "--scenario" -> name = parts[1];
        case "--seconds" -> setting.lengthSeconds = Double.parseDouble(parts[1]);
        case "--seed" -> setting.random = new Random(Long.parseLong(parts[1]));
        case "--directory" -> {} // for files; none are written
        default -> throw new IllegalArgumentException(argument);
      }
    }
    Scenario scenario = Scenarios.make(name, setting);
    listen();
    serve(scenario, setting);
  }
}
