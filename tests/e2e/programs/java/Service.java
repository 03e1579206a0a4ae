import java.io.IOException;
import java.lang.ref.SoftReference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntConsumer;

/**
 * A service of one known memory behaviour: java Service KIND SECONDS BYTES_PER_SECOND GC_SECONDS. Whatever it is, it
 * serves requests that leave garbage behind. It asks for a collection every GC_SECONDS, as distributed collection does
 * each hour: a day lasts minutes here, and the collections of a day with it. It ends by itself.
 */
public final class Service {
  private static final int BLOCK = 4096;
  private static final int TICKS_A_SECOND = 50;

  /** A cache that nobody evicts from. */
  private static final Map<Integer, byte[]> USERS = new HashMap<>();

  /** Listeners that nobody removes. */
  private static final List<IntConsumer> LISTENERS = new ArrayList<>();

  private static final ThreadLocal<List<byte[]>> CONTEXT = ThreadLocal.withInitial(ArrayList::new);

  private static final Map<Integer, SoftReference<byte[]>> SOFT = new HashMap<>();

  private static final Map<Integer, byte[]> BOUNDED =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, byte[]> eldest) {
          return size() > 8 * 1024 * 1024 / BLOCK;
        }
      };

  private static volatile Object sink;
  private static volatile boolean isRepaired;

  private interface Step {
    void run(int number) throws Exception;
  }

  private static Step stepOf(String kind) {
    ExecutorService pool = Executors.newFixedThreadPool(1, Service::daemon);
    switch (kind) {
      case "map":
        return number -> USERS.put(number, new byte[BLOCK]);
      case "repaired":
        return number -> {
          USERS.put(number, new byte[BLOCK]);
          if (isRepaired) {
            USERS.remove(number - USERS.size() + 1);
          }
        };
      case "listener":
        return number -> {
          byte[] session = new byte[BLOCK];
          LISTENERS.add(event -> session[0] = (byte) event);
        };
      case "threadlocal":
        return number -> {
          Future<?> done = pool.submit(() -> CONTEXT.get().add(new byte[BLOCK]));
          done.get();
        };
      case "soft":
        return number -> SOFT.put(number % 8192, new SoftReference<>(new byte[BLOCK]));
      case "bounded":
        return number -> BOUNDED.put(number, new byte[BLOCK]);
      default:
        throw new IllegalArgumentException(kind);
    }
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work);
    thread.setDaemon(true);
    return thread;
  }

  /** Of a leak that is repaired: eviction is switched on by a byte of standard input. */
  private static void awaitRepair() {
    try {
      isRepaired = System.in.read() >= 0;
    } catch (IOException closed) {
      isRepaired = false;
    }
  }

  public static void main(String[] arguments) throws Exception {
    Step step = stepOf(arguments[0]);
    long seconds = Long.parseLong(arguments[1]);
    double blocksATick = Double.parseDouble(arguments[2]) / BLOCK / TICKS_A_SECOND;
    long collectNanoseconds = (long) (Double.parseDouble(arguments[3]) * 1e9);
    daemon(Service::awaitRepair).start();
    long start = System.nanoTime();
    long collected = start;
    long end = start + seconds * 1_000_000_000L;
    int number = 0;
    for (long tick = 1; System.nanoTime() < end; ++tick) {
      for (; number < blocksATick * tick; ++number) {
        step.run(number);
      }
      for (int i = 0; i < 20; ++i) {
        sink = new byte[BLOCK];
      }
      if (System.nanoTime() - collected > collectNanoseconds) {
        collected = System.nanoTime();
        System.gc();
      }
      long next = start + tick * 1_000_000_000L / TICKS_A_SECOND;
      long wait = (next - System.nanoTime()) / 1_000_000;
      if (wait > 0) {
        Thread.sleep(wait);
      }
    }
    System.exit(0);
  }
}
