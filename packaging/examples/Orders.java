import java.util.HashMap;
import java.util.Map;

/**
 * A Java service with nothing of heapfloor in it: its orders are never delivered, 1 MiB a second.
 *
 * <p>java -Xmx256m Orders [SECONDS]. It ends by itself, and stops growing at a little more than
 * half of its heap.
 */
public final class Orders {
  private static final int ORDERS_A_SECOND = 128;
  private static final int ORDER_BYTES = 8192;
  private static final long MOST = Runtime.getRuntime().maxMemory() * 11 / 20 / ORDER_BYTES;

  private record Order(int number, byte[] lines) {}

  private static final Map<Integer, Order> OPEN = new HashMap<>();

  private static volatile byte[] answer;

  private static void place(int number) {
    OPEN.put(number, new Order(number, new byte[ORDER_BYTES]));
  }

  public static void main(String[] arguments) throws InterruptedException {
    int seconds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 600;
    long start = System.nanoTime();
    double collected = 0;
    double passed = 0;
    while (passed < seconds) {
      while (OPEN.size() < Math.min(MOST, (long) (passed * ORDERS_A_SECOND))) {
        place(OPEN.size());
      }
      answer = new byte[8192];
      if (passed - collected > 2) {
        collected = passed;
        System.gc(); // by itself each hours or days; here a day is over in minutes
      }
      Thread.sleep(30);
      passed = (System.nanoTime() - start) / 1e9;
    }
    System.exit(0);
  }
}
